"""Organisations that offer gadgets: who acts for them, with which keys, and what is told to them."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Provider(models.Model):
    """An organisation that offers gadgets; its host is fixed by its first registration."""

    class Kind(models.TextChoices):
        COMPANY = "company"
        DEPARTMENT = "department"
        CITY = "city"
        REGION = "region"
        NPO = "npo"
        SCHOOL = "school"
        OTHER = "other"

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    host = models.CharField(max_length=253, null=True, blank=True, unique=True)
    contact = models.EmailField()
    contact_proved_at = models.DateTimeField(null=True, blank=True)
    """When somebody opened the link that was sent there; until then nothing else is sent."""
    webhook_url = models.CharField(max_length=500, blank=True)
    """Where a signed notice is posted when the state of a gadget changes; empty when only mail is wanted."""
    created_at = models.DateTimeField(default=timezone.now)
    verified_name = models.CharField(max_length=100, blank=True)
    """The name that an operator has verified; residents read this one. Empty until the first approval."""
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    may_alert = models.BooleanField(default=False)
    """An operator lets its cards speak of danger (`notice` of the level `danger`)."""

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(host=""), name="provider_host_null_or_named")]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A resident who acts for an organisation: an owner, a developer, or somebody who only reads."""

    class Role(models.TextChoices):
        OWNER = "owner"
        DEVELOPER = "developer"
        READER = "reader"

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="members")
    resident = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.OWNER)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "resident"], name="one_membership"),
            models.CheckConstraint(
                condition=Q(role__in=["owner", "developer", "reader"]), name="membership_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider_id} {self.resident_id}"


class Invitation(models.Model):
    """A way into an organisation for whoever holds its link, once and for a week; only the link's hash is kept."""

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=16, choices=Membership.Role.choices)
    token_hash = models.CharField(max_length=64, unique=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["provider", "expires_at"], name="invitations_of_provider")]

    def __str__(self) -> str:
        return f"{self.provider_id} {self.role}"


class ApiToken(models.Model):
    """A key with which an organisation's own tools register and ask for the state; only its hash is kept."""

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=60)
    token_hash = models.CharField(max_length=64, unique=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.provider_id} {self.name}"


class StateNotice(models.Model):
    """A change of a gadget's state on its way to its provider: the row is the queue for one channel."""

    class Channel(models.TextChoices):
        MAIL = "mail"
        WEBHOOK = "webhook"

    class State(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"
        SENT = "sent"
        GIVEN_UP = "given_up"

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="notices")
    gadget_id = models.CharField(max_length=255)
    version = models.CharField(max_length=32, blank=True)
    decision = models.CharField(max_length=16)
    """The decision of the review note that it tells of."""
    channel = models.CharField(max_length=8, choices=Channel.choices)
    txn = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    """The same in every try: whoever receives it twice knows it again."""
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    trouble = models.CharField(max_length=32, blank=True)
    sent_to = models.CharField(max_length=64, blank=True, db_default="")
    """Of a mail that asks for a proof: the hash of the address, by which they are counted."""

    class Meta:
        indexes = [models.Index(fields=["state", "next_at"], name="state_notice_due")]

    def __str__(self) -> str:
        return f"{self.channel} {self.gadget_id} {self.decision}"
