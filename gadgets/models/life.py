"""A gadget and its life: each version byte for byte, checks, reviews, planned pauses."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from gadgets.models.organisations import Provider


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
    # The version before, which some residents still see: while the new one is rolled out to `share` percent of
    # them, and, until `earlier_until`, for those whose consent was given under older terms.
    earlier = models.ForeignKey("GadgetVersion", null=True, on_delete=models.PROTECT, related_name="+")
    earlier_until = models.DateTimeField(null=True)
    share = models.PositiveSmallIntegerField(default=100)
    # Announced to residents beforehand; a sweep retires it then.
    retires_at = models.DateTimeField(null=True)
    retire_note = models.TextField(blank=True)
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
            models.CheckConstraint(condition=Q(share__gte=0, share__lte=100), name="share_is_a_percentage"),
            models.CheckConstraint(
                condition=Q(share=100) | Q(earlier__isnull=False), name="partial_share_has_a_version_before"
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
    # For each claim: the version since which it is asked for in this way (`review.terms`).
    terms = models.JSONField(default=dict, blank=True)
    # The region whose signed package it came in; empty when the provider registered it here.
    region = models.ForeignKey("Region", null=True, on_delete=models.SET_NULL, related_name="+")
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
    """When it was taken up; moves on with each line, so that a run which works is never taken for lost."""
    finished_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    """How often it was taken up; also tells the worker that has it from one that lost it."""

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
    ok = models.BooleanField(null=True)
    """None when this check could not be run here; the line says where it can be."""
    title = models.JSONField()
    message = models.JSONField()
    remedy = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "position"], name="one_line_per_position")]

    def __str__(self) -> str:
        return f"{self.number} {self.ok}"


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
        MESSAGE = "message"
        ROLLED_BACK = "rolled_back"
        SHARED = "shared"
        ANNOUNCED = "announced"
        WARNED = "warned"
        IMPORTED = "imported"
        MAINTENANCE = "maintenance"
        CONTRACT = "contract"
        VERIFIED = "verified"

    class Side(models.TextChoices):
        PROVIDER = "provider"
        OPERATOR = "operator"
        MACHINE = "machine"

    gadget = models.ForeignKey(Gadget, on_delete=models.CASCADE, related_name="notes")
    version = models.ForeignKey(GadgetVersion, null=True, on_delete=models.SET_NULL, related_name="notes")
    who = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    decision = models.CharField(max_length=16, choices=Decision.choices)
    side = models.CharField(max_length=8, choices=Side.choices, default=Side.MACHINE)
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


class CardReport(models.Model):
    """A resident says that a card is not what it should be; who said it is not kept here."""

    class Reason(models.TextChoices):
        PRETENDS = "pretends"
        ALARMS = "alarms"
        ASKS = "asks"
        WRONG = "wrong"
        OTHER = "other"

    gadget = models.ForeignKey(Gadget, on_delete=models.CASCADE, related_name="reports")
    version = models.CharField(max_length=32, blank=True)
    reason = models.CharField(max_length=8, choices=Reason.choices)
    words = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["gadget", "settled_at"], name="card_reports_open")]

    def __str__(self) -> str:
        return f"{self.gadget_id} {self.reason}"


class Maintenance(models.Model):
    """A planned pause of a gadget: nobody calls it, its failures count for nothing, and its cards say until when."""

    gadget = models.ForeignKey(Gadget, on_delete=models.CASCADE, related_name="maintenances")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    note = models.JSONField(default=dict, blank=True)
    """The provider's sentence by language; `ja` where there is one at all."""
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("starts_at")), name="maintenance_ends_after_it_starts"
            )
        ]
        indexes = [models.Index(fields=["gadget", "ends_at"], name="maintenance_of_gadget")]

    def __str__(self) -> str:
        return f"{self.gadget_id} {self.starts_at:%Y-%m-%d %H:%M}"
