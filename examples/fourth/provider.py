"""The library provider as a program, whole in one file: the smallest gadget that is complete."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from html import escape
from typing import Any

from examples.fourth.hours import Library, load
from examples.kit import card, pages
from examples.kit.card import Block, Texts, pick
from examples.kit.config import Config
from examples.kit.provider import Profile, Provider
from examples.kit.request_token import RequestToken

GADGET = "library"
PROVIDER = "図書館あんない（見本）"
MAX_AGE = 3600
TITLE: Texts = {
    "ja": "図書館の開館時間",
    "ja-simple": "図書館（としょかん）の 時間（じかん）",
    "en": "Library hours",
}
TODAY: Texts = {
    "ja": "今日は{total}館のうち{n}館が開く曜日です。",
    "ja-simple": "今日（きょう）は {total}の 図書館（としょかん）の 中で、{n}の 図書館が あく 曜日（ようび）です。",
    "en": "On this weekday {n} of {total} libraries open.",
}
CLOSED: Texts = {"ja": "休館", "ja-simple": "休（やす）み", "en": "Closed"}
COLUMNS: tuple[Texts, ...] = (
    {"ja": "図書館", "ja-simple": "図書館（としょかん）", "en": "Library"},
    {"ja": "今日", "ja-simple": "今日（きょう）", "en": "Today"},
    {"ja": "明日", "ja-simple": "明日（あした）", "en": "Tomorrow"},
)
CAVEAT: Texts = {
    "ja": "曜日ごとの時間です。祝日、月末、年末年始は休館や時間の変更があります。",
    "ja-simple": "いつもの 時間（じかん）です。休（やす）みの 日や お正月（しょうがつ）は ちがいます。",
    "en": "Usual hours by weekday. Public holidays, month ends and New Year differ.",
}
OPEN: Texts = {"ja": "図書館あんないを開く", "ja-simple": "サイトを 見る", "en": "Open the site"}
PRIVACY: tuple[Texts, ...] = (
    {
        "ja": "この窓口には、あなたについての情報は何も届きません。",
        "ja-simple": "あなたの 情報（じょうほう）は 来ません。",
        "en": "Nothing about you arrives here.",
    },
)
SOURCE = card.Source(
    publisher={
        "ja": "高松市オープンデータ（CC BY 4.0）を加工",
        "ja-simple": "高松市（たかまつし）の オープンデータ（CC BY 4.0）を 使（つか）いました",
        "en": "Adapted from Takamatsu City open data (CC BY 4.0)",
    },
    licence="CC BY 4.0",
    url="https://github.com/takamatsu-city/opendata",
)


def manifest(config: Config) -> dict[str, Any]:
    """The manifest as JSON data."""
    return {
        "manifest": "1.0",
        "id": config.gadget_id(GADGET),
        "version": "1.0.0",
        "provider": {
            "name": PROVIDER,
            "type": "company",
            "privacy": config.url("/privacy"),
            "support": "mailto:help@library.example",
            "security": "mailto:security@library.example",
        },
        "title": dict(TITLE),
        "summary": {
            "ja": "市内の図書館の開館時間をお知らせします。",
            "ja-simple": "図書館（としょかん）が あく 時間（じかん）を 教えます。",
            "en": "Opening hours of the city's libraries.",
        },
        "category": "culture",
        "kind": "card",
        "identity": "none",
        "sizes": ["S", "M", "L"],
        "endpoints": {"card": config.url("/g/card"), "health": config.url("/g/health")},
        "claims": [],
        "data": [],
        "provides": [],
        "link_origins": [config.public_origin, "https://github.com"],
        "cache": {"max_age": MAX_AGE, "stale": 86400},
        "settings": {"type": "object", "properties": {}},
        "regions": ["*"],
    }


def make_card(
    libraries: Sequence[Library], config: Config, token: RequestToken, now: datetime
) -> dict[str, Any]:
    """The card: the same for the same language and day."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    opens = pick(TODAY, token.locale).format(
        n=sum(1 for one in libraries if one.hours(today.date())), total=len(libraries)
    )
    return card.card(
        locale=token.locale,
        summary=opens,
        updated=today,
        valid_until=today + timedelta(days=1),
        source=SOURCE,
        blocks=[
            card.text(opens),
            hours_table(libraries, today.date(), token.locale),
            card.text(pick(CAVEAT, token.locale)),
            card.actions([(pick(OPEN, token.locale), config.url("/"))]),
        ],
    )


def hours_table(libraries: Sequence[Library], today: date, locale: str) -> Block:
    """Today's and tomorrow's usual hours."""
    rows = [
        [
            pick(one.name, locale),
            _hours(one, today, locale),
            _hours(one, today + timedelta(days=1), locale),
        ]
        for one in libraries
    ]
    return card.table(pick(TITLE, locale), [pick(column, locale) for column in COLUMNS], rows)


def build(config: Config) -> Provider:
    """The provider, ready to serve; raises HoursError when the table cannot be read."""
    libraries = load()

    def home(_: object, locale: str, __: object) -> str:
        block = hours_table(libraries, provider.now().date(), locale)
        return (
            pages.html_table(block["caption"], [one["label"] for one in block["columns"]], block["rows"])
            + f"<p>{escape(pick(CAVEAT, locale))}</p><p>{escape(pick(SOURCE.publisher, locale))}</p>"
        )

    provider = Provider(
        config,
        Profile(
            name="fourth",
            gadget=GADGET,
            title=TITLE,
            provider=PROVIDER,
            manifest=manifest,
            make_card=lambda token, now: make_card(libraries, config, token, now),
            home=home,
            privacy=PRIVACY,
            max_age=MAX_AGE,
        ),
    )
    return provider


def _hours(library: Library, day: date, locale: str) -> str:
    hours = library.hours(day)
    return f"{hours[0]:%H:%M}–{hours[1]:%H:%M}" if hours else pick(CLOSED, locale)
