"""What changed between two manifests, in words, with the gate and what it means for residents; pure.

The rows of the protocol's table "Life": `checks` (nothing for the resident), `operator` (asked only when
switching an option on), `consent` (the resident is asked again). `terms` says since which version each claim has
been asked for in the way it is now; a grant that is older is asked for anew, see `gadgets.operation.rollout`.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from gadgets.protocol.manifest import Manifest
from gadgets.protocol.manifest_rules import SemVer
from gadgets.review import claim_changes, part_changes
from gadgets.review.change import GATES, Change, Gate
from gadgets.review.claim_changes import FINER, retention_days

__all__ = [
    "FINER",
    "GATES",
    "Change",
    "Gate",
    "asked_again",
    "changes",
    "gate_of",
    "retention_days",
    "terms",
    "terms_hold",
]


def changes(old: Manifest, new: Manifest) -> tuple[Change, ...]:
    """Every difference that provider and reviewer must read, the heaviest gate first.

    The number of the version is none, nor the order of claims, sizes, origins and the like.
    """
    found = [*claim_changes.found(old, new), *part_changes.found(old, new)]
    return tuple(sorted(found, key=lambda change: -GATES.index(change.gate)))


def gate_of(found: Iterable[Change]) -> Gate:
    """The heaviest gate among the changes."""
    return max((change.gate for change in found), key=GATES.index, default="checks")


def asked_again(found: Iterable[Change]) -> tuple[Change, ...]:
    """The changes that residents are asked about again: their words stand in the question."""
    return tuple(change for change in found if change.gate == "consent")


def terms(before: Mapping[str, str], old: Manifest | None, new: Manifest) -> dict[str, str]:
    """For each claim of `new` the version since which it is asked for in this way; `before` are those of `old`.

    A claim that is not in it has been asked for so from the gadget's first version on.
    """
    if old is None:
        return {}
    asked = asked_again(changes(old, new))
    everything = any(not change.claim for change in asked)
    known = {claim.name for claim in old.claims}
    found = {}
    for claim in new.claims:
        anew = everything or claim.name not in known or any(change.claim == claim.name for change in asked)
        since = new.version if anew else before.get(claim.name, "")
        if since:
            found[claim.name] = since
    return found


@lru_cache(maxsize=4096)  # asked for each claim on each home
def terms_hold(given: str, asked: str) -> bool:
    """Whether a decision made under version `given` answers what has been asked since version `asked`.

    "" is the first version, in either place.
    """
    if not asked:
        return True
    return bool(given) and SemVer.parse(given) >= SemVer.parse(asked)
