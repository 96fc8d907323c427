"""Carries out the closing of accounts, step by step; a sweep that died at any point goes on where it was.

Each step is a transaction or a call that may be repeated, and is written into the report when it is done:
orders to the providers are queued; the account goes at the ID; what is left of sessions goes; every row goes.
Whoever does not answer holds up nobody: providers are told until they answer, and the report is completed then.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core import sweeps
from core.jobs import Job
from gadgets import actions as gadget_actions
from gadgets.webhooks import erasure as providers
from gadgets.webhooks.erasure import ProviderReport
from identity.actions import together
from identity.closure import erasure
from identity.errors import ProviderProblem
from portal.content.forget import forget_author
from portal.home.feedback import impressions
from recommender import actions as ranking_actions

log = logging.getLogger(__name__)

JOB = "mydata.carry_out_erasures"
Step = Callable[[UUID, datetime], None]


def carry_out(now: datetime | None = None) -> int:
    """Everything that is due; returns how many accounts were erased. Any number of workers may run it at once."""
    at = now or timezone.now()
    parts: dict[str, Callable[[datetime], int]] = {
        "end_sessions": _end_sessions,
        "erase": _erase,
        "complete_reports": complete_reports,
    }
    return dict(sweeps.each(JOB, parts, lambda part: parts[part](at)).done).get("erase", 0)


def _end_sessions(_now: datetime) -> int:
    due = erasure.sessions_due()
    return len(
        sweeps.each(JOB, due, lambda one: _end_at_id(one[1]), key=lambda one: f"sessions:{one[0]}").done
    )


def _end_at_id(resident_id: UUID) -> None:
    try:
        erasure.end_sessions(resident_id)
    except ProviderProblem as error:
        log.warning("sessions of a closed account still open at the ID: %s", type(error).__name__)


def _erase(now: datetime) -> int:
    """The next sweep goes on with the step at which an erasure stopped."""
    return len(sweeps.each(JOB, erasure.due(now), lambda one: _carry_out_one(one, now)).done)


def _carry_out_one(erasure_id: UUID, now: datetime) -> None:
    for step in STEPS:
        step(erasure_id, now)


# --- the steps -----------------------------------------------------------------------------------------------


@transaction.atomic
def order_at_providers(erasure_id: UUID, now: datetime) -> None:
    """Queues the orders once: the pseudonyms are computed while the person is still known."""
    held = erasure.hold(erasure_id, now=now)
    if held is None or held.has(ORDERED):
        return
    ordered = [row for person in held.people for row in providers.order(person)]
    erasure.note(erasure_id, erasure.PROVIDER, [as_entry(row) for row in ordered])
    erasure.note(erasure_id, ORDERED, [{"at": now.isoformat()}])


def delete_at_id(erasure_id: UUID, now: datetime) -> None:
    """Takes the account away at the ID, outside of any transaction; a ward has none there."""
    with transaction.atomic():
        held = erasure.hold(erasure_id, now=now)
    if held is None or held.has(erasure.ID):
        return
    erasure.delete_at_id(held.people[0])
    with transaction.atomic():
        erasure.note(erasure_id, erasure.ID, [{"at": now.isoformat()}])


def forget_sessions(erasure_id: UUID, now: datetime) -> None:
    """Ends whatever session is left; nobody can open one any more, because the ID no longer knows the account."""
    with transaction.atomic():
        held = erasure.hold(erasure_id, now=now)
    if held is not None:
        erasure.forget_sessions(held.people)


@together()
def forget_rows(erasure_id: UUID, now: datetime) -> None:
    """Every table in one transaction: all of it goes, or nothing and the next sweep tries again."""
    held = erasure.hold(erasure_id, now=now)
    if held is None:
        return
    deleted: Counter[str] = Counter()
    unnamed: Counter[str] = Counter()
    for person in reversed(held.people):  # wards first: their guardianships go with the guardian
        for name, number in gadget_actions.forget_resident(person).items():
            (unnamed if name == "reviews" else deleted)[f"gadgets:{name}"] += number
        for name, number in impressions.erase(person).items():
            deleted[f"recommender:{name}"] += number
        unnamed["recommender:decisions"] += ranking_actions.unname(person)
        gone, kept = forget_author(person)
        deleted.update(gone)
        unnamed.update(kept)
        forgotten = erasure.forget(person)
        deleted.update(forgotten.deleted)
        unnamed.update(forgotten.unnamed)
    erasure.finish(erasure_id, deleted=+deleted, unnamed=+unnamed, now=now)


ORDERED = "ordered"
STEPS: tuple[Step, ...] = (order_at_providers, delete_at_id, forget_sessions, forget_rows)


# --- what providers answered ---------------------------------------------------------------------------------


def as_entry(report: ProviderReport) -> dict[str, Any]:
    """A provider's word as the report keeps it: nothing in it names a person."""
    return {
        "gadget_id": report.gadget_id,
        "title": dict(report.title),
        "provider_name": report.provider_name,
        "contact": report.contact,
        "state": report.state,
        "records": report.records,
        "kept": [{"what": kept.what, "why": kept.why} for kept in report.kept],
        "txn": report.txn,
        "at": report.at.isoformat() if report.at else None,
    }


def with_answers(entries: tuple[Mapping[str, Any], ...]) -> list[Mapping[str, Any]]:
    """The same entries with what those who were waited for have said since."""
    waiting = [str(entry["txn"]) for entry in entries if entry["state"] == "waiting"]
    came = {row.txn: as_entry(row) for row in providers.outcome(waiting)} if waiting else {}
    return [
        {**entry, **{key: value for key, value in came[entry["txn"]].items() if key in _ANSWER}}
        if entry["txn"] in came
        else entry
        for entry in entries
    ]


_ANSWER = frozenset({"state", "records", "kept", "at"})


def complete_reports(now: datetime) -> int:
    """Writes the answers that came since into the reports; returns how many it looked at."""
    open_ones = erasure.unanswered(now)
    return len(sweeps.each(JOB, open_ones, _complete, key=lambda one: f"report:{one[0]}").done)


def _complete(report: tuple[UUID, tuple[Mapping[str, Any], ...]]) -> None:
    erasure_id, entries = report
    answered = with_answers(entries)
    if answered != list(entries):
        with transaction.atomic():
            erasure.note(erasure_id, erasure.PROVIDER, answered)


JOBS = (Job(JOB, 60, carry_out),)
