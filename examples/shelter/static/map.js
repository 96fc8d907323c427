// The map and the list of the same places; both are drawn from the answer of our own server.
import { connect } from "/static/frame.js";

const { portal: origin, source } = document.documentElement.dataset;
const svg = document.querySelector("svg");
const list = document.querySelector("ol");
const words = {
  ja: {
    near: (name) => `${name}地区から近い避難場所`, anywhere: "市内の避難場所", choose: "お住まいの地区を許可すると、近い順に表示します。", full: "人まで", fail: "いまは一覧を取得できません。",
    unsure: "いま出ている警報などを確認できません。市の緊急のお知らせを確かめてください。",
    force: (names) => `「${names}」に関わる情報が出ています。そのときに使える場所だけを表示しています。`,
    distance: "距離は、地区の中心からの直線です。", join: "・",
    yes: "使える: ", condition: "条件つき: ", no: "使えない: ", unknown: "記載なし: ",
  },
  en: {
    near: (name) => `Evacuation spaces near ${name}`, anywhere: "Evacuation spaces in the city", choose: "Allow your district to see the nearest.", full: "people", fail: "The list cannot be fetched now.",
    unsure: "The alerts now in force cannot be checked. Please look at the city's emergency notices.",
    force: (names) => `Alerts about ${names} are in force. Only places that may be used then are listed.`,
    distance: "Distances are straight lines from the middle of the district.", join: ", ",
    yes: "open for ", condition: "only in part for ", no: "not for ", unknown: "not stated for ",
  },
};
words["ja-simple"] = {
  ...words.ja,
  near: (name) => `${name}から 近（ちか）い にげる ところ`, anywhere: "市（し）の 中（なか）の にげる ところ", choose: "住（す）んで いる 地区（ちく）を 見（み）て いいと 言（い）うと、近（ちか）い ところを 見せます。",
  unsure: "今（いま）の 警報（けいほう）が わかりません。市（し）の お知（し）らせを 見（み）て ください。",
  force: (names) => `「${names}」の 知（し）らせが 出（で）て います。その とき 使（つか）える ところだけ 見せて います。`,
  distance: "「km」は、地区（ちく）の まん中（なか）からの まっすぐな 長（なが）さです。",
  yes: "使（つか）える: ", condition: "場所（ばしょ）や 階（かい）に よる: ", no: "使（つか）えない: ", unknown: "わからない: ",
};

const SVG = "http://www.w3.org/2000/svg";
const pick = (texts, locale) => texts[locale] ?? texts.ja;

// Each hazard is marked in words; the mark of the hazard in force comes first.
function marks(place, inForce, hazards, said, locale) {
  const order = [...inForce, ...Object.keys(hazards).filter((name) => !inForce.includes(name))];
  const kinds = [...new Set(order.map((name) => place.hazards[name]))];
  const names = (kind) => order.filter((name) => place.hazards[name] === kind).map((name) => pick(hazards[name], locale)).join(said.join);
  return kinds.map((kind) => said[kind] + names(kind));
}

function dots(centre, open) {
  const east = ({ longitude }) => (longitude - centre.longitude) * 0.82;
  const north = ({ latitude }) => latitude - centre.latitude;
  const far = Math.max(...open.map((place) => Math.hypot(east(place), north(place))));
  return open.map((place, n) => {
    const [x, y] = [100 + (east(place) / far) * 88, 100 - (north(place) / far) * 88];
    const dot = document.createElementNS(SVG, "circle");
    for (const [name, value] of Object.entries({ cx: x, cy: y, r: 6 })) dot.setAttribute(name, value);
    const label = document.createElementNS(SVG, "text");
    for (const [name, value] of Object.entries({ x: Math.min(x + 8, 182), y: y + 4 })) label.setAttribute(name, value);
    label.textContent = n + 1;
    svg.append(dot, label);
    return dot;
  });
}

function entry(place, dot, about) {
  const line = document.createElement("li");
  let named;
  if (place.closed) {
    named = document.createElement("s");
  } else if (dot) {
    named = document.createElement("button");
    named.type = "button";
    named.setAttribute("aria-pressed", "false");
    named.onclick = () => {
      const on = named.getAttribute("aria-pressed") === "false";
      for (const other of list.querySelectorAll("button")) other.setAttribute("aria-pressed", "false");
      for (const other of svg.querySelectorAll("circle")) other.classList.remove("on");
      named.setAttribute("aria-pressed", String(on));
      dot.classList.toggle("on", on);
    };
  } else {
    named = document.createElement("strong");
  }
  named.textContent = place.name;
  line.append(named, ` ${about.filter(Boolean).join(" / ")}`);
  list.append(line);
}

function draw({ centre, places, in_force: inForce, hazards }, locale) {
  const said = words[locale] ?? words.ja;
  const name = centre && (locale === "en" ? centre.en : centre.ja);
  document.querySelector("h1").textContent = centre ? said.near(name) : said.anywhere;
  const names = (inForce ?? []).map((one) => pick(hazards[one], locale)).join(said.join);
  const remarks = [inForce === null && said.unsure, names && said.force(names), centre ? said.distance : said.choose];
  document.querySelector("#remarks").textContent = remarks.filter(Boolean).join(" ");
  svg.replaceChildren();
  list.replaceChildren();
  svg.toggleAttribute("hidden", !centre);
  const open = places.filter(({ closed }) => !closed);
  const drawn = centre ? dots(centre, open) : [];
  for (const place of places) {
    const why = place.closed ? [pick(place.closed, locale)] : marks(place, inForce ?? [], hazards, said, locale);
    const size = !place.closed && place.capacity && `${place.capacity} ${said.full}`;
    entry(place, drawn[open.indexOf(place)], [place.km !== null && `${place.km} km`, place.address, size, ...why]);
  }
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
