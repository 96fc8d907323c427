"""How many residents said yes to a recipient, of those whom it asked; never of a few."""

from django.db.models import Count, Q
from django.utils import timezone

from core.disclosure import SMALL_CELL
from identity.domain import consent
from identity.models import ConsentState, Resident


def consent_percent(recipient: str) -> int | None:
    """Of a hundred residents who answered, so many grant something now; None where fewer than SMALL_CELL answered.

    Rounded to five, so that one answer more or less does not show whose it was.
    """
    counted = ConsentState.objects.filter(recipient=recipient, resident__is_active=True).aggregate(
        asked=Count("resident", distinct=True),
        granted=Count("resident", distinct=True, filter=Q(status=consent.GRANTED)),
    )
    return round_to_five(counted["granted"], counted["asked"])


def round_to_five(part: int, whole: int) -> int | None:
    """Percent in steps of five; None of fewer than SMALL_CELL, also where either side is a few and not nobody."""
    rest = whole - part
    if whole < SMALL_CELL or 0 < part < SMALL_CELL or 0 < rest < SMALL_CELL:
        return None
    return (part * 20 + whole // 2) // whole * 5


def yes_percent(recipient: str) -> int | None:
    """Of a hundred residents with an open account, so many said yes to a recipient, by `round_to_five`."""
    living = Resident.objects.filter(is_active=True, erase_at=None)
    counted = living.aggregate(
        all=Count("pk", distinct=True),
        granted=Count(
            "pk",
            distinct=True,
            filter=Q(consents__recipient=recipient, consents__status=consent.GRANTED)
            & (Q(consents__expires_at=None) | Q(consents__expires_at__gt=timezone.now())),
        ),
    )
    return round_to_five(counted["granted"], counted["all"])
