"""Snapshots of the learnt weights: made, judged on what came after them, activated or refused, rolled back."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from recommender import queries
from recommender.actions import bump
from recommender.domain.weights import Weights
from recommender.errors import SnapshotMissingError, SnapshotRefusedError
from recommender.learning import evidence, folding, store
from recommender.learning.evidence import Evidence, Line
from recommender.learning.rows import Row
from recommender.models import Batch, Cell, Snapshot

log = logging.getLogger(__name__)

ENOUGH = 50
"""So many fresh visits with an opening, of at least 20 residents, decide about a candidate."""
LONGEST = timedelta(days=1)
"""Where fewer come, it is decided after this with those that came."""
KEPT = 30
"""Besides the active one."""
_EVIDENCE = "evidence"


def note(rows: Sequence[Row]) -> None:
    """Adds rows that nobody has learnt from yet to what is known about the candidate; in the fold's transaction."""
    candidate = _candidate()
    if candidate is None:
        return
    found = _evidence(candidate)
    found.add(rows, _weights(candidate), queries.weights())
    candidate.checks = [{"name": _EVIDENCE, **found.to_json()}]
    candidate.save(update_fields=["checks"])


def consider(now: datetime) -> Snapshot | None:
    """Decides about the candidate when enough came after it, and makes the next one; returns what it decided about."""
    last = store.number()
    with transaction.atomic():
        if not store.claim(last):
            return None
        candidate = _candidate()
        if candidate is None:
            _make(now)
            return None
        found = _evidence(candidate)
        if not (found.visits >= ENOUGH and found.whole.enough) and now - candidate.created_at < LONGEST:
            return None
        lines = evidence.judge(found, _weights(candidate))
        candidate.checks = [asdict(line) for line in lines]
        if all(line.ok for line in lines):
            _activate(candidate, now)
        else:
            candidate.state = Snapshot.State.REFUSED
            candidate.save(update_fields=["state", "checks"])
        _prune()
        _make(now)
        return candidate


def _make(now: datetime) -> None:
    """A candidate of the present cells, when anything was folded since the last one was made."""
    last = Snapshot.objects.order_by("-created_at", "-pk").first()
    batches = Batch.objects.all() if last is None else Batch.objects.filter(folded_at__gt=last.created_at)
    cells, _ = store.cells()
    if not cells or not batches.exists():
        return
    prior = queries.prior()
    Snapshot.objects.create(
        weights={
            family: {key: known.w for key, known in sorted(found.items())} for family, found in cells.items()
        },
        precisions={family: folding.precision(family, found, prior) for family, found in cells.items()},
        created_at=now,
    )


def _activate(snapshot: Snapshot, now: datetime) -> None:
    Snapshot.objects.filter(state=Snapshot.State.ACTIVE).update(state=Snapshot.State.EARLIER)
    snapshot.state = Snapshot.State.ACTIVE
    snapshot.activated_at = max(now, snapshot.created_at)
    snapshot.save(update_fields=["state", "activated_at", "checks"])
    bump()


def _prune() -> None:
    done = Snapshot.objects.filter(state__in=[Snapshot.State.EARLIER, Snapshot.State.REFUSED])
    old = list(done.order_by("-created_at", "-pk").values_list("pk", flat=True)[KEPT:])
    Snapshot.objects.filter(pk__in=old).delete()


def _candidate() -> Snapshot | None:
    """The newest; one whose weights cannot be read is refused, so that another is made."""
    for found in Snapshot.objects.filter(state=Snapshot.State.CANDIDATE).order_by("-created_at", "-pk"):
        if not _readable(found):
            found.state = Snapshot.State.REFUSED
            found.checks = [asdict(Line("finite", False, "the weights cannot be read"))]
            found.save(update_fields=["state", "checks"])
            continue
        return found
    return None


def _readable(snapshot: Snapshot) -> bool:
    """Out of bounds is for `judge`; here it is whether they are numbers at all."""
    found: Any = snapshot.weights
    return isinstance(found, dict) and all(
        isinstance(cells, dict) and all(isinstance(weight, int | float) for weight in cells.values())
        for cells in found.values()
    )


def _evidence(candidate: Snapshot) -> Evidence:
    try:
        for line in candidate.checks:
            if line.get("name") == _EVIDENCE:
                return Evidence.from_json(line)
    except (AttributeError, KeyError, TypeError, ValueError):
        log.warning("what a snapshot is judged by could not be read and is seen again")
    return Evidence()


