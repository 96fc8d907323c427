"""The waste provider as a program: its zones, card and own site."""

from datetime import date
from html import escape

from examples.kit import pages
from examples.kit.card import Texts, pick
from examples.kit.config import Config
from examples.kit.provider import Profile, Provider
from examples.kit.sessions import Session
from examples.kit.web import Request
from examples.waste import card, zones
from examples.waste.manifest import GADGET, MAX_AGE, PROVIDER, manifest
from examples.waste.rules import collections

TITLE: Texts = {"ja": "ごみ収集日", "ja-simple": "ごみの 日", "en": "Waste collection days"}
CHOOSE: Texts = {"ja": "収集区を選ぶ", "ja-simple": "地区（ちく）を えらぶ", "en": "Choose a zone"}
SHOW: Texts = {"ja": "表示する", "ja-simple": "見る", "en": "Show"}
DAYS: Texts = {
    "ja": "収集区{n}の14日間",
    "ja-simple": "{n}番（ばん）の 地区（ちく）の 14日（にち）",
    "en": "Zone {n}: the next 14 days",
}
PRIVACY: tuple[Texts, ...] = (
    {
        "ja": "カードには、あなたが許可した「ごみ収集区」だけが届きます。あなたが誰かは届きません。届いた収集区は、答えたあと保存しません。",
        "ja-simple": "カードには、あなたが いいと 言った「ごみの 地区（ちく）」だけが 来ます。だれかは わかりません。地区は のこしません。",
        "en": "The card receives only the waste zone that you allowed, not who you are. The zone is not kept after the answer.",
    },
    {
        "ja": "このサイトにサインインすると、この窓口だけの識別子が届きます。名前・メールアドレス・住所は届きません。識別子は、サインアウトまでメモリに置くだけです。",
        "ja-simple": "サインインすると、この サイトだけの 番号（ばんごう）が 来ます。名前・メール・住所（じゅうしょ）は 来ません。番号は、サインアウトの ときに 消（け）します。",
        "en": "When you sign in here, an identifier for this site only arrives; no name, e-mail or address. It is kept in memory until you sign out.",
    },
    {
        "ja": "出典: 高松市オープンデータ（CC BY 4.0）を加工",
        "ja-simple": "高松市（たかまつし）の オープンデータ（CC BY 4.0）を 使（つか）いました",
        "en": "Source: adapted from Takamatsu City open data (CC BY 4.0)",
    },
)


def build(config: Config) -> Provider:
    """The provider, ready to serve; raises RuleError when the table cannot be read."""
    known = zones.load()

    def home(request: Request, locale: str, session: Session | None) -> str:
        chosen = known.get(request.query.get("zone", ""))
        here = f"/?zone={chosen.number}" if chosen else "/"
        top = (
            pages.signed_in_box(locale, sub=session.sub, csrf=session.csrf)
            if session
            else pages.sign_in_link(locale, here)
        )
        body = _chosen(chosen, locale, provider.now().date()) if chosen else ""
        return top + _form(known, chosen, locale) + body + _source(locale)

    provider = Provider(
        config,
        Profile(
            name="waste",
            gadget=GADGET,
            title=TITLE,
            provider=PROVIDER,
            manifest=manifest,
            make_card=lambda token, now: card.make(known, config, token, now),
            home=home,
            privacy=PRIVACY,
            max_age=MAX_AGE,
        ),
    )
    return provider


def _form(known: dict[str, zones.Zone], chosen: zones.Zone | None, locale: str) -> str:
    options = "".join(
        f'<option value="{zone.number}"{" selected" if zone is chosen else ""}>'
        f"{escape(pick(card.ZONE, locale).format(n=zone.number))} {escape(pick(zone.districts, locale))}</option>"
        for zone in known.values()
    )
    return (
        f'<form method="get" action="/"><input type="hidden" name="lang" value="{escape(locale)}">'
        f'<p><label for="zone">{escape(pick(CHOOSE, locale))}</label></p>'
        f'<p><select id="zone" name="zone">{options}</select></p>'
        f'<p><button type="submit">{escape(pick(SHOW, locale))}</button></p></form>'
    )


def _chosen(zone: zones.Zone, locale: str, today: date) -> str:
    days = collections(card.rules_of(zone, recycling=False), start=today, days=card.DAYS)
    items = [
        f'<li><time datetime="{day.isoformat()}">{escape(card.day_label(day, locale))}</time> {escape(card.class_names(names, locale))}</li>'
        for day, names in days
    ]
    return f'<h2>{escape(pick(DAYS, locale).format(n=zone.number))}</h2><ul id="days">{"".join(items)}</ul>'


def _source(locale: str) -> str:
    return f"<p>{escape(pick(card.SOURCE.publisher, locale))}</p>"
