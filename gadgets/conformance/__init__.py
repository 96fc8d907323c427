"""The checks that a gadget must pass, each line saying pass or fix, and how; one library for portal and provider.

The same checks run at registration, every night and in the provider's own tool. Numbers are those of the
protocol's list. Whoever runs them hands in an `Environment`; nothing here reads settings, a database or a key.
"""

import logging
import time
from collections.abc import Iterator

from gadgets.conformance import network
from gadgets.conformance.bench import Bench, Subject
from gadgets.conformance.checks import (
    accessibility,
    actions,
    cards,
    events,
    faults,
    frame,
    interference,
    kinds,
    manifest,
    privacy,
    query,
    speed,
    tokens,
)
from gadgets.conformance.environment import BUDGET, CALL_SECONDS, LOCALES, Environment, Signer
from gadgets.errors import ManifestError
from gadgets.protocol import card as cards_contract
from gadgets.protocol import manifest as manifests
from gadgets.protocol.conformance_lines import Line, fix

__all__ = ["BUDGET", "CALL_SECONDS", "LOCALES", "Environment", "Line", "Signer", "Subject", "check", "main"]


log = logging.getLogger(__name__)


def check(subject: Subject, env: Environment) -> Iterator[Line]:
    """Every line of the report, as soon as it is known; ends early when the manifest itself does not hold.

    A check that breaks is a line too, and the last one: it names what broke, and the run has a result.
    """
    number = 1
    try:
        for line in _lines(subject, env):
            number = line.number
            yield line
    except Exception as error:  # noqa: BLE001  bulkhead: no answer of a provider's may end a run without a report
        log.error("checks of %s broke after line %d: %s", subject.url, number, cards_contract.place_of(error))  # noqa: TRY400  a trace may hold what a provider sent
        yield _broken(number, cards_contract.place_of(error))


def _broken(number: int, place: str) -> Line:
    return fix(
        number,
        {"ja": "検査の中断", "en": "The checks broke off"},
        {
            "ja": f"検査 {number} の後で、検査のプログラムが止まりました（{place}）。残りは調べていません。",
            "en": f"The program of the checks broke after check {number} ({place}). The rest was not checked.",
        },
        {
            "ja": "極端な値や変わった応答がないか確かめ、この行を窓口の運営に知らせてください。",
            "en": "See whether an answer is extreme or unusual, and report this line to the portal.",
        },
    )


def _lines(subject: Subject, env: Environment) -> Iterator[Line]:
    try:
        parsed = manifests.parse(subject.raw, url=subject.url)
    except ManifestError as error:
        yield from manifest.unreadable(error)
        return
    bench = Bench(parsed, env, time.monotonic() + env.seconds)
    yield from manifest.check(subject, parsed)
    yield from network.check(subject, parsed, env)
    if parsed.template is not None:
        yield from query.check(bench)
    elif parsed.endpoints.card is None:
        yield from kinds.without_card(parsed)
    else:
        yield from _card(bench)
    if parsed.frame is None:
        yield kinds.without_frame(parsed)
    else:
        yield from frame.check(parsed, env)
    yield from privacy.check(parsed, env)
    if parsed.identity == "pairwise":
        yield from events.check(bench)
        yield from actions.check(bench)
    else:
        yield kinds.nobody(parsed)


def _card(bench: Bench) -> Iterator[Line]:
    """Checks 3 to 11, of a provider that makes cards."""
    yield from tokens.check(bench)
    yield cards.personas(bench)
    yield from cards.forms(bench)
    yield from cards.use_of_claims(bench)
    yield kinds.pairwise() if bench.manifest.identity == "pairwise" else interference.check(bench)
    yield from speed.check(bench)
    yield from faults.check(bench)
    if bench.manifest.identity == "pairwise":
        yield kinds.kept_privately(bench.manifest)
    yield from accessibility.check(bench)
    yield cards.links(bench)
