"""Organisations that offer gadgets: made by anyone, joined by a link, and who may do what in them.

An owner does everything; a developer registers, checks, hands in, answers; a reader sees. Nobody is looked up by a
name or an address: whoever holds the link of an invitation joins, once, within a week.
"""

import hashlib
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, ProtectedError, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from gadgets.errors import (
    InvitationError,
    LastOwnerError,
    LifeError,
    NotPermittedError,
    NotYoursError,
)
from gadgets.models import ApiToken, Invitation, Membership, Provider
from gadgets.providers import contacts, notifications
from gadgets.review.transitions import member
from identity import queries as identity_queries
from identity.domain.roles import Actor

Role = Membership.Role
INVITED_FOR = timedelta(days=7)
OPEN_AT_MOST = 20


@dataclass(frozen=True, slots=True)
class MemberView:
    """Somebody who acts for an organisation. `id` is the membership's number, no resident's."""

    id: int
    name: str
    role: str
    since: datetime
    own: bool


@dataclass(frozen=True, slots=True)
class InvitationView:
    """A link that is still open; the link itself is nowhere any more."""

    id: int
    role: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Invited:
    """What whoever holds a link reads before joining."""

    organisation: str
    role: str


def require(provider_id: int, by: Actor, role: str = Role.DEVELOPER) -> None:
    """Raises NotPermittedError for whoever has neither this role in the organisation nor a higher one."""
    member(provider_id, by, role)


def role_of(provider_id: int, by: Actor) -> str:
    """The role of somebody in the organisation; empty for a stranger."""
    if by.id is None:
        return ""
    found = Membership.objects.filter(provider_id=provider_id, resident_id=by.id)
    return found.values_list("role", flat=True).first() or ""


def create_organisation(*, name: str, kind: str, contact: str, by: Actor) -> int:
    """Anyone signed in may create one and becomes its first owner; returns its number."""
    if by.id is None:
        raise NotPermittedError
    provider = Provider(name=name.strip(), kind=kind, contact=contact.strip())
    try:
        provider.clean_fields(exclude=["host", "webhook_url"])
        if "\0" in name + contact:
            raise ValidationError("null byte")
    except ValidationError as error:
        raise LifeError(gettext_noop("組織の名前、種類、連絡先のメールアドレスを書いてください。")) from error
    try:
        with transaction.atomic():
            provider.save()
            Membership.objects.create(provider=provider, resident_id=by.id, role=Role.OWNER)
            contacts.ask(provider, by=by.id)
    except IntegrityError as error:
        raise NotYoursError(gettext_noop("同じ名前の組織が、すでに登録されています。")) from error
    return provider.pk


def add_member(*, provider_id: int, resident_id: UUID, by: Actor, role: str = Role.DEVELOPER) -> None:
    """An owner lets another resident act for the organisation; for the portal's own commands, as the seed."""
    member(provider_id, by, Role.OWNER)
    Membership.objects.get_or_create(
        provider_id=provider_id, resident_id=resident_id, defaults={"role": _role(role)}
    )


# --- invitations -----------------------------------------------------------------------------------------------


@transaction.atomic
def invite(*, provider_id: int, role: str, by: Actor) -> str:
    """The secret part of a new link: shown once, kept as a hash, good for one person and a week."""
    member(provider_id, by, Role.OWNER)
    now = timezone.now()
    Provider.objects.select_for_update().get(pk=provider_id)
    open_ones = Invitation.objects.filter(provider_id=provider_id, used_at=None, expires_at__gt=now)
    if open_ones.count() >= OPEN_AT_MOST:
        raise LifeError(
            gettext_noop("まだ使われていない招待が多すぎます。使わないものを取り消してください。")
        )
    secret = secrets.token_urlsafe(32)
    Invitation.objects.create(
        provider_id=provider_id,
        role=_role(role),
        token_hash=_hash(secret),
        made_by_id=by.id,
        expires_at=now + INVITED_FOR,
    )
    return secret


