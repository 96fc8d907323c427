"""The manifest of a gadget (Region Gadget 1.0): parses and checks what a provider published; pure.

The rules of the schema stand in `schemas/manifest-1.0.json`; what a schema cannot say (domain, version
order, languages, combinations of settings) is checked here. Scheme, port and address of URLs are the
rules of the door (`gadgets.http`), not of the manifest.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import total_ordering
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from gadgets.errors import ManifestError, Problem
from gadgets.text import is_look_alike, walk_texts
from gadgets.types import ClaimSpec, Level, Setting, SettingSpec, Texts
from gadgets.wire import check_schema, loads, problem, schema

MAX_BYTES = 64 * 1024
MAX_DEPTH = 12
MAX_COMBINATIONS = 64
KINDS = ("card", "link")
LATER_KINDS = ("query", "frame")
LANGUAGES = ("ja", "en", "ja-simple")

CATEGORIES: Mapping[str, Texts] = {
    "environment": {"ja": "ごみ・環境", "en": "Waste and environment", "ja-simple": "ごみ・かんきょう"},
    "education": {"ja": "学校・教育", "en": "School and education", "ja-simple": "学校"},
    "childcare": {"ja": "子育て", "en": "Childcare", "ja-simple": "こそだて"},
    "health": {"ja": "健康・医療", "en": "Health", "ja-simple": "けんこう・びょういん"},
    "welfare": {"ja": "福祉・介護", "en": "Welfare and care", "ja-simple": "ふくし"},
    "safety": {"ja": "防災・安全", "en": "Safety and disasters", "ja-simple": "あんぜん"},
    "transport": {"ja": "交通", "en": "Transport", "ja-simple": "バス・でんしゃ"},
    "procedures": {"ja": "手続き", "en": "Procedures", "ja-simple": "てつづき"},
    "work": {"ja": "しごと・産業", "en": "Work and business", "ja-simple": "しごと"},
    "culture": {"ja": "文化・スポーツ", "en": "Culture and sports", "ja-simple": "ぶんか・スポーツ"},
    "community": {"ja": "地域・くらし", "en": "Community and living", "ja-simple": "ちいき・くらし"},
}
"""Vocabulary of `category`, with labels."""

CATEGORY_TOPICS: Mapping[str, tuple[str, ...]] = {
    "environment": ("waste",),
    "education": ("school",),
    "childcare": ("childcare",),
    "health": ("health",),
    "welfare": ("elderly",),
    "safety": ("disaster",),
    "transport": ("transport",),
    "procedures": ("procedures",),
    "work": ("work",),
    "culture": ("culture",),
    "community": ("hobby",),
}
"""The topics under which the recommender files a gadget of a category."""


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


@dataclass(frozen=True, slots=True)
class Provider:
    name: str
    type: str
    privacy: str
    support: str
    security: str


@dataclass(frozen=True, slots=True)
class Endpoints:
    card: str | None = None
    health: str | None = None
    login: str | None = None
    events: str | None = None
    """Where the portal tells of withdrawals and asks for erasure; at level pairwise only."""

    def all(self) -> tuple[str, ...]:
        return tuple(url for url in (self.card, self.health, self.login, self.events) if url)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that passed every check. `max_age` and `stale` in seconds."""

    id: str
    version: str
    provider: Provider
    title: Texts
    summary: Texts
    category: str
    kind: Literal["card", "link"]
    identity: Level
    sizes: tuple[str, ...]
    endpoints: Endpoints
    claims: tuple[ClaimSpec, ...]
    link_origins: tuple[str, ...]
    max_age: int
    stale: int
    settings: tuple[SettingSpec, ...]
    regions: tuple[str, ...]
    previous: str | None
    origin: str
    data: tuple[Mapping[str, Any], ...] = ()
    provides: tuple[Mapping[str, Any], ...] = ()

    @property
    def host(self) -> str:
        return urlsplit(self.origin).hostname or ""

    @property
    def topics(self) -> tuple[str, ...]:
        return CATEGORY_TOPICS[self.category]


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


