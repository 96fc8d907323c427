"""The rules of a manifest that a JSON Schema cannot say: names, domain, what a kind needs, settings; pure.

Each yields problems that name the place and the remedy. `gadgets.protocol.manifest` calls them once the schema holds.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import total_ordering
from typing import Any, Self
from urllib.parse import urlsplit

from gadgets.errors import Problem
from gadgets.protocol.text import is_look_alike
from gadgets.protocol.wire import problem
from gadgets.types import SettingSpec, choice_key

MAX_COMBINATIONS = 64


@total_ordering
@dataclass(frozen=True, slots=True)
class SemVer:
    """Major, minor, patch; no pre-release: only approved bytes are served."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Self:
        major, minor, patch = text.split(".")
        return cls(int(major), int(minor), int(patch))

    def __lt__(self, other: "SemVer") -> bool:
        return (self.major, self.minor, self.patch) < (other.major, other.minor, other.patch)


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, in lower case, without a default port; empty when it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if not parts.hostname or parts.scheme not in ("http", "https"):
        return ""
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{parts.hostname}" + (f":{port}" if port and port != default else "")


def expected_prefix(url: str) -> str:
    """`https://waste.example/…` → `example.waste`: the id of every gadget on that host begins with it."""
    return ".".join(reversed((urlsplit(url).hostname or "").split(".")))


def increases(version: str, previous: str) -> bool:
    """Whether `version` comes after `previous` (both already valid)."""
    return SemVer.parse(version) > SemVer.parse(previous)


def names(document: Mapping[str, Any]) -> list[Problem]:
    """Names that a reader could take for another's."""
    named = [("$.provider.name", document["provider"]["name"])]
    named += [(f"$.title.{language}", text) for language, text in document["title"].items()]
    return [
        problem(
            path,
            "紛らわしい文字（別の文字体系の似た文字）が混じっています。",
            "one word mixes scripts whose letters look alike.",
            "一つの単語は、日本語とラテン文字、または一つの文字体系だけで書いてください。",
            "Write each word in Japanese and Latin letters, or in one script only.",
        )
        for path, text in named
        if is_look_alike(text)
    ]


def domain(document: Mapping[str, Any], url: str) -> list[Problem]:
    """The id belongs to the host, and everything fetched lives on the origin that proved control."""
    problems: list[Problem] = []
    prefix, origin = expected_prefix(url), origin_of(url)
    if re.fullmatch(re.escape(prefix) + r"\.[a-z][a-z0-9-]*", document["id"]) is None:
        problems.append(
            problem(
                "$.id",
                f"id「{document['id']}」が、マニフェストを公開しているホスト名に合いません。",
                f"the id {document['id']!r} does not belong to the host that publishes the manifest.",
                f"ホスト名を逆順にした「{prefix}.」に、名前を一つ続けてください（例: {prefix}.calendar）。",
                f"Use the reversed host and one name, such as {prefix}.calendar.",
            )
        )
    problems.extend(
        problem(
            f"$.endpoints.{name}",
            f"マニフェストを公開している {origin} 以外のアドレスです。",
            f"this URL is not on {origin}, which publishes the manifest.",
            "マニフェストと同じオリジンのアドレスにしてください。",
            "Use a URL on the same origin as the manifest.",
        )
        for name, endpoint in document.get("endpoints", {}).items()
        if origin_of(endpoint) != origin
    )
    problems.extend(_frame_domain(document, origin))
    for index, link_origin in enumerate(document["link_origins"]):
        if origin_of(link_origin) != link_origin:
            problems.append(
                problem(
                    f"$.link_origins[{index}]",
                    f"「{link_origin}」はオリジンではありません。",
                    f"{link_origin!r} is not an origin.",
                    "https://ホスト名 の形だけを書いてください（小文字、末尾の / や経路なし）。",
                    "Write https://host only: lower case, no path, no trailing slash.",
                )
            )
    previous = document.get("previous")
    if previous is not None and not increases(document["version"], previous):
        problems.append(
            problem(
                "$.version",
                f"版 {document['version']} は、前の版 {previous} より大きくありません。",
                f"version {document['version']} does not come after {previous}.",
                "版の番号を上げてください。",
                "Raise the version number.",
            )
        )
    return problems


