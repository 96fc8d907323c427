"""Writes of identity: attributes, the consent ledger, roles; each checks who asks and is one transaction.

Every change of consent or attributes raises the resident's `consent_version` in the same transaction, so that
whatever was cached under the old version is never found again, and leaves a `ConsentEvent` for the packages above.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid4

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import F

from identity import attributes, consent, queries, tasks
from identity.attributes import Value
from identity.consent import Notice
from identity.errors import (
    NoSuchResident,
    NotAllowed,
    NothingAsked,
    UndeclaredItem,
    UnknownItem,
    UnknownLevel,
    UnknownRole,
)
from identity.models import (
    AccessLog,
    ConsentEvent,
    ConsentReceipt,
    ConsentState,
    GadgetClient,
    NoticeVersion,
    Resident,
    Subject,
)
from identity.roles import ADMIN_ROLES, GROUPS, OPERATOR, ROLES, Actor


def _self_only(by: Actor, resident_id: UUID) -> None:
    if not by.is_self(resident_id):
        raise NotAllowed("自分の設定だけを変えられます。")


def _locked(resident_id: UUID) -> Resident:
    """The resident's row, held until the transaction ends, so that two decisions never cross."""
    try:
        return Resident.objects.select_for_update().get(id=resident_id, is_active=True, erase_at=None)
    except Resident.DoesNotExist as error:
        raise NoSuchResident from error


def _changed(resident: Resident, recipient: str, kind: str) -> None:
    Resident.objects.filter(id=resident.id).update(consent_version=F("consent_version") + 1)
    ConsentEvent.objects.create(resident_id=resident.id, recipient=recipient, kind=kind)
    if kind == consent.WITHDRAWN:
        transaction.on_commit(lambda: tasks.kick(tasks.CONSENT_EVENTS))


@transaction.atomic
def set_attributes(*, resident_id: UUID, values: Mapping[str, object], by: Actor) -> None:
    """Sets the named attributes and leaves the others; None, "" or an empty list clears one.

    Raises `UnknownAttribute`, `UnknownValue`, `DerivedAttribute` (each names the attribute), `NotAllowed`.
    """
    _self_only(by, resident_id)
    resident = _locked(resident_id)
    stored = attributes.from_json(resident.attributes)
    for key, raw in values.items():
        if raw is None or raw in ("", [], ()):
            attributes.require_settable(key)
            stored.pop(key, None)
        else:
            stored[key] = attributes.validate_settable(key, raw)
    language = stored.get("language")
    resident.attributes = attributes.to_json(stored)
    resident.locale = language if isinstance(language, str) else resident.locale
    resident.save(update_fields=["attributes", "locale"])
    _changed(resident, "", "attributes")


@transaction.atomic
def grant(
    *,
    resident_id: UUID,
    recipient: str,
    purpose: str,
    items: Sequence[str],
    declared: Iterable[str],
    level: str,
    notice: Notice,
    controller: str,
    by: Actor,
    expires_at: datetime | None = None,
) -> UUID:
    """Appends a receipt that `items` may be told to `recipient`; returns its id.

    `declared` is what the recipient's approved manifest asks for: nothing else can be granted. At the level
    `pairwise` the way back from the gadget's pseudonym is written in the same transaction.
    Raises `NothingAsked`, `UnknownItem`, `UndeclaredItem`, `UnknownLevel`, `NotAllowed`, `NoSuchResident`.
    """
    _self_only(by, resident_id)
    _check(items, declared, level)
    resident = _locked(resident_id)
    receipt = _append(
        resident, consent.GRANTED, recipient, purpose, items, level, notice, controller, expires_at=expires_at
    )
    if level == "pairwise":
        _remember_subject(resident, recipient)
    return receipt.id


@transaction.atomic
def refuse(
    *,
    resident_id: UUID,
    recipient: str,
    purpose: str,
    items: Sequence[str],
    declared: Iterable[str],
    level: str,
    notice: Notice,
    controller: str,
    by: Actor,
) -> UUID:
    """Appends a receipt of a refusal, so that nobody asks again unbidden; returns its id. Errors as `grant`."""
    _self_only(by, resident_id)
    _check(items, declared, level)
    resident = _locked(resident_id)
    return _append(resident, consent.REFUSED, recipient, purpose, items, level, notice, controller).id


