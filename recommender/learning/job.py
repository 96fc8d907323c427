"""The learning job: every five minutes it folds what is old enough, and deletes those rows in the same transaction."""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.db import OperationalError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from core import sweeps
from recommender import queries
from recommender.domain import weights as families
from recommender.domain.features import Design, Shown
from recommender.learning import contribution_cap, folding, rows, snapshots, store
from recommender.learning.rows import Row
from recommender.models import Batch, Interaction

One = TypeVar("One")
log = logging.getLogger(__name__)

JOB = "recommender.learn"
_VISIT = "visit:"
OPEN_WINDOW = timedelta(minutes=30)
"""So long an item that was shown may still be opened."""
MOST_ROWS = 500
MOST_BATCHES = 40
KEPT_BATCHES = timedelta(days=90)
KEPT_ROWS = timedelta(days=1)
"""What could not be folded by then is let go."""


def learn(now: datetime | None = None) -> int:
    """Folds what waits and looks whether a snapshot may become active; returns how many views it folded.

    Called twice, or by two workers at once, or again after a crash: each view is folded exactly once.
    """
    at = now or timezone.now()
    parts: dict[str, Callable[[datetime], int | None]] = {
        "forget": _forget_old,
        "fold": fold_waiting,
        "consider": _consider,
    }
    return dict(sweeps.each(JOB, parts, lambda part: parts[part](at)).done).get("fold") or 0


def fold_waiting(now: datetime) -> int:
    """Batch after batch. When one fails its visits are folded one by one, and those that fail wait for the next time."""
    known = {fault.item for fault in sweeps.faults(JOB, limit=MOST_ROWS)}
    failed = {UUID(item.removeprefix(_VISIT)) for item in known if item.startswith(_VISIT)}
    folded = _fold_visits(failed, now) if failed else 0
    for _ in range(MOST_BATCHES):
        try:
            views = fold_batch(now, without=failed)
        except OperationalError:
            raise
        except Exception:
            visits = _next_visits(now, failed)
            views = _fold_visits(visits, now)
            if not views:
                raise
            failed |= visits
        folded += views
        if not views:
            break
    return folded


def _fold_visits(visits: Collection[UUID], now: datetime) -> int:
    """At once, and one by one when that fails."""
    folded: list[int] = []
    sweeps.together(
        JOB,
        sorted(visits),
        lambda some: folded.append(fold_batch(now, only=some)),
        key=lambda visit: f"{_VISIT}{visit}",
    )
    return sum(folded)


def _consider(now: datetime) -> None:
    snapshots.consider(now)


@transaction.atomic
def _forget_old(now: datetime) -> None:
    """First and by itself, whatever becomes of the rest: residents were told how long anything of theirs stays."""
    store.forget_old(now)
    Batch.objects.filter(started_at__lt=now - KEPT_BATCHES).delete()
    Interaction.objects.filter(at__lt=now - KEPT_ROWS).delete()


def fold_batch(now: datetime, *, without: Collection[UUID] = (), only: Collection[UUID] = ()) -> int:
    """One batch, in one transaction: claimed, folded, deleted. Returns how many views; 0 when another was faster.

    `only` some visits, or all `without` some.
    """
    last = store.number()
    with transaction.atomic():
        return _fold(now, without, only) if store.claim(last) else 0


def _waiting(now: datetime, without: Collection[UUID], only: Collection[UUID] = ()) -> QuerySet[Interaction]:
    found = Interaction.objects.filter(at__lte=now - OPEN_WINDOW, act=Interaction.Act.VIEW)
    found = found.filter(visit__in=only) if only else found.exclude(visit__in=without) if without else found
    return found.order_by("at", "pk")


def _next_visits(now: datetime, without: Collection[UUID]) -> set[UUID]:
    return set(_waiting(now, without).values_list("visit", flat=True)[:MOST_ROWS])


