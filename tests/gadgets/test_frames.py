"""A frame's page and its tokens: to one origin, for what is granted now, and nothing once it is over."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from joserfc import jwt

from gadgets import actions, queries
from gadgets.cards import signing
from gadgets.conformance.checks import frame
from gadgets.errors import ManifestError
from gadgets.frames import frame_tokens
from gadgets.models import Gadget
from gadgets.outbound.http import Answer
from gadgets.protocol import manifest
from identity import actions as identity_actions
from identity import queries as identity_queries
from identity.domain.consent import Notice
from identity.domain.roles import SYSTEM
from identity.models import AccessLog, Resident
from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor
from tests.gadgets.life import Careless, Desk

ZONE = "area.waste_zone"


def give_frame(made: Careless, **frame: Any) -> str:
    """The careless provider becomes one with a frame on a host of its own; the frame's origin."""
    origin = made.provider.origin.replace("//", "//map.")
    made.document["kind"] = "frame"
    made.document["frame"] = {
        "src": f"{origin}/frame?v=1",
        "permissions": ["geolocation"],
        "height": {"min": 200, "max": 600},
    } | frame
    return origin


@pytest.fixture
def framed(careless: Careless) -> Careless:
    """A pairwise gadget with a frame, not yet registered."""
    careless.pairwise(events=False)
    give_frame(careless)
    return careless


@pytest.fixture
def ready(desk: DeskFor, framed: Careless, django_capture_on_commit_callbacks: Any) -> str:
    """The same, published; its id."""
    return life.publish(framed.url, django_capture_on_commit_callbacks)


def grant(resident: Resident, gadget_id: str, *items: str) -> None:
    identity_actions.grant(
        resident_id=resident.id,
        recipient=gadget_id,
        purpose="card",
        items=items,
        declared=(ZONE, "age_band"),
        level="pairwise",
        notice=Notice(language="ja", text="試験"),
        controller="WasteCo",
        by=cast.as_actor(resident),
    )


def ask(desk: Desk, gadget_id: str, origin: str, **more: str) -> HttpResponse:
    url = reverse("gadgets_wire:frame_token", args=[gadget_id])
    return desk.client.post(url, {"origin": origin, "locale": "en"} | more)


def read(answer: HttpResponse) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    body = json.loads(answer.content)
    token = jwt.decode(body["token"], signing.signing_key(), algorithms=["ES256"])
    assert token.header["typ"] == "rgadget-frame+jwt"
    assert body["expires_in"] == 60
    assert body["granted"] == token.claims["granted"]
    return dict(token.claims)


def origin_of(made: Careless) -> str:
    return manifest.origin_of(made.document["frame"]["src"])


# --- the page ------------------------------------------------------------------------------------------------


def test_the_page_frames_the_declared_origin_and_nothing_else(
    desk: DeskFor, framed: Careless, ready: str
) -> None:
    answer = desk(None).get(reverse("gadgets:frame", args=[ready]))
    html, origin = answer.content.decode(), origin_of(framed)
    policy = {part.split()[0]: part.split()[1:] for part in answer["Content-Security-Policy"].split(";")}
    usual = desk(None).get(reverse("gadgets:page", args=[ready]))
    before = {part.split()[0]: part.split()[1:] for part in usual["Content-Security-Policy"].split(";")}
    assert policy == before | {"frame-src": [origin]}
    assert "frame-src" not in before
    assert f'geolocation=(self "{origin}")' in answer["Permissions-Policy"]
    assert "camera=()" in answer["Permissions-Policy"]
    assert "geolocation=()" in usual["Permissions-Policy"]
    assert 'sandbox="allow-scripts allow-forms allow-popups allow-same-origin"' in html
    assert f'allow="geolocation {origin}"' in html
    assert 'referrerpolicy="no-referrer"' in html
    assert html.count("<iframe") == 1
    assert html.index("<template>") < html.index("<iframe") < html.index("</template>")
    assert "WasteCo" in html


def test_home_catalogue_and_page_lead_to_the_frame(desk: DeskFor, ready: str) -> None:
    hanako = desk(cast.hanako())
    address = reverse("gadgets:frame", args=[ready])
    hanako.post(reverse("gadgets:add", args=[ready]))
    for url in ("/", reverse("gadgets:catalogue"), reverse("gadgets:page", args=[ready])):
        page = hanako.page(url)
        assert f'href="{address}"' in page, url
        assert "<iframe" not in page


def test_a_gadget_without_a_frame_has_no_such_page(desk: DeskFor, published: str) -> None:
    guest = desk(None)
    assert guest.get(reverse("gadgets:frame", args=[published])).status_code == 404
    answer = ask(guest, published, "http://map.waste.localhost")
    assert (answer.status_code, json.loads(answer.content)["code"]) == (410, "frame_gone")


