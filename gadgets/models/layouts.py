"""What a resident put where, and the number that tells every process of a change."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core import versions

VERSION_KEY = "gadgets:registry:version"
"""Where the cache holds the registry's number; the home reads it in its one multi-get."""


class Placement(models.Model):
    """Where a resident has put a gadget on the home; default slots that were never touched have no row."""

    resident = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    gadget_id = models.CharField(max_length=255)
    position = models.PositiveSmallIntegerField()
    hidden = models.BooleanField(default=False)
    size = models.CharField(max_length=1, default="S", choices=[("S", "S"), ("M", "M"), ("L", "L")])
    settings = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["resident", "gadget_id"], name="one_placement_per_gadget"),
            models.CheckConstraint(condition=Q(size__in=["S", "M", "L"]), name="placement_size_known"),
        ]
        indexes = [models.Index(fields=["resident", "position"], name="placement_order")]

    def __str__(self) -> str:
        return f"{self.gadget_id} {self.position}"


def bump_registry() -> None:
    """Raises the registry's number inside the caller's transaction; every process knows it after the commit."""
    versions.bump(VERSION_KEY)