def _fold(now: datetime, without: Collection[UUID], only: Collection[UUID]) -> int:
    until = now - OPEN_WINDOW
    # Whoever withdraws at this moment waits until the rows are gone, and then deletes what became of them.
    views = list(_waiting(now, without, only).select_for_update()[:MOST_ROWS])
    if len(views) == MOST_ROWS and views[0].visit != views[-1].visit:
        views = [view for view in views if view.visit != views[-1].visit]
    acts = _acts({view.visit for view in views})
    found = [row for row in (_row(view, acts) for view in views) if row is not None]
    if found:
        _learn_from(found, now)
    _delete(views, until, None if only else without)
    if views:
        clicks = int(sum(row.shown.clicks for row in found))
        Batch.objects.create(
            state=Batch.State.FOLDED,
            until=until,
            views=len(views),
            clicks=clicks,
            started_at=now,
            folded_at=now,
        )
    if len(found) < len(views):
        log.warning("%d views could not be read and were dropped", len(views) - len(found))
    return len(views)


def _learn_from(found: Sequence[Row], now: datetime) -> None:
    prior = queries.prior()
    snapshots.note(found)
    known, last = store.cells()
    design = Design.of([row.shown for row in found], prior)
    kept, used = contribution_cap.allowed(
        found,
        folding.expected(known, design, prior),
        store.used({row.shown.subject for row in found}, now),
        contribution_cap.shares(known.get(families.PROVIDER, {})),
    )
    store.write_used(used, now)
    if not kept:
        return
    kept = [row for row in kept for _ in range(row.times)]
    design = Design.of([row.shown for row in kept], prior)
    days = (now - last).total_seconds() / 86_400 if last else 0.0
    done = folding.fold(known, design, [row.shown.subject for row in kept], prior, days)
    store.write_cells(done.cells, now)
    store.add_pending(done.said, now)
    ripe = store.ripe()
    fresh = folding.born([one for one, _ in ripe.values()], done, design, prior)
    store.make_cells(fresh, ripe, now)


Acts = dict[tuple[UUID, str], frozenset[str]]


def _acts(visits: set[UUID]) -> Acts:
    found: dict[tuple[UUID, str], set[str]] = defaultdict(set)
    for some in _chunks(sorted(visits)):
        done = Interaction.objects.filter(visit__in=some).exclude(act=Interaction.Act.VIEW)
        for visit, item, act in done.values_list("visit", "item_id", "act"):
            found[visit, item].add(act)
    return {name: frozenset(acts) for name, acts in found.items()}


def _row(view: Interaction, acts: Acts) -> Row | None:
    """None for what cannot be read: one row must not hold up all others for ever.

    The arm of a comparison is left out: it is drawn without regard to any feature, and `position` and `propensity` are
    those of the order that was shown.
    """
    try:
        item, profile = rows.item(view.item), rows.profile(view.reader)
    except (KeyError, TypeError, ValueError):
        return None
    done = acts.get((view.visit, view.item_id), frozenset())
    shown = Shown(
        profile=profile,
        item=item,
        at=view.at,
        position=view.position or 0,
        clicks=rows.clicked(done),
        subject=view.subject,
    )
    return Row(shown, view.visit.hex, view.propensity or 1.0, rows.weight(done))


def _delete(views: Sequence[Interaction], until: datetime, without: Collection[UUID] | None) -> None:
    """The views of the batch and every act of their visits; without a batch also acts whose view never came.

    Acts of visits that wait for another try (`without`) stay; None when only some visits were looked at.
    """
    for some in _chunks([view.pk for view in views]):
        Interaction.objects.filter(pk__in=some).delete()
    for visits in _chunks(sorted({view.visit for view in views})):
        Interaction.objects.filter(visit__in=visits).exclude(act=Interaction.Act.VIEW).delete()
    if not views and without is not None:
        late = Interaction.objects.filter(at__lte=until).exclude(visit__in=without)
        late.exclude(act=Interaction.Act.VIEW).delete()


def _chunks(found: Sequence[One]) -> list[Sequence[One]]:
    return [found[start : start + 500] for start in range(0, len(found), 500)]
