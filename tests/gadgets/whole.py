"""A small provider that passes every check, made with the kit: each test of the fourteen breaks it in one point."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from examples.kit import card
from examples.kit.config import Config
from examples.kit.events import Answer as EventAnswer
from examples.kit.provider import Profile, Provider
from examples.kit.request_token import RequestToken
from examples.kit.web import Request, Response
from gadgets import conformance
from gadgets.cards import signing
from gadgets.conformance import Environment, Signer, Subject
from gadgets.outbound.http import Door
from gadgets.protocol.conformance_lines import Line
from gadgets.registration import check_environment, manifest_source
from tests.gadgets import life

Document = dict[str, Any]
Handler = Callable[[Request], Response]


FRAME = (
    '<!doctype html><html lang="ja"><title>地図</title><script src="/frame.js"></script>'
    '<p><a href="#here">ここ</a></p><button type="button">ひろげる</button></html>'
)


@dataclass
class Whole:
    """How one provider is broken. `card` changes a card by the request that asked for it."""

    manifest: Callable[[Document], None] = lambda _: None
    card: Callable[[Document, RequestToken, Request], None] = lambda *_: None
    routes: dict[tuple[str, str], Callable[[Handler], Handler]] = field(default_factory=dict)
    built: Callable[[Provider], None] = lambda _: None
    pairwise: bool = False
    frame: bool = False
    policy: str = f"default-src 'none'; script-src 'self'; frame-ancestors {settings.PORTAL_URL}"
    script: str = (
        'addEventListener("load", () => parent.postMessage({ jsonrpc: "2.0", method: "ready" }, "*"));'
    )


def _texts(ja: str, en: str) -> dict[str, str]:
    return {"ja": ja, "en": en}


def _claim(name: str, need: str) -> Document:
    purpose = _texts("収集日を調べるため", "To find your collection days")
    return {"name": name, "need": need, "retention": "P0D", "purpose": purpose}


def document(config: Config, broken: Whole) -> Document:
    """A small manifest: one size, one required and one optional claim."""
    endpoints = {"card": config.url("/g/card"), "health": config.url("/g/health")}
    if broken.pairwise:
        endpoints["events"] = config.url("/g/events")
    made: Document = {
        "manifest": "1.0",
        "id": config.gadget_id("bins"),
        "version": "1.0.0",
        "provider": {
            "name": "WasteCo",
            "type": "company",
            "privacy": config.url("/privacy"),
            "support": "mailto:help@waste.example",
            "security": "mailto:sec@waste.example",
        },
        "title": _texts("ごみ箱", "Bins"),
        "summary": _texts("ごみ箱の場所", "Where the bins are"),
        "category": "environment",
        "kind": "card",
        "identity": "pairwise" if broken.pairwise else "audience",
        "sizes": ["S"],
        "endpoints": endpoints,
        "claims": [_claim("area.waste_zone", "required"), _claim("age_band", "optional")],
        "data": [],
        "provides": [],
        "link_origins": [config.public_origin],
        "cache": {"max_age": 600, "stale": 86400},
        "settings": {"type": "object", "properties": {}},
        "regions": ["*"],
    }
    if broken.frame:
        made["kind"] = "frame"
        src = config.url("/frame").replace("//whole.", "//map.whole.")
        made["frame"] = {"src": src, "csp": {}, "permissions": [], "height": {"min": 200, "max": 600}}
    broken.manifest(made)
    return made


def _card(config: Config, token: RequestToken, now: datetime) -> Document:
    zone = token.claims.get("area.waste_zone", "-")
    words = f"Zone {zone}" if token.locale == "en" else f"{zone} 区のごみ箱"
    words += f" ({token.claims['age_band']})" if "age_band" in token.claims else ""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return card.card(
        locale=token.locale,
        summary=words,
        updated=today,
        valid_until=today + timedelta(days=1),
        source=card.Source(publisher=_texts("高松市", "Takamatsu"), licence="CC BY 4.0"),
        blocks=[
            card.text(words),
            card.actions([("ひらく" if token.locale != "en" else "Open", config.url("/"))]),
        ],
    )


def _build(config: Config, broken: Whole) -> Provider:
    asked: list[Request] = []

    def make(token: RequestToken, now: datetime) -> Document:
        made = _card(config, token, now)
        broken.card(made, token, asked[-1])
        return made

    profile = Profile(
        name="whole",
        gadget="bins",
        title=_texts("ごみ箱", "Bins"),
        provider="WasteCo",
        manifest=lambda config: document(config, broken),
        make_card=make,
        home=lambda *_: "",
        privacy=[
            _texts(
                "区の番号だけを、表示のあいだ使います。保存しません。", "Only the zone, while it is shown."
            )
        ],
        on_event=(lambda _: EventAnswer(records=0)) if broken.pairwise else None,
    )
    provider = Provider(config, profile)
    plain = provider._card

    def remembered(request: Request) -> Response:
        asked.append(request)
        return plain(request)

    handlers: dict[tuple[str, str], Handler] = {
        ("GET", "/g/card"): remembered,
        ("GET", "/g/health"): lambda _: Response("ok"),
        ("GET", "/privacy"): provider._privacy,
        ("POST", "/g/events"): provider.site._routes.get(("POST", "/g/events"), lambda _: Response("")),
    }
    if broken.frame:
        # Without the kit's own policy, which lets nobody frame it.
        provider.site.headers = list  # type: ignore[method-assign]
        handlers["GET", "/frame"] = lambda _: Response(
            FRAME, headers=[("Content-Security-Policy", broken.policy)]
        )
        handlers["GET", "/frame.js"] = lambda _: Response(broken.script, content_type="text/javascript")
    for (method, path), handler in handlers.items():
        wrap = broken.routes.get((method, path), lambda inner: inner)
        provider.site.route(method, path, wrap(handler))
    broken.built(provider)
    return provider


@contextmanager
def running(broken: Whole) -> Iterator[str]:
    """The provider on a port, verifying with the portal's keys; yields the address of its manifest."""
    with life.example(lambda config: _build(config, broken), "whole") as provider:
        yield provider.config.url("/gadget.json")


def environment(chromium: str = "", *locales: str) -> Environment:
    """This portal without its tables, in Japanese and English: every language more is time and no other check."""
    return Environment(
        portal=settings.PORTAL_URL,
        signer=Signer(signing.signing_key()),
        door=Door(loopback_names=True),
        locales=locales or ("ja", "en"),
        chromium=chromium,
        stylesheet=check_environment.stylesheet(),
    )


def report(
    broken: Whole, *, previous: str | None = None, gadget_id: str = "", env: Environment | None = None
) -> list[Line]:
    """Every line for the provider that is broken so."""
    with running(broken) as url:
        fetched = manifest_source.fetch(url)
        subject = Subject(fetched.raw, url, gadget_id or fetched.manifest.id, previous)
        return list(conformance.check(subject, env or environment()))


def failing(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line.ok is False]


def answer(
    body: bytes | str, status: int = 200, content_type: str = "text/plain"
) -> Callable[[Handler], Handler]:
    """A route that answers always so."""
    return lambda _: lambda _: Response(body, status, content_type)