def parse(raw: bytes | Mapping[str, Any], *, url: str) -> Manifest:
    """Parses the manifest that was published at `url`; raises ManifestError with every problem found."""
    document = (
        loads(raw, error=ManifestError, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
        if isinstance(raw, bytes)
        else raw
    )
    problems = list(check_schema(document, schema("manifest-1.0")))
    if isinstance(document, Mapping):
        problems += walk_texts(document)
    if problems:
        raise ManifestError(*problems)
    assert isinstance(document, Mapping)  # noqa: S101  (the schema said so)
    problems = [*_names(document), *_domain(document, url), *_needs(document), *_settings(document)]
    if problems:
        raise ManifestError(*problems)
    return _build(document, url)


def _names(document: Mapping[str, Any]) -> list[Problem]:
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


def _domain(document: Mapping[str, Any], url: str) -> list[Problem]:
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


def _needs(document: Mapping[str, Any]) -> list[Problem]:
    """What each kind and level must have."""
    problems: list[Problem] = []
    endpoints = document.get("endpoints", {})
    needed = {"card": ("card", "health"), "link": ("login",)}[document["kind"]]
    problems.extend(
        problem(
            f"$.endpoints.{name}",
            f"種類「{document['kind']}」には endpoints.{name} が必要です。",
            f"kind {document['kind']!r} needs endpoints.{name}.",
            f"endpoints に {name} を加えてください。",
            f"Add {name} to endpoints.",
        )
        for name in needed
        if name not in endpoints
    )
    if "events" in endpoints and document["identity"] != "pairwise":
        problems.append(
            problem(
                "$.endpoints.events",
                f"identity が {document['identity']} のガジェットは、出来事の知らせ（events）を受け取れません。"
                "知らせは、ひとりの住民についてのものだからです。",
                f"a gadget with identity {document['identity']} gets no events: each is about one resident.",
                "endpoints から events を除くか、identity を pairwise にしてください。",
                "Drop events from endpoints, or raise identity to pairwise.",
            )
        )
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


def _setting(name: str, definition: Mapping[str, Any]) -> SettingSpec:
    title = definition.get("title") or {"ja": name}
    if "enum" in definition:
        choices = tuple(definition["enum"])
        return SettingSpec(name, "enum", definition.get("default", choices[0]), title, choices)
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


def _settings(document: Mapping[str, Any]) -> list[Problem]:
    """Defaults fit, ranges hold, and a shared card cannot single a resident out by its settings."""
    problems: list[Problem] = []
    properties = (document.get("settings") or {}).get("properties", {})
    specs = tuple(_setting(name, definition) for name, definition in properties.items())
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


def _build(document: Mapping[str, Any], url: str) -> Manifest:
    endpoints = document.get("endpoints", {})
    properties: Mapping[str, Mapping[str, Any]] = (document.get("settings") or {}).get("properties", {})
    return Manifest(
        id=document["id"],
        version=document["version"],
        provider=Provider(**document["provider"]),
        title=dict(document["title"]),
        summary=dict(document["summary"]),
        category=document["category"],
        kind=document["kind"],
        identity=document["identity"],
        sizes=tuple(document["sizes"]),
        endpoints=Endpoints(**endpoints),
        claims=tuple(
            ClaimSpec(claim["name"], claim["need"], dict(claim["purpose"]), claim["retention"])
            for claim in document["claims"]
        ),
        link_origins=tuple(document["link_origins"]),
        max_age=document["cache"]["max_age"],
        stale=document["cache"]["stale"],
        settings=tuple(_setting(name, definition) for name, definition in properties.items()),
        regions=tuple(document["regions"]),
        previous=document.get("previous"),
        origin=origin_of(url),
        data=tuple(document.get("data", ())),
        provides=tuple(document.get("provides", ())),
    )


def default_settings(manifest: Manifest) -> dict[str, Setting]:
    return {spec.name: spec.default for spec in manifest.settings}
