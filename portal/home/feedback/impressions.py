"""What was shown on the lists and what was opened there: kept in memory, written behind the requests.

No request writes a row. `shown` and `did` note in this process, and `flush` writes every `FLUSH_SECONDS` and when the
process ends; a process that is killed loses one batch. Of a resident who said no, or not yet, to learning nothing is
written but sums of nobody. What was noted under an earlier consent version than the resident's is dropped.
"""

import logging
import threading
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from multiprocessing.util import Finalize
from typing import Literal
from uuid import UUID

from django.core.cache import cache
from django.db import InterfaceError, OperationalError, close_old_connections, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from identity import queries as identity_queries
from identity.queries import Bundle
from portal.home.feedback import dismissals
from portal.home.index.content_index import held
from portal.home.page.compose import SHOWN, HomeView
from recommender import actions
from recommender import queries as ranking
from recommender.domain.types import Item, Profile, ViewRow
from recommender.metrics import counting

log = logging.getLogger(__name__)

FLUSH_SECONDS = 20
MOST_WAITING = 2000
"""Visits and acts that wait at most while the database is away; the oldest are let go."""
SEAL_HOLDS = timedelta(days=1)
"""A page that was left open longer leads where it did, and counts nothing."""

ActName = Literal["open", "action", "not_for_me"]


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry that stood open on a list, and the chance that it stood there."""

    item: Item
    position: int
    propensity: float
    exploring: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """One home as it was shown. `resident_id` stays in memory; it is None for who is not learnt from."""

    id: UUID
    resident_id: UUID | None
    consent_version: int
    at: datetime
    profile: Profile
    shown: tuple[Shown, ...]
    page: counting.Page
    arm: str = ""

    def rows(self) -> list[ViewRow]:
        subject = identity_queries.ranking_subject(self.resident_id) if self.resident_id else ""
        return [
            ViewRow(
                subject=subject,
                visit=self.id,
                item=one.item,
                profile=self.profile,
                position=one.position,
                propensity=one.propensity,
                exploring=one.exploring,
                arm=self.arm,
                consent_version=self.consent_version,
                at=self.at,
            )
            for one in self.shown
        ]


@dataclass(frozen=True, slots=True)
class Act:
    """What a resident who is learnt from did with an entry."""

    resident_id: UUID
    consent_version: int
    visit: UUID
    item_id: str
    name: ActName
    at: datetime


_waiting: deque[Visit | Act] = deque()
_lock = threading.Lock()
_dropped = 0


# --- noting ----------------------------------------------------------------------------------------------------


def learns_from(request: HttpRequest, bundle: Bundle) -> bool:
    """Whether this request may teach anything: a yes of the person who looks, and a page that is looked at."""
    return bundle.learning and bundle.by is None and looked_at(request)


def looked_at(request: HttpRequest) -> bool:
    """Neither a HEAD nor a page that the browser fetches before anybody asked for it."""
    purpose = request.headers.get("Sec-Purpose", "") or request.headers.get("Purpose", "")
    return (
        request.method != "HEAD" and "prefetch" not in purpose and request.headers.get("X-Moz") != "prefetch"
    )


def shown(view: HomeView, bundle: Bundle, visit: UUID, *, learns: bool, arm: str = "") -> None:
    """Notes the entries that stood open; the folded ones may never have been seen."""
    entries = view.catalogue.entries
    open_ = view.listed[:SHOWN]
    _put(
        Visit(
            id=visit,
            resident_id=bundle.id if learns else None,
            consent_version=bundle.consent_version,
            at=view.now,
            profile=view.reader.profile,
            shown=tuple(
                Shown(entries[one.row].item, position, one.propensity, one.exploring)
                for position, one in enumerate(open_)
            ),
            page=counting.Page(
                visit=visit,
                at=view.now,
                personalised=view.reader.personalised,
                entries=len(open_),
                reasoned=sum(bool(one.reasons) for one in open_),
                **_urgent(view),
            ),
            arm=arm,
        )
    )


def _urgent(view: HomeView) -> Mapping[str, int]:
    """How many urgent notices held at that time, and how many of them this home carries."""
    items = view.catalogue.compiled.items
    live = view.catalogue.compiled.live(view.now)
    due = {row for row in view.catalogue.alerts.tolist() if live[row] and items[row].urgent}
    return {"due": len(due), "carried": len(due.intersection(view.alerts))}


def did(bundle: Bundle, visit: UUID, item_id: str, name: ActName, now: datetime) -> None:
    """Notes an act of a resident from whom may be learnt."""
    _put(Act(bundle.id, bundle.consent_version, visit, item_id, name, now))


def take_back(resident_id: UUID, items: Collection[str]) -> None:
    """A "not for me" that was undone before it was written is no act."""
    with _lock:
        left = [one for one in _waiting if not _is_refusal(one, resident_id, items)]
        _waiting.clear()
        _waiting.extend(left)


def _is_refusal(one: Visit | Act, resident_id: UUID, items: Collection[str]) -> bool:
    return (
        isinstance(one, Act)
        and (one.resident_id, one.name) == (resident_id, "not_for_me")
        and one.item_id in items
    )


def forget(resident_id: UUID) -> None:
    """A yes has ended: what waits and what was written of this resident goes, in the caller's transaction."""
    _let_go(resident_id)
    actions.forget(identity_queries.ranking_subject(resident_id), keep_dismissals=True)