@transaction.atomic
def withdraw(*, resident_id: UUID, recipient: str, items: Iterable[str] | None = None, by: Actor) -> int:
    """Takes back what `recipient` was granted (all of it when `items` is None); returns how many items.

    One receipt for each receipt that is taken back, pointing to it. Taking back nothing changes nothing.
    """
    _self_only(by, resident_id)
    resident = _locked(resident_id)
    states = ConsentState.objects.filter(
        resident_id=resident_id, recipient=recipient, status=consent.GRANTED
    ).select_related("receipt")
    if items is not None:
        states = states.filter(item__in=list(items))
    by_receipt: dict[ConsentReceipt, list[str]] = {}
    for state in states:
        by_receipt.setdefault(state.receipt, []).append(state.item)
    for earlier, taken in by_receipt.items():
        _append(
            resident,
            consent.WITHDRAWN,
            recipient,
            earlier.purpose,
            taken,
            earlier.level,
            None,
            earlier.controller,
            withdraws=earlier,
        )
    return sum(len(taken) for taken in by_receipt.values())


def opt_in_personalisation(*, resident_id: UUID, notice: Notice, controller: str, by: Actor) -> UUID:
    """Lets the portal order content by the resident's attributes: a grant like any other."""
    return grant(
        resident_id=resident_id,
        recipient=consent.RECOMMENDER,
        purpose=consent.PURPOSE_RANKING,
        items=consent.RANKING_ITEMS,
        declared=consent.RANKING_ITEMS,
        level="none",
        notice=notice,
        controller=controller,
        by=by,
    )


def opt_out(*, resident_id: UUID, by: Actor) -> int:
    """Back to the chronological order."""
    return withdraw(resident_id=resident_id, recipient=consent.RECOMMENDER, by=by)


def record_release(*, resident_id: UUID, recipient: str, items: Iterable[str], via: str) -> None:
    """Notes that these items left, in the caller's transaction; names only, never a value."""
    names = list(items)
    for item in names:
        _known(item)
    if names:
        AccessLog.objects.create(resident_id=resident_id, recipient=recipient, items=names, via=via)


@transaction.atomic
def set_roles(*, resident_id: UUID, roles: Iterable[str], by: Actor) -> None:
    """Replaces the roles and mirrors them into the admin's groups. Only an operator may.

    Raises `UnknownRole`, `NotAllowed`, `NoSuchResident`.
    """
    if not by.has(OPERATOR):
        raise NotAllowed("役割を変えられるのは運用者だけです。")
    wanted = sorted(set(roles))
    for role in wanted:
        if role not in ROLES:
            raise UnknownRole(f"「{role}」という役割はありません。")
    resident = _locked(resident_id)
    resident.roles = wanted
    resident.save(update_fields=["roles"])
    groups = {role: group_of(role) for role in GROUPS}
    resident.groups.remove(*(group for role, group in groups.items() if role not in wanted))
    resident.groups.add(*(group for role, group in groups.items() if role in wanted))


def group_of(role: str) -> Group:
    """The group that mirrors `role`, made when missing; members of an admin role may enter the admin."""
    group, _ = Group.objects.get_or_create(name=GROUPS[role])
    if role in ADMIN_ROLES:
        place, _ = ContentType.objects.get_or_create(app_label="wagtailadmin", model="admin")
        entry, _ = Permission.objects.get_or_create(
            content_type=place, codename="access_admin", defaults={"name": "Can access Wagtail admin"}
        )
        group.permissions.add(entry)
    return group


@transaction.atomic
def create_resident(
    *,
    display_name: str,
    by: Actor,
    resident_id: UUID | None = None,
    username: str = "",
    email: str = "",
    locale: str = "ja",
    issuer: str = "",
    subject: str = "",
    password: str | None = None,
) -> UUID:
    """A resident made by the portal's own commands; without `issuer` an account of the embedded provider.

    One that exists under this id is left as it is, but for its name. Raises `NotAllowed`.
    """
    if by.id is not None or not by.has(OPERATOR):
        raise NotAllowed("利用者は、自分で登録します。")
    key = resident_id or uuid4()
    resident = Resident.objects.filter(id=key).first() or Resident(id=key, issuer=issuer, subject=subject)
    resident.display_name = display_name
    resident.locale = locale
    resident.email = email
    resident.username = username or resident.username
    if not resident.password:
        resident.set_password(password)
    resident.save()
    return resident.id


