"""Sensitive acts: the proof of the person must be new, be theirs, and not be claimed by an ID that did not ask."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from identity.domain import lifetimes
from identity.models import AuditEntry, OidcSession, Resident
from identity.oidc import tokens
from identity.queries import Bundle
from identity.sessions import portal_sessions
from portal.mydata.access import fresh_required
from tests.identity import hostile

PORTAL = "portal.region.localhost:8000"
pytestmark = pytest.mark.django_db
PAGE = "/en/my-data/sessions/"


@pytest.fixture
def the_id(settings: Any) -> Iterator[hostile.HostileId]:
    one = hostile.HostileId()
    settings.PORTAL_URL = f"http://{PORTAL}"
    settings.ID_PROVIDER = "keycloak"
    settings.OIDC_CLIENT_ID = "portal"
    settings.OIDC_ISSUER = one.issuer
    settings.OIDC_DISCOVERY_URL = f"{one.issuer}/.well-known/openid-configuration"
    settings.LOOPBACK_NAMES = True
    tokens.forget()
    yield one
    one.close()
    tokens.forget()


@pytest.fixture
def person() -> Client:
    return Client(
        headers={"host": PORTAL, "user-agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/156.0 Safari/537"}
    )


def go(person: Client, the_id: hostile.HostileId, query: str, **claims: Any) -> Any:
    """Through the ID and back; `claims` are put into the honest ID token, None takes one out."""
    answer = person.get(f"/sign-in/?{query}")
    assert answer.status_code == 302, answer.content.decode()[:300]
    asked = parse_qs(urlsplit(answer["Location"]).query)
    the_id.nonce = asked["nonce"][0]
    the_id.make = lambda honest: hostile.sign(
        {k: v for k, v in {**honest, **claims}.items() if v is not None}
    )
    more = {"kc_action_status": claims["status"]} if "status" in claims else {}
    return person.get("/sign-in/callback", {"code": "c", "state": asked["state"][0], **more})


def now() -> int:
    return int(time.time())


def is_fresh(person: Client) -> bool:
    request = RequestFactory().get("/")
    request.session = person.session
    return portal_sessions.fresh(request)


FRESH = urlencode({"fresh": "1", "next": PAGE})


def test_a_new_proof_makes_fresh_and_keeps_what_the_visit_holds(person: Client, the_id: Any) -> None:
    go(person, the_id, "next=/", auth_time=now() - 3600)
    assert not is_fresh(person)
    session = person.session
    session["consent_asked"] = True
    session.save()
    before = session.session_key
    since = OidcSession.objects.get().created_at
    answer = go(person, the_id, FRESH, auth_time=now())
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    assert is_fresh(person)
    assert person.session["consent_asked"] is True
    assert person.session.session_key != before
    row = OidcSession.objects.get()
    assert (row.created_at, row.label) == (since, "Chrome, Windows")
    assert row.device is not None
    kinds = list(AuditEntry.objects.order_by("seq").values_list("kind", flat=True))
    assert kinds == ["registered", "signed_in", "reauthenticated"]


def test_the_id_is_asked_with_max_age_0(person: Client, the_id: Any) -> None:
    go(person, the_id, "next=/", auth_time=now())
    answer = person.get(f"/sign-in/?{FRESH}")
    assert parse_qs(urlsplit(answer["Location"]).query)["max_age"] == ["0"]


@pytest.mark.parametrize("auth_time", [None, "yesterday", True, 3600, 61], ids=str)
def test_an_id_that_ignores_max_age_does_not_pass(person: Client, the_id: Any, auth_time: Any) -> None:
    go(person, the_id, "next=/", auth_time=now() - 7200)
    told = now() - auth_time if isinstance(auth_time, int) and auth_time is not True else auth_time
    answer = go(person, the_id, FRESH, auth_time=told)
    assert answer.status_code == 400
    assert not is_fresh(person)


def test_a_proof_grows_old(person: Client, the_id: Any, time_machine: Any) -> None:
    go(person, the_id, "next=/", auth_time=now())
    assert is_fresh(person)
    time_machine.move_to(now() + portal_sessions.FRESH_SECONDS + 1)
    assert not is_fresh(person)


def test_an_id_that_tells_no_time_never_makes_fresh(person: Client, the_id: Any) -> None:
    go(person, the_id, "next=/")
    assert not is_fresh(person)


def test_nobody_signed_in_is_not_fresh(person: Client) -> None:
    session = person.session
    session["_auth_time"] = now()
    session.save()
    assert not is_fresh(person)


def test_another_person_is_refused_and_the_old_session_is_over(person: Client, the_id: Any) -> None:
    go(person, the_id, "next=/", auth_time=now())
    answer = go(person, the_id, FRESH, auth_time=now(), sub="taro-at-the-id")
    assert answer.status_code == 403
    page = answer.content.decode()
    assert '<html lang="en"' in page
    assert "_resident" not in person.session
    assert not OidcSession.objects.exists()
    assert Resident.objects.count() == 1
    assert AuditEntry.objects.get(kind="session_ended").detail == {"count": 1, "why": "another_person"}


def test_an_action_is_for_the_same_person_too(person: Client, the_id: Any) -> None:
    go(person, the_id, "next=/", auth_time=now())
    answer = go(person, the_id, "action=totp&next=/", auth_time=now(), sub="taro-at-the-id")
    assert answer.status_code == 403
    assert "_resident" not in person.session


def test_who_was_signed_in_in_another_tab_meanwhile_is_replaced_by_who_comes_back(
    person: Client, the_id: Any
) -> None:
    answer = person.get("/sign-in/?next=/")
    asked = parse_qs(urlsplit(answer["Location"]).query)
    go(person, the_id, "next=/", sub="taro-at-the-id")
    the_id.nonce = asked["nonce"][0]
    the_id.make = hostile.sign
    answer = person.get("/sign-in/callback", {"code": "c", "state": asked["state"][0]})
    # The ID has just vouched for this person, in this browser: nothing of Taro's session is left.
    assert answer.status_code == 302
    hanako = Resident.objects.get(subject="hanako-at-the-id")
    assert person.session["_resident"] == str(hanako.id)
    assert OidcSession.objects.get().sub == "hanako-at-the-id"


def test_an_idle_end_asks_for_the_person_although_the_id_knows_them(
    person: Client, the_id: Any, time_machine: Any
) -> None:
    go(person, the_id, "next=/", auth_time=now())
    time_machine.move_to(now() + 3601)
    assert person.get("/sign-in/?silent=1&next=/en/")["Location"] == "/en/"
    answer = person.get("/sign-in/?next=/en/")
    assert answer.status_code == 200
    assert "/sign-in/?again=1&amp;next=%2Fen%2F" in answer.content.decode()
    answer = go(person, the_id, "again=1&next=/en/", auth_time=now() - 3601)
    assert answer.status_code == 400
    answer = go(person, the_id, "again=1&next=/en/", auth_time=now())
    assert answer.status_code == 302
    assert is_fresh(person)


@pytest.mark.parametrize(
    ("action", "asked"),
    [
        ("password", "UPDATE_PASSWORD"),
        ("totp", "CONFIGURE_TOTP"),
        ("passkey", "webauthn-register-passwordless"),
    ],
)
@pytest.mark.parametrize("status", ["success", "cancelled", "error"])
def test_an_action_at_the_id_comes_back_with_what_became_of_it(
    person: Client, the_id: Any, action: str, asked: str, status: str
) -> None:
    answer = person.get(f"/sign-in/?action={action}&next=/")
    assert parse_qs(urlsplit(answer["Location"]).query)["kc_action"] == [asked]
    answer = go(person, the_id, f"action={action}&next=/my-data/?a=1", status=status)
    assert answer["Location"] == f"/my-data/?a=1&kc_action_status={status}"


def test_an_unknown_action_or_outcome_is_not_passed_on(person: Client, the_id: Any) -> None:
    assert "kc_action" not in person.get("/sign-in/?action=delete_account")["Location"]
    answer = go(person, the_id, "action=password&next=/en/", status="<script>")
    assert answer["Location"] == "/en/"


def test_an_id_that_promises_its_name_must_give_it(person: Client, the_id: Any) -> None:
    the_id.promises_issuer = True
    answer = go(person, the_id, "next=/")
    assert answer.status_code == 400
    assert "_resident" not in person.session


def test_a_neighbours_id_is_remembered_at_the_first_sign_in(person: Client, the_id: Any) -> None:
    go(person, the_id, "next=/", identity_provider="neighbour")
    go(Client(headers={"host": PORTAL}), the_id, "next=/", identity_provider="another")
    assert Resident.objects.get().home_region == "neighbour"


# --- the guard of sensitive pages --------------------------------------------------------------------------------


@fresh_required
def sensitive(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    return HttpResponse("done")


def asked(person: Client, method: str = "get", **headers: str) -> HttpResponse:
    request = getattr(RequestFactory(), method)("/my-data/export/?x=1", HTTP_HOST=PORTAL, **headers)
    request.session = person.session
    return sensitive(request)


def test_a_sensitive_page_opens_after_a_new_proof_only(person: Client, the_id: Any) -> None:
    assert asked(person)["Location"].startswith("/sign-in/?next=")
    go(person, the_id, "next=/", auth_time=now() - 600)
    assert asked(person)["Location"] == "/sign-in/?fresh=1&next=%2Fmy-data%2Fexport%2F%3Fx%3D1"
    go(person, the_id, FRESH, auth_time=now())
    assert asked(person).content == b"done"


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        (f"http://{PORTAL}/my-data/close/?a=1", "%2Fmy-data%2Fclose%2F%3Fa%3D1%26kept%3D0"),
        ("http://evil.example/my-data/close/", "%2Fmy-data%2Fexport%2F%3Fx%3D1%26kept%3D0"),
        ("", "%2Fmy-data%2Fexport%2F%3Fx%3D1%26kept%3D0"),
    ],
)
def test_a_form_that_was_sent_leads_back_to_its_page_and_is_not_sent_again(
    person: Client, the_id: Any, referer: str, back: str
) -> None:
    go(person, the_id, "next=/", auth_time=now() - 600)
    assert asked(person, "post", HTTP_REFERER=referer)["Location"] == f"/sign-in/?fresh=1&next={back}"


@pytest.mark.parametrize("proven", [True, False])
def test_only_a_new_proof_puts_off_the_last_end(
    person: Client, the_id: Any, time_machine: Any, proven: bool
) -> None:
    first = now()
    go(person, the_id, "next=/en/", auth_time=first)
    begun = person.session[lifetimes.BEGUN]
    time_machine.move_to(first + 1800, tick=False)
    again = now()
    go(
        person,
        the_id,
        "action=totp&next=/en/",
        auth_time=again if proven else first,
        iat=again,
        exp=again + 300,
    )
    assert person.session[portal_sessions.KEY]
    assert (person.session[lifetimes.BEGUN] > begun) is proven