@transaction.atomic
def erase(resident_id: UUID) -> Mapping[str, int]:
    """A person is erased: also what they put away goes; how many rows of each kind."""
    _let_go(resident_id)
    subject = identity_queries.ranking_subject(resident_id)
    transaction.on_commit(partial(cache.delete, dismissals.key(subject)))
    return actions.forget(subject)


def _let_go(resident_id: UUID) -> None:
    with _lock:
        left = [one for one in _waiting if one.resident_id != resident_id]
        _waiting.clear()
        _waiting.extend(left)


def _put(one: Visit | Act) -> None:
    global _dropped
    with _lock:
        _waiting.append(one)
        if len(_waiting) > MOST_WAITING:
            _waiting.popleft()
            _dropped += 1


# --- the seal of a visit ---------------------------------------------------------------------------------------


def seal(resident_id: UUID, visit: UUID, now: datetime) -> str:
    """What the links of one home carry: the visit and its time, sealed for this resident, who is not in it."""
    stamp = f"{visit.hex}.{int(now.timestamp()):x}"
    return f"{stamp}.{_mac(resident_id, stamp)}"


def unseal(token: str, resident_id: UUID, now: datetime) -> UUID | None:
    """The visit; None for a seal that is not this resident's, is too old, or is none."""
    stamp, _, mac = token.rpartition(".")
    if not constant_time_compare(mac, _mac(resident_id, stamp)):
        return None
    visit, _, made = stamp.partition(".")
    age = now.timestamp() - int(made, 16)
    return UUID(visit) if 0 <= age <= SEAL_HOLDS.total_seconds() else None


def _mac(resident_id: UUID, stamp: str) -> str:
    sealed = salted_hmac("portal.home.feedback.impressions", f"{resident_id}|{stamp}", algorithm="sha256")
    return sealed.hexdigest()[:32]


# --- writing ---------------------------------------------------------------------------------------------------


def flush() -> int:
    """Writes what waits; returns how many rows of residents it wrote.

    A database that is away is tried again. What it refuses is let go: it would be refused each time, with all that
    comes after it.
    """
    global _dropped
    with _lock:
        batch, lost = list(_waiting), _dropped
        _waiting.clear()
        _dropped = 0
    if lost:
        log.warning("%d visits or acts were let go: more waited than may", lost)
    if not batch:
        return 0
    try:
        return _write(batch)
    except (OperationalError, InterfaceError) as error:
        log.warning("%d visits and acts wait: %s", len(batch), type(error).__name__)
        _put_back(batch)
    except Exception as error:  # noqa: BLE001  bulkhead: a batch that cannot be written must not end the sweeps
        log.error("%d visits and acts were let go: %s", len(batch), type(error).__name__)  # noqa: TRY400  no values
    return 0