@transaction.atomic
def create_synthetic(
    *, people: Iterable[Mapping[str, Value]], notice: Notice, controller: str, by: Actor
) -> int:
    """Made-up residents for the demo's figures: opted in, unable to sign in. Returns how many."""
    if by.id is not None or not by.has(OPERATOR):
        raise NotAllowed
    shown = _keep(notice)
    locked = make_password(None)
    made = []
    for values in people:
        checked = {key: attributes.validate_settable(key, value) for key, value in values.items()}
        key = uuid4()
        made.append(
            Resident(
                id=key,
                issuer="synthetic",
                subject=str(key),
                password=locked,
                attributes=attributes.to_json(checked),
            )
        )
    Resident.objects.bulk_create(made, batch_size=500)
    items = list(consent.RANKING_ITEMS)
    receipts = [
        ConsentReceipt(
            resident=resident,
            kind=consent.GRANTED,
            controller=controller,
            recipient=consent.RECOMMENDER,
            purpose=consent.PURPOSE_RANKING,
            items=items,
            level="none",
            method="synthetic",
            notice=shown,
        )
        for resident in made
    ]
    ConsentReceipt.objects.bulk_create(receipts, batch_size=500)
    ConsentState.objects.bulk_create(
        (
            ConsentState(
                resident_id=receipt.resident_id,
                recipient=receipt.recipient,
                purpose=receipt.purpose,
                item=item,
                status=consent.GRANTED,
                level="none",
                receipt=receipt,
            )
            for receipt in receipts
            for item in items
        ),
        batch_size=1000,
    )
    return len(made)


def _known(item: str) -> None:
    if item not in attributes.DEFINITIONS:
        raise UnknownItem(item)


def _check(items: Sequence[str], declared: Iterable[str], level: str) -> None:
    if not items:
        raise NothingAsked
    if level not in consent.LEVELS:
        raise UnknownLevel(f"「{level}」という段階はありません。")
    allowed = set(declared)
    for item in items:
        _known(item)
        if item not in allowed:
            raise UndeclaredItem(item)


def _keep(notice: Notice) -> NoticeVersion:
    kept, _ = NoticeVersion.objects.get_or_create(
        sha256=notice.sha256, defaults={"language": notice.language, "text": notice.text}
    )
    return kept


def _append(
    resident: Resident,
    kind: str,
    recipient: str,
    purpose: str,
    items: Sequence[str],
    level: str,
    notice: Notice | None,
    controller: str,
    *,
    expires_at: datetime | None = None,
    withdraws: ConsentReceipt | None = None,
) -> ConsentReceipt:
    """One more entry of the ledger, and what now holds for each of its items."""
    receipt = ConsentReceipt.objects.create(
        resident=resident,
        kind=kind,
        controller=controller,
        recipient=recipient,
        purpose=purpose,
        items=[item for item in attributes.KEYS if item in items],
        level=level,
        notice=_keep(notice) if notice else None,
        withdraws=withdraws,
        expires_at=expires_at,
    )
    ConsentState.objects.bulk_create(
        (
            ConsentState(
                resident=resident,
                recipient=recipient,
                purpose=purpose,
                item=item,
                status=kind,
                level=level,
                receipt=receipt,
                expires_at=expires_at,
            )
            for item in receipt.items
        ),
        update_conflicts=True,
        unique_fields=["resident", "recipient", "purpose", "item"],
        update_fields=["status", "level", "receipt", "expires_at"],
    )
    _changed(resident, recipient, kind)
    return receipt


def _remember_subject(resident: Resident, recipient: str) -> None:
    client = GadgetClient.objects.filter(gadget_id=recipient).first()
    if client is not None:
        sub = queries.subject_for(resident.id, client.client_id)
        Subject.objects.get_or_create(client=client, sub=sub, defaults={"resident": resident})
