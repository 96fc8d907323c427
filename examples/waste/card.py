"""The waste card: the next collection days of one zone, or the rules of all zones (public form)."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from examples.kit import card
from examples.kit.card import Block, Texts, pick
from examples.kit.config import Config
from examples.kit.request_token import RequestToken
from examples.waste.rules import Rule, collections
from examples.waste.zones import CLASSES, RECYCLING, Zone

CLAIM = "area.waste_zone"
DAYS = 14
SHORT = 3
SOURCE = card.Source(
    publisher={
        "ja": "高松市オープンデータ（CC BY 4.0）を加工",
        "ja-simple": "高松市（たかまつし）の オープンデータ（CC BY 4.0）を 使（つか）いました",
        "en": "Adapted from Takamatsu City open data (CC BY 4.0)",
    },
    licence="CC BY 4.0",
    url="https://github.com/takamatsu-city/opendata",
    note={
        "ja": "年末年始などの変更は入っていません。",
        "ja-simple": "お正月（しょうがつ）などの 変更（へんこう）は 入って いません。",
        "en": "Changes, for example around New Year, are not included.",
    },
)
ZONE: Texts = {"ja": "収集区{n}", "ja-simple": "{n}番（ばん）の 地区（ちく）", "en": "Zone {n}"}
NEXT: Texts = {
    "ja": "次の収集は{day}、{what}です。",
    "ja-simple": "次（つぎ）は {day}です。{what}を 出して ください。",
    "en": "The next collection is on {day}: {what}.",
}
AREA: Texts = {"ja": "地区", "ja-simple": "地区（ちく）", "en": "Districts"}
RULES: Texts = {"ja": "収集日の決まり", "ja-simple": "ごみの 日の きまり", "en": "Collection rules"}
ALL: Texts = {
    "ja": "高松市のごみ収集日（全8区）",
    "ja-simple": "高松市（たかまつし）の ごみの 日（8つの 地区）",
    "en": "Collection days in Takamatsu (all 8 zones)",
}
ALL_SUMMARY: Texts = {
    "ja": "収集区ごとのごみ収集日の一覧です。",
    "ja-simple": "ごみの 日は、地区（ちく）で ちがいます。下の 表（ひょう）を 見て ください。",
    "en": "The collection days of every zone.",
}
UNKNOWN: Texts = {
    "ja": "お住まいの収集区がこの表にないため、全部の区をお見せしています。",
    "ja-simple": "あなたの 地区（ちく）が 表（ひょう）に ありません。全部（ぜんぶ）の 地区を 見せて います。",
    "en": "Your zone is not in this table, so all zones are shown.",
}
OPEN: Texts = {
    "ja": "WasteCoのサイトを開く",
    "ja-simple": "WasteCoの サイトを 見る",
    "en": "Open the WasteCo site",
}
SEPARATOR: Texts = {"ja": "、", "ja-simple": "と ", "en": "; "}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def make(zones: Mapping[str, Zone], config: Config, token: RequestToken, now: datetime) -> dict[str, Any]:
    """The card for one request: the same for the same claims, settings, language, size and day."""
    claim = token.claims.get(CLAIM)
    zone = zones.get(claim) if isinstance(claim, str) else None
    recycling = token.settings.get("bins") == "recycling"
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if zone is not None:
        summary, blocks = _personal(zone, config, token, today, recycling=recycling)
    else:
        summary, blocks = _public(zones, config, token.locale, recycling=recycling)
        if claim is not None:
            blocks.insert(0, card.notice("warning", pick(UNKNOWN, token.locale)))
    return card.card(
        locale=token.locale,
        summary=summary,
        updated=today,
        valid_until=today + timedelta(days=1),
        source=SOURCE,
        blocks=blocks,
    )


def rules_of(zone: Zone, *, recycling: bool) -> list[tuple[str, Rule]]:
    """The rules that the setting `bins` asks for, in the table's order."""
    return [(name, rule) for name, rule in zone.rules.items() if not recycling or name in RECYCLING]


def day_label(day: date, locale: str) -> str:
    """A day in words: 「11月24日（火）」."""
    if locale == "en":
        return f"{('Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun')[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"
    weekday = "月火水木金土日"[day.weekday()]
    return f"{day.month}月{day.day}日（{weekday}{'曜日' if locale == 'ja-simple' else ''}）"


def class_names(names: tuple[str, ...], locale: str) -> str:
    """The classes of waste in words."""
    return pick(SEPARATOR, locale).join(pick(CLASSES[name], locale) for name in names)


def rules_table(zones: Mapping[str, Zone], locale: str, *, recycling: bool) -> Block:
    """All zones' rules."""
    shown = [name for name in CLASSES if not recycling or name in RECYCLING]
    columns = [pick(AREA, locale), *(pick(CLASSES[name], locale) for name in shown)]
    rows = [
        [
            f"{pick(ZONE, locale).format(n=zone.number)} {pick(zone.districts, locale)}",
            *(pick(zone.rules[name].texts(), locale) for name in shown),
        ]
        for zone in zones.values()
    ]
    return card.table(pick(ALL, locale), columns, rows)


def _personal(
    zone: Zone, config: Config, token: RequestToken, today: datetime, *, recycling: bool
) -> tuple[str, list[Block]]:
    locale = token.locale
    rules = rules_of(zone, recycling=recycling)
    days = collections(rules, start=today.date(), days=DAYS)
    first, classes = days[0]
    summary = pick(NEXT, locale).format(day=day_label(first, locale), what=class_names(classes, locale))
    shown = days[:SHORT] if token.size == "S" else days
    blocks = [card.text(summary), card.dates([(day, class_names(names, locale)) for day, names in shown])]
    if token.size != "S":
        blocks.append(
            card.facts(
                [
                    (
                        pick(AREA, locale),
                        f"{pick(ZONE, locale).format(n=zone.number)} {pick(zone.districts, locale)}",
                    ),
                    *((pick(CLASSES[name], locale), pick(rule.texts(), locale)) for name, rule in rules),
                ]
            )
        )
    href = config.url(f"/oidc/start?next=%2F%3Fzone%3D{zone.number}")
    return summary, [*blocks, card.actions([(pick(OPEN, locale), href)])]


def _public(
    zones: Mapping[str, Zone], config: Config, locale: str, *, recycling: bool
) -> tuple[str, list[Block]]:
    return pick(ALL_SUMMARY, locale), [
        card.text(pick(ALL_SUMMARY, locale)),
        rules_table(zones, locale, recycling=recycling),
        card.actions([(pick(OPEN, locale), config.url("/"))]),
    ]
