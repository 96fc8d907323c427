"""Writes of a gadget's life: organisations, registration, checks, review, suspension, retirement.

One function for each step: it checks who asks, changes the tables and writes the audit row in one
transaction, and lets effects (clients at the ID, the registry's number, the executor) follow the commit.
Nothing is fetched inside a transaction. Residents' layouts are in `gadgets.placing`.
"""

from uuid import UUID

from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from gadgets import manifest as manifests
from gadgets import registration
from gadgets.clients import client_due, set_secret
from gadgets.errors import (
    LifeError,
    NoSuchGadgetError,
    NotPermittedError,
    NotYoursError,
    ReasonMissingError,
    TooOftenError,
    WrongStateError,
)
from gadgets.filing import OPEN, ask_for_checks, file, note
from gadgets.forgetting import forget_resident
from gadgets.models import CheckRun, Gadget, GadgetVersion, Membership, Provider, ReviewNote, bump_registry
from gadgets.placing import configure, hide, move, place, unplace
from gadgets.types import content_hash
from identity.idp import ClientCredentials
from identity.roles import OPERATOR, Actor

__all__ = [
    "add_member",
    "approve",
    "configure",
    "create_organisation",
    "finish_checks",
    "forget_resident",
    "hide",
    "move",
    "place",
    "refresh",
    "refuse",
    "register",
    "resume",
    "retire",
    "rotate_secret",
    "run_checks",
    "submit",
    "suspend",
    "unplace",
]

Decision = ReviewNote.Decision
REGISTRATIONS_AN_HOUR = 30


# --- organisations ---------------------------------------------------------------------------------------------


def create_organisation(*, name: str, kind: str, contact: str, by: Actor) -> int:
    """Anyone signed in may create one and becomes its first member; returns its number."""
    if by.id is None:
        raise NotPermittedError
    provider = Provider(name=name.strip(), kind=kind, contact=contact.strip())
    try:
        provider.clean_fields(exclude=["host"])
        if "\0" in name + contact:
            raise ValidationError("null byte")
    except ValidationError as error:
        raise LifeError("組織の名前、種類、連絡先のメールアドレスを書いてください。") from error
    try:
        with transaction.atomic():
            provider.save()
            Membership.objects.create(provider=provider, resident_id=by.id)
    except IntegrityError as error:
        raise NotYoursError("同じ名前の組織が、すでに登録されています。") from error
    return provider.pk


def add_member(*, provider_id: int, resident_id: UUID, by: Actor) -> None:
    """A member lets another resident act for the organisation."""
    _member_of(provider_id, by)
    Membership.objects.get_or_create(provider_id=provider_id, resident_id=resident_id)


def _member_of(provider_id: int, by: Actor) -> None:
    if by.id is None and by.has(OPERATOR):
        return  # the portal's own commands, such as the seed of the demo
    if by.id is None or not Membership.objects.filter(provider_id=provider_id, resident_id=by.id).exists():
        raise NotPermittedError


# --- registration ----------------------------------------------------------------------------------------------


def register(*, url: str, provider_id: int, by: Actor) -> str:
    """Fetches and files the manifest at `url` as a draft, and asks for its checks; returns the gadget's id.

    The origin's `/.well-known/region-gadget.json` must list the URL. Raises DoorError, ManifestError, or a
    LifeError; nothing is kept then.
    """
    _member_of(provider_id, by)
    _not_too_often(by)
    fetched = registration.fetch(url.strip())
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
    key = f"gadgets:register:{by.id}"
    cache.add(key, 0, 3600)
    try:
        count = cache.incr(key)
    except ValueError:
        return  # the cache has let the key go: the limit is light, not a guard
    if isinstance(count, int) and count > REGISTRATIONS_AN_HOUR:
        raise TooOftenError


# --- checks ----------------------------------------------------------------------------------------------------


@transaction.atomic
def run_checks(*, gadget_id: str, by: Actor) -> None:
    """Asks for another run of the checks on the draft; a run that waits or runs already is enough."""
    gadget = _gadget(gadget_id)
    if not by.has(OPERATOR):
        _member_of(gadget.provider_id, by)
    version = _draft(gadget)
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
        _mirror(version.gadget, state)
        note(version.gadget, version, None, Decision.CHECKED)


# --- review ----------------------------------------------------------------------------------------------------


@transaction.atomic
def submit(*, gadget_id: str, by: Actor) -> None:
    """Hands a draft that passed its checks to the operator."""
    gadget = _gadget(gadget_id)
    _member_of(gadget.provider_id, by)
    version = _draft(gadget)
    if version.state != GadgetVersion.State.CHECKED:
        raise WrongStateError("すべての検査に合格してから、審査を申し込んでください。")
    _step(version, GadgetVersion.State.CHECKED, GadgetVersion.State.IN_REVIEW)
    _mirror(gadget, GadgetVersion.State.IN_REVIEW)
    note(gadget, version, by, Decision.SUBMITTED)


