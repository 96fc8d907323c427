"""Whom events can go to: gadgets at level pairwise with a client at the ID, published or not, and where they listen."""

from dataclasses import dataclass

from core.texts import Texts
from gadgets.errors import ManifestError
from gadgets.models import Gadget
from gadgets.protocol import manifest as manifests
from gadgets.providers.names import shown_name


@dataclass(frozen=True, slots=True)
class Addressee:
    """A gadget that can know pseudonyms. `url` is None when its manifest declares no `events`."""

    gadget_id: str
    client_id: str
    url: str | None
    title: Texts
    provider_name: str
    contact: str


def addressees(**which: object) -> tuple[Addressee, ...]:
    """All of them, also suspended and retired ones: what they keep does not go with their place on the pages."""
    rows = (
        Gadget.objects.filter(published__isnull=False, **which)
        .exclude(client_id="")
        .select_related("published", "provider")
        .order_by("gadget_id")
    )
    return tuple(found for found in map(_addressee, rows) if found is not None)


def addressee(gadget_id: str) -> Addressee | None:
    """One of them."""
    return next(iter(addressees(gadget_id=gadget_id)), None)


def _addressee(row: Gadget) -> Addressee | None:
    version = row.published
    if version is None:
        return None
    try:
        parsed = manifests.parse(bytes(version.manifest), url=version.url)
    except ManifestError:
        return None
    if parsed.identity != "pairwise":
        return None
    return Addressee(
        gadget_id=parsed.id,
        client_id=row.client_id,
        url=parsed.endpoints.events,
        title=parsed.title,
        provider_name=shown_name(row.provider),
        contact=parsed.provider.support,
    )
