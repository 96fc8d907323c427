"""Events about consent on their way to providers."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone


class EventDelivery(models.Model):
    """One event on its way to a provider: the row is the queue, claimed by a conditional UPDATE.

    `txn` is the same in every try. An erasure never names the resident; of everything else the name goes with the
    row, 90 days after it was settled.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"
        DONE = "done"
        NOT_CONFIRMED = "not_confirmed"

    class Kind(models.TextChoices):
        WITHDRAWN = "consent-withdrawn"
        ERASURE = "erasure"
        SESSION_ENDED = "session-ended"

    txn = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    gadget_id = models.CharField(max_length=255)
    sub = models.CharField(max_length=64, blank=True)
    """The pseudonym at this provider; emptied when an event that names no resident is settled."""
    kind = models.CharField(max_length=32, choices=Kind.choices)
    items = models.JSONField(default=list, blank=True)
    source = models.BigIntegerField(null=True, unique=True)
    """The number of the consent event that it was made from: none is told twice."""
    resident_id = models.UUIDField(null=True, db_index=True)
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True)
    trouble = models.CharField(max_length=32, blank=True)
    """The code of what went wrong in the last try."""
    records = models.PositiveIntegerField(null=True)
    kept = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="erasure") | Q(resident_id__isnull=True), name="erasure_names_no_resident"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["done", "not_confirmed"], settled_at__isnull=False)
                | Q(state__in=["waiting", "sending"], settled_at__isnull=True),
                name="settled_event_has_a_time",
            ),
        ]
        indexes = [models.Index(fields=["state", "next_at"], name="event_delivery_due")]

    def __str__(self) -> str:
        return f"{self.kind} {self.gadget_id} {self.state}"


class EventCursor(models.Model):
    """One row: up to which consent event all are handled, and which later ones are too.

    Numbers are given before a transaction commits, so an event may appear behind one that was read already.
    """

    number = models.BigIntegerField(default=0)
    ahead = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="one_event_cursor")]

    def __str__(self) -> str:
        return str(self.number)
