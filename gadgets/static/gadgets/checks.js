// Asks for the check report again while its run is open; without it the page has a link that does the same.
const place = document.querySelector("[data-checks-url]");

async function again() {
  const answer = await fetch(place.dataset.checksUrl, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const read = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = read.querySelector("[data-checks]");
  const old = place.querySelector("[data-checks]");
  if (!fresh || !old) return;
  if (fresh.innerHTML !== old.innerHTML) old.replaceChildren(...fresh.childNodes);
  if (fresh.hasAttribute("data-open")) setTimeout(again, 1500);
  else location.reload();
}

if (place && place.querySelector("[data-open]")) setTimeout(again, 1500);
