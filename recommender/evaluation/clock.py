"""Measures reading, fitting and ranking of a folder in this process: python -m recommender.evaluation.clock DIR.

Prints JSON. Whoever starts it sets the number of threads.
"""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

from recommender import fitting
from recommender.catalogue import Catalogue
from recommender.evaluation import files, orders
from recommender.evaluation.files import City
from recommender.features import Design
from recommender.ranking import AttributeRanker
from recommender.weights import Prior, Weights

ITEMS = 10_000
RESIDENTS = 400


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
        "rank_ms": rank_ms(city, weights),
        "digest": digest.hex(),
    }
    sys.stdout.write(json.dumps(figures))


def rank_ms(city: City, weights: Weights, size: int = ITEMS) -> float:
    """Milliseconds for the list of one resident with its reasons: the mean, what lives being copied to `size`.

    Time of this process alone, of one thread: what else runs on the machine does not count.
    """
    at = next(iter(city.days.values()))
    live = city.live(at) or list(city.items.values())
    ranker = AttributeRanker(
        Catalogue.compile(
            (
                replace(item, id=f"{item.id}-{n}", expires_at=None, published_at=min(item.published_at, at))
                for n, item in enumerate(islice(cycle(live), size))
            ),
            weights,
        )
    )
    profiles = [city.residents[name].profile for name in islice(cycle(city.tested), RESIDENTS)]
    ranker.rank(profiles[0], now=at)
    start = time.process_time()
    for profile in profiles:
        ranker.rank(profile, now=at)
    return (time.process_time() - start) / len(profiles) * 1000


if __name__ == "__main__":
    main(sys.argv[1:])
