"""Reads of the recommender for other packages: the version of the order, and the weights that hold now."""

import logging
from collections.abc import Iterable, Mapping
from uuid import UUID

from core import versions
from recommender.abtest.comparison import Running, order_from_json
from recommender.domain import priors
from recommender.domain.weights import Prior, Weights
from recommender.errors import OrderError, WeightsError
from recommender.exposure import plan
from recommender.log import Held, held
from recommender.models import Dismissal, Experiment, Interaction, PriorChange, Snapshot

__all__ = ["Held", "dismissed", "held", "plan", "prior", "running_experiment", "version", "viewed", "weights"]

VERSION_KEY = "ranking:version"
READ_BACK = 20
"""So many versions of the prior are tried at most."""

log = logging.getLogger(__name__)


def version() -> int:
    """The number that rises with each change; one query when the cache does not know it."""
    return versions.current(VERSION_KEY)


def prior() -> Prior:
    """The editors' prior: the last that can be read of those that were set, or the one that the code comes with.

    A version that another release wrote must not take the pages down: urgent notices are on them too.
    """
    for row in PriorChange.objects.order_by("-pk")[:READ_BACK]:
        try:
            return priors.from_json(row.prior)
        except WeightsError as error:
            log.error("version %d of the prior is passed over: %s", row.pk, error)  # noqa: TRY400  no stack
    return Prior()


def weights() -> Weights:
    """What ranks now: the prior and the active snapshot; without a snapshot the prior alone."""
    row = Snapshot.objects.filter(state=Snapshot.State.ACTIVE).first()
    return Weights(prior(), learnt_in(row))


def learnt_in(row: Snapshot | None) -> Mapping[str, Mapping[str, float]]:
    """The weights of a snapshot; none if it cannot be read, so that the prior alone ranks."""
    if row is None:
        return {}
    try:
        Weights(Prior(), row.weights).check()
    except WeightsError as error:
        log.error("snapshot %d does not rank: %s", row.pk, error)  # noqa: TRY400  no stack
        return {}
    found: Mapping[str, Mapping[str, float]] = row.weights
    return found


def running_experiment() -> Running | None:
    """The comparison of two orders that goes on; None also for one that cannot be read: all see the present order."""
    row = Experiment.objects.filter(state=Experiment.State.RUNNING).first()
    if row is None:
        return None
    try:
        return Running(row.name, order_from_json(row.a), order_from_json(row.b))
    except OrderError as error:
        log.error("comparison %s shows nothing: %s", row.name, error)  # noqa: TRY400  no stack
        return None


def viewed(visits: Iterable[UUID]) -> frozenset[tuple[UUID, str]]:
    """What stood open on these homes, as visit and item, as far as it is in the log; one query."""
    views = Interaction.objects.filter(visit__in=list(visits), act=Interaction.Act.VIEW)
    return frozenset(views.values_list("visit", "item_id"))


def dismissed(subject: str) -> frozenset[str]:
    """The items that the owner of this pseudonym put away."""
    return frozenset(Dismissal.objects.filter(subject=subject).values_list("item_id", flat=True))