def _weights(snapshot: Snapshot) -> Weights:
    return Weights(queries.prior(), snapshot.weights)


# --- by hand ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Version:
    """A snapshot in words: for the command, the model card and the operators."""

    id: int
    state: str
    cells: int
    created_at: datetime
    activated_at: datetime | None
    checks: tuple[Line, ...]
    fresh_visits: int


def versions() -> list[Version]:
    """The newest first."""
    return [_version(row) for row in Snapshot.objects.order_by("-created_at", "-pk")]


def version(number: int) -> Version:
    """One; `SnapshotMissingError` when there is none."""
    return _version(_get(number))


def _version(row: Snapshot) -> Version:
    lines = [line for line in row.checks if line.get("name") != _EVIDENCE]
    return Version(
        id=row.pk,
        state=row.state,
        cells=sum(len(found) for found in row.weights.values()),
        created_at=row.created_at,
        activated_at=row.activated_at,
        checks=tuple(Line(line["name"], line["ok"], line["words"]) for line in lines),
        fresh_visits=_evidence(row).visits,
    )


def _get(number: int) -> Snapshot:
    found = Snapshot.objects.filter(pk=number).first()
    if found is None:
        raise SnapshotMissingError(str(number))
    return found


def activate(*, number: int, reason: str, who: str, now: datetime | None = None) -> None:
    """Makes a snapshot the one that ranks, and learning goes on from there: otherwise it would soon be undone.

    Refused for weights that are not finite or out of bounds, and without a reason.
    """
    at = now or timezone.now()
    if not reason.strip():
        raise SnapshotRefusedError("a reason is needed")
    with transaction.atomic():
        _hold()
        snapshot = _get(number)
        line = evidence.judge(Evidence(), _weights(snapshot))[0]
        if not line.ok:
            raise SnapshotRefusedError(line.words)
        by_hand: dict[str, Any] = asdict(
            Line("by hand", True, f"{at:%Y-%m-%d %H:%M} UTC, {who}: {reason.strip()}")
        )
        snapshot.checks = [line for line in snapshot.checks if line.get("name") != _EVIDENCE] + [by_hand]
        others = Snapshot.objects.filter(state=Snapshot.State.CANDIDATE).exclude(pk=number)
        others.update(
            state=Snapshot.State.REFUSED,
            checks=[asdict(Line("by hand", False, f"snapshot {number} was activated: {reason.strip()}"))],
        )
        _activate(snapshot, at)
        _restore(snapshot)


def roll_back(*, reason: str, who: str, now: datetime | None = None) -> int:
    """Activates the last that was active and is older than the one that ranks; returns its number. `SnapshotMissingError` when there is none."""
    earlier = Snapshot.objects.filter(state=Snapshot.State.EARLIER)
    active = Snapshot.objects.filter(state=Snapshot.State.ACTIVE).first()
    if active is not None:
        # Not the one that was left by the last rolling back.
        earlier = earlier.filter(pk__lt=active.pk)
    before = earlier.order_by("-pk").first()
    if before is None:
        raise SnapshotMissingError("no earlier snapshot")
    with transaction.atomic():
        activate(number=before.pk, reason=reason, who=who, now=now)
        if active is not None:
            # Or a later rolling back would bring it back.
            active.state = Snapshot.State.REFUSED
            active.checks = [*active.checks, asdict(Line("by hand", False, f"rolled back: {reason.strip()}"))]
            active.save(update_fields=["state", "checks"])
    return before.pk


def _hold() -> None:
    """Nobody folds meanwhile."""
    while not store.claim(store.number()):
        continue


def _restore(snapshot: Snapshot) -> None:
    """The cells take the weights of the snapshot; one that it does not have goes."""
    cells, last = store.cells()
    if last is None:
        return
    kept = {
        family: {
            key: folding.Known(snapshot.weights[family][key], known.e)
            for key, known in found.items()
            if key in snapshot.weights.get(family, {})
        }
        for family, found in cells.items()
    }
    for family, found in cells.items():
        for key in found:
            if key not in kept[family]:
                Cell.objects.filter(family=family, key=key).delete()
    store.write_cells(kept, last)
