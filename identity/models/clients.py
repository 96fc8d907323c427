"""Clients of gadgets at the regional ID, their pseudonyms, and the logout tokens on their way to them."""

from django.db import models
from django.utils import timezone

from identity.models.people import Resident


class GadgetClient(models.Model):
    """The sector and salt of a gadget's pseudonyms, and its OIDC client where it has a site of its own.

    Without `redirect_uris` the ID knows no such client.
    """

    gadget_id = models.CharField(max_length=255, unique=True)
    client_id = models.CharField(max_length=255, unique=True)
    sector_host = models.CharField(max_length=255)
    salt_sealed = models.BinaryField()
    redirect_uris = models.JSONField(default=list)
    logout_uri = models.URLField(blank=True)
    identity_level = models.CharField(max_length=16)
    claims = models.JSONField(default=list)
    """What the live manifest declares: the claims endpoint tells nothing else, whatever was granted."""
    suspended = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.client_id


class Subject(models.Model):
    """The way back from a pseudonym to a resident; exists only once that gadget was granted something."""

    client = models.ForeignKey(GadgetClient, on_delete=models.CASCADE)
    sub = models.CharField(max_length=64)
    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="pseudonyms")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client", "sub"], name="one_resident_per_pseudonym")]

    def __str__(self) -> str:
        return self.sub


class LogoutDelivery(models.Model):
    """One logout token on its way to a gadget: the row is the queue, claimed by a conditional UPDATE."""

    class State(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"
        DONE = "done"
        FAILED = "failed"

    client = models.ForeignKey(GadgetClient, on_delete=models.CASCADE)
    jti = models.CharField(max_length=255)
    token_sealed = models.BinaryField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    token_expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client", "jti"], name="one_delivery_per_logout_token")
        ]
        indexes = [models.Index(fields=["state", "next_at"], name="logout_delivery_due")]

    def __str__(self) -> str:
        return f"{self.client_id} {self.state}"
