"""The card of a query: its template filled from entities, and checked before anybody sees it; pure.

`{"$": "/gauge/0/waterLevel/value"}` takes the place of any value; there are no expressions. What is missing
is said: a metric without a number or without a time is `not_available`, an entry of a list whose data are all
missing goes, any other text says that there is nothing. Texts by language are picked for the reader.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from core.texts import Texts
from gadgets.cityos.normal_form import ByLanguage
from gadgets.cityos.pointers import (
    AMBIGUOUS,
    MISSING,
    Data,
    Missing,
    index_of,
    parts_of,
    pointer_of,
    pointers,
    resolve,
)
from gadgets.errors import CardError, Problem
from gadgets.protocol import card as cards
from gadgets.protocol.letters import without_invisible
from gadgets.protocol.manifest import LANGUAGES, Manifest
from gadgets.protocol.text import check_text
from gadgets.protocol.wire import MOST, YEARS, problem
from gadgets.types import DataSpec, Source

NEAR_CLAIM = "area.district"
NOTHING: Texts = {"ja": "情報がありません", "en": "No information", "ja-simple": "わかりません"}
SEVERAL: Texts = {
    "ja": "複数の値が届いていて、どれが正しいか決められないため、表示していない項目があります。",
    "en": "Some items are not shown: several values arrived, and none is marked as the one that counts.",
    "ja-simple": "いくつかの 数字（すうじ）が 来（き）て いて、どれが 正（ただ）しいか わかりません。だから、見せて いない ものが あります。",
}
MIDDLE: Texts = {
    "ja": "広がりのある場所は、その中心の位置で示しています。",
    "en": "Places that cover an area are shown, and their distance is taken, at their middle.",
    "ja-simple": "広（ひろ）い 場所（ばしょ）は、まん中（なか）で 見せて います。",
}
YES_NO: Mapping[bool, Texts] = {
    True: {"ja": "はい", "en": "Yes", "ja-simple": "はい"},
    False: {"ja": "いいえ", "en": "No", "ja-simple": "いいえ"},
}
AHEAD = timedelta(minutes=5)
"""How far an observation may lie in the future: clocks differ a little."""
_LISTS: Mapping[str, str] = {"facts": "items", "list": "items", "dates": "items", "table": "rows"}
_NUMBERS = {("metric", "value"), ("progress", "value"), ("progress", "max"), ("chart", "values")}
_TIMES = {("metric", "observed"), ("dates", "date")}
_ADDRESSES = {"href", "src"}
_POSITION = {("map", "coordinates")}
_MAY_GO = {"note", "href", "intro"}

Look = Callable[[str, str, str], Any]
"""Finds what stands at a pointer, for a key of a type of block."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a card is made under: the reader's language, the time, how long data pass for current, whose they are."""

    locale: str
    now: datetime
    fresh_for: timedelta
    source: Source
    middles: bool = False
    """Whether something that covers an area is placed by its middle."""


def card(template: Mapping[str, Any], data: Data, terms: Terms) -> bytes:
    """The card as a provider would have sent it; `gadgets.protocol.card.parse` has the last word about it."""
    ambiguous = False

    def look(pointer: str, _block: str, _key: str) -> Any:
        nonlocal ambiguous
        found = resolve(data, pointer)
        ambiguous = ambiguous or found is AMBIGUOUS
        return found

    document = _card(template, look, terms)
    remarks = ((SEVERAL, ambiguous), (MIDDLE, terms.middles))
    return _encoded(document, [texts for texts, holds in remarks if holds], terms.locale)


def _encoded(document: dict[str, Any], remarks: Sequence[Texts], locale: str) -> bytes:
    said = [{"type": "text", "text": texts.get(locale, texts["ja"])} for texts in remarks]
    return json.dumps({**document, "blocks": [*document["blocks"], *said]}, ensure_ascii=False).encode()


