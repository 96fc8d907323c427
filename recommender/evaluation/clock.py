"""Measures reading, fitting and ranking of a folder in this process: python -m recommender.evaluation.clock DIR.

Prints JSON. Whoever starts it sets the number of threads.
"""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import cycle, islice
from pathlib import Path

from recommender.domain import fitting
from recommender.domain.features import Design
from recommender.domain.item_matrix import Catalogue
from recommender.domain.ranking import AttributeRanker
from recommender.domain.reranking import PLAIN, Plan
from recommender.domain.types import Item
from recommender.domain.weights import Prior, Weights
from recommender.evaluation import files, orders
from recommender.evaluation.files import City

ITEMS = 10_000
ROUNDS, RESIDENTS = 5, 80
STEP = timedelta(minutes=1)


def main(argv: Sequence[str]) -> None:
    """Measures the folder argv[0]."""
    city = files.read(Path(argv[0]))
    prior = Prior()
    start = time.process_time()
    weights = fitting.fit(Design.of(city.shown, prior), prior).weights(prior)
    fit_s = time.process_time() - start
    digest = orders.Digest()
    for _ in digest.through(orders.lists(city, weights)):
        pass
    figures = {
        "fit_s": fit_s,
        "rows": len(city.shown),
        "items": ITEMS,
        "rank_ms": rank_ms(city, weights, PLAIN),
        "home_ms": rank_ms(city, weights, Plan()),
        "digest": digest.hex(),
    }
    sys.stdout.write(json.dumps(figures))


def rank_ms(city: City, weights: Weights, plan: Plan, size: int = ITEMS) -> float:
    """Milliseconds for the list of one resident with its reasons, what lives being copied to `size`: best round's mean.

    Time of this process alone, of one thread: what else runs on the machine does not count.
    """
    at = next(iter(city.days.values()))
    live = city.live(at) or list(city.items.values())
    ranker = AttributeRanker(Catalogue.compile(copies(live, at, size), weights), plan)
    profiles = [city.residents[name].profile for name in islice(cycle(city.tested), ROUNDS * RESIDENTS)]
    ranker.rank(profiles[0], now=at)
    rounds = []
    for number in range(ROUNDS):
        start = time.process_time()
        for profile in profiles[number::ROUNDS]:
            ranker.rank(profile, now=at)
        rounds.append((time.process_time() - start) / RESIDENTS * 1000)
    return min(rounds)


def copies(live: list[Item], at: datetime, size: int) -> Iterator[Item]:
    """Items again and again, each a little older than the one before, so that no two are the same."""
    for number, item in enumerate(islice(cycle(live), size)):
        published = min(item.published_at, at) - number * STEP
        yield replace(item, id=f"{item.id}-{number}", expires_at=None, published_at=published)


if __name__ == "__main__":
    main(sys.argv[1:])
