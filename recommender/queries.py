"""Reads of the recommender for other packages: the version of the order, and the weights that hold now."""

from django.core.cache import cache

from recommender import priors
from recommender.exposure import plan
from recommender.log import Held, held
from recommender.models import Dismissal, PriorChange, RankingVersion, Snapshot
from recommender.weights import Prior, Weights

__all__ = ["Held", "dismissed", "held", "plan", "prior", "version", "weights"]

VERSION_KEY = "ranking:version"
VERSION_TTL = 5


def version() -> int:
    """The number that rises with each change; one query when the cache does not know it."""
    number = cache.get(VERSION_KEY)
    if isinstance(number, int):
        return number
    number = RankingVersion.objects.filter(key=VERSION_KEY).values_list("number", flat=True).first() or 0
    cache.set(VERSION_KEY, number, VERSION_TTL)
    return number


def prior() -> Prior:
    """The editors' prior: the last that was set, or the one that the code comes with."""
    row = PriorChange.objects.order_by("-pk").first()
    return priors.from_json(row.prior) if row else Prior()


def weights() -> Weights:
    """What ranks now: the prior and the active snapshot; without a snapshot the prior alone."""
    row = Snapshot.objects.filter(state=Snapshot.State.ACTIVE).first()
    return Weights(prior(), row.weights if row else {})


def dismissed(subject: str) -> frozenset[str]:
    """The items that the owner of this pseudonym put away."""
    return frozenset(Dismissal.objects.filter(subject=subject).values_list("item_id", flat=True))
