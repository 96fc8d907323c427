"""Closing an account against both providers: sign-in leads to one page, undo is as before, afterwards nobody is there."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from identity import idp
from identity.closure import erasure
from identity.domain.roles import Actor
from identity.models import OidcSession, Resident
from identity.sessions import portal_sessions
from portal.mydata.account import erasing
from tests.identity.region import Browser, store

pytestmark = pytest.mark.django_db(transaction=True)
BACK = "/.well-known/region-portal.json"


def session_of(browser: Browser, world: Any) -> dict[str, Any]:
    name = world.settings.SESSION_COOKIE_NAME
    return dict(store(browser.http.cookies.get(name, domain="portal.region.localhost")).items())


def close(world: Any, browser: Browser) -> tuple[Resident, str]:
    """Somebody who signed in and asked for the erasure; every session is ended."""
    username = world.account("hanako")
    browser.sign_in(username, next_path=BACK)
    resident = Resident.objects.get()
    erasure.ask(resident_id=resident.pk, announced=[], by=Actor(id=resident.pk))
    erasure.end_sessions(resident.pk)
    return resident, username


def test_sign_in_to_a_closed_account_leads_to_one_page_and_undo_is_as_before(world: Any) -> None:
    browser, phone = Browser(), Browser()
    resident, username = close(world, browser)
    assert not OidcSession.objects.exists()
    assert idp.provider().sessions(resident.pk) == ()
    phone.sign_in(username, next_path=BACK)
    assert phone.trail[-1] == f"{world.settings.PORTAL_URL}/my-data/close/undecided/"
    held = session_of(phone, world)
    assert held[portal_sessions.CLOSING] == str(resident.pk)
    assert portal_sessions.KEY not in held
    assert "_auth_user_id" not in held
    phone.submit("undecided")
    assert phone.trail[-1] == f"{world.settings.PORTAL_URL}/my-data/"
    assert session_of(phone, world)[portal_sessions.KEY] == str(resident.pk)
    resident.refresh_from_db()
    assert resident.erase_at is None


def test_afterwards_the_account_is_gone_at_the_id_and_the_same_password_opens_nothing(world: Any) -> None:
    browser, phone = Browser(), Browser()
    resident, username = close(world, browser)
    assert erasing.carry_out(now=timezone.now() + erasure.WAIT + timedelta(minutes=1)) == 1
    assert not Resident.objects.exists()
    phone.sign_in(username, next_path=BACK)
    assert not phone.trail[-1].startswith(world.settings.PORTAL_URL)
    assert not Resident.objects.filter(subject=resident.subject).exists()
