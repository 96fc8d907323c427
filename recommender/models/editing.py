"""What editors decide about the order: the prior of the model, and rules that stand outside it."""

from django.db import models
from django.db.models import F, Q


class PriorChange(models.Model):
    """A version of the editors' prior: the whole of it as JSON (see `recommender.domain.weights.Prior`); the last one holds.

    `by` is the resident id of who changed it.
    """

    prior = models.JSONField()
    reason = models.TextField()
    by = models.UUIDField(null=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.pk}"


class Rule(models.Model):
    """An editor's rule: pins an item on top, raises or lowers what it names by `amount`, or hides it."""

    class Effect(models.TextChoices):
        PIN = "pin"
        BOOST = "boost"
        HIDE = "hide"

    class Of(models.TextChoices):
        ITEM = "item"
        TOPIC = "topic"
        PROVIDER = "provider"
        KIND = "kind"

    effect = models.CharField(max_length=6, choices=Effect.choices)
    of = models.CharField(max_length=8, choices=Of.choices)
    target = models.CharField(max_length=200)
    amount = models.FloatField(default=0)
    audience = models.JSONField(default=dict, blank=True)
    reason = models.TextField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    by = models.UUIDField(null=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="rule_times"),
            models.CheckConstraint(condition=Q(amount__gte=-3) & Q(amount__lte=3), name="rule_amount"),
        ]

    def __str__(self) -> str:
        return f"{self.effect} {self.of} {self.target}"
