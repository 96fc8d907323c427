"""Other regions whose signed packages this one takes over."""

from django.db import models
from django.utils import timezone


class Region(models.Model):
    """A region that an operator trusts: where its portal is, and the public keys that were shown and confirmed."""

    code = models.CharField(max_length=60, unique=True)
    name = models.JSONField()
    portal_url = models.CharField(max_length=300, unique=True)
    keys = models.JSONField()
    """Its key set (RFC 7517), pinned when it was added: another key is another decision."""
    added_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.code
