// The portal's side of a frame: one port, for the declared origin only; all else goes through it.
const root = document.querySelector("[data-frame]");
const find = (name) => root.querySelector(name);
const { origin, min, max, links, context, asks, left, slow, failed } = root.dataset;
const known = JSON.parse(context);
const form = find("form");
const told = find("[data-told]");
const place = find("template");
const frame = document.importNode(place.content, true).querySelector("iframe");
const dark = matchMedia("(prefers-color-scheme: dark)");
let port, over;
let loads = 0;

const theme = () => (dark.matches ? "dark" : "light");
const send = (message) => port?.postMessage({ jsonrpc: "2.0", ...message });
const changed = (params) => send({ method: "context-changed", params });
const refusal = (code, message) => ({ code, message });

function say(text, ...more) {
  told.replaceChildren(text, ...more);
  told.hidden = !text;
}

function end(text) {
  over = true;
  port?.close();
  port = null;
  frame.remove();
  find("[data-fallback]").hidden = false;
  say(text);
}

const methods = {
  initialize: () => ({ ...known, theme: theme() }),
  async token() {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
    const found = await answer.json().catch(() => ({ over: true, message: failed }));
    if (found.over) end(found.message);
    if (!answer.ok) throw refusal(-32000, found.code);
    const { token, granted, expires_in } = found;
    if (`${granted}` !== `${known.granted}`) changed({ granted });
    known.granted = granted;
    return { token, expires_in };
  },
  "size-changed"({ height }) {
    if (!(height > 0)) throw refusal(-32602, "height");
    frame.height = Math.ceil(Math.min(Math.max(height, min), max));
  },
  "open-link"({ url }) {
    const to = URL.canParse(url) && new URL(url);
    if (!to || to.username || !JSON.parse(links).includes(to.origin)) throw refusal(-32602, "url");
    const link = document.createElement("a");
    Object.assign(link, { href: to, target: "_blank", rel: "noopener noreferrer" }).append(to.href);
    say(asks, link);
  },
};

async function answer({ data }) {
  const { jsonrpc, id, method, params } = data ?? {};
  let reply;
  try {
    if (jsonrpc !== "2.0" || !Object.hasOwn(methods, method)) throw refusal(-32601, "method");
    reply = { result: (await methods[method](params ?? {})) ?? {} };
  } catch ({ code = -32603, message }) {
    reply = { error: { code, message } };
  }
  if (id !== undefined) send({ id, ...reply });
}

addEventListener("message", ({ source, origin: from, data }) => {
  if (over || port || source !== frame.contentWindow || from !== origin || data?.method !== "ready") return;
  const channel = new MessageChannel();
  port = channel.port1;
  port.onmessage = answer;
  source.postMessage({ jsonrpc: "2.0", method: "port" }, origin, [channel.port2]);
  find("[data-fallback]").hidden = true;
  say("");
});
// A second document in the frame gets no port, and the first one's is closed.
frame.onload = () => ++loads > 1 && end(left);
dark.onchange = () => changed({ theme: theme() });
setTimeout(() => port || over || say(slow), 1e4);
place.replaceWith(frame);
