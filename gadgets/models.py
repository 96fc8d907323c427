"""Tables of gadgets: providers, registered gadgets with each version's exact bytes, checks, reviews, layouts.

Models never cross the border of this package: others read through `gadgets.queries` and write through
`gadgets.actions`.
"""

import uuid

from django.conf import settings
from django.core.cache import cache
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

VERSION_KEY = "gadgets:registry:version"
"""Where the cache holds the registry's number; the home reads it in its one multi-get."""
VERSION_TTL = 5


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
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(host=""), name="provider_host_null_or_named")]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A resident who acts for an organisation."""

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="members")
    resident = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "resident"], name="one_membership")]

    def __str__(self) -> str:
        return f"{self.provider_id} {self.resident_id}"


class Gadget(models.Model):
    """One service of one provider. `state` is the life of the gadget; a draft upgrade lives in its version."""

    class State(models.TextChoices):
        DRAFT = "draft"
        CHECKED = "checked"
        IN_REVIEW = "in_review"
        PUBLISHED = "published"
        SUSPENDED = "suspended"
        RETIRED = "retired"

    gadget_id = models.CharField(max_length=255, unique=True)
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="gadgets")
    url = models.CharField(max_length=500)
    state = models.CharField(max_length=16, choices=State.choices, default=State.DRAFT)
    published = models.ForeignKey("GadgetVersion", null=True, on_delete=models.PROTECT, related_name="+")
    published_at = models.DateTimeField(null=True)
    client_id = models.CharField(max_length=255, blank=True)
    # The client at the ID does not yet say what `state` says: a sweep sets it right.
    client_due = models.BooleanField(default=False)
    topics = models.JSONField(default=list, blank=True)
    audience = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state__in=["published", "suspended"])
                | Q(published__isnull=False, published_at__isnull=False),
                name="published_gadget_has_a_version",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "checked", "in_review", "published", "suspended", "retired"]),
                name="gadget_state_known",
            ),
        ]

    def __str__(self) -> str:
        return self.gadget_id


class GadgetVersion(models.Model):
    """One manifest, byte for byte as it was fetched and, once approved, as it is served."""

    class State(models.TextChoices):
        DRAFT = "draft"
        CHECKED = "checked"
        IN_REVIEW = "in_review"
        REFUSED = "refused"
        APPROVED = "approved"
        REPLACED = "replaced"

    gadget = models.ForeignKey(Gadget, on_delete=models.CASCADE, related_name="versions")
    version = models.CharField(max_length=32)
    manifest = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    url = models.CharField(max_length=500)
    state = models.CharField(max_length=16, choices=State.choices, default=State.DRAFT)
    fetched_at = models.DateTimeField(default=timezone.now)
    approved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["gadget"],
                condition=Q(state__in=["draft", "checked", "in_review", "refused"]),
                name="one_open_version_per_gadget",
            ),
            models.CheckConstraint(
                condition=~Q(state="approved") | Q(approved_at__isnull=False),
                name="approved_version_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.gadget_id} {self.version}"


class CheckRun(models.Model):
    """One run of the conformance checks; the row is the queue, claimed by a conditional UPDATE."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"

    version = models.ForeignKey(GadgetVersion, on_delete=models.CASCADE, related_name="runs")
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    ok = models.BooleanField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version"],
                condition=Q(state__in=["waiting", "running"]),
                name="one_open_run_per_version",
            ),
            models.CheckConstraint(
                condition=Q(state="done", ok__isnull=False, finished_at__isnull=False)
                | Q(~Q(state="done"), ok__isnull=True, finished_at__isnull=True),
                name="finished_run_has_a_result",
            ),
        ]
        indexes = [models.Index(fields=["state", "created_at"], name="check_run_due")]

    def __str__(self) -> str:
        return f"{self.version_id} {self.state}"


class CheckLine(models.Model):
    """One line of a report; its texts by language, as the check wrote them."""

    run = models.ForeignKey(CheckRun, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField()
    number = models.PositiveSmallIntegerField()
    ok = models.BooleanField()
    title = models.JSONField()
    message = models.JSONField()
    remedy = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "position"], name="one_line_per_position")]

    def __str__(self) -> str:
        return f"{self.number} {'pass' if self.ok else 'fix'}"


class ReviewNote(models.Model):
    """Who did what to a gadget, when, and in which words: its audit trail, written with the change itself."""

    class Decision(models.TextChoices):
        REGISTERED = "registered"
        CHECKED = "checked"
        SUBMITTED = "submitted"
        APPROVED = "approved"
        REFUSED = "refused"
        SUSPENDED = "suspended"
        RESUMED = "resumed"
        RETIRED = "retired"
        ROTATED = "rotated"

    gadget = models.ForeignKey(Gadget, on_delete=models.CASCADE, related_name="notes")
    version = models.ForeignKey(GadgetVersion, null=True, on_delete=models.SET_NULL, related_name="notes")
    who = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    decision = models.CharField(max_length=16, choices=Decision.choices)
    reason = models.TextField(blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(decision__in=["refused", "suspended"]) | ~Q(reason=""),
                name="refusal_and_suspension_say_why",
            ),
        ]
        indexes = [models.Index(fields=["gadget", "-at"], name="review_notes_of_gadget")]

    def __str__(self) -> str:
        return f"{self.gadget_id} {self.decision}"


class Placement(models.Model):
    """Where a resident has put a gadget on the home; default slots that were never touched have no row."""

    resident = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    gadget_id = models.CharField(max_length=255)
    position = models.PositiveSmallIntegerField()
    hidden = models.BooleanField(default=False)
    size = models.CharField(max_length=1, default="S", choices=[("S", "S"), ("M", "M"), ("L", "L")])
    settings = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["resident", "gadget_id"], name="one_placement_per_gadget"),
            models.CheckConstraint(condition=Q(size__in=["S", "M", "L"]), name="placement_size_known"),
        ]
        indexes = [models.Index(fields=["resident", "position"], name="placement_order")]

    def __str__(self) -> str:
        return f"{self.gadget_id} {self.position}"


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


class RegistryVersion(models.Model):
    """One row: the number that rises with every change residents can see."""

    number = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="one_registry_version")]

    def __str__(self) -> str:
        return str(self.number)


def bump_registry() -> None:
    """Raises the registry's number inside the caller's transaction; every process knows it after the commit."""
    RegistryVersion.objects.get_or_create(pk=1)
    RegistryVersion.objects.filter(pk=1).update(number=F("number") + 1)
    number = RegistryVersion.objects.values_list("number", flat=True).get(pk=1)
    transaction.on_commit(lambda: cache.set(VERSION_KEY, number, VERSION_TTL))
