// Renews the panel 「届く人数」 while an editor picks an audience; without it the panel shows what was last saved.
const PAUSE_MS = 400;
let timer;

function query(form) {
  const picked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (name.startsWith("audience_")) picked.append(name, value);
  }
  return picked;
}

async function renew(form, panel) {
  const answer = await fetch(`${panel.dataset.reachUrl}?${query(form)}`, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { words, reach } = await answer.json();
  panel.querySelector("[data-reach-words]").textContent = words || panel.dataset.everybody;
  panel.querySelector("[data-reach-count]").textContent = reach;
}

document.addEventListener("change", (event) => {
  const panel = document.querySelector("[data-reach-url]");
  if (!panel || !event.target.name?.startsWith("audience_")) return;
  clearTimeout(timer);
  timer = setTimeout(() => renew(event.target.form, panel), PAUSE_MS);
});
