"""Lunch takes the portal's signed events once each, forgets what it keeps of a subject, and says how much that was."""

import time
import uuid
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from examples.kit.events import REMEMBERED, Answer, Event, EventDesk
from examples.kit.loopback import new_session
from examples.kit.web import MAX_BODY
from tests.examples.support import Running, World, csrf

STRANGER = ECKey.generate_key("P-256", {"kid": "portal-1"})
HANAKO = "pairwise-hanako"


def token(lunch: Running, kind: str, **over: Any) -> str:
    now = int(time.time())
    key, header = over.pop("key", lunch.world.portal_key), over.pop("header", {})
    claims: dict[str, Any] = {
        "iss": lunch.world.portal,
        "aud": lunch.gadget_id,
        "sub": HANAKO,
        "iat": now,
        "exp": now + 120,
        "jti": uuid.uuid4().hex,
        "txn": uuid.uuid4().hex,
        "event": kind,
        "items": [],
    }
    head = {"alg": "ES256", "typ": "rgadget-event+jwt", "kid": "portal-1"} | header
    kept = {name: value for name, value in (claims | over).items() if value is not None}
    return jwt.encode(head, kept, key, algorithms=[head["alg"]])


def send(lunch: Running, raw: str, content_type: str = "application/jwt") -> requests.Response:
    with new_session() as session:
        return session.post(
            lunch.origin + "/g/events", data=raw.encode(), headers={"Content-Type": content_type}, timeout=5
        )


def tell(lunch: Running, kind: str, **over: Any) -> requests.Response:
    return send(lunch, token(lunch, kind, **over))


def choose(lunch: Running, browser: requests.Session, who: str = HANAKO) -> None:
    lunch.sign_in(browser, sub=who)
    form = {"csrf": csrf(lunch.page(browser)), "ingredient": ["egg", "milk"]}
    assert lunch.post_as(browser, "/settings", form).status_code == 303


def test_an_erasure_forgets_the_choice_ends_the_session_and_says_how_much(lunch: Running) -> None:
    with lunch.browser() as hers, lunch.browser() as his:
        choose(lunch, hers)
        choose(lunch, his, "pairwise-taro")
        assert tell(lunch, "erasure-check").json() == {"records": 1, "kept": []}
        assert tell(lunch, "erasure-check").json()["records"] == 1
        assert "checked" in lunch.page(hers)
        assert tell(lunch, "erasure").json() == {"records": 1, "kept": []}
        assert "/oidc/logout" not in lunch.page(hers)
        assert tell(lunch, "erasure-check").json()["records"] == 0
        assert tell(lunch, "erasure-check", sub="pairwise-taro").json()["records"] == 1
        lunch.sign_in(hers, sub=HANAKO)
        assert "checked" not in lunch.page(hers)


def test_a_retry_gets_the_answer_of_the_first_time(lunch: Running) -> None:
    with lunch.browser() as browser:
        choose(lunch, browser)
    assert tell(lunch, "erasure", txn="one").json()["records"] == 1
    assert tell(lunch, "erasure", txn="one").json()["records"] == 1
    assert tell(lunch, "erasure", txn="two").json()["records"] == 0


def test_a_withdrawal_leaves_her_own_choice_and_her_session(lunch: Running) -> None:
    with lunch.browser() as browser:
        choose(lunch, browser)
        answer = tell(lunch, "consent-withdrawn", items=["household.school_years"])
        assert (answer.status_code, answer.content) == (204, b"")
        assert "checked" in lunch.page(browser)
    seen = lunch.get("/g/debug/events").json()
    assert seen == {"events": [{"event": "consent-withdrawn", "items": ["household.school_years"]}]}


def test_the_end_of_a_session_signs_out_and_forgets_nothing(lunch: Running) -> None:
    with lunch.browser() as browser:
        choose(lunch, browser)
        assert tell(lunch, "session-ended").status_code == 204
        assert "/oidc/logout" not in lunch.page(browser)
    assert tell(lunch, "erasure-check").json()["records"] == 1