def invited(secret: str) -> Invited:
    """Whom a link leads to; raises InvitationError for one that is used, over or unknown: all in the same words."""
    row = _open(secret)
    return Invited(row.provider.name, row.role)


@transaction.atomic
def accept(*, secret: str, by: Actor) -> int:
    """Joins by a link, once; returns the organisation's number. Whoever is a member keeps the role they have."""
    if by.id is None:
        raise NotPermittedError
    row = _open(secret)
    if not Invitation.objects.filter(pk=row.pk, used_at=None).update(used_at=timezone.now()):
        raise InvitationError
    Membership.objects.get_or_create(
        provider_id=row.provider_id, resident_id=by.id, defaults={"role": row.role}
    )
    return row.provider_id


def take_back(*, provider_id: int, invitation_id: int, by: Actor) -> None:
    """An open link opens nothing any more."""
    member(provider_id, by, Role.OWNER)
    if not Invitation.objects.filter(pk=invitation_id, provider_id=provider_id, used_at=None).delete()[0]:
        raise InvitationError


def _open(secret: str) -> Invitation:
    row = (
        Invitation.objects.select_related("provider")
        .filter(token_hash=_hash(secret), used_at=None, expires_at__gt=timezone.now())
        .first()
    )
    if row is None:
        raise InvitationError
    return row


def _hash(secret: str) -> str:
    """Of 256 random bits: nothing can be guessed from it."""
    return hashlib.sha256(secret.encode()).hexdigest()


# --- members ---------------------------------------------------------------------------------------------------


def members(*, provider_id: int, by: Actor) -> tuple[MemberView, ...]:
    """Who acts for the organisation, for its members."""
    member(provider_id, by, Role.READER)
    rows = Membership.objects.filter(provider_id=provider_id).order_by("created_at", "pk")
    names: Mapping[UUID, str] = identity_queries.names([row.resident_id for row in rows])
    return tuple(
        MemberView(row.pk, names.get(row.resident_id, ""), row.role, row.created_at, row.resident_id == by.id)
        for row in rows
    )


def invitations(*, provider_id: int, by: Actor) -> tuple[InvitationView, ...]:
    """The links that are still open, for owners."""
    member(provider_id, by, Role.OWNER)
    rows = Invitation.objects.filter(provider_id=provider_id, used_at=None, expires_at__gt=timezone.now())
    return tuple(InvitationView(row.pk, row.role, row.expires_at) for row in rows.order_by("expires_at"))


@transaction.atomic
def set_role(*, provider_id: int, member_id: int, role: str, by: Actor) -> None:
    """An owner gives a member another role; the last owner stays one."""
    row = _one(provider_id, member_id, by)
    if row.role == Role.OWNER and _role(role) != Role.OWNER:
        _another_owner(row)
    Membership.objects.filter(pk=row.pk).update(role=_role(role))


@transaction.atomic
def remove_member(*, provider_id: int, member_id: int, by: Actor) -> None:
    """An owner removes a member, or somebody leaves by themselves; the last owner cannot."""
    row = _one(provider_id, member_id, by, own=True)
    if row.role == Role.OWNER:
        _another_owner(row)
    row.delete()


def sole_owned(resident_id: UUID) -> tuple[tuple[str, bool], ...]:
    """Organisations of which this resident is the only owner: name, and whether anybody else is a member."""
    return tuple((row.name, _heir(row, resident_id) is not None) for row in _owned_alone(resident_id))


def leave_all(resident_id: UUID) -> int:
    """Takes an erased resident out of every organisation; returns of how many.

    Where they were the only owner, the member who may most and has been there longest becomes one. The address
    that they gave as its contact goes in either case, for it may be their own; without members the webhook, the
    keys and the open invitations go too, and an organisation that offers nothing goes whole.
    """
    left = Membership.objects.filter(resident_id=resident_id).count()
    for row in _owned_alone(resident_id).select_for_update():
        heir = _heir(row, resident_id)
        Provider.objects.filter(pk=row.pk).update(contact="")
        if heir is not None:
            Membership.objects.filter(pk=heir.pk).update(role=Role.OWNER)
        else:
            Provider.objects.filter(pk=row.pk).update(webhook_url="")
            ApiToken.objects.filter(provider=row).delete()
            Invitation.objects.filter(provider=row, used_at=None).delete()
            with suppress(
                ProtectedError
            ):  # its gadgets, and what was decided about them, keep their organisation
                row.delete()
    Membership.objects.filter(resident_id=resident_id).delete()
    return left


