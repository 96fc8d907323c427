"""Work of the recommender that no request waits for; `DUE_JOBS` is read by the executor."""

from collections.abc import Callable

from recommender.learning.job import learn

LEARN = "recommender.learn"

DUE_JOBS: tuple[tuple[str, float, Callable[[], object]], ...] = ((LEARN, 300.0, learn),)
"""(name, seconds between two sweeps, function)."""
