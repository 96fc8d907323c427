"""The metrics of a month, from sums alone; pure. None where there is nothing to measure, never zero for it."""

import math
from collections.abc import Collection, Mapping, Sequence

Sums = Mapping[str, float]
"""How often, by item or provider."""


def share(part: float, whole: float) -> float | None:
    """Part of a whole, 0 to 1."""
    return part / whole if whole > 0 else None


def coverage(shown: Sums, available: Collection[str]) -> float | None:
    """Of the items that could be shown, the share that was, at least once."""
    return share(sum(shown.get(item, 0) > 0 for item in set(available)), len(set(available)))


def novelty(shown: Sums, lists: float) -> float | None:
    """Bits of surprise of an entry: the mean of −log2 of the share of lists on which it stood; 0 = all are alike."""
    whole = sum(shown.values())
    if whole <= 0 or lists <= 0:
        return None
    # An item stands once on a list; where sums of two moments meet, its share is held at 1.
    bits = sum(count * -math.log2(min(count / lists, 1.0)) for count in shown.values() if count > 0)
    return max(bits / whole, 0.0)


def popularity(shown: Sums, opened: Sums) -> float | None:
    """How much oftener an entry on the lists is opened than the mean of the items that were shown; 1 = as often."""
    items = [item for item, count in shown.items() if count > 0]
    whole = sum(shown[item] for item in items)
    mean = sum(opened.get(item, 0) for item in items) / len(items) if items else 0
    if mean <= 0:
        return None
    return sum(shown[item] * opened.get(item, 0) for item in items) / whole / mean


def exposures(shown: Sums, offered: Sums) -> dict[str, float]:
    """By provider: its share of the entries shown ÷ its share of what could be shown; 1 = its share exactly."""
    whole, all_offered = sum(shown.values()), sum(offered.values())
    if whole <= 0 or all_offered <= 0:
        return {}
    return {
        provider: (shown.get(provider, 0) / whole) / (count / all_offered)
        for provider, count in offered.items()
        if count > 0
    }


def tenth(values: Sequence[float]) -> float | None:
    """The value that a tenth of them does not exceed (nearest rank)."""
    return sorted(values)[max(math.ceil(len(values) / 10) - 1, 0)] if values else None


def gap(values: Collection[float]) -> float | None:
    """The lowest ÷ the highest of several groups: 1 = all alike."""
    return min(values) / max(values) if len(values) > 1 and max(values) > 0 else None


def cost(
    explored: tuple[float, float], plain: tuple[float, float], *, least_opened: float, lists: float
) -> float | None:
    """Openings that a slot for exploration gives up: 1 − its rate of openings ÷ the rate of the same place without.

    Each side is (shown, opened). None where either side was shown less than `lists` times or opened less than
    `least_opened` times in all.
    """
    if min(explored[0], plain[0]) < lists or explored[1] + plain[1] < least_opened or plain[1] <= 0:
        return None
    return 1 - (explored[1] / explored[0]) / (plain[1] / plain[0])