def approve(*, gadget_id: str, by: Actor) -> None:
    """Publishes the version under review: from now on exactly these bytes are used and served."""
    with transaction.atomic():
        gadget = _reviewed(gadget_id, by)
        version = _draft(gadget)
        if content_hash(bytes(version.manifest)) != version.sha256:
            raise WrongStateError(
                "保存したマニフェストが、取得したときのものと違います。もう一度登録してください。"
            )
        parsed = manifests.parse(bytes(version.manifest), url=version.url)
        now = timezone.now()
        _step(version, GadgetVersion.State.IN_REVIEW, GadgetVersion.State.APPROVED, approved_at=now)
        gadget.published = version
        gadget.published_at = gadget.published_at or now
        if gadget.state != Gadget.State.SUSPENDED:
            gadget.state = Gadget.State.PUBLISHED
        gadget.topics = list(parsed.topics)
        gadget.save(update_fields=["published", "published_at", "state", "topics"])
        note(gadget, version, by, Decision.APPROVED)
        bump_registry()
        client_due(gadget)


@transaction.atomic
def refuse(*, gadget_id: str, reason: str, by: Actor) -> None:
    """Sends the version back; the provider reads `reason` as it was written."""
    gadget = _reviewed(gadget_id, by)
    version = _draft(gadget)
    _step(version, GadgetVersion.State.IN_REVIEW, GadgetVersion.State.REFUSED)
    _mirror(gadget, GadgetVersion.State.DRAFT)
    note(gadget, version, by, Decision.REFUSED, _words(reason))


@transaction.atomic
def suspend(*, gadget_id: str, reason: str, by: Actor) -> None:
    """The kill switch: gone from every page on the next request; its site can sign nobody in any more."""
    _operator(by)
    gadget = _gadget(gadget_id)
    words = _words(reason)
    _turn(gadget, Gadget.State.PUBLISHED, Gadget.State.SUSPENDED)
    note(gadget, gadget.published, by, Decision.SUSPENDED, words)
    bump_registry()
    client_due(gadget)


@transaction.atomic
def resume(*, gadget_id: str, by: Actor) -> None:
    """Back on the pages as it was approved."""
    _operator(by)
    gadget = _gadget(gadget_id)
    _turn(gadget, Gadget.State.SUSPENDED, Gadget.State.PUBLISHED)
    note(gadget, gadget.published, by, Decision.RESUMED)
    bump_registry()
    client_due(gadget)


@transaction.atomic
def retire(*, gadget_id: str, by: Actor) -> None:
    """The end: by the provider itself or by the operator; an id is never used again."""
    gadget = _gadget(gadget_id)
    if not by.has(OPERATOR):
        _member_of(gadget.provider_id, by)
    if gadget.state == Gadget.State.RETIRED:
        raise WrongStateError
    gadget.versions.filter(state__in=OPEN).update(state=GadgetVersion.State.REPLACED)
    Gadget.objects.filter(pk=gadget.pk).update(state=Gadget.State.RETIRED)
    note(gadget, gadget.published, by, Decision.RETIRED)
    bump_registry()
    client_due(gadget)


def rotate_secret(*, gadget_id: str, by: Actor, secret: str = "") -> ClientCredentials:
    """A new secret for the provider's site, shown once; only the portal's own commands may choose it."""
    gadget = Gadget.objects.filter(gadget_id=gadget_id).first()
    if gadget is None:
        raise NoSuchGadgetError
    _member_of(gadget.provider_id, by)
    if secret and by.id is not None:
        raise NotPermittedError
    credentials = set_secret(gadget_id, secret, by=by)
    note(gadget, gadget.published, by, Decision.ROTATED)
    return credentials


# --- shared ----------------------------------------------------------------------------------------------------


def _gadget(gadget_id: str) -> Gadget:
    gadget = Gadget.objects.select_for_update(of=("self",)).filter(gadget_id=gadget_id).first()
    if gadget is None:
        raise NoSuchGadgetError
    return gadget


def _draft(gadget: Gadget) -> GadgetVersion:
    version = gadget.versions.filter(state__in=OPEN).first()
    if version is None:
        raise WrongStateError("審査中または準備中の版はありません。")
    return version


def _operator(by: Actor) -> None:
    if not by.has(OPERATOR):
        raise NotPermittedError


def _reviewed(gadget_id: str, by: Actor) -> Gadget:
    """The gadget, for an operator who is not a member of its provider: two people look at every version."""
    _operator(by)
    gadget = _gadget(gadget_id)
    if (
        by.id is not None
        and Membership.objects.filter(provider_id=gadget.provider_id, resident_id=by.id).exists()
    ):
        raise NotPermittedError("自分が所属する組織のサービスは審査できません。別の運用者に頼んでください。")
    return gadget


def _words(reason: str) -> str:
    words = reason.replace("\0", "").strip()
    if not words:
        raise ReasonMissingError
    return words


def _step(version: GadgetVersion, old: str, new: str, **fields: object) -> None:
    """A conditional UPDATE: of two people who decide at once, one is told."""
    if not GadgetVersion.objects.filter(pk=version.pk, state=old).update(state=new, **fields):
        raise WrongStateError


def _turn(gadget: Gadget, old: str, new: str) -> None:
    if not Gadget.objects.filter(pk=gadget.pk, state=old).update(state=new):
        raise WrongStateError


def _mirror(gadget: Gadget, state: str) -> None:
    """Until its first version is published, a gadget is where its draft is."""
    Gadget.objects.filter(pk=gadget.pk, published__isnull=True).update(state=state)
