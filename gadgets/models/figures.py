"""Counts, never people: what became of calls, and how many residents share a combination of claims."""

from django.db import models


class GadgetHour(models.Model):
    """One hour of one gadget: calls to its provider and how they went, and cards that the cache held.

    `times` counts the calls by duration (`gadgets.metrics.call_metrics.BOUNDS`, milliseconds); `faults` counts the codes of
    what went wrong. Nothing in it is about a resident.
    """

    gadget_id = models.CharField(max_length=255)
    hour = models.DateTimeField()
    calls = models.PositiveIntegerField(default=0)
    successes = models.PositiveIntegerField(default=0)
    hits = models.PositiveIntegerField(default=0)
    times = models.JSONField(default=list, blank=True)
    faults = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gadget_id", "hour"], name="one_row_per_gadget_and_hour")
        ]
        indexes = [models.Index(fields=["hour"], name="gadget_hour_age")]

    def __str__(self) -> str:
        return f"{self.gadget_id} {self.hour:%Y-%m-%d %H}"


class CellCount(models.Model):
    """How many residents share one combination of claims; a combination with fewer than SMALL_CELL has no row."""

    key = models.CharField(max_length=500, unique=True)
    """The canonical form of the combination (`gadgets.release.claims_key`)."""
    count = models.PositiveIntegerField()

    def __str__(self) -> str:
        return str(self.count)
