"""The rules of a card that a JSON Schema cannot say: links, cells, missing values, forms, images; pure.

Each yields problems that name the place and the remedy. `gadgets.protocol.card` calls them once the schema holds.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from gadgets.errors import Problem
from gadgets.protocol.cards.card_blocks import KNOWN
from gadgets.protocol.manifest_rules import origin_of
from gadgets.protocol.text import (
    MOST_MARKS_OF_A_CARD,
    check_markup,
    is_look_alike,
    links_in,
    marks_in,
)
from gadgets.protocol.wire import problem
from gadgets.types import Level

MAX_IMAGES = 4


class CardRules(Protocol):
    """What of a manifest, or of a published gadget, decides about its cards."""

    @property
    def link_origins(self) -> tuple[str, ...]: ...

    @property
    def identity(self) -> Level: ...

    @property
    def own_origin(self) -> str: ...

    @property
    def action_url(self) -> str | None: ...


def problems(document: Mapping[str, Any], rules: CardRules) -> list[Problem]:
    """Every rule that the document breaks."""
    return [
        *_publisher(document),
        *_markup(document),
        *_blocks(document),
        *_links(document, rules.link_origins),
        *_images(document, rules),
        *_inputs(document, rules),
    ]


def _publisher(document: Mapping[str, Any]) -> Iterator[Problem]:
    if is_look_alike(document["source"]["publisher"]):
        yield problem(
            "$.source.publisher",
            "紛らわしい文字（別の文字体系の似た文字）が混じっています。",
            "one word mixes scripts whose letters look alike.",
            "一つの単語は、日本語とラテン文字、または一つの文字体系だけで書いてください。",
            "Write each word in Japanese and Latin letters, or in one script only.",
        )


def _markup(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Little markup in each text and in the card; reading it is the dearest part of drawing."""
    found = list(_marked(document))
    for path, text in found:
        yield from check_markup(path, text)
    whole = sum(marks_in(text) for _, text in found)
    if whole > MOST_MARKS_OF_A_CARD:
        yield problem(
            "$.blocks",
            f"強調とリンクの記号（* _ [ ] \\）がカード全体で {whole} 個あり、上限の {MOST_MARKS_OF_A_CARD} 個を超えています。",
            f"the card holds {whole} signs of markup (* _ [ ] \\); at most {MOST_MARKS_OF_A_CARD} are allowed.",
            "強調とリンクを減らしてください。",
            "Mark less, and use fewer links.",
        )


