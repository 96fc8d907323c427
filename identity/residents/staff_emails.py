"""Whom the portal writes to when something needs an officer: addresses by role, for mail and nothing else."""

from identity.models import Resident


def addresses(role: str) -> tuple[str, ...]:
    """The e-mail addresses of everybody who has the role now."""
    officers = Resident.objects.filter(is_active=True, erase_at=None).exclude(roles=[]).exclude(email="")
    return tuple(
        email for email, roles in officers.values_list("email", "roles").order_by("pk") if role in roles
    )
