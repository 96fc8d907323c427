"""The river provider as a program: its record, card and a page with every station it shows."""

from html import escape

from examples.kit import pages
from examples.kit.card import Texts, pick
from examples.kit.config import Config
from examples.kit.provider import Profile, Provider
from examples.kit.sessions import Session
from examples.kit.web import Request
from examples.river import card, record
from examples.river.manifest import GADGET, MAX_AGE, PROVIDER, manifest

TITLE: Texts = {"ja": "川の水位", "ja-simple": "川の 水位（すいい）", "en": "River levels"}
LATEST: Texts = {"ja": "最新の水位", "ja-simple": "新（あたら）しい 水位（すいい）", "en": "Newest levels"}
COLUMNS: tuple[Texts, ...] = (
    card.STATION,
    {"ja": "水位", "ja-simple": "水位（すいい）", "en": "Level"},
    {"ja": "観測時刻", "ja-simple": "時間（じかん）", "en": "Observed"},
    {"ja": "状態", "ja-simple": "今（いま）は", "en": "State"},
)
STATUS: dict[str, Texts] = {
    "current": {"ja": "最新", "ja-simple": "新（あたら）しい", "en": "current"},
    "old": {"ja": "古い", "ja-simple": "古（ふる）い", "en": "old"},
    "not_available": {"ja": "取得できません", "ja-simple": "わかりません", "en": "not available"},
}
PRIVACY: tuple[Texts, ...] = (
    {
        "ja": "この窓口には、あなたについての情報は何も届きません。どなたにも同じカードをお返しします。",
        "ja-simple": "あなたの 情報（じょうほう）は 来ません。みんな 同（おな）じ カードです。",
        "en": "Nothing about you arrives here. Everybody gets the same card.",
    },
    {
        "ja": "出典: 福井県の河川水位（Code for Fukui収集、MIT）を加工",
        "ja-simple": "福井県（ふくいけん）の 川の 水位（すいい）（Code for Fukui, MIT）を 使いました",
        "en": "Source: adapted from river levels of Fukui Prefecture, collected by Code for Fukui (MIT)",
    },
)


def build(config: Config) -> Provider:
    """The provider, ready to serve; raises RecordError when the record cannot be read."""
    stations = record.load()

    def home(_: Request, locale: str, __: Session | None) -> str:
        now = provider.now()
        rows = [_row(station, record.reading(station, now), locale) for station in stations]
        levels = card.thresholds_table(stations, locale)
        return (
            f'<p class="warn">{escape(pick(card.REPLAY, locale))}</p>'
            f"<p>{escape(pick(card.SOURCE.note or {'ja': ''}, locale))}</p>"
            + pages.html_table(pick(LATEST, locale), [pick(one, locale) for one in COLUMNS], rows)
            + pages.html_table(levels["caption"], [one["label"] for one in levels["columns"]], levels["rows"])
            + f"<p>{escape(pick(card.SOURCE.publisher, locale))}</p>"
        )

    provider = Provider(
        config,
        Profile(
            name="river",
            gadget=GADGET,
            title=TITLE,
            provider=PROVIDER,
            manifest=manifest,
            make_card=lambda token, now: card.make(stations, config, token, now),
            home=home,
            privacy=PRIVACY,
            max_age=MAX_AGE,
        ),
    )
    return provider


def _row(station: record.Station, one: record.Reading, locale: str) -> list[str]:
    value = "–" if one.value is None else f"{one.value:.2f} m"
    words = card.note(station, one, locale)
    return [
        pick(station.name, locale),
        value,
        f"{one.observed:%H:%M}",
        f"{pick(STATUS[one.status], locale)} ({words})",
    ]
