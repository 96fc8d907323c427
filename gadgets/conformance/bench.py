"""One run of the checks: what it may still spend, its calls to the card, and the cards that it has seen."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from core.texts import Texts
from gadgets.cards import drawing
from gadgets.conformance.checks import request_tokens as tokens
from gadgets.conformance.checks.request_tokens import Case
from gadgets.conformance.environment import CALL_SECONDS, Environment
from gadgets.errors import CardError, DoorError
from gadgets.outbound.http import Answer
from gadgets.protocol import card as cards
from gadgets.protocol.cards import card_clock
from gadgets.protocol.conformance_lines import Line, broken, fix
from gadgets.protocol.manifest import Manifest

ANY_STATUS = range(100, 600)
REFUSED = frozenset({400, 401, 403})
SHOWN = 3
"""How many faults of one check are shown."""


_ANSWER: Texts = {
    "ja": f"endpoints.card は、状態コード 200 と {cards.MEDIA_TYPE} で、{cards.MAX_BYTES // 1024} KB までを返してください。",
    "en": f"Let endpoints.card answer 200 with {cards.MEDIA_TYPE} and at most {cards.MAX_BYTES // 1024} KB.",
}


_COOKIE: Texts = {"ja": "応答が Cookie を設定しています。", "en": "The answer sets a cookie."}
_NO_COOKIE: Texts = {
    "ja": "Set-Cookie を付けないでください。カードの応答は、どこにも Cookie を残しません。",
    "en": "Do not send Set-Cookie: an answer to a card leaves no cookie anywhere.",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked: the bytes of a manifest, where they were published, and the version before, if any."""

    raw: bytes
    url: str
    gadget_id: str = ""
    previous: str | None = None


class _Everywhere(tuple[str, ...]):
    """Link origins that hold every origin: check 4 reads the card, check 11 its links."""

    __slots__ = ()

    def __contains__(self, _: object) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Seen:
    """One valid card: for which case it came, its bytes and the headers beside it."""

    case: Case
    answer: Answer
    card: cards.Card


@dataclass(frozen=True, slots=True)
class Fault:
    """Why one card could not be had or read, and what to do."""

    told: Texts
    remedy: Texts


@dataclass(slots=True)
class Bench:
    """One run. `until` is monotonic; `seen` fills as the checks go."""

    manifest: Manifest
    env: Environment
    until: float
    seen: list[Seen] = field(default_factory=list)

    @property
    def over(self) -> bool:
        return time.monotonic() > self.until

    @property
    def anywhere(self) -> Manifest:
        """The manifest as if it declared every origin."""
        return replace(self.manifest, link_origins=_Everywhere())

    def cases(self) -> list[Case]:
        return tokens.cases(self.manifest, self.env.locales)

    def call(self, token: str, headers: Mapping[str, str] | None = None, locale: str = "ja") -> Answer:
        """One call to the card's endpoint, with the headers that the portal sends; every status is an answer."""
        sent = {
            "Authorization": f"Bearer {token}",
            "Accept": cards.MEDIA_TYPE,
            "Accept-Language": "en" if locale == "en" else "ja",
        }
        return self.env.door.fetch(
            self.manifest.endpoints.card or "",
            headers={**sent, **(headers or {})},
            deadline=max(min(CALL_SECONDS, self.until - time.monotonic()), 0.05),
            max_bytes=cards.MAX_BYTES,
            content_types={cards.MEDIA_TYPE},
            accept=ANY_STATUS,
        )

    def ask(self, case: Case, headers: Mapping[str, str] | None = None) -> Answer:
        """One good call for a case."""
        return self.call(tokens.good(self.manifest, case, self.env), headers, case.locale)

    def fault(self, case: Case) -> Fault | None:
        """Reads one card as a reader would; None when it is whole, else what is wrong with it."""
        try:
            answer = self.ask(case)
        except DoorError as error:
            return Fault(broken(error), _ANSWER)
        if answer.status != 200:
            return Fault(answered(answer.status), _ANSWER)
        try:
            if answer.sets_cookie:
                return Fault(_COOKIE, _NO_COOKIE)
            now = datetime.now(UTC)
            card = card_clock.check(cards.parse(answer.body, manifest=self.anywhere), now)
            drawing.card_html(card, locale=case.locale, size=case.size)
        except CardError as error:
            told = {"ja": error.in_words("ja"), "en": error.in_words("en")}
            return Fault(told, error.problems[0].remedy)
        self.seen.append(Seen(case, answer, card))
        return None


def answered(status: int) -> Texts:
    return {"ja": f"状態コード {status} が返りました。", "en": f"It answered {status}."}


def out_of_time(number: int, title: Texts, bench: Bench) -> Line:
    seconds = f"{bench.env.seconds:.0f}"
    return fix(
        number,
        title,
        {
            "ja": f"検査全体の制限時間（{seconds} 秒）を超えました。",
            "en": f"The whole run took more than {seconds} seconds.",
        },
        {"ja": "応答を速くしてください。", "en": "Answer faster."},
    )


def no_card(number: int, title: Texts) -> Line:
    """A check that reads cards, when none came."""
    return fix(
        number,
        title,
        {"ja": "カードが一枚も届かず、調べられませんでした。", "en": "No card came that could be read."},
        {
            "ja": "まずカードを直してください（検査 3・4・5）。",
            "en": "Correct the card first (checks 3, 4 and 5).",
        },
    )
