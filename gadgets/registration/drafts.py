"""Files a manifest as a draft of its gadget, from a provider's registration or another region's package."""

from django.db import transaction
from django.utils.translation import gettext_noop

from core import jobs
from gadgets.errors import NotNewerError, NotYoursError, WrongStateError
from gadgets.frames import frame_tokens
from gadgets.models import CheckRun, Gadget, GadgetVersion, Provider, Region
from gadgets.protocol import manifest as manifests
from gadgets.registration.manifest_source import Fetched
from gadgets.review.transitions import OPEN, Decision, Side, note
from gadgets.types import content_hash
from identity.domain.roles import Actor


@transaction.atomic
def file(fetched: Fetched, *, provider_id: int, by: Actor, region: Region | None = None) -> str:
    """Keeps the manifest and asks for its checks; returns the gadget's id. `region`: whose package it came in.

    Raises ManifestError (an origin that is a frame's alone), NotYoursError, WrongStateError or NotNewerError;
    nothing is kept then.
    """
    parsed = fetched.manifest
    frame_tokens.refuse_shared_origin(parsed, fetched.url)
    _claim_host(provider_id, parsed.host)
    gadget, _ = Gadget.objects.select_for_update().get_or_create(
        gadget_id=parsed.id, defaults={"provider_id": provider_id, "url": fetched.url}
    )
    if gadget.provider_id != provider_id:
        raise NotYoursError
    if gadget.state == Gadget.State.RETIRED:
        raise WrongStateError(gettext_noop("このサービスは終了しています。別の id で登録してください。"))
    pin = content_hash(fetched.raw)
    _is_news(gadget, parsed.version, pin)
    if region is None:
        _builds_on_what_is_here(gadget, parsed.previous)
    gadget.versions.filter(state__in=OPEN).update(state=GadgetVersion.State.REPLACED)
    version = GadgetVersion.objects.create(
        gadget=gadget,
        version=parsed.version,
        manifest=fetched.raw,
        sha256=pin,
        url=fetched.url,
        region=region,
    )
    gadget.url = fetched.url
    if gadget.published_id is None:
        gadget.state = Gadget.State.DRAFT
    gadget.save(update_fields=["url", "state"])
    if region:
        note(gadget, version, by, Decision.IMPORTED, side=Side.OPERATOR)
    else:
        note(gadget, version, by, Decision.REGISTERED, side=Side.PROVIDER)
    ask_for_checks(version)
    return gadget.gadget_id


def _claim_host(provider_id: int, host: str) -> None:
    provider = Provider.objects.select_for_update().get(pk=provider_id)
    if provider.host == host:
        return
    if provider.host is not None:
        raise NotYoursError(
            gettext_noop(
                "この組織のドメインは %(host)s です。別のドメインには、別の組織を登録してください。"
            ),
            host=provider.host,
        )
    if Provider.objects.filter(host=host).exists():
        raise NotYoursError
    provider.host = host
    provider.save(update_fields=["host"])


def _is_news(gadget: Gadget, version: str, pin: str) -> None:
    """The same bytes again are nothing new, unless the draft with them was refused and may be tried again."""
    draft = gadget.versions.filter(state__in=OPEN).first()
    if draft is not None and draft.sha256 == pin and draft.state != GadgetVersion.State.REFUSED:
        raise NotNewerError
    if draft is not None and draft.state == GadgetVersion.State.IN_REVIEW:
        raise WrongStateError(
            gettext_noop("審査中の版があります。審査が終わってから、新しい版を読み込んでください。")
        )
    published = gadget.published
    if published is None:
        return
    if published.sha256 == pin:
        raise NotNewerError
    if not manifests.increases(version, published.version):
        raise NotNewerError(
            gettext_noop(
                "公開中の版は %(published)s です。変更したマニフェストの version を、それより大きくしてください。"
            ),
            published=published.version,
        )
    # A number names one text for good: residents have agreed to it, and cards are kept under it.
    for used in gadget.versions.filter(approved_at__isnull=False).values_list("version", flat=True):
        if not manifests.increases(version, used):
            raise NotNewerError(
                gettext_noop(
                    "版 %(used)s は、前に公開したことがあります。version を、それより大きくしてください。"
                ),
                used=used,
            )


def _builds_on_what_is_here(gadget: Gadget, previous: str | None) -> None:
    """A manifest may name the version that it changes; when that is not the published one, something was missed."""
    published = gadget.published
    if previous is None or published is None or previous == published.version:
        return
    raise NotNewerError(
        gettext_noop(
            "マニフェストの previous は %(previous)s ですが、公開中の版は %(published)s です。"
            "公開中の版からの変更として書き直すか、previous を除いてください。"
        ),
        previous=previous,
        published=published.version,
    )


def ask_for_checks(version: GadgetVersion) -> None:
    if not version.runs.filter(state__in=[CheckRun.State.WAITING, CheckRun.State.RUNNING]).exists():
        CheckRun.objects.create(version=version)
    transaction.on_commit(lambda: jobs.kick(jobs.RUN_CHECKS))
