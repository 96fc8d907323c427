"""Tables of identity: residents, their attributes, the consent ledger, sessions and pseudonyms.

Models never cross the border of this package: others read through `identity.queries` and write
through `identity.actions`.
"""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.utils import timezone

from identity.errors import LedgerIsAppendOnly


def opaque_username() -> str:
    """A user name that says nothing of the person (introspection at the ID may show it)."""
    return f"r-{uuid.uuid4().hex[:16]}"


class ResidentManager(BaseUserManager["Resident"]):
    """Creates residents; an embedded account is its own subject."""

    def create_user(
        self, username: str | None = None, email: str = "", password: str | None = None, **extra: Any
    ) -> "Resident":
        resident = self.model(
            username=username or opaque_username(), email=self.normalize_email(email), **extra
        )
        resident.set_password(password)
        resident.save(using=self._db)
        return resident


class Resident(AbstractBaseUser, PermissionsMixin):
    """Somebody known by the regional ID, identified by (issuer, subject), never by e-mail."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    username = models.CharField(max_length=64, unique=True, default=opaque_username)
    email = models.EmailField(blank=True)
    display_name = models.CharField(max_length=100, blank=True)
    locale = models.CharField(max_length=16, default="ja")
    attributes = models.JSONField(default=dict, blank=True)
    roles = models.JSONField(default=list, blank=True)
    consent_version = models.PositiveBigIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[ResidentManager] = ResidentManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="resident_issuer_subject"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """An account of the embedded provider is the same row: its subject is its own key."""
        if not self.subject:
            from django.conf import settings

            self.issuer, self.subject = settings.OIDC_ISSUER, str(self.id)
        super().save(*args, **kwargs)

    def get_full_name(self) -> str:
        return self.display_name

    def get_short_name(self) -> str:
        return self.display_name


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

    objects: ClassVar[models.Manager["ConsentReceipt"]] = models.Manager.from_queryset(ReceiptQuerySet)()

    class Meta:
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
    """Which items left to whom, when and through which door; item names only, never a value."""

    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="accesses")
    recipient = models.CharField(max_length=255)
    items = models.JSONField()
    via = models.CharField(max_length=16)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["resident", "-at"], name="access_by_resident")]

    def __str__(self) -> str:
        return f"{self.recipient} {self.at:%Y-%m-%d %H:%M}"


class GadgetClient(models.Model):
    """The OIDC client of a gadget that has a site of its own, and the frame of its pseudonyms."""

    gadget_id = models.CharField(max_length=255, unique=True)
    client_id = models.CharField(max_length=255, unique=True)
    sector_host = models.CharField(max_length=255)
    salt_sealed = models.BinaryField()
    redirect_uris = models.JSONField(default=list)
    logout_uri = models.URLField(blank=True)
    identity_level = models.CharField(max_length=16)
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


class OidcSession(models.Model):
    """Ties a portal session to the session at the ID, so that one logout ends both."""

    issuer = models.CharField(max_length=255)
    sub = models.CharField(max_length=255)
    sid = models.CharField(max_length=255, blank=True)
    session_key = models.CharField(max_length=64, unique=True)
    id_token_sealed = models.BinaryField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["issuer", "sub", "sid"], name="oidc_session_lookup")]

    def __str__(self) -> str:
        return self.sid


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


class ProviderSession(models.Model):
    """One client's part in one sign-in at the embedded provider, with a `sid` of its own.

    Gadgets cannot correlate residents by `sid`, because no two clients see the same one.
    """

    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="provider_sessions")
    client_id = models.CharField(max_length=255)
    sid = models.CharField(max_length=64, unique=True)
    sign_in = models.CharField(max_length=64)
    session_key = models.CharField(max_length=64)
    auth_time = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sign_in", "client_id"], name="one_sid_per_client_and_sign_in"),
        ]

    def __str__(self) -> str:
        return self.sid


class ProviderCode(models.Model):
    """An authorization code of the embedded provider, kept after its use so that a replay is noticed."""

    code_sha256 = models.CharField(max_length=64, primary_key=True)
    session = models.ForeignKey(ProviderSession, on_delete=models.CASCADE, related_name="codes")
    access_token_id = models.BigIntegerField(null=True)
    used_at = models.DateTimeField(null=True)
    replayed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.code_sha256[:12]


class SeenToken(models.Model):
    """A logout token that the portal itself has accepted: the constraint refuses its replay."""

    issuer = models.CharField(max_length=255)
    jti = models.CharField(max_length=255)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "jti"], name="one_use_per_logout_token")]

    def __str__(self) -> str:
        return self.jti
