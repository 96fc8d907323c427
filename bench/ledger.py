"""Releases a second, and the time of `audit verify`, inside one process on the database of the settings; prints JSON.

Sixteen residents' cards at once. "Before" is a release as it was until its entry left the chain: the same row, and an
entry of the chain in the same transaction, so that every release of the city waits for one lock.
"""

import json
import sys
import threading
import time
from collections.abc import Callable
from uuid import uuid4

import django

WRITERS = 16
SECONDS = 4.0
ENTRIES = 100_000
PEOPLE = 10_000
GADGET = "localhost.bench.ledger"
ITEM = "area.waste_zone"


def main() -> None:
    """Measures on what stands in the database, then fills the chain and verifies it."""
    figures = {"releases_before_per_s": _rate(_as_before), "releases_per_s": _rate(_as_now), **_verify()}
    sys.stdout.write(json.dumps(figures) + "\n")


def _people() -> list[object]:
    from identity import actions
    from identity.domain.consent import Notice
    from identity.domain.roles import SYSTEM, Actor

    made = []
    for number in range(WRITERS):
        one = uuid4()
        actions.create_resident(resident_id=one, display_name=f"bench {number}", by=SYSTEM)
        me = Actor(id=one)
        actions.set_attributes(resident_id=one, values={"area.district": "busshozan"}, by=me)
        actions.grant(
            resident_id=one, recipient=GADGET, purpose="card", items=[ITEM], declared=[ITEM], level="audience",
            notice=Notice("ja", "測定"), controller="bench", by=me,
        )  # fmt: skip
        made.append(one)
    return made


def _as_now(one: object) -> None:
    from identity import actions

    # Each form is an entry of its own: no repetition is left out.
    actions.release(resident_id=one, recipient=GADGET, via="form", decide=lambda _: [ITEM])  # type: ignore[arg-type]


def _as_before(one: object) -> None:
    from identity import actions
    from identity.audit import chain
    from identity.domain.roles import PORTAL

    with actions.together():
        _as_now(one)
        # Of another kind than it was: the check of the chain compares those with rows of that release.
        chain.record("exported", who=one, by=PORTAL, recipient=GADGET, items=[ITEM], via="form")  # type: ignore[arg-type]


def _rate(release: Callable[[object], None]) -> float:
    from django.db import connection

    people = _people()
    counts = [0] * len(people)
    until = time.perf_counter() + SECONDS

    def run(number: int) -> None:
        try:
            while time.perf_counter() < until:
                release(people[number])
                counts[number] += 1
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(people))]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - started)


def _verify() -> dict[str, float]:
    from identity import actions
    from identity.audit import chain, verify
    from identity.consent import access_log
    from identity.domain.consent import Notice
    from identity.domain.roles import SYSTEM
    from identity.models import AuditEntry, Resident

    people: list[dict[str, str]] = [{"age_band": "35-44"}] * PEOPLE
    actions.create_synthetic(people=people, notice=Notice("ja", "測定"), controller="bench", by=SYSTEM)  # type: ignore[arg-type]
    handles = list(Resident.objects.filter(issuer="synthetic").values_list("handle", flat=True)[:PEOPLE])
    access_log.seal()
    left = ENTRIES - AuditEntry.objects.count()
    for start in range(0, left, 5000):
        chain._write(
            [("signed_in", str(handles[number % PEOPLE]), str(handles[number % PEOPLE]), {"new_device": False})
             for number in range(start, min(start + 5000, left))]
        )  # fmt: skip
    started = time.perf_counter()
    verdict = verify.verify()
    took = time.perf_counter() - started
    if not verdict.holds:
        raise SystemExit(f"audit verify: {verdict.broken}: {verdict.reason}")
    return {"verify_s": took, "entries": verdict.entries}


if __name__ == "__main__":
    django.setup()
    main()