# --- the token -----------------------------------------------------------------------------------------------


def test_a_token_says_who_for_where_and_what_is_granted(desk: DeskFor, framed: Careless, ready: str) -> None:
    hanako = cast.hanako()
    grant(hanako, ready, ZONE)
    claims = read(ask(desk(hanako), ready, origin_of(framed)))
    assert claims["iss"] == settings.PORTAL_URL
    assert claims["aud"] == ready
    assert claims["origin"] == origin_of(framed)
    assert claims["htu"] == f"{origin_of(framed)}/frame"
    assert claims["exp"] == claims["iat"] + 60
    assert claims["granted"] == [ZONE]
    assert claims["claims"] == {ZONE: "7"}
    assert claims["ctx"] == {"locale": "en", "settings": {}}
    client = queries.registry().gadgets[ready].client_id
    assert claims["sub"] == identity_queries.subject_for(hanako.id, client or "")
    assert AccessLog.objects.get(recipient=ready).via == "frame"


def test_a_guest_and_whoever_granted_nothing_get_the_public_form(
    desk: DeskFor, framed: Careless, ready: str
) -> None:
    for somebody in (None, cast.hanako()):
        claims = read(ask(desk(somebody), ready, origin_of(framed)))
        assert (claims["granted"], claims["claims"]) == ([], {})
        assert "sub" not in claims
    assert not AccessLog.objects.filter(recipient=ready).exists()


def test_a_withdrawal_counts_from_the_next_token_on(desk: DeskFor, framed: Careless, ready: str) -> None:
    hanako = cast.hanako()
    grant(hanako, ready, ZONE)
    at = desk(hanako)
    assert read(ask(at, ready, origin_of(framed)))["granted"] == [ZONE]
    identity_actions.withdraw(resident_id=hanako.id, recipient=ready, by=cast.as_actor(hanako))
    claims = read(ask(at, ready, origin_of(framed)))
    assert (claims["granted"], claims["claims"]) == ([], {})
    assert "sub" not in claims
    assert AccessLog.objects.filter(recipient=ready).count() == 1


def test_a_suspension_counts_at_once(desk: DeskFor, framed: Careless, ready: str) -> None:
    actions.suspend(gadget_id=ready, reason="試験", by=SYSTEM)
    guest = desk(None)
    assert guest.get(reverse("gadgets:frame", args=[ready])).status_code == 404
    answer = ask(guest, ready, origin_of(framed))
    assert answer.status_code == 410
    assert json.loads(answer.content)["over"] is True


def test_a_retired_one_says_that_it_is_over(desk: DeskFor, framed: Careless, ready: str) -> None:
    actions.retire(gadget_id=ready, reason="試験", by=SYSTEM)
    guest = desk(None)
    assert guest.get(reverse("gadgets:frame", args=[ready])).status_code == 410
    assert ask(guest, ready, origin_of(framed)).status_code == 410


@pytest.mark.parametrize("origin", ["", "http://waste.localhost", "https://evil.example", "null"])
def test_a_page_drawn_for_another_origin_gets_no_token(
    desk: DeskFor, framed: Careless, ready: str, origin: str
) -> None:
    hanako = cast.hanako()
    grant(hanako, ready, ZONE)
    answer = ask(desk(hanako), ready, origin)
    assert (answer.status_code, json.loads(answer.content)["code"]) == (409, "frame_changed")
    assert not AccessLog.objects.filter(recipient=ready).exists()


def test_tokens_are_counted(
    desk: DeskFor, framed: Careless, ready: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame_tokens, "MOST", 2)
    hanako, other = desk(cast.hanako()), desk(cast.taro())
    for _ in range(2):
        assert ask(hanako, ready, origin_of(framed)).status_code == 200
    answer = ask(hanako, ready, origin_of(framed))
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= frame_tokens.PERIOD
    assert json.loads(answer.content)["over"] is False
    assert ask(other, ready, origin_of(framed)).status_code == 200


def test_a_token_needs_the_form_of_our_own_page(framed: Careless, ready: str) -> None:
    hanako = cast.hanako()
    client = Client(enforce_csrf_checks=True, headers={"host": "portal.region.localhost:8000"})
    cast.sign_in(client, hanako)
    url = reverse("gadgets_wire:frame_token", args=[ready])
    assert client.post(url, {"origin": origin_of(framed)}).status_code == 403
    assert client.get(url).status_code == 405


def test_asking_for_a_token_does_not_prolong_the_session(
    desk: DeskFor, framed: Careless, ready: str, time_machine: Any
) -> None:
    at = desk(cast.hanako())
    rows = Session.objects.values_list("session_data", flat=True)
    before = list(rows)
    time_machine.move_to(timezone.now() + timedelta(minutes=10))
    ask(at, ready, origin_of(framed))
    assert list(rows.all()) == before
    at.get("/")
    assert list(rows.all()) != before