def _card(template: Mapping[str, Any], look: Look, terms: Terms) -> dict[str, Any]:
    blocks = [block for raw in template["blocks"] for block in _block(raw, look, terms)]
    observed = [
        datetime.fromisoformat(one["observed"])
        for one in blocks
        if isinstance(one, dict) and one.get("type") == "metric" and one.get("observed")
    ]
    oldest = min(observed, default=terms.now) + terms.fresh_for
    summary = _Filler(look, terms, "").fill(template["summary"], "summary")
    source = {"publisher": terms.source.publisher, "licence": terms.source.licence}
    return {
        "lang": "en" if terms.locale == "en" else "ja",
        "summary": _nothing(terms.locale) if isinstance(summary, Missing) else summary,
        "updated": terms.now.isoformat(),
        "valid_until": (oldest if oldest > terms.now else terms.now + terms.fresh_for).isoformat(),
        "source": source | ({"url": terms.source.url} if terms.source.url else {}),
        "blocks": blocks,
    }


def _nothing(locale: str) -> str:
    return NOTHING.get(locale, NOTHING["ja"])


class _Filler:
    """Fills one block."""

    def __init__(self, look: Look, terms: Terms, block: str) -> None:
        self.look, self.terms, self.block = look, terms, block

    def fill(self, value: Any, key: str) -> Any:
        """The value with every pointer replaced; MISSING where nothing was found."""
        pointer = pointer_of(value)
        if pointer is not None:
            return self._converted(self.look(pointer, self.block, key), key)
        if isinstance(value, Mapping):
            if "ja" in value and set(value) <= set(LANGUAGES):
                return value.get(self.terms.locale) or value["ja"]
            return self._object(value)
        if isinstance(value, list | tuple):
            return [self._or_nothing(self.fill(inner, key), key) for inner in value]
        return value

    def _object(self, value: Mapping[str, Any]) -> dict[str, Any]:
        filled = {}
        for key, inner in value.items():
            found = self.fill(inner, key)
            if isinstance(found, Missing) and key in _MAY_GO:
                continue
            filled[key] = self._or_nothing(found, key)
        return filled

    def _or_nothing(self, found: Any, key: str) -> Any:
        if not isinstance(found, Missing):
            return found
        typed = (self.block, key) in _NUMBERS | _TIMES | _POSITION
        return None if typed else _nothing(self.terms.locale)

    def _converted(self, found: Any, key: str) -> Any:
        """A number where a number stands, a time where a time stands, a text everywhere else."""
        if isinstance(found, Missing):
            return found
        if isinstance(found, ByLanguage):
            found = found.pick(self.terms.locale)
        place = (self.block, key)
        if place in _NUMBERS:
            number = isinstance(found, int | float) and not isinstance(found, bool)
            return found if number and abs(found) <= MOST else MISSING
        if place in _TIMES:
            return _time(found) or MISSING
        if place in _POSITION:
            return found if isinstance(found, list) else MISSING
        if isinstance(found, bool):
            return YES_NO[found].get(self.terms.locale, YES_NO[found]["ja"])
        if isinstance(found, int | float):
            return str(found)
        # What is no plain text (markup, control characters) is the data's fault, not the gadget's: it is not shown.
        # A letter without a shape is taken out: sources put it there to say where a line may end.
        found = without_invisible(found) if isinstance(found, str) else found
        plain = isinstance(found, str) and found.strip() and not any(check_text("$", found))
        return found if plain else MISSING


def _block(raw: Mapping[str, Any], look: Look, terms: Terms) -> Iterator[dict[str, Any]]:
    kind = str(raw.get("type", ""))
    filler = _Filler(look, terms, kind)
    kept = _kept(raw, kind, look)
    if kept is None:
        yield {"type": "text", "text": _nothing(terms.locale)}
        return
    filled = filler.fill(kept, "")
    if kind == "metric":
        filled = _measured(filled, terms)
    if kind == "progress" and filled.get("max") is None:
        yield {"type": "text", "text": _nothing(terms.locale)}
        return
    yield filled


def _kept(raw: Mapping[str, Any], kind: str, look: Look) -> Mapping[str, Any] | None:
    """The block without the entries of which nothing is known; None when nothing is left."""
    if kind == "map":
        return _on_the_map(raw, look)
    name = _LISTS.get(kind)
    entries = raw.get(name) if name else None
    if name is None or not isinstance(entries, list):
        return raw
    left = [entry for entry in entries if not _unknown(entry, kind, look)]
    return {**raw, name: left} if left else None


