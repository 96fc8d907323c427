"""The shelter provider as a program: its card, and the page in the frame with the answers that it asks for."""

import json
from datetime import datetime, timedelta
from functools import cache
from html import escape
from http import HTTPStatus
from pathlib import Path
from typing import Any

from examples.kit import card, pages
from examples.kit.card import Texts, pick
from examples.kit.config import Config
from examples.kit.errors import KeysUnavailableError, TokenError
from examples.kit.frame import FrameVerifier
from examples.kit.provider import Profile, Provider
from examples.kit.request_token import RequestToken
from examples.kit.sessions import Session
from examples.kit.web import JSON, Request, Response
from examples.shelter import places
from examples.shelter.manifest import GADGET, MAX_AGE, PROVIDER, frame_origin, manifest

TITLE: Texts = {"ja": "避難場所", "ja-simple": "にげる ところ", "en": "Evacuation spaces"}
NEAR: Texts = {
    "ja": "近くの避難場所",
    "ja-simple": "近（ちか）くの にげる ところ",
    "en": "Evacuation spaces near",
}
SOURCE = card.Source(
    publisher={"ja": "高松市", "en": "Takamatsu City"},
    licence="CC BY 4.0",
)
ATTRIBUTION: Texts = {
    "ja": "高松市オープンデータ、Geolonia 住所データ（いずれもCC BY 4.0）を加工",
    "en": "Adapted from open data of Takamatsu City and from Geolonia (both CC BY 4.0)",
}
PRIVACY: tuple[Texts, ...] = (
    {
        "ja": "許可したときだけ、お住まいの地区が届きます。近い避難場所を選ぶためだけに使い、残しません。",
        "ja-simple": "いいと 言（い）った ときだけ、住（す）んで いる 地区（ちく）が 来（き）ます。残（のこ）しません。",
        "en": "Your district arrives only when you allow it. It chooses the spaces near you and is not kept.",
    },
)
STATIC = Path(__file__).parent / "static"
KIT = Path(pages.__file__).parent / "static"
FILES = {
    "/static/frame.js": (KIT / "frame.js", "text/javascript; charset=utf-8"),
    "/static/map.js": (STATIC / "map.js", "text/javascript; charset=utf-8"),
    "/static/map.css": (STATIC / "map.css", "text/css; charset=utf-8"),
}
SHORT = 3


def build(config: Config) -> Provider:
    """The provider, ready to serve."""
    provider = Provider(
        config,
        Profile(
            name="shelter",
            gadget=GADGET,
            title=TITLE,
            provider=PROVIDER,
            manifest=manifest,
            make_card=make,
            home=_home,
            privacy=PRIVACY,
            max_age=MAX_AGE,
        ),
    )
    page = manifest(config)["frame"]["src"]
    verifier = FrameVerifier(
        keys=provider.keys,
        issuer=config.portal_url,
        audience=config.gadget_id(GADGET),
        page=page,
        origin=frame_origin(config),
    )
    provider.site.route("GET", "/map", lambda _: _framed(config))
    provider.site.route("GET", "/places", lambda request: _places(request, verifier))
    for path in FILES:
        provider.site.route("GET", path, _file)
    return provider


def make(token: RequestToken, now: datetime) -> dict[str, Any]:
    """The card: the fallback of the frame, and what stands on the home."""
    centre, found = places.near(token.claims.get("area.district"))
    locale = token.locale
    near = f"{pick(NEAR, locale)} ({centre.en if locale == 'en' else centre.ja})"
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return card.card(
        locale=locale,
        summary=near,
        updated=today,
        valid_until=today + timedelta(days=1),
        source=SOURCE,
        blocks=[
            card.text(near),
            card.listing([f"{one.name} ({one.km} km)" for one in found[:SHORT]]),
            card.text(pick(ATTRIBUTION, locale)),
        ],
    )


def _home(_: Request, locale: str, __: Session | None) -> str:
    rows = [[one.name, one.address] for one in places.places()]
    heads = ["Name", "Address"] if locale == "en" else ["名前", "住所"]
    return pages.html_table(pick(TITLE, locale), heads, rows) + f"<p>{escape(pick(ATTRIBUTION, locale))}</p>"


def _framed(config: Config) -> Response:
    """The page in the frame; the portal may frame it, and nobody else. It needs no cookie."""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
        f"form-action 'none'; frame-ancestors {config.portal_url}"
    )
    return Response(_page(config.portal_url, config.url("/")), headers=[("Content-Security-Policy", policy)])


@cache
def _page(portal: str, source: str) -> str:
    return f"""<!doctype html>
<html lang="ja" data-portal="{escape(portal)}" data-source="{escape(source)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(pick(TITLE, "ja"))}</title>
<link rel="stylesheet" href="/static/site.css">
<link rel="stylesheet" href="/static/map.css">
<script type="module" src="/static/map.js"></script>
</head>
<body>
<main>
<h1>{escape(pick(NEAR, "ja"))}</h1>
<p role="status"></p>
<svg class="map" viewBox="0 0 200 200" aria-hidden="true"></svg>
<ol></ol>
<p><button type="button" id="again">読み込み直す / Reload</button> <button type="button" id="source">一覧のページ / All places</button></p>
<p>{escape(pick(ATTRIBUTION, "ja"))}</p>
</main>
</body>
</html>
"""


def _places(request: Request, verifier: FrameVerifier) -> Response:
    try:
        token = verifier.verify(request.headers.get("authorization"))
    except TokenError as error:
        return _json({"error": error.description}, HTTPStatus.UNAUTHORIZED)
    except KeysUnavailableError as error:
        return _json({"error": str(error)}, HTTPStatus.SERVICE_UNAVAILABLE)
    centre, found = places.near(token.claims.get("area.district"))
    return _json(
        {
            "centre": {
                "ja": centre.ja,
                "en": centre.en,
                "latitude": centre.latitude,
                "longitude": centre.longitude,
            },
            "places": [one.as_json() for one in found],
        }
    )


def _json(value: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(json.dumps(value, ensure_ascii=False), status, JSON)


def _file(request: Request) -> Response:
    path, kind = FILES[request.path]
    return Response(path.read_bytes(), content_type=kind)
