"""The checks that a gadget must pass, each line saying pass or fix, and how; one library for portal and provider.

The same checks run at registration, every night and in the provider's own tool. Numbers are those of the
protocol's list. Whoever runs them hands in an `Environment`; nothing here reads settings, a database or a key.
"""

import time
from collections.abc import Iterator

from gadgets.conformance import (
    accessibility,
    cards,
    events,
    faults,
    frame,
    interference,
    kinds,
    manifest,
    network,
    privacy,
    query,
    speed,
    tokens,
)
from gadgets.conformance.bench import Bench, Subject
from gadgets.conformance.environment import BUDGET, CALL_SECONDS, LOCALES, Environment, Signer
from gadgets.contract import manifest as manifests
from gadgets.contract.conformance_lines import Line
from gadgets.errors import ManifestError

__all__ = ["BUDGET", "CALL_SECONDS", "LOCALES", "Environment", "Line", "Signer", "Subject", "check", "main"]


def check(subject: Subject, env: Environment) -> Iterator[Line]:
    """Every line of the report, as soon as it is known; ends early when the manifest itself does not hold."""
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
    yield from accessibility.check(bench)
    yield cards.links(bench)


def main(arguments: list[str] | None = None) -> int:
    """Prints the report for the manifest at a URL; 0 when every line passes."""
    from gadgets.conformance.command import run

    return run(arguments)
