// The frame's side of the handover, to be copied: `const portal = await connect("https://portal.example")`.
// It says ready, waits for the port of exactly this portal, and speaks JSON-RPC 2.0 through it.
export function connect(origin, onChange = () => {}) {
  return new Promise((resolve) => {
    addEventListener("message", function take({ source, origin: from, data, ports }) {
      if (source !== parent || from !== origin || data?.method !== "port" || !ports[0]) return;
      removeEventListener("message", take);
      resolve(speak(ports[0], onChange));
    });
    if (parent !== window) parent.postMessage({ jsonrpc: "2.0", method: "ready" }, origin);
  });
}

function speak(port, onChange) {
  const waiting = new Map();
  let last = 0;
  port.onmessage = ({ data: { id, method, params, result, error } }) => {
    if (method === "context-changed") return onChange(params);
    const { done, fail } = waiting.get(id) ?? {};
    waiting.delete(id);
    return error ? fail?.(Object.assign(new Error(error.message), error)) : done?.(result);
  };
  const tell = (method, params) => port.postMessage({ jsonrpc: "2.0", method, params });
  const ask = (method, params) =>
    new Promise((done, fail) => {
      waiting.set((last += 1), { done, fail });
      port.postMessage({ jsonrpc: "2.0", id: last, method, params });
    });
  return {
    initialize: () => ask("initialize"), // { locale, theme, timeZone, settings, granted }
    openLink: (url) => ask("open-link", { url }),
    // A call of your own server with a token that was minted for it: each holds for 60 seconds and one use.
    async fetch(url, init = {}) {
      const { token } = await ask("token");
      return fetch(url, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } });
    },
    // Tells the portal how tall the page is, whenever that changes.
    fit(element) {
      new ResizeObserver(() => tell("size-changed", { height: element.scrollHeight })).observe(element);
    },
  };
}
