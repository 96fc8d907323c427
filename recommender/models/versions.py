"""The number by which every process sees that the order changed."""

from django.db import models


class RankingVersion(models.Model):
    """Rises with every change of weights, priors and rules; caches compare it."""

    key = models.CharField(max_length=32, primary_key=True)
    number = models.PositiveBigIntegerField(default=1)

    def __str__(self) -> str:
        return f"{self.key} {self.number}"
