"""The shelter provider as a program: its card, and the page in the frame with the answers that it asks for."""

import json
from collections.abc import Mapping, Sequence
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
from examples.kit.loopback import new_session
from examples.kit.provider import Profile, Provider
from examples.kit.request_token import RequestToken
from examples.kit.sessions import Session
from examples.kit.web import JSON, Request, Response
from examples.shelter import places
from examples.shelter.alerts import Alerts
from examples.shelter.manifest import GADGET, MAX_AGE, PROVIDER, frame_origin, manifest
from examples.shelter.places import District, Place

TITLE: Texts = {"ja": "避難場所", "ja-simple": "にげる ところ", "en": "Evacuation spaces"}
NEAR: Texts = {
    "ja": "{district}地区から近い避難場所",
    "ja-simple": "{district}から 近（ちか）い にげる ところ",
    "en": "Evacuation spaces near {district}",
}
ANYWHERE: Texts = {
    "ja": "市内の避難場所: {count}か所",
    "ja-simple": "市（し）の 中（なか）の にげる ところ: {count}",
    "en": "{count} evacuation spaces in the city",
}
CHOOSE: Texts = {
    "ja": "お住まいの地区を許可すると、その地区の中心から近い順に、災害ごとに使えるかどうかを表示します。",
    "ja-simple": "住（す）んで いる 地区（ちく）を 見（み）て いいと 言（い）うと、近（ちか）い ところを 見せます。",
    "en": "Allow your district to see the ones nearest to its middle, and for which disasters each may be used.",
}
DISTANCE: Texts = {
    "ja": "距離は、お住まいの地区の中心からの直線です。",
    "ja-simple": "「km」は、地区（ちく）の まん中（なか）からの まっすぐな 長（なが）さです。",
    "en": "Distances are straight lines from the middle of your district.",
}
IN_FORCE: Texts = {
    "ja": "「{hazards}」に関わる情報が出ています。そのときに使える場所だけを、近い順に表示しています。",
    "ja-simple": "「{hazards}」の 知（し）らせが 出（で）て います。その とき 使（つか）える ところだけ 見せて います。",
    "en": "Alerts about {hazards} are in force. Only places that may be used then are listed, the nearest first.",
}
NOT_KNOWN: Texts = {
    "ja": "いま出ている警報などを確認できません。市の緊急のお知らせを確かめてください。",
    "ja-simple": "今（いま）の 警報（けいほう）が わかりません。市（し）の お知（し）らせを 見（み）て ください。",
    "en": "The alerts now in force cannot be checked. Please look at the city's emergency notices.",
}
NONE_FITS: Texts = {
    "ja": "近くに、条件に合う避難場所が見つかりません。市の案内を確かめてください。",
    "ja-simple": "近（ちか）くに 使（つか）える ところが 見（み）つかりません。市（し）に 聞（き）いて ください。",
    "en": "No fitting place was found nearby. Please check the city's guidance.",
}
CLOSED: Texts = {"ja": "使えない場所", "ja-simple": "使（つか）えない ところ", "en": "Closed"}
MARKS: Mapping[str, Texts] = {
    places.YES: {"ja": "使える", "ja-simple": "使（つか）える", "en": "open for"},
    places.CONDITION: {
        "ja": "条件つき",
        "ja-simple": "場所（ばしょ）や 階（かい）に よる",
        "en": "only in part for",
    },
    places.NO: {"ja": "使えない", "ja-simple": "使（つか）えない", "en": "not for"},
    places.UNKNOWN: {"ja": "記載なし", "ja-simple": "わからない", "en": "not stated for"},
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
ALL: Texts = {"ja": "すべての避難場所", "ja-simple": "ぜんぶの ところ", "en": "All evacuation spaces"}


def build(config: Config) -> Provider:
    """The provider, ready to serve."""
    alerts = Alerts(config.portal_url + "/alerts.json", new_session())
    provider = Provider(
        config,
        Profile(
            name="shelter",
            gadget=GADGET,
            title=TITLE,
            provider=PROVIDER,
            manifest=manifest,
            make_card=lambda token, now: make(token, now, alerts, config.url("/")),
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
    provider.site.route("GET", "/places", lambda request: _places(request, verifier, alerts))
    for path in FILES:
        provider.site.route("GET", path, _file)
    return provider


def make(token: RequestToken, now: datetime, alerts: Alerts, every: str) -> dict[str, Any]:
    """The card: the fallback of the frame, and what stands on the home. `every`: the address of the whole list."""
    locale = token.locale
    district = places.district_of(token.claims.get("area.district"))
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    summary, blocks = _anywhere(locale) if district is None else _nearby(district, alerts, locale)
    return card.card(
        locale=locale,
        summary=summary,
        updated=today,
        valid_until=today + timedelta(days=1),  # the manifest's `stale` bounds how long an old list is shown
        source=SOURCE,
        blocks=[*blocks, card.actions([(pick(ALL, locale), every)]), card.text(pick(ATTRIBUTION, locale))],
    )


def _anywhere(locale: str) -> tuple[str, list[card.Block]]:
    """Without a district nothing is near."""
    open_now = sum(place.closed is None for place in places.places())
    summary = pick(ANYWHERE, locale).format(count=open_now)
    return summary, [card.text(summary), card.text(pick(CHOOSE, locale))]


def _nearby(district: District, alerts: Alerts, locale: str) -> tuple[str, list[card.Block]]:
    name = district.en if locale == "en" else district.ja
    summary = pick(NEAR, locale).format(district=name)
    blocks: list[card.Block] = []
    hazards = alerts.hazards(district.code)
    if hazards is None:
        blocks.append(card.notice("warning", pick(NOT_KNOWN, locale)))
    elif hazards:
        blocks.append(card.notice("warning", pick(IN_FORCE, locale).format(hazards=_names(hazards, locale))))
    found = places.near(district)
    fitting = [one for one in found if one.fits(hazards or ())][:SHORT]
    if fitting:
        blocks.append(card.listing([in_words(one, hazards or (), locale) for one in fitting]))
    else:
        blocks.append(card.text(pick(NONE_FITS, locale)))
    closed = [one for one in found[: places.SHOWN] if one.closed]
    if closed:
        said = (", " if locale == "en" else "、").join(
            f"{one.name}: {pick(one.closed or {}, locale)}" for one in closed
        )
        blocks.append(card.facts([(pick(CLOSED, locale), said)]))
    blocks.append(card.text(pick(DISTANCE, locale)))
    return summary, blocks


def in_words(place: Place, in_force: Sequence[str], locale: str) -> str:
    """A place with each hazard marked, those in force first."""
    order = [*in_force, *(name for name in places.HAZARDS if name not in in_force)]
    marked = [
        f"{pick(MARKS[mark], locale)}{' ' if locale == 'en' else ': '}"
        + _names([name for name in order if place.hazards[name] == mark], locale)
        for mark in _by_first(place, order)
    ]
    return f"{place.name} ({place.km} km) {('; ' if locale == 'en' else '／').join(marked)}"


def _by_first(place: Place, order: Sequence[str]) -> list[str]:
    """The marks of a place, the one of the first hazard first."""
    return list(dict.fromkeys(place.hazards[name] for name in order))


def _names(hazards: Sequence[str], locale: str) -> str:
    return (", " if locale == "en" else "・").join(pick(places.HAZARDS[name], locale) for name in hazards)


def _home(_: Request, locale: str, __: Session | None) -> str:
    rows = [
        [
            f"{one.name} — {pick(one.closed, locale)}" if one.closed else one.name,
            one.address,
            in_words(one, (), locale).partition(" km) ")[2],
        ]
        for one in places.places()
    ]
    heads = ["Name", "Address", "Disasters"] if locale == "en" else ["名前", "住所", "災害"]
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
<h1>{escape(pick(TITLE, "ja"))}</h1>
<p role="status"></p>
<p id="remarks"></p>
<svg class="map" viewBox="0 0 200 200" aria-hidden="true"></svg>
<ol></ol>
<p><button type="button" id="again">読み込み直す / Reload</button> <button type="button" id="source">一覧のページ / All places</button></p>
<p>{escape(pick(ATTRIBUTION, "ja"))}</p>
</main>
</body>
</html>
"""


def _places(request: Request, verifier: FrameVerifier, alerts: Alerts) -> Response:
    try:
        token = verifier.verify(request.headers.get("authorization"))
    except TokenError as error:
        return _json({"error": error.description}, HTTPStatus.UNAUTHORIZED)
    except KeysUnavailableError as error:
        return _json({"error": str(error)}, HTTPStatus.SERVICE_UNAVAILABLE)
    district = places.district_of(token.claims.get("area.district"))
    hazards = alerts.hazards(district.code if district else None)
    if district is None:
        centre, found = None, ()
    else:
        centre = {name: getattr(district, name) for name in ("ja", "en", "latitude", "longitude")}
        near = places.near(district)
        fitting = [one for one in near if one.fits(hazards or ())][: places.SHOWN]
        found = (*fitting, *(one for one in near[: places.SHOWN] if one.closed))
    return _json(
        {
            "centre": centre,
            "in_force": hazards,
            "hazards": dict(places.HAZARDS),
            "places": [one.as_json() for one in found],
        }
    )


def _json(value: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(json.dumps(value, ensure_ascii=False), status, JSON)


def _file(request: Request) -> Response:
    path, kind = FILES[request.path]
    return Response(path.read_bytes(), content_type=kind)
