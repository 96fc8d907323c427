"""The fixed cast, in the database: builders for each person, and a sign-in as the portal does it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.test import Client
from django.utils import timezone

from demo.cast import (
    ALERT_OFFICER,
    AUDITOR,
    BUSCO,
    CASE_OFFICER,
    COUNTER_CLERK,
    EDITOR,
    HANAKO,
    HEAD,
    LINH,
    OPERATOR,
    SECOND_ALERT_OFFICER,
    SECOND_OPERATOR,
    TARO,
    WASTECO,
    Person,
)
from identity import actions
from identity.consent import access_log
from identity.domain.consent import Notice
from identity.domain.roles import STAFF_ROLES, SYSTEM, Actor
from identity.models import Resident
from identity.residents import guards
from identity.sessions.person import KEY, SECOND_FACTOR
from identity.sessions.portal_sessions import AUTH_TIME

NOTICE = Notice(language="ja", text="おすすめの並べかえに、あなたの属性を使います。")
CONTROLLER = "くらしの窓口"


def as_actor(resident: Resident) -> Actor:
    """The resident as somebody who acts."""
    return Actor(id=resident.id, roles=frozenset(resident.roles))


def make(person: Person, *, opted_in: bool | None = None) -> Resident:
    """`person` as a row, with attributes, roles and opt-in; `opted_in` overrides what the cast says."""
    actions.create_resident(
        resident_id=person.id,
        username=person.username,
        email=person.email,
        display_name=person.display_name,
        locale=person.locale,
        by=SYSTEM,
    )
    resident = Resident.objects.get(id=person.id)
    by = as_actor(resident)
    if person.attributes:
        actions.set_attributes(resident_id=person.id, values=person.attributes, by=by)
    if person.opted_in if opted_in is None else opted_in:
        actions.opt_in_personalisation(resident_id=person.id, notice=NOTICE, controller=CONTROLLER, by=by)
    if person.roles:
        actions.set_roles(resident_id=person.id, roles=person.roles, by=SYSTEM)
    return Resident.objects.get(id=person.id)


def hanako(*, opted_in: bool | None = None) -> Resident:
    """Parent of a third-grader and a small child in Busshozan."""
    return make(HANAKO, opted_in=opted_in)


def taro(*, opted_in: bool | None = None) -> Resident:
    """78, lives alone in Yashima."""
    return make(TARO, opted_in=opted_in)


def linh(*, opted_in: bool | None = None) -> Resident:
    """Reads English; lives and works in Ritsurin."""
    return make(LINH, opted_in=opted_in)


def editor() -> Resident:
    """Writes pages in the admin."""
    return make(EDITOR)


def operator() -> Resident:
    """Reviews gadgets."""
    return make(OPERATOR)


def second_operator() -> Resident:
    """The other operator, where a decision takes two people."""
    return make(SECOND_OPERATOR)


def head() -> Resident:
    """The head of a section."""
    return make(HEAD)


def alert_officer() -> Resident:
    """One of two who issue alerts."""
    return make(ALERT_OFFICER)


def second_alert_officer() -> Resident:
    """The other one."""
    return make(SECOND_ALERT_OFFICER)


def case_officer() -> Resident:
    """Handles what residents apply for."""
    return make(CASE_OFFICER)


def counter_clerk() -> Resident:
    """Helps residents at the counter."""
    return make(COUNTER_CLERK)


def auditor() -> Resident:
    """Looks whether the records are right."""
    return make(AUDITOR)


def wasteco() -> Resident:
    """A member of the provider of the waste gadget."""
    return make(WASTECO)


def busco() -> Resident:
    """A member of a provider that registers a fourth gadget."""
    return make(BUSCO)


def newcomer(number: int = 1) -> Resident:
    """Somebody who has just registered: no attributes, nothing agreed to."""
    return make(
        replace(
            HANAKO,
            id=UUID(f"00000000-0000-4000-9000-{number:012d}"),
            username=f"newcomer{number}",
            email=f"newcomer{number}@region.localhost",
            display_name="新しい人",
            attributes={},
            opted_in=False,
        )
    )


def released(
    resident: Resident, recipient: str, items: Sequence[str], *, via: str = "card", at: datetime | None = None
) -> None:
    """An entry of the access log, whatever was granted; repetitions too."""
    with transaction.atomic():
        held = guards.hold(resident.pk)[resident.pk]
        access_log.add(held, recipient=recipient, items=items, via=via, at=at or timezone.now())


def portal_client(*, enforce_csrf_checks: bool = False) -> Client:
    """A client that asks for the portal's own host: each host of the region has its own addresses."""
    return Client(enforce_csrf_checks=enforce_csrf_checks, HTTP_HOST=urlsplit(settings.PORTAL_URL).netloc)


def sign_in(client: Client, resident: Resident, *, second_factor: bool | None = None) -> Client:
    """A portal session such as the one that sign-in leaves behind.

    Staff have proven who they are just now, with a second factor; `second_factor` says it for anybody.
    """
    proven = bool(STAFF_ROLES.intersection(resident.roles)) if second_factor is None else second_factor
    session = client.session
    if session.get(KEY, str(resident.id)) != str(resident.id):
        session.flush()
    session[KEY] = str(resident.id)
    if proven:
        session[SECOND_FACTOR] = True
        session[AUTH_TIME] = int(timezone.now().timestamp())
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return client
