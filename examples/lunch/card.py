"""The lunch card: today's menu (public form), or the week with the warnings a family asked for."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from examples.kit import card
from examples.kit.card import Block, Texts, pick
from examples.kit.config import Config
from examples.kit.request_token import RequestToken
from examples.lunch.ingredients import INGREDIENTS, LIMIT, found
from examples.lunch.menu import Lunch, Menu

CLAIM = "household.school_years"
SOURCE = card.Source(
    publisher={
        "ja": "高松市オープンデータ（CC BY 4.0）を加工",
        "ja-simple": "高松市（たかまつし）の オープンデータ（CC BY 4.0）を 使（つか）いました",
        "en": "Adapted from Takamatsu City open data (CC BY 4.0)",
    },
    licence="CC BY 4.0",
    url="https://github.com/takamatsu-city/opendata",
    note={
        "ja": "2026年7月の献立を、今週の曜日に合わせて表示しています。小学校と中学校は分かれていません。",
        "ja-simple": "2026年7月の 給食（きゅうしょく）です。今週（こんしゅう）の 曜日（ようび）で 見せて います。",
        "en": "The menu of July 2026, shown on the weekdays of this week. English names are this example's own.",
    },
)
SAMPLE: Texts = {
    "ja": "見本: 2026年7月の献立",
    "ja-simple": "見本（みほん）です: 2026年7月の 給食（きゅうしょく）",
    "en": "Sample: the menu of July 2026",
}
TODAY: Texts = {
    "ja": "今日の給食: {menu}",
    "ja-simple": "今日（きょう）の 給食（きゅうしょく）: {menu}",
    "en": "Today's school lunch: {menu}",
}
NO_LUNCH: Texts = {
    "ja": "今日は給食がありません。次は{day}です: {menu}",
    "ja-simple": "今日（きょう）は 給食（きゅうしょく）が ありません。次（つぎ）は {day}です: {menu}",
    "en": "There is no school lunch today. The next is on {day}: {menu}",
}
WEEK: Texts = {
    "ja": "1週間の献立",
    "ja-simple": "1週間（しゅうかん）の 給食（きゅうしょく）",
    "en": "The week's menu",
}
DAY: Texts = {"ja": "日", "ja-simple": "日", "en": "Day"}
DISHES: Texts = {"ja": "献立", "ja-simple": "食（た）べる もの", "en": "Menu"}
CHILDREN: Texts = {
    "ja": "お子さまの学校",
    "ja-simple": "子どもの 学校（がっこう）",
    "en": "Your children's schools",
}
SCHOOLS: Mapping[str, Texts] = {
    "e": {"ja": "小学校", "ja-simple": "小学校（しょうがっこう）", "en": "Elementary school"},
    "j": {"ja": "中学校", "ja-simple": "中学校（ちゅうがっこう）", "en": "Junior high school"},
}
# 学校給食摂取基準 (annex to the Standards for School Lunch, notice 10 of the Ministry of Education, 2021): children of 6-7,
# 8-9 and 10-11 years 530, 650 and 780 kcal, pupils of 12-14 years 830 kcal for one lunch.
KCAL: Mapping[str, Mapping[int, int]] = {
    "e": {1: 530, 2: 530, 3: 650, 4: 650, 5: 780, 6: 780},
    "j": {1: 830, 2: 830, 3: 830},
}
YEAR: Texts = {"ja": "{n}年", "ja-simple": "{n}年生（ねんせい）", "en": "year {n}"}
NO_SCHOOL: Texts = {
    "ja": "給食のある学年（小学校・中学校）のお子さまがいないため、今日の献立だけをお見せしています。",
    "ja-simple": "小学生（しょうがくせい）・中学生（ちゅうがくせい）の 子どもが いないので、今日（きょう）の 給食だけを 見せて います。",
    "en": "None of your children's school years has this lunch, so only today's menu is shown.",
}
WARNING: Texts = {
    "ja": "{day}の献立に、選んだ食材の名前があります: {what}。",
    "ja-simple": "{day}の 給食（きゅうしょく）に、あなたが えらんだ 食べものの 名前（なまえ）が あります: {what}。",
    "en": "The menu of {day} names what you chose: {what}.",
}
NOT_FOUND: Texts = {
    "ja": "選んだ食材の名前は、今日と明日の献立に見つかりません。入っていないという意味ではありません。",
    "ja-simple": "えらんだ 食べものの 名前（なまえ）は、今日（きょう）と 明日（あした）の 給食に ありません。でも、入（はい）って いる かもしれません。",
    "en": "What you chose is not named in the menus of today and tomorrow. That does not mean they are free of it.",
}
ENERGY: Texts = {
    "ja": "1食のめやす（エネルギー）",
    "ja-simple": "1回（かい）の 給食の めやす（エネルギー）",
    "en": "Energy standard of one lunch",
}
STANDARD: Texts = {
    "ja": "文部科学省「学校給食摂取基準」（2021年）による学年ごとのめやすで、この日の献立の値ではありません。",
    "ja-simple": "国（くに）が きめた めやすです。この日の 給食の 数字（すうじ）では ありません。",
    "en": "By the national school lunch standard (2021) for the school year; not measured on this menu.",
}
OPEN: Texts = {
    "ja": "気になる食材を選ぶ",
    "ja-simple": "さがす 食べものを えらぶ",
    "en": "Choose ingredients to look for",
}
FORM = "ingredients"
FORM_LABEL: Texts = {
    "ja": "気になる食材",
    "ja-simple": "さがす 食べもの",
    "en": "Ingredients to look for",
}
FORM_INTRO: Texts = {
    "ja": f"選んだ食材の名前が今日か明日の献立にあると、このカードでお知らせします。{LIMIT['ja']}",
    "ja-simple": f"えらんだ 食べものが 今日（きょう）か 明日（あした）の 給食に ある とき、この カードで 知らせます。{LIMIT['ja-simple']}",
    "en": f"When the menu of today or tomorrow names one of these, this card says so. {LIMIT['en']}",
}
FORM_BUTTON: Texts = {
    "ja": "この画面で食材を選ぶ",
    "ja-simple": "ここで 食べものを えらぶ",
    "en": "Choose ingredients here",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def make(
    menu: Menu, config: Config, token: RequestToken, now: datetime, wishes: Sequence[str]
) -> dict[str, Any]:
    """The card for one request: the same for the same claims, wishes, language, size and day."""
    locale = token.locale
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    summary = day_summary(menu, today.date(), locale)
    schools = school_years(token.claims.get(CLAIM), locale)
    blocks: list[Block] = [card.notice("info", pick(SAMPLE, locale))]
    blocks += warnings(menu, today.date(), wishes, locale)
    blocks.append(card.text(summary))
    if schools:
        separator = ", " if locale == "en" else "、"
        named = [f"{name} {kcal} kcal" for name, kcal in energy(token.claims.get(CLAIM), locale)]
        blocks.append(
            card.facts(
                [
                    (pick(CHILDREN, locale), separator.join(schools)),
                    (pick(ENERGY, locale), separator.join(named)),
                ]
            )
        )
        blocks.append(card.text(pick(STANDARD, locale)))
        blocks.append(week_table(menu, today.date(), locale))
    else:
        if CLAIM in token.claims:
            blocks.append(card.text(pick(NO_SCHOOL, locale)))
        blocks.append(card.listing(_dishes(menu, _shown(menu, today.date())[1], locale)))
    if token.sub is not None:
        blocks.append(ingredients_form(wishes, locale))
    blocks.append(card.actions([(pick(OPEN, locale), config.url("/oidc/start"))]))
    return card.card(
        locale=locale,
        summary=summary,
        updated=today,
        valid_until=today + timedelta(days=1),
        source=SOURCE,
        blocks=blocks,
    )


def ingredients_form(wishes: Sequence[str], locale: str) -> Block:
    """The choice that the site offers too, on a page of the portal; ticked is what holds now."""
    return card.form(
        FORM,
        pick(FORM_LABEL, locale),
        [
            card.field(key, pick(one.label, locale), "boolean", value=key in wishes)
            for key, one in INGREDIENTS.items()
        ],
        button=pick(FORM_BUTTON, locale),
        intro=pick(FORM_INTRO, locale),
    )


def school_years(claim: object, locale: str) -> list[str]:
    """The school years that have lunch, in words; what is unknown or has none is left out."""
    return [name for name, _ in energy(claim, locale)]


def energy(claim: object, locale: str) -> list[tuple[str, int]]:
    """Each school year that has lunch, in words, with the energy (kcal) that the national standard names for it."""
    if not isinstance(claim, list | tuple):
        return []
    out = []
    gap = "" if locale == "ja" else " "
    for value in map(str, claim):
        school, year = value[:1], value[1:]
        if school in SCHOOLS and year.isdecimal() and int(year) in KCAL[school]:
            words = f"{pick(SCHOOLS[school], locale)}{gap}{pick(YEAR, locale).format(n=int(year))}"
            out.append((words, KCAL[school][int(year)]))
    return out


def warnings(menu: Menu, today: date, wishes: Sequence[str], locale: str) -> list[Block]:
    """A notice for each of today and tomorrow whose menu names a chosen ingredient, and what that is worth."""
    out: list[Block] = []
    for day in (today, today + timedelta(days=1)):
        lunch = menu.on(day)
        keys = found(lunch, wishes) if lunch else []
        if keys:
            what = (", " if locale == "en" else "、").join(
                pick(INGREDIENTS[key].label, locale) for key in keys
            )
            out.append(
                card.notice("warning", pick(WARNING, locale).format(day=day_label(day, locale), what=what))
            )
    if wishes:
        out.append(
            card.text(pick(LIMIT, locale) if out else f"{pick(NOT_FOUND, locale)} {pick(LIMIT, locale)}")
        )
    return out


def day_summary(menu: Menu, today: date, locale: str) -> str:
    """One sentence: today's menu, or when the next lunch is."""
    day, lunch = _shown(menu, today)
    names = (", " if locale == "en" else "、").join(_dishes(menu, lunch, locale))
    texts = TODAY if day == today else NO_LUNCH
    return pick(texts, locale).format(menu=names, day=day_label(day, locale))


def week_table(menu: Menu, today: date, locale: str) -> Block:
    """Monday to Friday."""
    separator = ", " if locale == "en" else "、"
    rows = [
        [day_label(day, locale), separator.join(_dishes(menu, lunch, locale))]
        for day, lunch in menu.week(today)
    ]
    return card.table(pick(WEEK, locale), [pick(DAY, locale), pick(DISHES, locale)], rows)


def day_label(day: date, locale: str) -> str:
    """A day in words."""
    if locale == "en":
        return f"{_DAYS_EN[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"
    weekday = "月火水木金土日"[day.weekday()]
    return f"{day.month}月{day.day}日（{weekday}{'曜日' if locale == 'ja-simple' else ''}）"


def _shown(menu: Menu, today: date) -> tuple[date, Lunch]:
    lunch = menu.on(today)
    return (today, lunch) if lunch else menu.next_day(today)


def _dishes(menu: Menu, lunch: Lunch, locale: str) -> list[str]:
    return [menu.dish_name(dish, locale) for dish in lunch.dishes]
