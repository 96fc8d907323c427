"""What is learnt, and the little that is kept until it is; only of residents who said yes to learning.

`subject` is a pseudonym that the portal makes for this one purpose; nothing here leads back to a name.
"""

from django.db import models
from django.db.models import F, Q


class Interaction(models.Model):
    """Something on a resident's list: that it was shown, or what came of it. Gone once it is folded into cells.

    `reader` and `item` hold the features as they were (of a `view` only), so that learning needs nobody's data
    later. `position` counts from 0; `propensity` is the chance that this item stood in this place, given the
    places above. `consent_version` is the resident's when it was shown: what is older than a withdrawal is dropped.
    """

    class Act(models.TextChoices):
        VIEW = "view"
        OPEN = "open"
        ACTION = "action"
        NOT_FOR_ME = "not_for_me"

    subject = models.CharField(max_length=64)
    visit = models.UUIDField()
    item_id = models.CharField(max_length=200)
    act = models.CharField(max_length=12, choices=Act.choices)
    position = models.PositiveSmallIntegerField(null=True)
    propensity = models.FloatField(null=True)
    exploring = models.BooleanField(default=False)
    arm = models.CharField(max_length=40, blank=True)
    consent_version = models.PositiveBigIntegerField()
    reader = models.JSONField(default=dict)
    item = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["visit", "item_id", "act"], name="interaction_once"),
            models.CheckConstraint(
                condition=Q(propensity=None) | (Q(propensity__gt=0) & Q(propensity__lte=1)),
                name="interaction_propensity",
            ),
        ]
        indexes = [
            models.Index(fields=["at"], name="interaction_at"),
            models.Index(fields=["subject"], name="interaction_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.item_id}"


class Batch(models.Model):
    """A run of the learning job: what it took up is folded once, however often the job is called."""

    class State(models.TextChoices):
        OPEN = "open"
        FOLDED = "folded"

    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    until = models.DateTimeField()
    views = models.PositiveIntegerField(default=0)
    clicks = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()
    folded_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.pk} {self.state}"


class Cell(models.Model):
    """One learnt weight: w on top of nothing (it replaces the prior's mean), e its decayed expected clicks.

    Stands here only once `residents` different residents (at least 20) spoke about it.
    """

    family = models.CharField(max_length=60)
    key = models.CharField(max_length=240, blank=True)
    w = models.FloatField()
    e = models.FloatField()
    residents = models.PositiveIntegerField()
    updated = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["family", "key"], name="cell_once"),
            models.CheckConstraint(condition=Q(residents__gte=20), name="cell_of_twenty"),
            models.CheckConstraint(condition=Q(e__gte=0), name="cell_e"),
        ]

    def __str__(self) -> str:
        return f"{self.family} {self.key}"


class Pending(models.Model):
    """What one resident says about a cell that has not twenty yet: clicks c and expected clicks e. 30 days at most.

    Under the family "allowance" it is how much of what one resident may say, about one provider and altogether, is used.
    """

    family = models.CharField(max_length=60)
    key = models.CharField(max_length=240, blank=True)
    subject = models.CharField(max_length=64)
    c = models.FloatField()
    e = models.FloatField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["family", "key", "subject"], name="pending_once"),
            models.CheckConstraint(condition=Q(c__gte=0) & Q(e__gte=0), name="pending_sums"),
        ]
        indexes = [
            models.Index(fields=["subject"], name="pending_subject"),
            models.Index(fields=["at"], name="pending_at"),
        ]

    def __str__(self) -> str:
        return f"{self.family} {self.key}"


class Snapshot(models.Model):
    """A version of the learnt weights: family → key → w in `weights`, family → λ in `precisions`.

    At most one is active. `checks` holds what was found before it could become so, in words and figures.
    """

    class State(models.TextChoices):
        CANDIDATE = "candidate"
        ACTIVE = "active"
        REFUSED = "refused"
        EARLIER = "earlier"

    state = models.CharField(max_length=10, choices=State.choices, default=State.CANDIDATE)
    weights = models.JSONField()
    precisions = models.JSONField(default=dict)
    checks = models.JSONField(default=list)
    created_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="active"), name="one_active_snapshot"
            ),
            models.CheckConstraint(
                condition=Q(activated_at=None) | Q(activated_at__gte=F("created_at")), name="snapshot_times"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.state}"


class Dismissal(models.Model):
    """An item that a resident does not want to see; needs no consent to learning, and ends with the item."""

    subject = models.CharField(max_length=64)
    item_id = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "item_id"], name="dismissal_once")]

    def __str__(self) -> str:
        return self.item_id
