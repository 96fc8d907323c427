"""Takes over a gadget from another region: its signed package becomes a draft here, checked and reviewed anew.

The provider has no desk here until an operator lets it in; what it would submit goes to the review by itself once
the checks pass.
"""

from urllib.parse import unquote, urlsplit

from django.db import transaction
from django.utils.translation import gettext_noop

from core.region.current import current_region
from gadgets.errors import NotForUsError, NotPermittedError, NotYoursError, PackageError
from gadgets.federation import regions
from gadgets.models import Provider, Region
from gadgets.outbound.http import door
from gadgets.protocol import package
from gadgets.protocol.manifest import Manifest
from gadgets.protocol.wire import problem
from gadgets.registration.drafts import file
from gadgets.registration.manifest_source import Fetched
from identity.domain.roles import OPERATOR, Actor

SECONDS = 5.0


def fetch(*, code: str, gadget_id: str, by: Actor) -> bytes:
    """The package that a region offers for a gadget; raises NotForUsError when it offers none to this region."""
    for offered in regions.offers(code=code, by=by):
        if offered.id == gadget_id:
            answer = door().fetch(
                offered.package_url,
                deadline=SECONDS,
                max_bytes=package.MAX_BYTES,
                content_types={package.MEDIA_TYPE},
            )
            return answer.body
    raise NotForUsError


def take(*, raw: bytes, by: Actor) -> str:
    """Files a package as a draft and asks for its checks; returns the gadget's id.

    It must be signed by a region that an operator added, and its manifest must be for this region. Raises
    PackageError, NoSuchRegionError, NotForUsError, or a LifeError of the filing; nothing is kept then.
    """
    if not by.has(OPERATOR):
        raise NotPermittedError
    code, _ = package.signer(raw)
    region = regions.one(code)
    found = package.verify(raw, region.keys)
    if found.portal != region.portal_url:
        raise PackageError(
            problem(
                "$.signer.portal",
                "登録されている地域のポータルと、アドレスが違います。",
                "the portal's address is not that of the region that was added.",
                "地域のアドレスが変わったときは、地域を登録し直してください。",
                "Add the region anew if its address has changed.",
            )
        )
    if not {"*", current_region().code} & set(found.manifest.regions):
        raise NotForUsError
    with transaction.atomic():
        return file(
            Fetched(found.url, found.raw, found.manifest),
            provider_id=_provider(found.manifest),
            by=by,
            region=Region.objects.get(code=code),
        )


def _provider(manifest: Manifest) -> int:
    """The organisation of the manifest's host; one without members where the host is new here.

    A provider that has people here speaks for itself: nobody hands in its versions from elsewhere.
    """
    known = Provider.objects.filter(host=manifest.host).first()
    if known is not None:
        if known.members.exists():
            raise NotYoursError(
                gettext_noop(
                    "この提供者は、この窓口に自分で登録しています。新しい版は、提供者が登録したときに審査してください。"
                )
            )
        return known.pk
    name = manifest.provider.name
    if Provider.objects.filter(name=name).exists():
        name = f"{name[:60]}（{manifest.host[:37]}）"
    contact = urlsplit(manifest.provider.support)
    return Provider.objects.create(
        name=name,
        kind=manifest.provider.type,
        host=manifest.host,
        contact=unquote(contact.path)[:254] if contact.scheme == "mailto" else "",
    ).pk
