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