def _on_the_map(raw: Mapping[str, Any], look: Look) -> Mapping[str, Any] | None:
    geojson = raw.get("geojson")
    features = geojson.get("features") if isinstance(geojson, Mapping) else None
    if not isinstance(geojson, Mapping) or not isinstance(features, list):
        return raw
    left = [
        feature
        for feature in features
        if not isinstance(feature, Mapping) or not _unknown(feature.get("geometry"), "map", look)
    ]
    return {**raw, "geojson": {**geojson, "features": left}} if left else None


def _unknown(entry: Any, kind: str, look: Look) -> bool:
    """Whether an entry has pointers and nothing stands at any of them; a date that is missing is enough."""
    found = [
        (path, look(pointer_of(value) or "", kind, path.rpartition(".")[2]))
        for path, value in pointers(entry, "$")
    ]
    if any(isinstance(value, Missing) and (kind, path.rpartition(".")[2]) in _TIMES for path, value in found):
        return True
    return bool(found) and all(isinstance(value, Missing) for _, value in found)


def _measured(metric: dict[str, Any], terms: Terms) -> dict[str, Any]:
    """A value without its time says nothing, and neither does a time that has not come."""
    at = _moment(metric.get("observed"))
    if metric.get("value") is None or at is None or at - terms.now > AHEAD:
        return {**metric, "value": None, "observed": None, "status": "not_available"}
    status = "old" if terms.now - at > terms.fresh_for else "current"
    return {**metric, "observed": at.isoformat(), "status": status}


def _moment(raw: object) -> datetime | None:
    if not isinstance(raw, str):
        return None
    try:
        at = datetime.fromisoformat(raw)
    except ValueError:
        return None
    return at if at.tzinfo is not None and at.year in YEARS else None


