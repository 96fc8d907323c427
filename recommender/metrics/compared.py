"""What is counted of two orders that are compared: homes, and homes of which anything was opened, as sums of nobody.

Only of those from whom may be learnt: nobody else has an arm. By age band, ward and language as well, beside lots that
tell whether twenty different residents stand behind a sum (`counting`); a lot is drawn for the whole comparison, so that
a resident who comes in two months still is one. After a withdrawal the sums stay, and nothing is added.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from django.conf import settings
from django.db.models import Sum

from core.disclosure import SMALL_CELL
from recommender.abtest.comparison import ARMS, ArmName, marked
from recommender.evaluation.sizes import Arm
from recommender.metrics import counts
from recommender.models import Count

LOTS = 64
VISITS, OPENED, LOT = "compared.visits", "compared.opened", "compared.lot"

Groups = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Slices:
    """What was counted by group, as (dimension, value); `withheld` has too few residents in one of the arms."""

    told: Mapping[tuple[str, str], Mapping[ArmName, Arm]] = field(default_factory=dict)
    withheld: tuple[tuple[str, str], ...] = ()


def drawn(subject: str, of: str) -> int:
    """Which of the LOTS lots a pseudonym draws; another one for each `of`."""
    # The key of the pseudonyms themselves: SECRET_KEY may change within a month, and a resident would draw twice.
    key = hmac.digest(settings.NUMBER_KEY, f"lots|{of}".encode(), hashlib.sha256)
    return hmac.digest(key, subject.encode(), hashlib.sha256)[0] % LOTS


def sums(day: date, name: str, arm: str, groups: Groups) -> Counter[counts.Key]:
    """One home (`name` = VISITS), or one of which something was opened (OPENED); none without an arm."""
    if not arm:
        return Counter()
    found: Counter[counts.Key] = Counter({(day, name, arm): 1})
    for dimension, value in groups:
        found[day, f"{name}.{dimension}", f"{arm}|{value}"] += 1
    return found


def lots(subject: str, arm: str, groups: Groups) -> Iterator[str]:
    """Keys of the lots that this reader marks."""
    if arm:
        number = drawn(subject, f"compared|{arm}")
        for dimension, value in groups:
            yield f"{arm}|{dimension}|{value}|{number}"


# --- reading ---------------------------------------------------------------------------------------------------


def visits(name: str) -> dict[ArmName, int]:
    """Homes counted so far; nothing of what was opened there."""
    return {arm: int(value) for arm, value in _whole(VISITS, name).items()}


def arms(name: str) -> dict[ArmName, Arm]:
    """Homes and openings by arm: for a conclusion alone."""
    seen, opened = _whole(VISITS, name), _whole(OPENED, name)
    return {arm: Arm(int(seen[arm]), int(opened[arm])) for arm in ARMS}


def _whole(kind: str, name: str) -> dict[ArmName, float]:
    found = dict(
        Count.objects.filter(name=kind, key__in=[marked(name, arm) for arm in ARMS])
        .values_list("key")
        .annotate(Sum("value"))
    )
    return {arm: found.get(marked(name, arm), 0.0) for arm in ARMS}


def slices(name: str, dimensions: Iterable[str]) -> Slices:
    """Groups of at least SMALL_CELL residents in each arm.

    Where a single group of a dimension is withheld, the smallest of the others is too: from the whole and all others
    it could be computed.
    """
    residents = _residents(name)
    told: dict[tuple[str, str], Mapping[ArmName, Arm]] = {}
    withheld: list[tuple[str, str]] = []
    for dimension in dimensions:
        found = _by_value(name, dimension)
        few = [
            value
            for value in found
            if any(len(residents.get((arm, dimension, value), ())) < SMALL_CELL for arm in ARMS)
        ]
        rest = sorted(
            set(found) - set(few), key=lambda value: sum(one.visits for one in found[value].values())
        )
        if len(few) == 1 and rest:
            few.append(rest.pop(0))
        told |= {(dimension, value): found[value] for value in sorted(rest)}
        withheld += [(dimension, value) for value in sorted(few)]
    return Slices(told, tuple(withheld))


def _by_value(name: str, dimension: str) -> dict[str, dict[ArmName, Arm]]:
    sums: dict[str, dict[tuple[str, str], float]] = {}
    for kind in (VISITS, OPENED):
        rows = Count.objects.filter(name=f"{kind}.{dimension}", key__startswith=f"{name}|")
        for key, value in rows.values_list("key", "value"):
            arm, of = key[len(name) + 1 :].split("|", 1)
            table = sums.setdefault(of, {})
            table[kind, arm] = table.get((kind, arm), 0) + value
    return {
        of: {arm: Arm(int(table.get((VISITS, arm), 0)), int(table.get((OPENED, arm), 0))) for arm in ARMS}
        for of, table in sums.items()
    }


def _residents(name: str) -> dict[tuple[str, str, str], set[str]]:
    """Lots that were drawn, by arm, dimension and value."""
    found: dict[tuple[str, str, str], set[str]] = {}
    for key in Count.objects.filter(name=LOT, key__startswith=f"{name}|").values_list("key", flat=True):
        arm, dimension, rest = key[len(name) + 1 :].split("|", 2)
        value, number = rest.rsplit("|", 1)
        found.setdefault((arm, dimension, value), set()).add(number)
    return found


def forget(name: str) -> int:
    """Deletes every sum of a comparison that is over: what it found is written down, and nothing can be found again."""
    rows = Count.objects.filter(name__startswith="compared.", key__startswith=f"{name}|")
    return rows.delete()[0]
