// Warns two minutes before the end; without it pages tell their end.
const { left, src } = document.querySelector("script[data-left]").dataset;
let dialog;
const wait = (s) => setTimeout(look, Math.min(Math.max(s, 1), 9e5) * 1e3);

async function look(url = src, init) {
  let at = 30;
  try {
    const html = await (await fetch(url, init)).text();
    const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("dialog");
    at = +fresh.dataset.left;
    dialog?.close();
    dialog?.remove();
    if (at > 121) return wait(at - 120);
    dialog = document.body.appendChild(fresh);
    const stay = dialog.querySelector("form");
    const again = dialog.querySelector("a");
    if (again) again.href += `?next=${encodeURIComponent(location.pathname)}`;
    else stay.onsubmit = (event) => {
      event.preventDefault();
      look(stay.action, { method: "POST", body: new FormData(stay) });
    };
    dialog.showModal();
    if (at) wait(at + 1);
  } catch {
    wait(at);
  }
}
wait(left - 120);
