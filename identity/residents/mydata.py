"""Reads for わたしのデータ alone: what left, in pages, and where somebody's ID is at home."""

from dataclasses import dataclass
from uuid import UUID

from django.core.paginator import Paginator

from identity.models import AccessLog, Resident
from identity.queries import AccessRow


@dataclass(frozen=True, slots=True)
class AccessPage:
    """One page of the access log, newest first. `recipients`: everybody who ever got something."""

    rows: tuple[AccessRow, ...]
    number: int
    pages: int
    total: int
    recipients: tuple[str, ...]


def accesses(resident_id: UUID, *, recipient: str = "", number: str = "", per_page: int) -> AccessPage:
    """A number beyond the end is the last page, and what is no number is the first. Three queries."""
    everything = AccessLog.objects.filter(resident_id=resident_id)
    chosen = everything.filter(recipient=recipient) if recipient else everything
    page = Paginator(chosen.order_by("-at", "-id"), per_page).get_page(number)
    return AccessPage(
        rows=tuple(AccessRow(row.recipient, tuple(row.items), row.via, row.at) for row in page.object_list),
        number=page.number,
        pages=page.paginator.num_pages,
        total=page.paginator.count,
        recipients=tuple(everything.order_by("recipient").values_list("recipient", flat=True).distinct()),
    )


def home_region(resident_id: UUID) -> str:
    """The alias of the neighbouring region whose ID signed this person in; "" for the region's own residents."""
    return Resident.objects.filter(id=resident_id).values_list("home_region", flat=True).first() or ""