def _time(raw: object) -> str:
    """A date or a time as a card holds it; empty for what is neither, and for years that no card may name."""
    if isinstance(raw, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", raw):
        try:
            return raw if date.fromisoformat(raw).year in YEARS else ""
        except ValueError:
            return ""
    at = _moment(raw)
    return at.isoformat() if at is not None else ""


# --- before a gadget is registered -----------------------------------------------------------------------------


def check(manifest: Manifest, now: datetime) -> list[Problem]:
    """Every rule that a query breaks: claims, names, pointers, and the card as it is with and without data."""
    if manifest.template is None:
        return []
    found = [*_claims(manifest), *_names(manifest), *_pointers(manifest)]
    if found:
        return found
    for locale in LANGUAGES:
        try:
            with cards.bulkhead():
                for _, raw in samples(manifest, locale, now):
                    cards.parse(raw, manifest=manifest)
        except CardError as error:
            return [
                Problem(one.path.replace("$", "$.template", 1), one.message, one.remedy)
                for one in error.problems
            ]
    return []


def samples(manifest: Manifest, locale: str, now: datetime) -> Iterator[tuple[str, bytes]]:
    """The card as it is with all data and with none; the name of each, and its bytes."""
    terms = Terms(locale, now, timedelta(hours=1), Source("見本", "CC BY 4.0"))
    every = _card(manifest.template or {}, _sample(manifest, now), terms)
    yield "all", _encoded(every, (SEVERAL, MIDDLE), locale)
    nothing = _card(manifest.template or {}, lambda *_: MISSING, terms)
    yield "nothing", _encoded(nothing, (), locale)


def _sample(manifest: Manifest, now: datetime) -> Look:
    """Something that fits each place, as if every entity were there with every attribute."""
    address = next(iter(manifest.link_origins), manifest.origin)

    def look(_pointer: str, block: str, key: str) -> Any:
        if (block, key) in _NUMBERS:
            return 1
        if (block, key) in _TIMES:
            return now.isoformat()
        if (block, key) in _POSITION:
            return [135.0, 35.0]
        return f"{address}/" if key in _ADDRESSES else "見本"

    return look


def _claims(manifest: Manifest) -> Iterator[Problem]:
    """What a query may know of a resident: where the nearest are looked for, and nothing else."""
    declared = {claim.name for claim in manifest.claims}
    near = any(spec.near for spec in manifest.data)
    if near and NEAR_CLAIM not in declared:
        yield problem(
            "$.claims",
            f"data の near に使う {NEAR_CLAIM} が、claims にありません。",
            f"data[] uses {NEAR_CLAIM} for near, but claims does not ask for it.",
            f"claims に {NEAR_CLAIM} を加えるか、near を除いてください。",
            f"Add {NEAR_CLAIM} to claims, or drop near.",
        )
    for index, claim in enumerate(manifest.claims):
        if claim.name != NEAR_CLAIM or not near:
            yield problem(
                f"$.claims[{index}].name",
                f"種類「query」のカードは {claim.name} を使いません。",
                f"the card of a query makes no use of {claim.name}.",
                "使わない属性は claims から除いてください。",
                "Drop from claims what is not used.",
            )
    if manifest.identity == "pairwise":
        yield problem(
            "$.identity",
            "種類「query」には提供者のサーバーがないため、住民の番号（pairwise）は使えません。",
            "a query has no server of the provider's that could use a pseudonym.",
            "identity を audience または none にしてください。",
            "Make identity audience or none.",
        )


def _names(manifest: Manifest) -> Iterator[Problem]:
    names = [spec.name for spec in manifest.data]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield problem(
                f"$.data[{index}].name",
                f"「{name}」という名前が二度あります。",
                f"the name {name!r} stands twice.",
                "データごとに別の名前にしてください。",
                "Give each entry of data a name of its own.",
            )


def _pointers(manifest: Manifest) -> Iterator[Problem]:
    specs = {spec.name: spec for spec in manifest.data}
    template = manifest.template or {}
    for path, value in pointers(template, "$.template"):
        wrong = _wrong(value, specs)
        if wrong is not None:
            ja, en, remedy_ja, remedy_en = wrong
            yield problem(f"{path}.$", ja, en, remedy_ja, remedy_en)


def _wrong(value: Mapping[str, Any], specs: Mapping[str, DataSpec]) -> tuple[str, str, str, str] | None:
    """What is wrong with one pointer, in words, with the remedy."""
    pointer = value["$"]
    parts = parts_of(pointer) if isinstance(pointer, str) else ()
    example = f"/{next(iter(specs), 'gauge')}/0/…/value"
    if len(value) != 1 or len(parts) < 3:
        return (
            f"「{pointer}」は、データの中の場所を指していません。",
            f"{pointer!r} does not point into the data.",
            f'{{"$": "{example}"}} の形で、データの名前・番号・属性を順に書いてください。',
            f'Write {{"$": "{example}"}}: the name of the data, a number, an attribute.',
        )
    spec = specs.get(parts[0])
    if spec is None:
        return (
            f"「{parts[0]}」という名前のデータは、data にありません。",
            f"data[] has no entry named {parts[0]!r}.",
            f"data の name のどれか（{', '.join(specs)}）にしてください。",
            f"Use one of the names in data[]: {', '.join(specs)}.",
        )
    index = index_of(parts[1])
    if index is None or index >= spec.most:
        return (
            f"番号「{parts[1]}」は、select.max（{spec.most}）の内にありません。",
            f"the number {parts[1]!r} is not below select.max ({spec.most}).",
            f"0 から {spec.most - 1} までにするか、select.max を大きくしてください。",
            f"Use 0 to {spec.most - 1}, or raise select.max.",
        )
    if parts[2] not in (*spec.attrs, "id"):
        return (
            f"属性「{parts[2]}」は、このデータの attrs にありません。",
            f"the attribute {parts[2]!r} is not among this entry's attrs.",
            f"attrs のどれか（{', '.join(spec.attrs)}）にするか、attrs に加えてください。",
            f"Use one of {', '.join(spec.attrs)}, or add it to attrs.",
        )
    return None
