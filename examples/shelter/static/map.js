// The map and the list of the same places; both are drawn from the answer of our own server.
import { connect } from "/static/frame.js";

const { portal: origin, source } = document.documentElement.dataset;
const svg = document.querySelector("svg");
const list = document.querySelector("ol");
const words = {
  ja: { near: "近くの避難場所", full: "人まで", quake: "地震のとき使えます", no: "地震のときは使えません", site: "出典のページ", fail: "いまは一覧を取得できません。" },
  en: { near: "Evacuation spaces near", full: "people", quake: "open after an earthquake", no: "not for earthquakes", site: "Source", fail: "The list cannot be fetched now." },
};
words["ja-simple"] = { ...words.ja, near: "近（ちか）くの にげる ところ" };

function draw({ centre, places }, locale) {
  const said = words[locale] ?? words.ja;
  document.querySelector("h1").textContent = `${said.near} (${locale === "en" ? centre.en : centre.ja})`;
  const far = Math.max(...places.map(({ latitude, longitude }) => Math.hypot((longitude - centre.longitude) * 0.82, latitude - centre.latitude)));
  svg.replaceChildren();
  list.replaceChildren();
  places.forEach((place, n) => {
    const x = 100 + (((place.longitude - centre.longitude) * 0.82) / far) * 88;
    const y = 100 - ((place.latitude - centre.latitude) / far) * 88;
    const dot = document.createElementNS(svg.namespaceURI, "circle");
    for (const [name, value] of Object.entries({ cx: x, cy: y, r: 6 })) dot.setAttribute(name, value);
    const label = document.createElementNS(svg.namespaceURI, "text");
    for (const [name, value] of Object.entries({ x: Math.min(x + 8, 182), y: y + 4 })) label.setAttribute(name, value);
    label.textContent = n + 1;
    svg.append(dot, label);
    const line = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = place.name;
    button.setAttribute("aria-pressed", "false");
    button.onclick = () => {
      const on = button.getAttribute("aria-pressed") === "false";
      for (const other of list.querySelectorAll("button")) other.setAttribute("aria-pressed", "false");
      for (const other of svg.querySelectorAll("circle")) other.classList.remove("on");
      button.setAttribute("aria-pressed", String(on));
      dot.classList.toggle("on", on);
    };
    const about = [`${place.km} km`, place.address, place.capacity && `${place.capacity} ${said.full}`, place.earthquake ? said.quake : said.no];
    line.append(button, ` ${about.filter(Boolean).join(" / ")}`);
    list.append(line);
  });
}

const portal = await connect(origin, ({ granted }) => granted && show());
const { locale } = await portal.initialize();
document.documentElement.lang = locale === "en" ? "en" : "ja";
portal.fit(document.documentElement);
document.querySelector("#source").onclick = () => portal.openLink(source);
document.querySelector("#again").onclick = () => show();

async function show() {
  const told = document.querySelector("[role=status]");
  try {
    const answer = await portal.fetch("/places");
    if (!answer.ok) throw new Error(answer.status);
    draw(await answer.json(), locale);
    told.textContent = "";
  } catch {
    told.textContent = (words[locale] ?? words.ja).fail;
  }
}

await show();
