"""Where a gadget stands besides its state: roll-out, version before, announced end, planned pauses; for the desks."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from gadgets.metrics import recent_faults
from gadgets.metrics.recent_faults import Answers
from gadgets.models import Gadget
from gadgets.operation import maintenance
from gadgets.operation.maintenance import Window
from gadgets.operation.rollout import SHARES, WHOLE
from gadgets.review.publication import version_before


@dataclass(frozen=True, slots=True)
class Standing:
    """`share`: percent of the residents who have the published version; `waits_until`: until when who owes an answer
    keeps `earlier`; `before`: the version that a roll back leads to, "" when there is none; `answers`: how the published
    version and `earlier` do side by side, while both are served.
    """

    share: int
    earlier: str
    waits_until: datetime | None
    before: str
    retires_at: datetime | None
    retire_note: str
    pauses: tuple[Window, ...]
    answers: tuple[Answers, ...] = ()

    @property
    def partial(self) -> bool:
        return self.share < WHOLE

    @property
    def next_shares(self) -> tuple[int, ...]:
        """The steps that are left of a roll-out."""
        return tuple(share for share in SHARES if share > self.share)


def standing(gadget_id: str) -> Standing | None:
    """Of one gadget; None when there is no such. The caller has checked who asks."""
    row = Gadget.objects.select_related("published", "earlier").filter(gadget_id=gadget_id).first()
    if row is None:
        return None
    now = timezone.now()
    before = version_before(row)
    waits = row.earlier_until if row.earlier_until and row.earlier_until > now else None
    earlier = row.earlier.version if row.earlier and (waits or row.share < WHOLE) else ""
    both = (row.published.version, earlier) if row.published and earlier else ()
    return Standing(
        share=row.share,
        earlier=earlier,
        waits_until=waits,
        before=before.version if before else "",
        retires_at=row.retires_at,
        retire_note=row.retire_note,
        pauses=maintenance.windows(gadget_id, now=now),
        answers=recent_faults.by_version(gadget_id, both, now),
    )
