"""A provider takes the portal's request token once, and nothing else."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey

from examples.kit.keys import MAX_AGE, MIN_INTERVAL, RemoteKeys
from examples.kit.loopback import new_session
from tests.examples.support import Running, World

STRANGER = ECKey.generate_key("P-256", {"kid": "portal-1"})
UNKNOWN = ECKey.generate_key("P-256", {"kid": "nobody"})


def refusal(answer: Any) -> str:
    assert answer.status_code == 401
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="localhost.waste.calendar", error="invalid_token"')
    assert answer.json()["error"] == "invalid_token"
    return str(answer.json()["error_description"])


def test_a_good_token_is_taken_and_the_query_does_not_count(waste: Running) -> None:
    assert waste.card().status_code == 200
    assert waste.card("/g/card?cache=no").status_code == 200


def test_no_token_is_a_challenge_without_an_error(waste: Running) -> None:
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer "}):
        answer = waste.get("/g/card", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="localhost.waste.calendar"'


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda now: {"iat": now - 120, "exp": now - 60}, "the token has expired"),
        (lambda now: {"iat": now + 60, "exp": now + 120}, "the token is from the future"),
        (lambda now: {"nbf": now + 60}, "the token is not valid yet"),
        (lambda now: {"exp": now + 3600}, "the token lives too long"),
        (lambda _: {"exp": None}, "exp or iat is missing"),
        (lambda _: {"iat": True}, "iat is not a number"),
        (lambda _: {"nbf": "now"}, "nbf is not a number"),
        (lambda _: {"jti": None}, "jti is missing"),
        (lambda _: {"iss": "https://evil.example"}, "the issuer is not the portal"),
        (lambda _: {"aud": "localhost.lunch.menu"}, "the token is for another gadget"),
        (lambda _: {"aud": ["localhost.waste.calendar", "other"]}, "the token is for another gadget"),
        (lambda _: {"htm": "POST"}, "the token is for another method"),
        (lambda _: {"htu": "http://lunch.localhost:1/g/card"}, "the token is for another URL"),
        (lambda _: {"ctx": "ja"}, "claims, granted or ctx has the wrong form"),
        (lambda _: {"claims": ["area.waste_zone"]}, "claims, granted or ctx has the wrong form"),
        (lambda _: {"sub": 7}, "sub has the wrong form"),
        (lambda _: {"header": {"typ": "JWT"}}, "the token's type is not rgadget+jwt"),
        (lambda _: {"header": {"kid": None}}, "the token names no key"),
        (lambda _: {"key": STRANGER}, "the signature is wrong"),
        (lambda _: {"key": UNKNOWN, "header": {"kid": "nobody"}}, "the key is unknown"),
        (
            lambda _: {"key": OctKey.import_key("s" * 32), "header": {"alg": "HS256"}},
            "the algorithm is not accepted",
        ),
    ],
)
def test_a_spoilt_token_is_refused_with_its_reason(
    waste: Running, spoil: Callable[[int], dict[str, Any]], reason: str
) -> None:
    assert refusal(waste.card(**spoil(int(time.time())))) == reason
    assert waste.card().status_code == 200


def test_a_replayed_token_is_refused(waste: Running, world: World) -> None:
    token = world.request_token(aud=waste.gadget_id, htu=waste.card_url)
    headers = {"Authorization": f"Bearer {token}"}
    assert waste.get("/g/card", headers=headers).status_code == 200
    assert refusal(waste.get("/g/card", headers=headers)) == "the token was used before"


def test_an_unsigned_token_is_refused(waste: Running, world: World) -> None:
    good = world.request_token(aud=waste.gadget_id, htu=waste.card_url)
    head = "eyJhbGciOiJub25lIiwidHlwIjoicmdhZGdldCtqd3QiLCJraWQiOiJwb3J0YWwtMSJ9"  # {"alg":"none",…}
    for signature in ("", good.split(".")[2]):
        unsigned = f"{head}.{good.split('.')[1]}.{signature}"
        answer = waste.get("/g/card", headers={"Authorization": f"Bearer {unsigned}"})
        assert refusal(answer) == "the algorithm is not accepted"


@pytest.mark.parametrize(
    "raw", ["x", "a.b.c", "e30.e30.e30", "W10.e30.e30", "é.b.c".encode().hex(), "A" * 9000]
)
def test_nonsense_is_refused(waste: Running, raw: str) -> None:
    refusal(waste.get("/g/card", headers={"Authorization": f"Bearer {raw}"}))


def test_a_new_key_of_the_portal_is_found_and_unknown_ones_do_not_hammer_it(world: World) -> None:
    now = [0.0]
    with new_session() as session:
        keys = RemoteKeys(lambda: world.portal + "/.well-known/jwks.json", session, lambda: now[0])
        assert keys.get("portal-1")
        world.published.append(ECKey.generate_key("P-256", {"kid": "portal-2"}))
        assert [keys.get("portal-2") for _ in range(5)] == [None] * 5
        assert world.jwks_reads == 1
        now[0] += MIN_INTERVAL
        assert keys.get("portal-2")
        assert world.jwks_reads == 2


def test_a_key_that_the_portal_withdrew_is_forgotten(world: World) -> None:
    now = [0.0]
    with new_session() as session:
        keys = RemoteKeys(lambda: world.portal + "/.well-known/jwks.json", session, lambda: now[0])
        assert keys.get("portal-1")
        world.published[:] = [UNKNOWN]
        assert keys.get("portal-1")
        now[0] += MAX_AGE + 1
        assert keys.get("portal-1") is None


def test_old_keys_serve_while_the_portal_is_away(world: World) -> None:
    now = [0.0]
    with new_session() as session:
        keys = RemoteKeys(lambda: world.portal + "/.well-known/jwks.json", session, lambda: now[0])
        assert keys.get("portal-1")
        world.jwks_body = "gone"
        now[0] += MAX_AGE + 1
        assert keys.get("portal-1")


@pytest.mark.parametrize("body", ["not json", "[]", '{"keys": [{"kty": "EC"}]}', '{"keys": 1}'])
def test_a_portal_without_keys_is_503_and_not_401(waste: Running, world: World, body: str) -> None:
    world.jwks_body = body
    answer = waste.card()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"


def test_a_portal_that_is_away_is_503(waste: Running, world: World) -> None:
    world.server.shutdown()
    world.server.server_close()
    assert waste.card().status_code == 503
