"""Comparisons of two orders: planned before they begin, and not concluded before they may be."""

from django.db import models
from django.db.models import F, Q


class Experiment(models.Model):
    """An A/B comparison: half of those who said yes to learning get `b`. `needed` is visits for each arm.

    `visits_each` and `alike` are what the plan assumed of a resident's visits (`evaluation.sizes.Design`). What is
    concluded or stopped stays as it is.
    """

    class State(models.TextChoices):
        PLANNED = "planned"
        RUNNING = "running"
        STOPPED = "stopped"
        CONCLUDED = "concluded"

    name = models.SlugField(max_length=40, unique=True)
    question = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    a = models.JSONField(default=dict)
    b = models.JSONField(default=dict)
    baseline = models.FloatField()
    effect = models.FloatField()
    visits_each = models.FloatField(default=1.0)
    alike = models.FloatField(default=0.1)
    needed = models.PositiveIntegerField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    conclusion = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(baseline__gt=0)
                & Q(baseline__lt=1)
                & Q(effect__gt=0)
                & Q(visits_each__gte=1)
                & Q(alike__gte=0)
                & Q(alike__lte=1),
                name="experiment_plan",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(started_at=None) | Q(ended_at__gt=F("started_at")),
                name="experiment_times",
            ),
            models.CheckConstraint(
                condition=Q(state="planned", started_at=None, ended_at=None)
                | Q(state="running", started_at__isnull=False, ended_at=None)
                | Q(state="stopped", ended_at__isnull=False)
                | Q(state="concluded", started_at__isnull=False, ended_at__isnull=False),
                name="experiment_state",
            ),
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="running"), name="one_running_experiment"
            ),
        ]

    def __str__(self) -> str:
        return self.name