def test_an_unknown_subject_is_no_fault(lunch: Running) -> None:
    assert tell(lunch, "erasure", sub="nobody").json() == {"records": 0, "kept": []}


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda now: {"iat": now - 300, "exp": now - 180}, "the token has expired"),
        (lambda now: {"iat": now + 60, "exp": now + 120}, "the token is from the future"),
        (lambda now: {"exp": now + 3600}, "the event lives too long"),
        (lambda _: {"iss": "https://evil.example"}, "the issuer is not the portal"),
        (lambda _: {"aud": "localhost.waste.calendar"}, "the event is for another gadget"),
        (lambda _: {"event": "format-disk"}, "the event is unknown"),
        (lambda _: {"event": None}, "event is missing"),
        (lambda _: {"sub": None}, "sub is missing"),
        (lambda _: {"sub": 7}, "sub is missing"),
        (lambda _: {"txn": None}, "txn is missing"),
        (lambda _: {"jti": ""}, "jti is missing"),
        (lambda _: {"items": "all"}, "items has the wrong form"),
        (lambda _: {"items": [1]}, "items has the wrong form"),
        (lambda _: {"header": {"typ": "rgadget+jwt"}}, "the token's type is not rgadget-event+jwt"),
        (lambda _: {"header": {"kid": "nobody"}}, "the key is unknown"),
        (lambda _: {"key": STRANGER}, "the signature is wrong"),
        (
            lambda _: {"key": OctKey.generate_key(256), "header": {"alg": "HS256"}},
            "the algorithm is not accepted",
        ),
    ],
)
def test_anything_else_erases_nothing(lunch: Running, spoil: Any, reason: str) -> None:
    with lunch.browser() as browser:
        choose(lunch, browser)
    answer = tell(lunch, **({"kind": "erasure"} | spoil(int(time.time()))))
    assert answer.status_code == 401
    assert answer.json()["error_description"] == reason
    assert tell(lunch, "erasure-check").json()["records"] == 1


def test_a_token_is_taken_once(lunch: Running) -> None:
    raw = token(lunch, "erasure")
    assert send(lunch, raw).status_code == 200
    answer = send(lunch, raw)
    assert (answer.status_code, answer.json()["error_description"]) == (401, "the event was used before")


def test_a_token_for_a_card_is_no_event(lunch: Running, world: World) -> None:
    raw = world.request_token(aud=lunch.gadget_id, htu=lunch.card_url, sub=HANAKO)
    assert send(lunch, raw).status_code == 401


@pytest.mark.parametrize(
    ("raw", "content_type", "status"),
    [
        ("", "application/jwt", 401),
        ("a.b", "application/jwt", 401),
        ("event=erasure", "application/x-www-form-urlencoded", 401),
        ("{}", "application/json", 400),
        ("x" * (MAX_BODY + 1), "application/jwt", 400),
    ],
)
def test_a_body_that_is_no_token_is_refused(lunch: Running, raw: str, content_type: str, status: int) -> None:
    assert send(lunch, raw, content_type).status_code == status


def test_without_the_portals_keys_it_says_later(lunch: Running, world: World) -> None:
    world.jwks_body = "{"
    answer = tell(lunch, "erasure")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_only_lunch_takes_events(waste: Running, lunch: Running) -> None:
    assert "events" not in waste.get("/gadget.json").json()["endpoints"]
    assert lunch.get("/gadget.json").json()["endpoints"]["events"] == lunch.origin + "/g/events"
    assert send(waste, "x").status_code == 404


def test_the_memory_of_answers_is_bounded() -> None:
    acted: list[str] = []

    def act(event: Event) -> Answer:
        acted.append(event.txn)
        return Answer(len(acted))

    desk = EventDesk(act)
    for number in range(REMEMBERED + 1):
        desk.take(Event("erasure", "sub", str(number)))
    assert desk.take(Event("erasure", "sub", str(REMEMBERED))).records == REMEMBERED + 1
    assert desk.take(Event("erasure", "sub", "0")).records == REMEMBERED + 2
