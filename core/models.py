"""Tables that every package uses: items of sweeps that failed, and version numbers."""

from django.db import models


class SweepFault(models.Model):
    """One item of one job. `item` is an id, never a name or a text; empty when the job failed as a whole."""

    job = models.CharField(max_length=64)
    item = models.CharField(max_length=255, blank=True)
    error = models.CharField(max_length=100)
    """The class of the exception: its message may hold what is nobody's business."""
    tries = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "item"], name="one_fault_per_item")]
        indexes = [models.Index(fields=["last_at"], name="sweep_fault_age")]

    def __str__(self) -> str:
        return f"{self.job} {self.item} {self.error}"


class Version(models.Model):
    """One number for each thing that processes hold in memory; see `core.versions`."""

    key = models.CharField(max_length=64, primary_key=True)
    number = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.key} {self.number}"
