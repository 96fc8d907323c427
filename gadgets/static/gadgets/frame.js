// The portal's side of a frame: one port, handed to the declared origin only; everything else goes through it.
const root = document.querySelector("[data-frame]");
const { origin, min, max } = root.dataset;
const links = JSON.parse(root.dataset.links);
const context = JSON.parse(root.dataset.context);
const form = root.querySelector("form");
const fallback = root.querySelector("[data-fallback]");
const told = root.querySelector("[data-told]");
const place = root.querySelector("template");
const frame = document.importNode(place.content, true).querySelector("iframe");
const dark = matchMedia("(prefers-color-scheme: dark)");
let port;
let loads = 0;
let over = false;

const theme = () => (dark.matches ? "dark" : "light");
const send = (message) => port?.postMessage({ jsonrpc: "2.0", ...message });
const changed = (params) => send({ method: "context-changed", params });
const refuse = (code, message) => Object.assign(new Error(message), { code });

function say(text, link) {
  told.replaceChildren(text);
  if (link) told.append(link);
  told.hidden = !text;
}

function end(text) {
  over = true;
  port?.close();
  port = undefined;
  frame.remove();
  fallback.hidden = false;
  say(text);
}

const methods = {
  initialize: () => ({ ...context, theme: theme() }),
  async token() {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
    const found = await answer.json().catch(() => ({ message: root.dataset.failed }));
    if (found.over) end(found.message);
    if (!answer.ok) throw refuse(-32000, found.code ?? "failed");
    if (`${found.granted}` !== `${context.granted}`) {
      context.granted = found.granted;
      changed({ granted: found.granted });
    }
    return { token: found.token, expires_in: found.expires_in };
  },
  "size-changed"({ height }) {
    if (!(height > 0)) throw refuse(-32602, "height");
    frame.height = Math.ceil(Math.min(Math.max(height, min), max));
  },
  "open-link"({ url }) {
    const to = URL.canParse(url) && new URL(url);
    if (!to || to.username || !links.includes(to.origin)) throw refuse(-32602, "url");
    const link = Object.assign(document.createElement("a"), { href: to, target: "_blank", rel: "noopener noreferrer" });
    link.append(to.href);
    say(root.dataset.asks, link);
  },
};

async function answer({ data }) {
  const { jsonrpc, id, method, params } = data ?? {};
  let reply;
  try {
    if (jsonrpc !== "2.0" || !Object.hasOwn(methods, method)) throw refuse(-32601, "method");
    reply = { result: (await methods[method](params ?? {})) ?? {} };
  } catch ({ code, message }) {
    reply = { error: { code: code ?? -32603, message } };
  }
  if (id !== undefined) send({ id, ...reply });
}

addEventListener("message", ({ source, origin: from, data }) => {
  if (over || port || source !== frame.contentWindow || from !== origin || data?.method !== "ready") return;
  const channel = new MessageChannel();
  port = channel.port1;
  port.onmessage = answer;
  source.postMessage({ jsonrpc: "2.0", method: "port" }, origin, [channel.port2]);
  fallback.hidden = true;
  say("");
});
// A second document in the frame never speaks through the first one's port, nor gets one of its own.
frame.onload = () => (loads += 1) > 1 && end(root.dataset.left);
dark.onchange = () => changed({ theme: theme() });
setTimeout(() => port || over || say(root.dataset.slow), 1e4);
place.replaceWith(frame);
