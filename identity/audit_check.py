"""Checks the audit chain from its first entry, and that the consent ledger is what the chain says of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef

from identity import consent
from identity.audit import GENESIS, digest, receipt_digest
from identity.consent import Notice
from identity.models import AuditEntry, ConsentReceipt, ConsentState, NoticeVersion

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found: `broken` is the first place that does not hold ("entry 12", "receipt …"), "" when all do."""

    entries: int
    head: str
    broken: str = ""
    reason: str = ""

    @property
    def holds(self) -> bool:
        return not self.broken


@dataclass(frozen=True, slots=True)
class Expected:
    """An entry that somebody noted elsewhere: without it nobody can tell that the last entries were cut off."""

    seq: int
    sha256: str


class _BrokenError(Exception):
    """The first place that does not hold."""

    def __init__(self, place: str, reason: str) -> None:
        self.place, self.reason = place, reason
        super().__init__(place)


def verify(expect: Expected | None = None) -> Verdict:
    """Walks chain, receipts, shown texts and what holds now; keeps about 100 bytes in memory for each receipt.

    The receipts are listed before the chain is read, and each is written in one transaction with its entry: who
    goes on using the portal meanwhile raises no false alarm. A receipt that is gone was erased with its owner.
    """
    count, head = 0, GENESIS
    try:
        unseen = set(ConsentReceipt.objects.values_list("id", flat=True).iterator(chunk_size=BATCH))
        for batch in _batches(AuditEntry.objects.order_by("seq").iterator(chunk_size=BATCH)):
            for row in batch:
                _follows(row, count, head)
                count, head = row.seq, row.sha256
                if expect and expect.seq == row.seq and expect.sha256 != row.sha256:
                    raise _BrokenError(f"entry {row.seq}", "it is not the one that was expected here")
            _receipts_as_written(batch, unseen)
        if expect and expect.seq > count:
            raise _BrokenError(
                f"entry {count + 1}", f"the chain ends before entry {expect.seq}: its end was cut off"
            )
        for receipt_id in ConsentReceipt.objects.filter(id__in=list(unseen)[:BATCH]).values_list(
            "id", flat=True
        ):
            raise _BrokenError(f"receipt {receipt_id}", "no entry of the chain speaks of it")
        _texts_as_shown()
        _states_as_decided()
    except _BrokenError as found:
        return Verdict(count, head, found.place, found.reason)
    return Verdict(count, head)


def _batches(rows: Iterable[AuditEntry]) -> Iterator[list[AuditEntry]]:
    batch: list[AuditEntry] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


def _follows(row: AuditEntry, count: int, head: str) -> None:
    place = f"entry {row.seq}"
    if row.seq != count + 1:
        raise _BrokenError(place, "an entry before this one is missing")
    if row.previous != head:
        raise _BrokenError(place, "it does not follow the one before it")
    if row.sha256 != digest(row.seq, row.at, row.kind, row.who, row.by, row.detail, row.previous):
        raise _BrokenError(place, "it was changed")


def _receipts_as_written(batch: list[AuditEntry], unseen: set[UUID]) -> None:
    told = {UUID(row.detail["receipt"]): row for row in batch if "receipt" in row.detail}
    wanted = unseen.intersection(told)
    for receipt in ConsentReceipt.objects.filter(id__in=wanted):
        if receipt_digest(receipt) != told[receipt.id].detail["content"]:
            raise _BrokenError(f"receipt {receipt.id}", f"it was changed since entry {told[receipt.id].seq}")
    unseen -= wanted


def _texts_as_shown() -> None:
    for notice in NoticeVersion.objects.iterator(chunk_size=BATCH):
        if Notice(notice.language, notice.text).sha256 != notice.sha256:
            raise _BrokenError(f"text {notice.sha256}", "it is not the text that was shown")


def _states_as_decided() -> None:
    """What is released follows the states: each must be what its receipt says, and no receipt may be newer."""
    later = ConsentReceipt.objects.filter(
        resident=OuterRef("resident"),
        recipient=OuterRef("recipient"),
        purpose=OuterRef("purpose"),
        given_at__gt=OuterRef("receipt__given_at"),
    )
    states = ConsentState.objects.select_related("receipt").annotate(outdated=Exists(later)).order_by("id")
    for state in states.iterator(chunk_size=BATCH):
        receipt = state.receipt
        place = f"state {state.pk}"
        same = ("resident_id", "recipient", "purpose", "level", "expires_at")
        if any(getattr(state, name) != getattr(receipt, name) for name in same) or (
            state.status != receipt.kind or state.item not in receipt.items
        ):
            raise _BrokenError(place, f"it is not what receipt {receipt.id} says")
        if state.outdated and state.status == consent.GRANTED:
            _still_the_last(state, place)


def _still_the_last(state: ConsentState, place: str) -> None:
    for receipt in ConsentReceipt.objects.filter(
        resident_id=state.resident_id, recipient=state.recipient, purpose=state.purpose
    ).filter(given_at__gt=state.receipt.given_at):
        unchanged = ConsentState.objects.filter(pk=state.pk, receipt_id=state.receipt_id)
        if state.item in receipt.items and unchanged.exists():
            raise _BrokenError(place, f"receipt {receipt.id} decided otherwise after it")