@transaction.atomic
def _write(batch: Sequence[Visit | Act]) -> int:
    known = {one.resident_id for one in batch if one.resident_id is not None}
    # One query, and whoever withdraws at this moment waits: nothing is written behind a withdrawal.
    versions = identity_queries.hold_versions(known) if known else {}
    of_all, of_known, pages = [], [], []
    acts: list[Act] = []
    for one in batch:
        if one.resident_id is not None and versions.get(one.resident_id) != one.consent_version:
            continue
        if isinstance(one, Act):
            acts.append(one)
            continue
        pages.append(one.page)
        rows = one.rows()
        of_all += rows
        of_known += rows if one.resident_id is not None else []
    counting.of_visits(of_all, pages)
    actions.record_views(of_known)
    acts = _of_what_was_shown(acts)
    opened = (act for act in acts if act.name == "open")
    counting.of_opened(counting.Opened(act.visit, act.item_id, act.at) for act in opened)
    for act in acts:
        actions.record_act(
            identity_queries.ranking_subject(act.resident_id),
            act.visit,
            act.item_id,
            act.name,
            act.at,
            act.consent_version,
        )
    return len(of_known) + len(acts)


def _of_what_was_shown(acts: Sequence[Act]) -> list[Act]:
    """Acts on entries that stood open, and refusals that were not undone meanwhile, in whichever process.

    The home may have been drawn by another process, which has not written it yet: such an act waits. What never stood
    open, or is folded already, teaches nothing and counts for nothing.
    """
    if not acts:
        return []
    there = ranking.viewed({act.visit for act in acts})
    youngest = timezone.now() - timedelta(seconds=3 * FLUSH_SECONDS)
    refused = {act.resident_id for act in acts if act.name == "not_for_me"}
    put_away = {one: ranking.dismissed(identity_queries.ranking_subject(one)) for one in refused}
    found, early = [], []
    for act in acts:
        if (act.visit, act.item_id) in there:
            if act.name != "not_for_me" or not put_away[act.resident_id].isdisjoint(_same(act.item_id)):
                found.append(act)
        elif act.at > youngest:
            early.append(act)
    if early:
        transaction.on_commit(partial(_put_back, early))
    return found


def _same(item_id: str) -> tuple[str, ...]:
    """The item with the other days of its event: the day that was seen and the day that is kept may differ."""
    catalogue = held()
    return catalogue.same_event(item_id) if catalogue else (item_id,)


def _put_back(batch: Sequence[Visit | Act]) -> None:
    global _dropped
    with _lock:
        both = [*batch, *_waiting]
        _waiting.clear()
        _waiting.extend(both[-MOST_WAITING:])
        _dropped += len(both) - len(_waiting)


_stopped = threading.Event()
_started: list[threading.Thread] = []
_at_end: list[Finalize] = []


def start() -> None:
    """Flushes from now on by a thread of this process, and once more when it ends; a second call does nothing."""
    if _started:
        return
    _stopped.clear()
    _started.append(threading.Thread(target=_sweep, name="visits", daemon=True))
    _started[0].start()
    # Runs at the end of a main process and of a forked one, where `atexit` would not.
    _at_end.append(Finalize(None, stop, exitpriority=10))


def stop() -> None:
    """Ends the thread; what waits is written."""
    _stopped.set()
    if _started:
        _started.pop().join(5)
    if _at_end:
        _at_end.pop().cancel()
    flush_now()


def _sweep() -> None:
    while not _stopped.wait(FLUSH_SECONDS):
        flush_now()


def flush_now() -> None:
    """`flush` outside a request: with a database connection of its own time."""
    close_old_connections()
    try:
        flush()
    finally:
        close_old_connections()
