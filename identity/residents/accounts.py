"""Writes of accounts: roles and their groups, residents made by the portal's own commands."""

from collections.abc import Iterable, Mapping
from uuid import UUID, uuid4

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from core.texts import gettext_noop
from identity.audit import chain
from identity.consent.ledger import keep
from identity.domain import attributes, consent
from identity.domain.attributes import Value
from identity.domain.consent import Notice
from identity.domain.roles import ADMIN_ROLES, GROUPS, OPERATOR, ROLES, Actor
from identity.errors import NotAllowed, UnknownRole
from identity.models import ConsentReceipt, ConsentState, Resident
from identity.residents.guards import locked


@chain.together()
def set_roles(*, resident_id: UUID, roles: Iterable[str], by: Actor) -> None:
    """Replaces the roles and mirrors them into the admin's groups. Only an operator may.

    Raises `UnknownRole`, `NotAllowed`, `NoSuchResident`.
    """
    if not by.has(OPERATOR):
        raise NotAllowed(gettext_noop("役割を変えられるのは運用者だけです。"))
    wanted = sorted(set(roles))
    for role in wanted:
        if role not in ROLES:
            raise UnknownRole(gettext_noop("「%(role)s」という役割はありません。"), role=role)
    resident = locked(resident_id)
    resident.roles = wanted
    resident.save(update_fields=["roles"])
    groups = {role: group_of(role) for role in GROUPS}
    resident.groups.remove(*(group for role, group in groups.items() if role not in wanted))
    resident.groups.add(*(group for role, group in groups.items() if role in wanted))
    chain.record("roles_set", who=resident_id, by=by, roles=wanted)


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


@chain.together()
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
        raise NotAllowed(gettext_noop("利用者は、自分で登録します。"))
    key = resident_id or uuid4()
    known = Resident.objects.select_for_update(no_key=True).filter(id=key).first()
    resident = known or Resident(id=key, issuer=issuer, subject=subject)
    resident.display_name = display_name
    resident.locale = locale
    resident.email = email
    resident.username = username or resident.username
    if not resident.password:
        resident.set_password(password)
    resident.save()
    if known is None:
        chain.record("registered", who=resident.id, by=by)
    return resident.id


@chain.together()
def create_synthetic(
    *, people: Iterable[Mapping[str, Value]], notice: Notice, controller: str, by: Actor
) -> int:
    """Made-up residents for the demo's figures: opted in, unable to sign in. Returns how many."""
    if by.id is not None or not by.has(OPERATOR):
        raise NotAllowed
    shown = keep(notice)
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
                sequence=1,
            )
        )
    Resident.objects.bulk_create(made, batch_size=500)
    items = list(consent.RANKING_ITEMS)
    now = timezone.now()
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
            given_at=now,
            expires_at=consent.ends(now),
            number=resident.sequence,
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
                expires_at=receipt.expires_at,
            )
            for receipt in receipts
            for item in items
        ),
        batch_size=1000,
    )
    chain.record_receipts(receipts, by=by)
    return len(made)
