"""Comparisons of two orders: planned before they begin, and not concluded before they may be."""

from django.db import models
from django.db.models import F, Q


class Experiment(models.Model):
    """An A/B comparison: half of those who said yes to learning get `b`. `needed` is visits for each arm."""

    name = models.SlugField(max_length=40, unique=True)
    question = models.TextField()
    a = models.JSONField(default=dict)
    b = models.JSONField(default=dict)
    baseline = models.FloatField()
    effect = models.FloatField()
    needed = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    conclusion = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(baseline__gt=0) & Q(baseline__lt=1) & Q(effect__gt=0), name="experiment_plan"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gt=F("started_at")), name="experiment_times"
            ),
        ]

    def __str__(self) -> str:
        return self.name
