"""The page of the mock portal: the gadget's card for each person, size and language, or what is wrong and where."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.template import Context, Engine
from django.utils.safestring import mark_safe

from core.quoting import escaped
from core.region.current import current_region
from core.texts import Texts
from gadgets.cards.drawing import stored, tile
from gadgets.cards.render import html_language
from gadgets.conformance import CALL_SECONDS, LOCALES, Environment
from gadgets.conformance.checks.request_tokens import PERSONAS, Case, claims_of, good
from gadgets.errors import CardError, DoorError, GadgetError, SchemaError
from gadgets.protocol import card as cards
from gadgets.protocol.manifest import Manifest
from gadgets.rgadget.subject import fetched
from gadgets.rgadget.surroundings import now

ALL = "all"
ANY_STATUS = range(100, 600)
_PARENT_AT, _ALONE_AT, _NEWCOMER_AT = (district.name for district in current_region().example_districts)
PEOPLE: Mapping[str, Texts] = {
    "hanako": {
        "ja": f"花子（{_PARENT_AT['ja']}、子育て中）",
        "en": f"Hanako (a parent in {_PARENT_AT['en']})",
    },
    "taro": {"ja": f"太郎（{_ALONE_AT['ja']}、78歳）", "en": f"Taro (78, {_ALONE_AT['en']})"},
    "linh": {"ja": f"リン（{_NEWCOMER_AT['ja']}、英語）", "en": f"Linh (English, {_NEWCOMER_AT['en']})"},
    "guest": {"ja": "サインインしていない人", "en": "A guest"},
}
_WORDS: Mapping[str, Texts] = {
    "title": {"ja": "模擬ポータル", "en": "Mock portal"},
    "person": {"ja": "だれに", "en": "For whom"},
    "size": {"ja": "大きさ", "en": "Size"},
    "locale": {"ja": "言語", "en": "Language"},
    "all": {"ja": "すべて", "en": "all"},
    "show": {"ja": "表示する", "en": "Show"},
    "again": {
        "ja": "プログラムを直したら、このページを読み込み直してください。毎回、カードを取り直します。",
        "en": "Change your program and reload this page: every card is fetched anew.",
    },
    "fault": {"ja": "直すところ", "en": "To fix"},
    "remedy": {"ja": "直し方", "en": "Remedy"},
    "summary": {"ja": "要約（たたんだとき）", "en": "Summary (when folded)"},
    "told": {"ja": "ポータルが伝えたこと", "en": "What the portal told"},
    "answer": {"ja": "届いた応答", "en": "The answer"},
    "no_card": {
        "ja": "この種類のサービスには、提供者が返すカードがありません。",
        "en": "This kind of gadget has no card that a provider answers with.",
    },
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What the page shows; anything unknown is all."""

    person: str = ALL
    size: str = ALL
    locale: str = "ja"

    @classmethod
    def of(cls, query: Mapping[str, list[str]]) -> "Choice":
        def one(name: str, known: tuple[str, ...], fallback: str) -> str:
            given = query.get(name, [""])[0]
            return given if given in known else fallback

        return cls(
            one("person", tuple(PERSONAS), ALL),
            one("size", ("S", "M", "L"), ALL),
            one("locale", LOCALES, "ja"),
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """One card on the page, or its faults as (place, what, remedy)."""

    person: str
    size: str
    html: str = ""
    summary: str = ""
    faults: tuple[tuple[str, str, str], ...] = ()
    told: str = ""
    raw: str = ""
    milliseconds: int = 0


def page(url: str, env: Environment, choice: Choice, *, language: str) -> str:
    """The whole page; fetches the manifest and every card anew."""
    faults: tuple[tuple[str, str, str], ...] = ()
    shown: list[Shown] = []
    title, note = url, ""
    try:
        manifest = fetched(url, env.door).parsed()
    except GadgetError as error:
        faults = told_of(error, language)
    else:
        title = manifest.title.get(choice.locale) or manifest.title["ja"]
        if manifest.endpoints.card is None:
            note = _pick(_WORDS["no_card"], language)
        else:
            shown = [one(manifest, env, case, language) for case in cases(manifest, choice)]
    values = {
        "language": language,
        "words": {name: _pick(texts, language) for name, texts in _WORDS.items()},
        "title": title,
        "url": url,
        "choice": choice,
        "people": [(name, _pick(PEOPLE[name], language)) for name in PERSONAS],
        "sizes": ("S", "M", "L"),
        "locales": (("ja", "日本語"), ("en", "English"), ("ja-simple", "やさしい日本語")),
        "card_language": html_language(choice.locale),
        "note": note,
        "faults": faults,
        "shown": [(item, mark_safe(item.html)) for item in shown],  # noqa: S308  drawn by gadgets.cards.drawing
    }
    return _engine().get_template("page.html").render(Context(values))


@cache
def _engine() -> Engine:
    return Engine(dirs=[str(Path(__file__).resolve().parent / "files")])


def cases(manifest: Manifest, choice: Choice) -> list[Case]:
    """Every person and size that the page is to show."""
    declared = {claim.name for claim in manifest.claims}
    return [
        Case(
            f"{person}/{choice.locale}/{size}",
            {key: value for key, value in values.items() if key in declared},
            choice.locale,
            size,
        )
        for person, values in PERSONAS.items()
        if choice.person in (ALL, person)
        for size in manifest.sizes
        if choice.size in (ALL, size)
    ]


def one(manifest: Manifest, env: Environment, case: Case, language: str) -> Shown:
    """Fetches one card with a token of this moment, checks it as the portal does and draws it."""
    name, _, _rest = case.name.partition("/")
    person = _pick(PEOPLE[name], language)
    told = json.dumps(claims_of(manifest, case, env), ensure_ascii=False, indent=1)
    try:
        answer = env.door.fetch(
            manifest.endpoints.card or "",
            headers={
                "Authorization": f"Bearer {good(manifest, case, env)}",
                "Accept": cards.MEDIA_TYPE,
                "Accept-Language": "en" if case.locale == "en" else "ja",
            },
            deadline=CALL_SECONDS,
            max_bytes=cards.MAX_BYTES,
            content_types={cards.MEDIA_TYPE},
            accept=ANY_STATUS,
        )
    except DoorError as error:
        return Shown(person, case.size, faults=told_of(error, language), told=told)
    more: dict[str, Any] = {
        "told": told,
        "raw": escaped(answer.body.decode("utf-8", "replace"), lines=True),
        "milliseconds": round(answer.seconds * 1000),
    }
    if answer.status != 200:
        return Shown(person, case.size, faults=(_status(answer.url, answer.status, language),), **more)
    try:
        card = cards.parse(answer.body, manifest=manifest)
    except CardError as error:
        return Shown(person, case.size, faults=told_of(error, language), **more)
    at = now()
    try:
        held = stored(card, manifest, locale=case.locale, size=case.size, now=at)
    except CardError as error:
        return Shown(person, case.size, faults=told_of(error, language), **more)
    html = tile(manifest, held, locale=case.locale, size=case.size, now=at, anchor=f"{name}-{case.size}")
    return Shown(person, case.size, html=html, summary=card.summary, **more)


def told_of(error: GadgetError, language: str) -> tuple[tuple[str, str, str], ...]:
    """Place, what is wrong and the remedy, for each problem."""
    if isinstance(error, SchemaError):
        return tuple(
            (problem.path, _pick(problem.message, language), _pick(problem.remedy, language))
            for problem in error.problems
        )
    if isinstance(error, DoorError):
        detail = error.detail if language == "en" else error.detail_ja
        remedy: Texts = {
            "ja": "提供者のプログラムが動いているか、アドレスが正しいかを確かめてください。",
            "en": "See whether your program runs and the address is right.",
        }
        return ((error.url, detail, _pick(remedy, language)),)
    return (("", error.provider_message, ""),)


def _status(url: str, status: int, language: str) -> tuple[str, str, str]:
    message: Texts = {"ja": f"状態コード {status} が返りました。", "en": f"It answered {status}."}
    remedy: Texts = {
        "ja": "このポータルの鍵（/.well-known/jwks.json）でトークンを確かめ、200 とカードを返してください。"
        "PORTAL_URL がこのポータルのアドレスかも確かめてください。",
        "en": "Verify the token with this portal's key set (/.well-known/jwks.json), then answer 200 and the card. "
        "See also whether PORTAL_URL names this portal.",
    }
    return url, _pick(message, language), _pick(remedy, language)


def _pick(texts: Texts, language: str) -> str:
    return texts.get(language) or texts["ja"]
