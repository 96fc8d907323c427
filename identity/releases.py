"""Which claims a recipient may be told of one resident: said by the package that knows what it asks, and how.

identity knows who granted what, under which terms; which terms hold is known where the manifests are.
"""

from collections.abc import Callable, Sequence
from uuid import UUID

May = Callable[[UUID, str, Sequence[str]], Sequence[str]]


def _all(_resident_id: UUID, _recipient: str, declared: Sequence[str]) -> Sequence[str]:
    return declared


may: May = _all
"""Set by the gadgets package: those of `declared` that this resident's grants cover as they are asked for now."""
