"""When a breaker opens, and for how long; pure.

What counts is the share of failures in a sliding window, of at least `FEWEST` failures: a gadget that is called often
is not closed by a handful, one that is called seldom not by a single one.
"""

WINDOW = 60
"""Seconds."""
BUCKET = 10
FEWEST = 5
"""Failures in the window; fewer never open."""
PERCENT = 50
"""Of the calls in the window."""
FIRST_PAUSE = 30
LONGEST_PAUSE = 15 * 60
_DOUBLINGS = 5


def opens(*, successes: int, failures: int) -> bool:
    """Whether what happened in the window opens a breaker that is closed."""
    return failures >= FEWEST and failures * 100 >= PERCENT * (successes + failures)


def pause(times: int) -> int:
    """Seconds for which it stays open, after it opened `times` before without a good call since."""
    return min(FIRST_PAUSE << min(times, _DOUBLINGS), LONGEST_PAUSE)


def buckets(now: float) -> range:
    """The numbers of the parts of time that make the window at `now`, the present one last."""
    present = int(now // BUCKET)
    return range(present - WINDOW // BUCKET + 1, present + 1)
