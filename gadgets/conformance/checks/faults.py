"""Check 9: when the provider breaks, the tile stays whole and the resident keeps something.

A server of ours takes the provider's place behind the real door and the real parser; the tile that the portal
would show is drawn and read. What the resident keeps is the last good card with its age, or a way on.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from typing import Any

from core.texts import Texts, pick
from gadgets.cards import drawing
from gadgets.conformance import fault_server
from gadgets.conformance.bench import Bench, Seen, no_card
from gadgets.conformance.checks.kinds import PAIRWISE_SECONDS
from gadgets.conformance.checks.privacy import visible
from gadgets.errors import CardError, DoorError
from gadgets.outbound.http import Door
from gadgets.protocol import card as cards
from gadgets.protocol.conformance_lines import Line, fix, passed
from gadgets.protocol.manifest import Manifest
from gadgets.types import StoredCard, Unavailable

NUMBER = 9
SECONDS = 0.3
"""How long a broken provider is waited for here; a resident's page waits 1.5."""
_STATUS = re.compile(r'<p class="card__status">(.*?)</p>', re.DOTALL)


def check(bench: Bench) -> Iterator[Line]:
    whole = {"ja": "壊れた応答でも、カード枠が崩れない", "en": "With broken answers the page stays whole"}
    if not bench.seen:
        yield no_card(NUMBER, whole)
        return
    good = bench.seen[0]
    broken: list[Texts] = []
    with fault_server.running() as address:
        door = Door(loopback_names=True)
        for name, told in fault_server.FAULTS.items():
            error = _fails(door, address + name, bench.manifest)
            trouble = "it was taken for a card" if error is None else _trouble(bench, good, error)
            if trouble:
                broken.append({"ja": f"{told['ja']}: {trouble}", "en": f"{told['en']}: {trouble}"})
    yield _whole(whole, broken)
    yield _kept(bench)


def _fails(door: Door, url: str, manifest: Manifest) -> DoorError | CardError | None:
    """Asks the broken provider as the portal asks; None when a card came after all."""
    try:
        answer = door.fetch(
            url,
            headers={"Accept": cards.MEDIA_TYPE},
            deadline=SECONDS,
            max_bytes=cards.MAX_BYTES,
            content_types=(cards.MEDIA_TYPE,),
        )
        cards.parse(answer.body, manifest=manifest)
    except (DoorError, CardError) as error:
        return error
    return None


def _trouble(bench: Bench, good: Seen, error: DoorError | CardError) -> str:
    """What is wrong with the tiles of this failure, with and without a last good card; empty when nothing is."""
    now = datetime.now(UTC)
    locale, size = good.case.locale, good.case.size
    old = drawing.stored(good.card, bench.manifest, locale=locale, now=now, old=True)
    without = Unavailable(error.code, error.message, error.retry, error.provider_message)
    shown: tuple[StoredCard | Unavailable, ...] = (old, without)
    for held in shown:
        html = drawing.tile(bench.manifest, held, locale=locale, size=size, now=now)
        trouble = faults_of(html, bench.manifest, locale, error)
        if trouble:
            return trouble
    return ""


def faults_of(html: str, manifest: Manifest, locale: str, error: Any) -> str:
    """Reads a tile: title, provider and status in words are there, and nothing of the broken answer is."""
    status = _STATUS.search(html)
    if escape(pick(manifest.title, locale)) not in html:
        return "the title is missing"
    if escape(manifest.provider.name) not in html:
        return "the provider is missing"
    if status is None or not visible(status[1]):
        return "the status is missing"
    raw = (fault_server.MARK, "Traceback", str(error), error.provider_message)
    return next((f"shows {text!r}" for text in raw if escape(text) in html), "")


def _whole(title: Texts, broken: list[Texts]) -> Line:
    if not broken:
        count = len(fault_server.FAULTS)
        return passed(
            NUMBER,
            title,
            {
                "ja": f"{count} 通りの壊れた応答（{'、'.join(one['ja'] for one in fault_server.FAULTS.values())}）で、"
                "題名・提供者・状態が残りました。",
                "en": f"{count} kinds of broken answers ({', '.join(one['en'] for one in fault_server.FAULTS.values())}): "
                "title, provider and status stay.",
            },
        )
    return fix(
        NUMBER,
        title,
        {language: "\n".join(one[language] for one in broken) for language in ("ja", "en")},
        {
            "ja": "これはポータルの誤りです。この行を、ポータルの運用者に送ってください。",
            "en": "This is a fault of the portal: send this line to its operator.",
        },
    )


def seconds_kept(bench: Bench) -> int:
    """How long the last good card is shown as old; a provider's `no-store` forbids it."""
    stale = bench.manifest.stale
    if bench.manifest.identity == "pairwise":
        stale = min(stale, PAIRWISE_SECONDS)
    forbidden = any("no-store" in seen.answer.headers.get("cache-control", "").lower() for seen in bench.seen)
    return 0 if forbidden else stale


def _kept(bench: Bench) -> Line:
    title = {"ja": "壊れている間も、住民に何かが残る", "en": "Meanwhile the resident keeps something"}
    seconds = seconds_kept(bench)
    if seconds > 0:
        minutes = max(round(seconds / 60), 1)
        return passed(
            NUMBER,
            title,
            {
                "ja": f"最後のカードが、時刻とともに、あと {minutes} 分まで残ります。",
                "en": f"The last card stays, with its age, for {minutes} minutes more.",
            },
        )
    if bench.manifest.endpoints.login:
        return passed(
            NUMBER,
            title,
            {
                "ja": "カードは残りませんが、提供者のサイト（endpoints.login）へ進めます。",
                "en": "No card stays, but the way to the provider's site (endpoints.login) does.",
            },
        )
    return fix(
        NUMBER,
        title,
        {
            "ja": "応答できない間、住民には何も残りません。",
            "en": "While the provider cannot answer, the resident has nothing left.",
        },
        {
            "ja": "マニフェストの cache.stale を 1 以上（例: 86400）にし、Cache-Control: no-store を返さないでください。"
            "または endpoints.login を加えてください。",
            "en": "Set `cache.stale` of the manifest above 0 (say 86400) and do not answer `Cache-Control: no-store`; "
            "or add `endpoints.login`.",
        },
    )
