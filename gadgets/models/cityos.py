"""Contracts about the data of the City OS: which gadget may read which entities of whom."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from gadgets.models.life import Gadget
from gadgets.models.organisations import Provider


class Contract(models.Model):
    """One consumer, one dataset: it holds once the dataset's owner and the operator have both agreed.

    Without an owner the data are the city's own, and the operator's agreement is the owner's too. A wider contract is
    asked for beside the one that holds; it takes its place when it is agreed.
    """

    class State(models.TextChoices):
        ASKED = "asked"
        AGREED = "agreed"
        REFUSED = "refused"
        ENDED = "ended"

    consumer = models.ForeignKey(Gadget, on_delete=models.CASCADE, related_name="contracts")
    owner = models.ForeignKey(Provider, null=True, on_delete=models.CASCADE, related_name="contracts")
    entity_type = models.CharField(max_length=60)
    attrs = models.JSONField()
    purpose = models.JSONField()
    licence = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    asked_at = models.DateTimeField(default=timezone.now)
    owner_agreed_at = models.DateTimeField(null=True)
    operator_agreed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["consumer", "entity_type", "state"],
                condition=Q(state__in=["asked", "agreed"]),
                name="one_contract_of_a_state_per_type",
            ),
            models.CheckConstraint(
                condition=~Q(state="agreed")
                | Q(owner_agreed_at__isnull=False, operator_agreed_at__isnull=False),
                name="agreed_contract_has_both",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consumer_id} {self.entity_type} {self.state}"


class DataOwner(models.Model):
    """A type of entity that an operator gave to a provider; every other type is the city's."""

    entity_type = models.CharField(max_length=60, unique=True)
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="data")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    """None: a command of the portal, or an agreement of before this table was there."""
    decided_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.entity_type} {self.provider_id}"


class DataRead(models.Model):
    """How often a gadget read a type of entity on one day; a card is shared, so no resident is in it."""

    gadget_id = models.CharField(max_length=255)
    entity_type = models.CharField(max_length=60)
    day = models.DateField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gadget_id", "entity_type", "day"], name="one_read_row_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.gadget_id} {self.entity_type} {self.day}"
