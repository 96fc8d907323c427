"""The consent ledger and what follows from it, the access log, and the audit chain over all of them."""

import uuid
from typing import Any, ClassVar

from django.db import connection, models
from django.utils import timezone

from identity.errors import AuditIsAppendOnly, LedgerIsAppendOnly
from identity.models.people import Resident


class NoticeVersion(models.Model):
    """The exact text that was shown when somebody was asked, kept once for each hash."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    language = models.CharField(max_length=16)
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.sha256[:12]


class ReceiptQuerySet(models.QuerySet["ConsentReceipt"]):
    """The ledger grows and nothing else: rows are never changed or taken out in bulk either."""

    def update(self, **kwargs: Any) -> int:  # noqa: ARG002
        raise LedgerIsAppendOnly

    def delete(self) -> tuple[int, dict[str, int]]:
        raise LedgerIsAppendOnly

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:  # noqa: ARG002
        raise LedgerIsAppendOnly

    def erase_all_of(self, resident_id: uuid.UUID) -> int:
        """The one door out of the ledger, for `identity.closure.erasure` alone: every receipt of a person who is erased.

        In the caller's transaction. PostgreSQL's trigger lets these rows go, and only while they go.
        """
        mine = self.filter(resident_id=resident_id)
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SELECT set_config('madoguchi.erasing', %s, true)", [str(resident_id)])
            gone: int = mine._raw_delete(mine.db)
            if connection.vendor == "postgresql":
                cursor.execute("SELECT set_config('madoguchi.erasing', '', true)")
        return gone


class ConsentReceipt(models.Model):
    """One entry of the append-only ledger: recipient x purpose x items, after ISO/IEC TS 27560."""

    class Kind(models.TextChoices):
        GRANTED = "granted"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    schema_version = models.CharField(max_length=16, default="1.0")
    resident = models.ForeignKey(Resident, on_delete=models.PROTECT, related_name="receipts")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    controller = models.CharField(max_length=255)
    recipient = models.CharField(max_length=255)
    purpose = models.CharField(max_length=64)
    items = models.JSONField()
    level = models.CharField(max_length=16)
    basis = models.CharField(max_length=32, default="consent")
    method = models.CharField(max_length=64, default="form")
    notice = models.ForeignKey(NoticeVersion, null=True, on_delete=models.PROTECT)
    withdraws = models.ForeignKey("self", null=True, on_delete=models.PROTECT)
    given_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)
    number = models.PositiveBigIntegerField(null=True)
    """In the resident's own sequence, which releases share; empty in receipts that are older than the sequence."""

    objects: ClassVar[models.Manager["ConsentReceipt"]] = models.Manager.from_queryset(ReceiptQuerySet)()

    class Meta:
        # With a condition, so that it is an index: SQLite would make the table anew, and lose its trigger.
        constraints = [
            models.UniqueConstraint(
                fields=["resident", "number"], condition=~models.Q(number=None), name="one_receipt_per_number"
            )
        ]
        indexes = [models.Index(fields=["resident", "recipient", "-given_at"], name="receipt_by_recipient")]

    def __str__(self) -> str:
        return f"{self.kind} {self.recipient} {self.given_at:%Y-%m-%d}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise LedgerIsAppendOnly
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:  # noqa: ARG002
        raise LedgerIsAppendOnly


class ConsentState(models.Model):
    """What holds now for one item towards one recipient; derived from the ledger in the same transaction."""

    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="consents")
    recipient = models.CharField(max_length=255)
    purpose = models.CharField(max_length=64)
    item = models.CharField(max_length=64)
    status = models.CharField(max_length=16, choices=ConsentReceipt.Kind.choices)
    level = models.CharField(max_length=16)
    receipt = models.ForeignKey(ConsentReceipt, on_delete=models.PROTECT)
    terms = models.CharField(max_length=32, blank=True)
    """The version of the recipient's terms that was on the screen; empty where a recipient has only one."""
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["resident", "recipient", "purpose", "item"], name="one_state_per_item_and_purpose"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.recipient} {self.item} {self.status}"


class ConsentEvent(models.Model):
    """Tells gadgets and portal, by cursor, that something changed; written with the change itself."""

    resident_id = models.UUIDField()
    recipient = models.CharField(max_length=255)
    kind = models.CharField(max_length=32)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.kind} {self.recipient}"


class AccessLog(models.Model):
    """Which items left to whom, when and through which door; item names only, never a value.

    Written by `identity.consent.access_log` alone. The database refuses any change of what a row says.
    """

    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="accesses")
    recipient = models.CharField(max_length=255)
    items = models.JSONField()
    via = models.CharField(max_length=16)
    at = models.DateTimeField(default=timezone.now)
    number = models.PositiveBigIntegerField(null=True)
    """In the resident's own sequence, which consent changes share; a row of the release before waits for its number."""
    version = models.PositiveBigIntegerField(null=True)
    """The resident's consent version under which it left; empty in rows of the release before."""
    nonce = models.CharField(max_length=32, blank=True, default="", db_default="")
    """Random, so that the hash that outlives this row says nothing about it."""
    seal = models.BigIntegerField(null=True)
    """Under which seal its hash stands in the audit chain; empty until the next sweep."""

    class Meta:
        # With a condition, so that it is an index: SQLite would make the table anew, and lose its trigger.
        constraints = [
            models.UniqueConstraint(
                fields=["resident", "number"], condition=~models.Q(number=None), name="one_release_per_number"
            )
        ]
        indexes = [
            models.Index(fields=["resident", "-at"], name="access_by_resident"),
            models.Index(fields=["id"], condition=models.Q(seal=None), name="access_unsealed"),
        ]

    def __str__(self) -> str:
        return f"{self.recipient} {self.at:%Y-%m-%d %H:%M}"


class SealedAccess(models.Model):
    """The hash of one row of the access log: it stays when erasure or retention takes the row.

    `seal` names the entry of the audit chain that holds the Merkle root over it and those beside it.
    """

    id = models.BigIntegerField(primary_key=True)
    """Of the row of the log."""
    seal = models.BigIntegerField(db_index=True)
    handle = models.UUIDField(db_index=True)
    number = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)

    def __str__(self) -> str:
        return self.sha256[:12]


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    """The chain grows and nothing else."""

    def update(self, **kwargs: Any) -> int:  # noqa: ARG002
        raise AuditIsAppendOnly

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AuditIsAppendOnly

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:  # noqa: ARG002
        raise AuditIsAppendOnly


class AuditEntry(models.Model):
    """One link of the audit chain (see `identity.audit.chain`): who did what to whom, in codes and handles only.

    `sha256` is over this entry and the hash of the one before it, so that no entry can be changed, taken out or
    put in between without breaking every later one.
    """

    seq = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=32)
    who = models.CharField(max_length=36, blank=True)
    by = models.CharField(max_length=36, blank=True)
    detail = models.JSONField(default=dict)
    previous = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64)

    objects: ClassVar[models.Manager["AuditEntry"]] = models.Manager.from_queryset(AuditQuerySet)()

    class Meta:
        indexes = [models.Index(fields=["who", "-at"], name="audit_by_handle")]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AuditIsAppendOnly
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:  # noqa: ARG002
        raise AuditIsAppendOnly