def _frame_domain(document: Mapping[str, Any], origin: str) -> Iterator[Problem]:
    """A frame lives on the manifest's origin, or on a host below it, so that a provider can give each its own."""
    src = (document.get("frame") or {}).get("src")
    if src is None:
        return
    frame, home = urlsplit(origin_of(src)), urlsplit(origin)
    host, own = frame.hostname or "", home.hostname or ""
    if (frame.scheme, frame.port) != (home.scheme, home.port) or not (
        host == own or host.endswith(f".{own}")
    ):
        yield problem(
            "$.frame.src",
            f"枠（frame）のアドレスが {origin} にも、その下のホスト名にもありません。",
            f"the frame is neither on {origin} nor on a host below it.",
            f"{own} か、その下のホスト名（例: map.{own}）のアドレスにしてください。",
            f"Use an address on {own} or on a host below it, such as map.{own}.",
        )


_PARTS: Mapping[str, tuple[str, ...]] = {"query": ("data", "template"), "frame": ("frame",)}
_ONLY: Mapping[str, str] = {"data": "query", "template": "query", "frame": "frame"}


def _parts(document: Mapping[str, Any]) -> Iterator[Problem]:
    """The parts that a kind needs, and those that belong to another kind."""
    kind, endpoints = document["kind"], document.get("endpoints", {})
    needed = {"card": ("card",), "link": ("login",)}.get(kind, ())
    if "card" in endpoints:
        needed = (*needed, "health")
    for name in needed:
        if name not in endpoints:
            yield _lacks(kind, f"endpoints.{name}")
    for name in _PARTS.get(kind, ()):
        if not document.get(name):
            yield _lacks(kind, name)
    if kind == "frame" and not {"card", "login"} & set(endpoints):
        yield problem(
            "$.endpoints",
            "枠（frame）のサービスには、枠が使えない人のためのカードかサイトが必要です。",
            "a frame needs a card or a site for whoever cannot use the frame.",
            "endpoints に card と health、または login を加えてください。",
            "Add card and health, or login, to endpoints.",
        )
    for name, owner in _ONLY.items():
        if kind != owner and document.get(name):
            yield problem(
                f"$.{name}",
                f"{name} は種類「{owner}」だけが使えます。",
                f"only kind {owner!r} has {name}.",
                f"{name} を除くか、kind を {owner} にしてください。",
                f"Drop {name}, or make the kind {owner}.",
            )
    if kind == "query" and "card" in endpoints:
        yield problem(
            "$.endpoints.card",
            "種類「query」のカードはポータルが作るため、endpoints.card は使えません。",
            "the portal makes the card of a query: it has no endpoints.card.",
            "endpoints.card を除くか、kind を card にしてください。",
            "Drop endpoints.card, or make the kind card.",
        )


def _lacks(kind: str, name: str) -> Problem:
    return problem(
        f"$.{name}",
        f"種類「{kind}」には {name} が必要です。",
        f"kind {kind!r} needs {name}.",
        f"{name} を加えてください。",
        f"Add {name}.",
    )


_PAIRWISE_ONLY: Mapping[str, tuple[str, str]] = {
    "events": (
        "出来事の知らせ（events）を受け取れません。知らせは、ひとりの住民についてのものだからです。",
        "gets no events: each is about one resident.",
    ),
    "action": (
        "入力（action）を受け取れません。入力は、ひとりの住民のものだからです。",
        "takes no forms: each is one resident's.",
    ),
}


def _levels(document: Mapping[str, Any]) -> Iterator[Problem]:
    """What concerns one resident needs a pseudonym."""
    for name, (ja, en) in _PAIRWISE_ONLY.items():
        if name in document.get("endpoints", {}) and document["identity"] != "pairwise":
            yield problem(
                f"$.endpoints.{name}",
                f"identity が {document['identity']} のガジェットは、{ja}",
                f"a gadget with identity {document['identity']} {en}",
                f"endpoints から {name} を除くか、identity を pairwise にしてください。",
                f"Drop {name} from endpoints, or raise identity to pairwise.",
            )