def _owned_alone(resident_id: UUID) -> QuerySet[Provider]:
    owners = Membership.objects.filter(provider=OuterRef("pk"), role=Role.OWNER)
    mine, others = owners.filter(resident_id=resident_id), owners.exclude(resident_id=resident_id)
    return Provider.objects.filter(Exists(mine), ~Exists(others)).order_by("name")


def _heir(provider: Provider, leaving: UUID) -> Membership | None:
    """A developer before a reader, the one who has been there longest."""
    rows = Membership.objects.filter(provider=provider).exclude(resident_id=leaving)
    return rows.order_by("role", "created_at", "pk").first()  # "developer" stands before "reader"


def _one(provider_id: int, member_id: int, by: Actor, *, own: bool = False) -> Membership:
    """The row, with the organisation locked: of two owners who remove each other at once, one stays."""
    Provider.objects.select_for_update().filter(pk=provider_id).first()
    row = Membership.objects.filter(pk=member_id, provider_id=provider_id).first()
    if not (own and row is not None and row.resident_id == by.id):
        member(provider_id, by, Role.OWNER)
    if row is None:
        raise NotPermittedError
    return row


def _another_owner(row: Membership) -> None:
    others = Membership.objects.filter(provider_id=row.provider_id, role=Role.OWNER).exclude(pk=row.pk)
    if not others.exists():
        raise LastOwnerError


def _role(role: str) -> str:
    if role not in Role.values:
        raise LifeError(gettext_noop("役割を選んでください。"))
    return role


# --- how it is told --------------------------------------------------------------------------------------------


def set_contact(*, provider_id: int, contact: str, webhook_url: str, by: Actor) -> None:
    """Where notices go: the contact's mail address, and a webhook or none. Raises DoorError for a bad address."""
    member(provider_id, by, Role.OWNER)
    provider = Provider.objects.get(pk=provider_id)
    before, provider.contact = provider.contact, contact.strip()
    provider.webhook_url = notifications.check_webhook(webhook_url)
    try:
        provider.clean_fields(exclude=["host", "name", "kind", "webhook_url"])
    except ValidationError as error:
        raise LifeError(gettext_noop("連絡先のメールアドレスを確かめてください。")) from error
    with transaction.atomic():
        if provider.contact != before:
            provider.contact_proved_at = None
            contacts.ask(provider, by=by.id)
        provider.save(update_fields=["contact", "contact_proved_at", "webhook_url"])


def ask_for_proof(*, provider_id: int, by: Actor) -> None:
    """The mail with the link once more; raises LifeError when it was sent often enough today."""
    member(provider_id, by, Role.OWNER)
    with transaction.atomic():
        contacts.ask(Provider.objects.select_for_update().get(pk=provider_id), by=by.id)


def proved(*, provider_id: int) -> bool:
    """Whether notices may go to the contact."""
    return Provider.objects.filter(pk=provider_id, contact_proved_at__isnull=False).exists()


def send_trial(*, provider_id: int, by: Actor) -> None:
    """A notice that says it is a trial, to mail and webhook."""
    member(provider_id, by, Role.OWNER)
    with transaction.atomic():
        provider = Provider.objects.select_for_update().get(pk=provider_id)
        contacts.may_try(provider, notifications.TEST)
        notifications.trial(provider)


def notices(*, provider_id: int, by: Actor) -> tuple[notifications.NoticeView, ...]:
    """What was sent lately and how it went, for members."""
    member(provider_id, by, Role.READER)
    return notifications.recent(provider_id)
