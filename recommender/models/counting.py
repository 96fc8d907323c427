"""Figures of nobody: sums by day that name no resident and no pseudonym."""

from django.db import models


class Count(models.Model):
    """A sum of one day: what is counted (`name`), of what (`key`), and how much."""

    day = models.DateField()
    name = models.CharField(max_length=60)
    key = models.CharField(max_length=200, blank=True)
    value = models.FloatField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "name", "key"], name="count_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.name} {self.key}"


class Share(models.Model):
    """What one resident added to a sum of a group that has not twenty residents yet; 30 days at most.

    `subject` is the pseudonym that the log has. All sums of a `group` become a Count together, once twenty different
    residents stand behind it; a withdrawal deletes the rows before that.
    """

    day = models.DateField()
    group = models.CharField(max_length=200)
    name = models.CharField(max_length=60)
    key = models.CharField(max_length=200, blank=True)
    subject = models.CharField(max_length=64)
    value = models.FloatField(default=0)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "group", "name", "key", "subject"], name="share_once")
        ]
        indexes = [
            models.Index(fields=["subject"], name="share_subject"),
            models.Index(fields=["at"], name="share_at"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.name} {self.key}"