def _marked(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every text in which markup is read, with its place."""
    for index, block in enumerate(document["blocks"]):
        path = f"$.blocks[{index}]"
        kind = block["type"]
        if kind in ("text", "notice"):
            yield f"{path}.text", block["text"]
        elif kind not in KNOWN:
            yield f"{path}.fallback", block["fallback"]
        elif kind == "form":
            yield f"{path}.intro", block.get("intro", "")
        elif kind in ("list", "actions"):
            for number, item in enumerate(block["items"]):
                text = item if isinstance(item, str) else item.get("text") or item.get("confirm", "")
                yield f"{path}.items[{number}]", text


def _blocks(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Cells fit columns, values fit labels and limits; a missing value says that it is missing."""
    for index, block in enumerate(document["blocks"]):
        rule = _RULES.get(block["type"])
        if rule is not None:
            yield from rule(f"$.blocks[{index}]", block)


def _cells(path: str, block: Mapping[str, Any]) -> Iterator[Problem]:
    columns = len(block["columns"])
    for number, row in enumerate(block["rows"]):
        if len(row) != columns:
            yield problem(
                f"{path}.rows[{number}]",
                f"セルが {len(row)} 個ありますが、列は {columns} 個です。",
                f"has {len(row)} cells for {columns} columns.",
                "どの行も、セルの数を列の数と同じにしてください。",
                "Give every row one cell for each column.",
            )


def _value(path: str, block: Mapping[str, Any]) -> Iterator[Problem]:
    missing = block["value"] is None
    if missing != (block["status"] == "not_available"):
        yield problem(
            f"{path}.value",
            "値がないこと（null）と status が合っていません。",
            "value and status disagree about whether there is a value.",
            "値がないときだけ、value を null、status を not_available にしてください。0 で代用しないでください。",
            "Use value null together with status not_available, and only then; never 0 for a missing value.",
        )
    elif not missing and block["observed"] is None:
        yield problem(
            f"{path}.observed",
            "値があるのに、観測した時刻がありません。",
            "there is a value but no time of observation.",
            "observed に観測した時刻を書いてください。",
            "Give the time of observation.",
        )


def _part_of_whole(path: str, block: Mapping[str, Any]) -> Iterator[Problem]:
    if block["value"] is not None and block["value"] > block["max"]:
        yield problem(
            f"{path}.value",
            f"value（{block['value']}）が max（{block['max']}）より大きくなっています。",
            f"value ({block['value']}) is more than max ({block['max']}).",
            "value を max 以下にするか、max を直してください。",
            "Keep value at most max, or correct max.",
        )


def _as_many_as_labels(path: str, block: Mapping[str, Any]) -> Iterator[Problem]:
    labels = len(block["labels"])
    for number, series in enumerate(block["series"]):
        if len(series["values"]) != labels:
            yield problem(
                f"{path}.series[{number}].values",
                f"値が {len(series['values'])} 個ありますが、labels は {labels} 個です。",
                f"has {len(series['values'])} values for {labels} labels.",
                "値の数を labels と同じにし、値がない所は null にしてください。",
                "Give one value for each label, and null where there is none.",
            )


def _fields(path: str, block: Mapping[str, Any]) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, field in enumerate(block["fields"]):
        place = f"{path}.fields[{number}]"
        if field["name"] in seen:
            yield problem(
                f"{place}.name",
                f"「{field['name']}」という項目が二度あります。",
                f"the field {field['name']!r} stands twice.",
                "項目ごとに別の名前にしてください。",
                "Give each field a name of its own.",
            )
        seen.add(field["name"])
        yield from _limits(place, field)


def _limits(place: str, field: Mapping[str, Any]) -> Iterator[Problem]:
    """A field that nobody could fill in."""
    values = [choice["value"] for choice in field.get("choices", ())]
    for number, value in enumerate(values):
        if value in values[:number] or value != value.strip():
            yield problem(
                f"{place}.choices[{number}].value",
                "同じ値が二度あるか、前後に空白があります。",
                "the value stands twice, or begins or ends with a space.",
                "選択肢ごとに別の値にし、前後の空白を除いてください。",
                "Give each choice a value of its own, without spaces around it.",
            )
    for low, high in (("minimum", "maximum"), ("earliest", "latest")):
        if low in field and high in field and field[low] > field[high]:
            yield problem(
                f"{place}.{low}",
                f"{low} が {high} より後（大きい）です。",
                f"{low} comes after {high}.",
                f"{low} を {high} 以下にしてください。",
                f"Keep {low} at most {high}.",
            )


_RULES: Mapping[str, Callable[[str, Mapping[str, Any]], Iterator[Problem]]] = {
    "table": _cells,
    "metric": _value,
    "progress": _part_of_whole,
    "chart": _as_many_as_labels,
    "form": _fields,
}


def _links(document: Mapping[str, Any], origins: tuple[str, ...]) -> Iterator[Problem]:
    """Every link of the card leads to an origin that the manifest declares, by https."""
    for path, href in _targets(document):
        if not _is_https(href):
            yield _not_https(path, href, "リンク先", "link")
        elif origin_of(href) not in origins:
            yield problem(
                path,
                f"リンク先「{href}」は、マニフェストの link_origins にありません。",
                f"the link {href!r} leaves the link_origins of the manifest.",
                f"link_origins の中（{', '.join(origins) or 'なし'}）にするか、マニフェストに加えてください。",
                f"Stay inside link_origins ({', '.join(origins) or 'none'}), or add the origin to the manifest.",
            )


def _is_https(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (
        parts.scheme == "http" and (parts.hostname or "").endswith(".localhost")
    )


def _not_https(path: str, url: str, ja: str, en: str) -> Problem:
    return problem(
        path,
        f"{ja}「{url}」は https ではありません。",
        f"the {en} {url!r} is not https.",
        "https:// で始まるアドレスにしてください。",
        "Use an address that begins with https://.",
    )


def _targets(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "url" in document["source"]:
        yield "$.source.url", document["source"]["url"]
    for index, block in enumerate(document["blocks"]):
        path = f"$.blocks[{index}]"
        kind = block["type"]
        if kind in ("text", "notice"):
            yield from ((f"{path}.text", href) for href in links_in(block["text"]))
        elif kind == "form":
            yield from ((f"{path}.intro", href) for href in links_in(block.get("intro", "")))
        elif kind not in KNOWN:
            yield from ((f"{path}.fallback", href) for href in links_in(block["fallback"]))
        elif kind in ("list", "actions"):
            yield from _item_targets(path, block)


def _item_targets(path: str, block: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for number, item in enumerate(block["items"]):
        if block["type"] == "list":
            text = item if isinstance(item, str) else item["text"]
            yield from ((f"{path}.items[{number}]", href) for href in links_in(text))
        if isinstance(item, dict) and "href" in item:
            yield f"{path}.items[{number}].href", item["href"]


def _images(document: Mapping[str, Any], rules: CardRules) -> Iterator[Problem]:
    """Few, from known origins, and none where an address could tell of one resident."""
    found = [
        (f"$.blocks[{index}]", block)
        for index, block in enumerate(document["blocks"])
        if block["type"] == "image"
    ]
    origins = tuple(origin for origin in (rules.own_origin, *rules.link_origins) if origin)
    for path, _block in found[MAX_IMAGES:]:
        yield problem(
            path,
            f"画像が {len(found)} 枚あり、上限の {MAX_IMAGES} 枚を超えています。",
            f"the card has {len(found)} images; at most {MAX_IMAGES} are allowed.",
            "画像を減らしてください。",
            "Send fewer images.",
        )
    for path, block in found:
        if rules.identity == "pairwise":
            yield problem(
                path,
                "identity が pairwise のガジェットは、画像を使えません。画像のアドレスから、住民ひとりのことが漏れうるからです。",
                "a gadget with identity pairwise has no images: an address could tell of one resident.",
                "画像を除き、言葉や表で伝えてください。",
                "Drop the image; say it in words or in a table.",
            )
        elif not _is_https(block["src"]):
            yield _not_https(f"{path}.src", block["src"], "画像", "image")
        elif origin_of(block["src"]) not in origins:
            yield problem(
                f"{path}.src",
                f"画像「{block['src']}」は、ガジェット自身のオリジンにも link_origins にもありません。",
                f"the image {block['src']!r} is neither on the gadget's own origin nor in link_origins.",
                f"次のどれかに置いてください: {', '.join(origins) or 'なし'}",
                f"Keep it on one of: {', '.join(origins) or 'none'}.",
            )


def inputs_in(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every form and every `submit` of a card, with its place."""
    for index, block in enumerate(document["blocks"]):
        if block["type"] == "form":
            yield f"$.blocks[{index}]", block
        elif block["type"] == "actions":
            for number, item in enumerate(block["items"]):
                if item["type"] == "submit":
                    yield f"$.blocks[{index}].items[{number}]", item


def _inputs(document: Mapping[str, Any], rules: CardRules) -> Iterator[Problem]:
    """Forms belong to one resident, have somewhere to go, and are told apart by their names."""
    seen: set[str] = set()
    for path, item in inputs_in(document):
        if rules.identity != "pairwise" or not rules.action_url:
            yield problem(
                f"{path}.type",
                "このガジェットは入力（form、submit）を受け取れません。",
                "this gadget takes no forms.",
                "identity を pairwise にし、endpoints.action をマニフェストに加えるか、入力を除いてください。",
                "Make identity pairwise and add endpoints.action to the manifest, or drop the form.",
            )
        if item["name"] in seen:
            yield problem(
                f"{path}.name",
                f"「{item['name']}」という入力が二度あります。",
                f"the form {item['name']!r} stands twice.",
                "入力ごとに別の名前にしてください。",
                "Give each form a name of its own.",
            )
        seen.add(item["name"])
