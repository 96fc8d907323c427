"""Forms on their way: what was sent once already, and what came when nobody was signed in any more."""

from django.db import models
from django.utils import timezone


class Sending(models.Model):
    """One sending of a form that creates something; whoever makes the row does the work, everybody else waits."""

    digest = models.CharField(max_length=64, primary_key=True)
    """Of the token that was drawn with the form, the address, the person and everything that was sent."""
    begun_at = models.DateTimeField(default=timezone.now)
    answer = models.BinaryField(null=True)
    """What the first one was answered, sealed with the token, which only the browser has; None: not yet."""

    class Meta:
        indexes = [models.Index(fields=["begun_at"], name="sending_by_time")]

    def __str__(self) -> str:
        return self.digest[:12]


class KeptForm(models.Model):
    """What somebody typed before they had to sign in (again), sealed with a secret that only their browser has."""

    digest = models.CharField(max_length=64, primary_key=True)
    person = models.CharField(max_length=64)
    """A hash that is the same for all forms of one person, and names nobody."""
    kept_at = models.DateTimeField(default=timezone.now)
    sealed = models.BinaryField()

    class Meta:
        indexes = [
            models.Index(fields=["person", "kept_at"], name="kept_form_by_person"),
            models.Index(fields=["kept_at"], name="kept_form_by_time"),
        ]

    def __str__(self) -> str:
        return self.digest[:12]
