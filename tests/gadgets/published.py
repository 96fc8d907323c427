"""Published gadgets whose claims a test names, so that the claims endpoint knows what a manifest asks."""

from collections.abc import Sequence

from django.core.cache import cache
from django.utils import timezone

from gadgets.models import VERSION_KEY, Gadget, GadgetVersion, Provider, bump_registry
from identity.domain import attributes
from tests.gadgets import samples
from tests.identity.region import GadgetSite


def publish(
    site: GadgetSite, *, level: str = "pairwise", claims: Sequence[str] = attributes.CLAIMS
) -> Gadget:
    """The gadget of a provider's site, or another version of it."""
    return publish_client(
        site.gadget_id, client_id=site.client_id, level=level, claims=claims, origin=site.origin
    )


def publish_client(
    gadget_id: str,
    *,
    client_id: str,
    level: str = "pairwise",
    claims: Sequence[str] = attributes.CLAIMS,
    origin: str = "http://waste.localhost",
) -> Gadget:
    """A gadget that asks for `claims` as options; another version takes the place of the one before."""
    url = f"{origin}/gadget.json"
    raw = samples.raw(
        id=gadget_id,
        identity=level,
        claims=[samples.claim(name, "optional") for name in claims],
        endpoints={"card": f"{origin}/card", "health": f"{origin}/health", "login": f"{origin}/start"},
        link_origins=[origin],
        settings=None,
    )
    provider, _ = Provider.objects.get_or_create(name=gadget_id, kind="company", contact="help@waste.example")
    gadget, _ = Gadget.objects.get_or_create(gadget_id=gadget_id, defaults={"provider": provider, "url": url})
    gadget.published = GadgetVersion.objects.create(
        gadget=gadget,
        version="2.1.0",
        manifest=raw,
        sha256="0" * 64,
        url=url,
        state="approved",
        approved_at=timezone.now(),
    )
    gadget.published_at, gadget.state, gadget.client_id = timezone.now(), "published", client_id
    gadget.save()
    bump_registry()
    cache.delete(VERSION_KEY)
    return gadget
