"""From a manifest's address to a checked draft: registration, the checks, and handing it in."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from gadgets.cityos import contracts
from gadgets.errors import NoSuchGadgetError, NotPermittedError, TooOftenError, WrongStateError
from gadgets.models import CheckRun, Gadget, GadgetVersion
from gadgets.operation.oidc_clients import set_secret
from gadgets.protocol import manifest as manifests
from gadgets.registration import manifest_source
from gadgets.registration.drafts import ask_for_checks, file
from gadgets.review.transitions import Decision, Side, draft, locked, member, mirror, note, step
from identity import rate
from identity.domain.roles import Actor
from identity.idp import ClientCredentials

REGISTRATIONS_AN_HOUR = 30


def register(*, url: str, provider_id: int, by: Actor) -> str:
    """Fetches and files the manifest at `url` as a draft, and asks for its checks; returns the gadget's id.

    The origin's `/.well-known/region-gadget.json` must list the URL. Raises DoorError, ManifestError, or a
    LifeError; nothing is kept then.
    """
    member(provider_id, by)
    _not_too_often(by)
    fetched = manifest_source.fetch(url.strip())
    return file(fetched, provider_id=provider_id, by=by)


def refresh(*, gadget_id: str, by: Actor) -> str:
    """Fetches the manifest again: what changed becomes a new draft and is never live by itself."""
    gadget = Gadget.objects.filter(gadget_id=gadget_id).first()
    if gadget is None:
        raise NoSuchGadgetError
    return register(url=gadget.url, provider_id=gadget.provider_id, by=by)


def _not_too_often(by: Actor) -> None:
    if by.id is None:
        return
    wait = rate.seconds_to_wait("register", by.id, most=REGISTRATIONS_AN_HOUR, period=60 * 60)
    if wait:
        raise TooOftenError(seconds=wait)


@transaction.atomic
def run_checks(*, gadget_id: str, by: Actor) -> None:
    """Asks for another run of the checks on the draft; a run that waits or runs already is enough."""
    gadget = locked(gadget_id)
    member(gadget.provider_id, by)
    version = draft(gadget)
    if version.state == GadgetVersion.State.IN_REVIEW:
        raise WrongStateError
    ask_for_checks(version)


@transaction.atomic
def finish_checks(*, run_id: int, ok: bool) -> None:
    """Closes a run; a draft that passed every check becomes `checked`, one that did not falls back to `draft`.

    What came in another region's package has nobody here to submit it: it goes to the review by itself.
    """
    now = timezone.now()
    closed = CheckRun.objects.filter(pk=run_id, state=CheckRun.State.RUNNING).update(
        state=CheckRun.State.DONE, ok=ok, finished_at=now
    )
    if not closed:
        return
    version = GadgetVersion.objects.select_related("gadget").get(runs=run_id)
    passed = GadgetVersion.State.IN_REVIEW if version.region_id else GadgetVersion.State.CHECKED
    state = passed if ok else GadgetVersion.State.DRAFT
    moved = GadgetVersion.objects.filter(
        pk=version.pk,
        state__in=[GadgetVersion.State.DRAFT, GadgetVersion.State.CHECKED, GadgetVersion.State.REFUSED],
    ).update(state=state)
    if moved:
        mirror(version.gadget, state)
        note(version.gadget, version, None, Decision.CHECKED, side=Side.MACHINE)


@transaction.atomic
def submit(*, gadget_id: str, by: Actor) -> None:
    """Hands a draft that passed its checks to the operator."""
    gadget = locked(gadget_id)
    member(gadget.provider_id, by)
    version = draft(gadget)
    if version.state != GadgetVersion.State.CHECKED:
        raise WrongStateError(gettext_noop("すべての検査に合格してから、審査を申し込んでください。"))
    step(version, GadgetVersion.State.CHECKED, GadgetVersion.State.IN_REVIEW)
    mirror(gadget, GadgetVersion.State.IN_REVIEW)
    contracts.ask(gadget, manifests.parse(bytes(version.manifest), url=version.url), by=by)
    note(gadget, version, by, Decision.SUBMITTED, side=Side.PROVIDER)


def rotate_secret(*, gadget_id: str, by: Actor, secret: str = "") -> ClientCredentials:
    """A new secret for the provider's site, shown once; only the portal's own commands may choose it."""
    gadget = Gadget.objects.filter(gadget_id=gadget_id).first()
    if gadget is None:
        raise NoSuchGadgetError
    member(gadget.provider_id, by)
    if secret and by.id is not None:
        raise NotPermittedError
    credentials = set_secret(gadget_id, secret, by=by)
    note(gadget, gadget.published, by, Decision.ROTATED, side=Side.PROVIDER)
    return credentials
