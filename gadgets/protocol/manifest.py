"""The manifest of a gadget (Region Gadget 1.0): parses and checks what a provider published; pure.

The rules of the schema stand in `schemas/manifest-1.0.json`; what a schema cannot say (domain, version
order, languages, combinations of settings) is checked here. Scheme, port and address of URLs are the
rules of the door (`gadgets.outbound.http`), not of the manifest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from core.texts import Texts
from gadgets.errors import ManifestError
from gadgets.protocol import manifest_rules as rules
from gadgets.protocol.manifest_rules import combinations, expected_prefix, increases, origin_of
from gadgets.protocol.text import walk_texts
from gadgets.protocol.wire import check_schema, loads, schema
from gadgets.types import ClaimSpec, DataSpec, FrameSpec, Level, Offer, Setting, SettingSpec

__all__ = [
    "CATEGORIES",
    "CATEGORY_TOPICS",
    "KINDS",
    "LANGUAGES",
    "MAX_BYTES",
    "Endpoints",
    "Manifest",
    "Provider",
    "combinations",
    "default_settings",
    "expected_prefix",
    "increases",
    "origin_of",
    "parse",
]

Kind = Literal["card", "query", "frame", "link"]

MAX_BYTES = 64 * 1024
MAX_DEPTH = 12
KINDS: tuple[Kind, ...] = ("card", "query", "frame", "link")
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
    action: str | None = None
    """Where the portal posts a filled-in form; at level pairwise only."""
    events: str | None = None
    """Where the portal tells of withdrawals and asks for erasure; at level pairwise only."""

    def all(self) -> tuple[str, ...]:
        return tuple(url for url in (self.card, self.health, self.login, self.action, self.events) if url)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that passed every check. `max_age` and `stale` in seconds."""

    id: str
    version: str
    provider: Provider
    title: Texts
    summary: Texts
    category: str
    kind: Kind
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
    data: tuple[DataSpec, ...] = ()
    provides: tuple[Offer, ...] = ()
    template: Mapping[str, Any] | None = None
    frame: FrameSpec | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.origin).hostname or ""

    @property
    def own_origin(self) -> str:
        return self.origin

    @property
    def action_url(self) -> str | None:
        return self.endpoints.action

    @property
    def topics(self) -> tuple[str, ...]:
        return CATEGORY_TOPICS[self.category]


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
    problems = [
        *rules.names(document),
        *rules.domain(document, url),
        *rules.needs(document),
        *rules.settings(document),
    ]
    if problems:
        raise ManifestError(*problems)
    return _build(document, url)


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
        settings=tuple(rules.setting(name, definition) for name, definition in properties.items()),
        regions=tuple(document["regions"]),
        previous=document.get("previous"),
        origin=origin_of(url),
        data=tuple(_data(entry) for entry in document.get("data", ())),
        provides=tuple(
            Offer(entry["type"], tuple(entry["attrs"]), entry["licence"], dict(entry.get("description", {})))
            for entry in document.get("provides", ())
        ),
        template=document.get("template"),
        frame=_frame(document["frame"]) if document.get("frame") else None,
    )


def _data(entry: Mapping[str, Any]) -> DataSpec:
    select = entry.get("select", {})
    return DataSpec(
        name=entry["name"],
        type=entry["type"],
        attrs=tuple(entry["attrs"]),
        need=entry["need"],
        purpose=dict(entry["purpose"]),
        near=select.get("near", ""),
        most=select.get("max", 1),
    )


def _frame(entry: Mapping[str, Any]) -> FrameSpec:
    csp = entry.get("csp", {})
    return FrameSpec(
        src=entry["src"],
        connect=tuple(csp.get("connect", ())),
        img=tuple(csp.get("img", ())),
        font=tuple(csp.get("font", ())),
        permissions=tuple(entry.get("permissions", ())),
        min_height=entry["height"]["min"],
        max_height=entry["height"]["max"],
    )


def default_settings(manifest: Manifest) -> dict[str, Setting]:
    return {spec.name: spec.default for spec in manifest.settings}
