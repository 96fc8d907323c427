// Draws the sample anew when a topic is ticked; without this script the button beside it does.
const form = document.querySelector("form[data-sample]");
const place = form.querySelector("[data-sample-here]");
const said = form.querySelector("[data-said]");
let running;

form.addEventListener("change", async () => {
  running?.abort();
  running = new AbortController();
  said.textContent = "";
  place.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.dataset.sample, {
      method: "POST",
      body: new FormData(form),
      credentials: "same-origin",
      signal: running.signal,
    });
    if (!answer.ok || answer.redirected) return;
    const piece = new DOMParser().parseFromString(await answer.text(), "text/html");
    place.replaceChildren(...piece.body.childNodes);
    said.textContent = said.dataset.said;
  } catch {
    // The sample stays as it was.
  } finally {
    place.removeAttribute("aria-busy");
  }
});
