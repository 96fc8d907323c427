// Fills missing cards and renews old ones once the page stands; without this script the page is whole as it is.
const PATIENCE_MS = 5000;
const AT_ONCE = 4;

async function fill(body) {
  const card = body.closest("[data-gadget]");
  const status = card.querySelector(".card__status");
  const say = (name) => {
    for (const line of body.querySelectorAll("[data-loading],[data-failed]")) line.hidden = !(name in line.dataset);
  };
  body.setAttribute("aria-busy", "true");
  say("loading");
  try {
    const answer = await fetch(body.dataset.src, {
      headers: { Accept: "text/html" },
      credentials: "same-origin",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (!answer.ok) return;
    const piece = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = piece.querySelector(".card__body");
    if (!fresh) return;
    body.replaceChildren(...fresh.childNodes);
    const word = piece.querySelector(".card__status");
    if (word && status) status.replaceChildren(...word.childNodes);
    body.removeAttribute("data-card");
  } catch {
    // What an old card says stays true; one that was never there says so below.
  } finally {
    say("failed");
    body.removeAttribute("aria-busy");
  }
}

async function work(waiting) {
  for (let body = waiting.shift(); body; body = waiting.shift()) await fill(body);
}

const waiting = [...document.querySelectorAll("[data-card]")];
for (let i = 0; i < AT_ONCE; i += 1) work(waiting);
