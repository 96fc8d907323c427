"""The facts of the model's card: families from the code that makes features, cells from what is active; no list by hand."""

import statistics
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Max, Min, Sum

from recommender import queries
from recommender.domain.features import Design, Shown
from recommender.domain.types import Item, Profile
from recommender.domain.weights import ATTRIBUTE, BIAS, IMPERSONAL, POSITION, Prior
from recommender.models import Batch, PriorChange, Snapshot

LEARNING_ONLY = (BIAS, POSITION)


@dataclass(frozen=True, slots=True)
class Family:
    """Weights of one kind: how many were learnt (`cells`), how strongly the prior holds (λ), and how wide they spread.

    `side` is "item" (the same for everybody), "reader" or "learning" (helps to learn and ranks nothing).
    """

    name: str
    side: str
    cells: int
    precision: float | None
    least: float | None
    most: float | None
    spread: float | None


@dataclass(frozen=True, slots=True)
class Card:
    """What holds now; `None` for times that there are none of."""

    families: tuple[Family, ...]
    prior: Prior
    prior_changed_at: datetime | None
    snapshot: int | None
    activated_at: datetime | None
    checks: tuple[Any, ...]
    learnt_from: int
    opened: int
    since: datetime | None
    until: datetime | None


def families_of(attributes: Collection[str]) -> frozenset[str]:
    """Every family of weights that the code makes for readers with these attributes: one is asked of it."""
    at = datetime(2000, 1, 2, tzinfo=UTC)
    here, there, topic, other = "here", "there", "topic", "other"
    profile = Profile(
        district=here,
        followed=(there,),
        declared=(topic,),
        avoided=(other,),
        attributes=dict.fromkeys([*attributes, "language"], "x"),
    )
    item = Item(
        id="item",
        kind="kind",
        topics=(topic, other),
        places=(here, there),
        provider="provider",
        language="x",
        published_at=at,
        expires_at=None,
        urgent=False,
        audience_keys=tuple(attributes),
    )
    made = Design.of([Shown(profile, item, at, 0, 0.0)], Prior()).blocks
    # The language is asked for its own family; as an attribute it counts only where it is one.
    return frozenset(made) - ({f"{ATTRIBUTE}language"} - {ATTRIBUTE + key for key in attributes})


def read(attributes: Collection[str]) -> Card:
    """The card of what ranks now; three queries."""
    row = Snapshot.objects.filter(state=Snapshot.State.ACTIVE).first()
    weights = queries.learnt_in(row)
    precisions: Mapping[str, float] = row.precisions if row else {}
    batches = Batch.objects.filter(state=Batch.State.FOLDED).aggregate(
        views=Sum("views"), clicks=Sum("clicks"), since=Min("until"), until=Max("until")
    )
    change = PriorChange.objects.order_by("-pk").values_list("at", flat=True).first()
    names = sorted(families_of(attributes) | set(weights))
    return Card(
        families=tuple(_family(name, weights.get(name, {}), precisions.get(name)) for name in names),
        prior=queries.prior(),
        prior_changed_at=change,
        snapshot=row.pk if row else None,
        activated_at=row.activated_at if row else None,
        checks=tuple(row.checks) if row else (),
        learnt_from=batches["views"] or 0,
        opened=batches["clicks"] or 0,
        since=batches["since"],
        until=batches["until"],
    )


def _family(name: str, cells: Mapping[str, float], precision: float | None) -> Family:
    values = list(cells.values())
    side = "learning" if name in LEARNING_ONLY else "item" if name in IMPERSONAL else "reader"
    return Family(
        name=name,
        side=side,
        cells=len(values),
        precision=precision,
        least=min(values, default=None),
        most=max(values, default=None),
        spread=statistics.pstdev(values) if values else None,
    )
