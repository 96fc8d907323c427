"""People: residents, who acts for whom, and the closing of accounts."""

import secrets
import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.utils import timezone

from identity.domain.names import passwords, plain_name, plain_password


def opaque_username() -> str:
    """A user name that says nothing of the person (introspection at the ID may show it)."""
    return f"r-{uuid.uuid4().hex[:16]}"


def opaque_reference() -> str:
    """What the city's desk and a family call a guardianship by: eight letters that are not mistaken for others."""
    return "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(8))


class GeneratedCharField(models.CharField):  # type: ignore[type-arg]
    """A text whose default is a function of ours.

    Migrations see a plain CharField without it: a migration that imports the application breaks when the
    application is moved.
    """

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, _, args, kwargs = super().deconstruct()
        kwargs.pop("default", None)
        return name, "django.db.models.CharField", args, kwargs


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
    username = GeneratedCharField(max_length=64, unique=True, default=opaque_username)
    email = models.EmailField(blank=True)
    display_name = models.CharField(max_length=100, blank=True)
    locale = models.CharField(max_length=16, default="ja")
    attributes = models.JSONField(default=dict, blank=True)
    roles = models.JSONField(default=list, blank=True)
    consent_version = models.PositiveBigIntegerField(default=0)
    sequence = models.PositiveBigIntegerField(default=0, db_default=0)
    """The last number drawn for a consent change or a release; drawn under the lock of this row only."""
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    handle = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    """Stands for the person in the audit chain; gone with this row, so that the chain names nobody any more."""
    confidential = models.BooleanField(default=False)
    """Protected (domestic violence, stalking): nothing is ever told to any provider."""
    home_region = models.CharField(max_length=64, blank=True)
    """The neighbouring region whose ID signed this person in; "" for the region's own residents."""
    onboarded_at = models.DateTimeField(null=True)
    erase_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[ResidentManager] = ResidentManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    COUNTERS: ClassVar[frozenset[str]] = frozenset({"consent_version", "sequence"})

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="resident_issuer_subject"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """An account of the embedded provider is the same row: its subject is its own key.

        A whole save of a known row leaves the counters alone: others raise them meanwhile, under its lock.
        """
        self.username = plain_name(self.username)
        if not self.subject:
            from django.conf import settings

            self.issuer, self.subject = settings.OIDC_ISSUER, str(self.id)
        if not self._state.adding and not args and "update_fields" not in kwargs:
            fields = {field.name for field in self._meta.concrete_fields} - {"id", *self.COUNTERS}
            kwargs["update_fields"] = fields - self.get_deferred_fields()
        super().save(*args, **kwargs)

    def set_password(self, raw_password: str | None) -> None:
        """The same letters are one password, however a keyboard composed them."""
        super().set_password(None if raw_password is None else plain_password(raw_password))

    def check_password(self, raw_password: str) -> bool:
        """As `set_password` keeps it; what was kept before in another form still opens, and is kept anew."""
        for form in passwords(raw_password):
            if super().check_password(form):
                if form != plain_password(raw_password):
                    self.set_password(raw_password)
                    self.save(update_fields=["password"])
                return True
        return False

    def get_full_name(self) -> str:
        return self.display_name

    def get_short_name(self) -> str:
        return self.display_name


class Guardianship(models.Model):
    """Somebody may act for somebody else: for a child, or for an adult whom they represent.

    A ward is a resident of its own, with attributes and consents of its own, and usually without an account.
    """

    class Basis(models.TextChoices):
        CHILD = "child"
        REPRESENTED = "represented"

    class State(models.TextChoices):
        ASKED = "asked"
        ACTIVE = "active"
        REFUSED = "refused"
        ENDED = "ended"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    guardian = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="wards")
    ward = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="guardians")
    basis = models.CharField(max_length=16, choices=Basis.choices)
    state = models.CharField(max_length=16, choices=State.choices)
    ends_on = models.DateField(null=True)
    reference = GeneratedCharField(max_length=12, unique=True, default=opaque_reference)
    reason = models.CharField(max_length=32, blank=True)
    """A code of the operator's decision; "" as long as no operator decided, and where none has to."""
    asked_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True)
    agreed_at = models.DateTimeField(null=True)
    """When the ward, who has an account, said yes."""
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["guardian", "ward"],
                condition=models.Q(state__in=["asked", "active"]),
                name="one_living_guardianship",
            ),
            models.CheckConstraint(
                condition=~models.Q(guardian=models.F("ward")), name="nobody_guards_themselves"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.basis} {self.state}"


class HouseholdCode(models.Model):
    """A one-time code by which somebody else asks to act for `ward`; only its hash is kept, a used one is deleted."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    ward = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="household_codes")
    made_by = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="household_codes_made")
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ward", "made_by"], name="one_code_at_a_time")]

    def __str__(self) -> str:
        return f"{self.expires_at:%Y-%m-%d %H:%M}"


class ProtectionLift(models.Model):
    """An operator asked to lift somebody's protection; it takes another operator to do it."""

    resident = models.OneToOneField(Resident, on_delete=models.CASCADE, related_name="protection_lift")
    asked_by = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="lifts_asked")
    asked_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(resident=models.F("asked_by")), name="nobody_asks_for_their_own_lift"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.asked_at:%Y-%m-%d %H:%M}"


class Erasure(models.Model):
    """An account on its way out: asked for, undone within the time, or carried out; the report stays, unnamed.

    `resident_id` is emptied when it is done. Whoever holds the reference (only its hash is kept) can read the report.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference_sha256 = models.CharField(max_length=64, unique=True)
    resident_id = models.UUIDField(null=True, db_index=True)
    asked_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    begun_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    report = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.asked_at:%Y-%m-%d}"