def needs(document: Mapping[str, Any]) -> list[Problem]:
    """What each kind and level must have."""
    problems = [*_parts(document), *_levels(document)]
    claims = document["claims"]
    if claims and document["identity"] == "none":
        problems.append(
            problem(
                "$.claims",
                "identity が none のガジェットは、住民の情報を受け取れません。",
                "a gadget with identity none gets nothing about the resident.",
                "claims を空にするか、identity を audience または pairwise にしてください。",
                "Empty the claims, or raise identity to audience or pairwise.",
            )
        )
    names = [claim["name"] for claim in claims]
    problems.extend(
        problem(
            f"$.claims[{index}].name",
            f"「{name}」が二度書かれています。",
            f"{name!r} is declared twice.",
            "一つにまとめてください。",
            "Keep one of them.",
        )
        for index, name in enumerate(names)
        if name in names[:index]
    )
    return problems


def setting(name: str, definition: Mapping[str, Any]) -> SettingSpec:
    title = definition.get("title") or {"ja": name}
    if "enum" in definition:
        choices = tuple(definition["enum"])
        labels = {key: dict(texts) for key, texts in definition.get("labels", {}).items()}
        default = definition.get("default", choices[0])
        return SettingSpec(name, "enum", default, title, choices, labels=labels)
    if definition["type"] == "boolean":
        return SettingSpec(name, "boolean", definition.get("default", False), title)
    if definition["type"] == "integer":
        low, high = definition["minimum"], definition["maximum"]
        return SettingSpec(name, "integer", definition.get("default", low), title, minimum=low, maximum=high)
    return SettingSpec(
        name, "string", definition.get("default", ""), title, max_length=definition["maxLength"]
    )


def combinations(specs: tuple[SettingSpec, ...]) -> int | None:
    """How many different settings there are; None when a free text makes them countless."""
    product = 1
    for spec in specs:
        if spec.kind == "string":
            return None
        sizes = {"enum": len(spec.choices), "boolean": 2, "integer": spec.maximum - spec.minimum + 1}
        product *= max(sizes[spec.kind], 0)
    return product


def _labels(spec: SettingSpec) -> Iterator[Problem]:
    """Labels are for all choices or for none: a code between words helps nobody."""
    choices = {choice_key(choice) for choice in spec.choices}
    path = f"$.settings.properties.{spec.name}.labels"
    for key in spec.labels:
        if key not in choices:
            yield problem(
                f"{path}.{key}",
                f"「{key}」という選択肢は enum にありません。",
                f"{key!r} is no choice of the enum.",
                "enum にある選択肢の名前にするか、この項目を除いてください。",
                "Name a choice of the enum, or remove this entry.",
            )
    missing = sorted(choices - set(spec.labels)) if spec.labels else []
    for key in missing:
        yield problem(
            f"{path}.{key}",
            f"選択肢「{key}」の表示名がありません。",
            f"the choice {key!r} has no label.",
            "すべての選択肢に表示名（labels）を付けてください。",
            "Give every choice a label.",
        )


def settings(document: Mapping[str, Any]) -> list[Problem]:
    """Defaults fit, ranges hold, and a shared card cannot single a resident out by its settings."""
    problems: list[Problem] = []
    properties = (document.get("settings") or {}).get("properties", {})
    specs = tuple(setting(name, definition) for name, definition in properties.items())
    problems.extend(
        problem(
            f"$.settings.properties.{spec.name}",
            "既定値または範囲が正しくありません。",
            "the default does not fit, or the range is empty.",
            "範囲または選択肢の中の値を default にしてください。",
            "Choose a default inside the range or the choices.",
        )
        for spec in specs
        if not spec.accepts(spec.default) or (spec.kind == "integer" and spec.minimum > spec.maximum)
    )
    problems.extend(found for spec in specs for found in _labels(spec))
    count = combinations(specs)
    if document["identity"] != "pairwise" and (count is None or count > MAX_COMBINATIONS):
        problems.append(
            problem(
                "$.settings",
                f"設定の組み合わせが {MAX_COMBINATIONS} 通りを超えています"
                f"（{'無数' if count is None else f'{count} 通り'}）。",
                f"the settings have more than {MAX_COMBINATIONS} combinations ({count or 'countless'}).",
                "選択肢を減らすか、自由記入の設定を除いてください。",
                "Offer fewer choices, or drop the free text.",
            )
        )
    return problems