def test_a_subject_belongs_to_the_level_pairwise(desk: DeskFor, framed: Careless, ready: str) -> None:
    now = timezone.now()
    found = frame_tokens.framed(ready, bundle=None, locale="ja", chosen={}, now=now)
    with pytest.raises(ValueError, match="pairwise"):
        frame_tokens.mint(found, now=now, sub="somebody")


# --- an origin of its own ------------------------------------------------------------------------------------


def conflict(made: Careless) -> str | None:
    found = frame_tokens.origin_conflict(manifest.parse(made.document, url=made.url), made.url)
    return found.path if found else None


def test_a_frame_on_a_host_of_its_own_is_alone(desk: DeskFor, framed: Careless) -> None:
    assert conflict(framed) is None


def test_nobody_registers_later_on_the_origin_of_a_frame(
    desk: DeskFor, framed: Careless, ready: str, django_capture_on_commit_callbacks: Any
) -> None:
    assert conflict(framed) is None  # its own next version
    second = dict(framed.document, id=framed.document["id"].replace("bins", "second"))
    parsed = manifest.parse(second, url=framed.url)
    found = frame_tokens.origin_conflict(parsed, framed.url)
    assert found is not None
    assert found.path == "$.frame.src"
    assert "map." in found.remedy["en"]
    # A card of another host below may not live there either.
    origin = origin_of(framed)
    host = origin.split("//")[1].split(":")[0]
    card = dict(
        framed.document,
        id=".".join(reversed(host.split("."))) + ".card",
        kind="card",
        identity="none",
        claims=[],
    )
    del card["frame"]
    card["endpoints"] = {"card": f"{origin}/g/card", "health": f"{origin}/g/health"}
    found = frame_tokens.origin_conflict(
        manifest.parse(card, url=f"{origin}/gadget.json"), f"{origin}/gadget.json"
    )
    assert found is not None
    assert found.path == "$"


def test_the_portals_and_the_ids_origin_are_nobodys_frame(
    desk: DeskFor, framed: Careless, settings: Any
) -> None:
    for name in ("PORTAL_URL", "ID_URL"):
        with_own = getattr(settings, name)
        setattr(settings, name, origin_of(framed))
        assert conflict(framed) == "$.frame.src", name
        setattr(settings, name, with_own)


def test_a_retired_gadget_holds_no_origin(desk: DeskFor, framed: Careless, ready: str) -> None:
    actions.retire(gadget_id=ready, reason="試験", by=SYSTEM)
    framed.document["id"] = framed.document["id"].replace("bins", "second")
    assert conflict(framed) is None


def test_registration_refuses_a_shared_origin(
    desk: DeskFor, framed: Careless, ready: str, django_capture_on_commit_callbacks: Any
) -> None:
    framed.document["id"] = framed.document["id"].replace("bins", "second")
    member = Resident.objects.get(username="wasteco")
    organisation = Gadget.objects.get(gadget_id=ready).provider_id
    with pytest.raises(ManifestError, match="stands alone"):
        actions.register(url=framed.url, provider_id=organisation, by=cast.as_actor(member))
    assert not Gadget.objects.filter(gadget_id=framed.document["id"]).exists()


def test_approval_looks_again(
    desk: DeskFor, framed: Careless, django_capture_on_commit_callbacks: Any, settings: Any
) -> None:
    by = cast.as_actor(cast.wasteco())
    with django_capture_on_commit_callbacks(execute=True):
        organisation = actions.create_organisation(
            name="WasteCo", kind="company", contact="a@waste.example", by=by
        )
        gadget_id = actions.register(url=framed.url, provider_id=organisation, by=by)
        life.passed(gadget_id)
        actions.submit(gadget_id=gadget_id, by=by)
        settings.ID_URL = origin_of(framed)
        with pytest.raises(ManifestError, match="stands alone"):
            actions.approve(gadget_id=gadget_id, by=SYSTEM)
    assert Gadget.objects.get(gadget_id=gadget_id).published_id is None


# --- check 12 ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["DENY", "SAMEORIGIN", "ALLOW-FROM https://portal.example"])
def test_an_older_header_that_contradicts_is_told_with_its_remedy(said: str) -> None:
    answer = Answer("https://map.example/", 200, {"x-frame-options": said}, b"", 0.1)
    (line,) = frame._older_header(answer)
    assert line.ok is False
    assert said in line.message["en"]
    assert "Drop X-Frame-Options" in line.remedy["en"]
    assert not list(frame._older_header(Answer("https://map.example/", 200, {}, b"", 0.1)))
