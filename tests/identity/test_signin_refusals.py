"""Sign-in against an ID that lies, is slow, or is not there: a clear page, never a session, never a 500."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from identity.models import OidcSession, Resident
from identity.oidc import tokens
from tests.identity import hostile

PORTAL = "portal.region.localhost:8000"
pytestmark = pytest.mark.django_db


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
    return Client(headers={"host": PORTAL})


def begin(person: Client, the_id: hostile.HostileId, target: str = "/en/news/") -> str:
    """Starts a sign-in; returns its state."""
    answer = person.get(f"/sign-in/?{urlencode({'next': target})}")
    assert answer.status_code == 302
    query = parse_qs(urlsplit(answer["Location"]).query)
    the_id.nonce = query["nonce"][0]
    return query["state"][0]


def finish(person: Client, state: str, **more: str) -> Any:
    return person.get("/sign-in/callback", {"code": "c", "state": state, **more})


def refused(person: Client, answer: Any) -> None:
    assert answer.status_code == 400
    assert "_resident" not in person.session
    assert not OidcSession.objects.exists()
    assert not Resident.objects.exists()
    page = answer.content.decode()
    assert "/sign-in/?" in page


def test_an_honest_answer_signs_in(person: Client, the_id: hostile.HostileId) -> None:
    answer = finish(person, begin(person, the_id), iss=the_id.issuer)
    assert (answer.status_code, answer["Location"]) == (302, "/en/news/")
    resident = Resident.objects.get()
    assert (resident.issuer, resident.subject, resident.locale) == (the_id.issuer, "hanako-at-the-id", "en")
    assert person.session["_resident"] == str(resident.id)
    assert "_auth_user_id" not in person.session
    assert not any(key.startswith("_state_") for key in dict(person.session))


def test_an_issuer_that_ends_in_a_slash_is_compared_with_it(
    person: Client, the_id: hostile.HostileId, settings: Any
) -> None:
    settings.OIDC_ISSUER = the_id.issuer_in_discovery = f"{the_id.issuer}/"
    the_id.make = lambda claims: hostile.sign({**claims, "iss": settings.OIDC_ISSUER})
    assert finish(person, begin(person, the_id), iss=settings.OIDC_ISSUER).status_code == 302
    assert Resident.objects.get().issuer == settings.OIDC_ISSUER
    assert person.get("/.well-known/region-portal.json").json()["discovery"].count("//") == 1


def nameless(claims: dict[str, Any]) -> str:
    """Without a `kid`."""
    return jwt.encode({"alg": "RS256"}, claims, hostile.KEY, ["RS256"])


OTHERS: dict[str, dict[str, Any]] = {
    "an EC key": ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256", "kid": "ec"}).as_dict(
        private=False
    ),
    "an RSA key of another algorithm": RSAKey.generate_key(
        2048, {"use": "sig", "alg": "PS256", "kid": "ps"}
    ).as_dict(private=False),
    "a key for encryption": RSAKey.generate_key(2048, {"use": "enc", "kid": "enc"}).as_dict(private=False),
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("first", [True, False])
def test_a_token_without_kid_is_verified_with_the_one_key_that_fits(
    person: Client, the_id: hostile.HostileId, other: str, first: bool
) -> None:
    the_id.make = nameless
    the_id.keys = [OTHERS[other], *the_id.keys] if first else [*the_id.keys, OTHERS[other]]
    assert finish(person, begin(person, the_id)).status_code == 302


def test_a_token_without_kid_is_refused_where_two_keys_fit(person: Client, the_id: hostile.HostileId) -> None:
    the_id.make = nameless
    the_id.keys = [
        *the_id.keys,
        RSAKey.generate_key(2048, {"use": "sig", "kid": "two"}).as_dict(private=False),
    ]
    refused(person, finish(person, begin(person, the_id)))


def test_the_same_subject_of_another_issuer_is_another_person(
    person: Client, the_id: hostile.HostileId
) -> None:
    Resident.objects.create(issuer="https://other.example", subject="hanako-at-the-id", username="x")
    finish(person, begin(person, the_id))
    assert Resident.objects.count() == 2


def test_a_shared_email_links_nobody(person: Client, the_id: hostile.HostileId) -> None:
    taro = Resident.objects.create(
        issuer=the_id.issuer, subject="taro", username="taro", email="t@example.jp"
    )
    the_id.make = lambda claims: hostile.sign({**claims, "email": "t@example.jp", "email_verified": True})
    finish(person, begin(person, the_id))
    assert person.session["_resident"] != str(taro.id)


STRANGER = RSAKey.generate_key(2048)


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(lambda c: hostile.sign({**c, "iss": "https://evil.example"}), id="other issuer"),
        pytest.param(lambda c: hostile.sign({**c, "aud": "localhost.lunch"}), id="other audience"),
        pytest.param(lambda c: hostile.sign({**c, "aud": None}), id="no audience"),
        pytest.param(lambda c: hostile.sign({**c, "nonce": "another"}), id="other nonce"),
        pytest.param(lambda c: hostile.sign({k: v for k, v in c.items() if k != "nonce"}), id="no nonce"),
        pytest.param(lambda c: hostile.sign({**c, "exp": c["iat"] - 60}), id="expired"),
        pytest.param(lambda c: hostile.sign({k: v for k, v in c.items() if k != "exp"}), id="no exp"),
        pytest.param(lambda c: hostile.sign({**c, "sub": ""}), id="no subject"),
        pytest.param(
            lambda c: hostile.sign({**c, "aud": ["portal", "x"], "azp": "x"}), id="for somebody else"
        ),
        pytest.param(lambda c: jwt.encode({"alg": "RS256"}, c, STRANGER), id="forged key"),
        pytest.param(
            lambda c: jwt.encode({"alg": "RS256", "kid": hostile.KEY.kid}, c, STRANGER),
            id="forged key, known id",
        ),
        pytest.param(hostile.signed_with_public_key, id="public key as secret"),
        pytest.param(lambda c: hostile.sign(c).rsplit(".", 1)[0] + ".", id="no signature"),
        pytest.param(lambda c: "eyJhbGciOiJub25lIn0." + hostile.sign(c).split(".")[1] + ".", id="alg none"),
        pytest.param(lambda _: "garbage", id="garbage"),
    ],
)
def test_a_false_id_token_opens_no_session(
    person: Client, the_id: hostile.HostileId, lie: hostile.Make
) -> None:
    the_id.make = lie
    refused(person, finish(person, begin(person, the_id)))


def test_another_state_is_refused_and_the_true_one_works_once(
    person: Client, the_id: hostile.HostileId
) -> None:
    state = begin(person, the_id)
    refused(person, finish(person, "another"))
    refused(person, person.get("/sign-in/callback"))
    refused(person, finish(Client(headers={"host": PORTAL}), state))
    assert finish(person, state).status_code == 302
    person.session.flush()
    assert finish(person, state).status_code == 400


def test_an_answer_of_another_issuer_is_refused(person: Client, the_id: hostile.HostileId) -> None:
    refused(person, finish(person, begin(person, the_id), iss="https://evil.example"))


def test_an_error_of_the_id_is_said_kindly(person: Client, the_id: hostile.HostileId) -> None:
    state = begin(person, the_id)
    answer = person.get("/sign-in/callback", {"error": "access_denied", "state": state})
    refused(person, answer)
    assert '<html lang="en"' in answer.content.decode()


def test_somebody_signed_in_nowhere_comes_back_to_the_page_as_a_guest(
    person: Client, the_id: hostile.HostileId
) -> None:
    state = begin(person, the_id)
    answer = person.get("/sign-in/callback", {"error": "login_required", "state": state})
    assert (answer.status_code, answer["Location"]) == (302, "/en/news/")
    assert "_resident" not in person.session


def not_now(person: Client) -> float:
    begun = time.monotonic()
    answer = person.get("/sign-in/")
    took = time.monotonic() - begun
    assert answer.status_code == 503
    assert "いまサインインできません" in answer.content.decode()
    assert 'href="/"' in answer.content.decode()
    assert answer["Retry-After"]
    return took


def test_an_id_that_is_gone_is_said_within_a_second(person: Client, the_id: hostile.HostileId) -> None:
    the_id.close()
    assert not_now(person) < 1.0


def test_an_id_that_hangs_is_said_within_a_second(person: Client, the_id: hostile.HostileId) -> None:
    the_id.delay = 5.0
    assert not_now(person) < 1.0
    assert not_now(person) < 0.3


def test_an_id_that_goes_away_is_noticed_although_it_was_there_before(
    person: Client, the_id: hostile.HostileId, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(person, the_id)
    the_id.close()
    monkeypatch.setattr(tokens.Published, "PAUSE", 0.0)  # as if ten seconds had passed
    assert not_now(person) < 1.0


def test_an_id_that_fails_or_names_another_issuer_is_not_used(
    person: Client, the_id: hostile.HostileId
) -> None:
    the_id.status = 500
    not_now(person)
    the_id.status = 200
    the_id.issuer_in_discovery = "https://evil.example"
    tokens.forget()
    not_now(person)


def test_an_id_that_comes_back_is_used_again(person: Client, the_id: hostile.HostileId) -> None:
    the_id.status = 503
    not_now(person)
    the_id.status = 200
    time.sleep(tokens.Published.GRUDGE + 0.1)
    assert finish(person, begin(person, the_id)).status_code == 302


def test_an_id_that_fails_in_the_middle_is_said(person: Client, the_id: hostile.HostileId) -> None:
    state = begin(person, the_id)
    the_id.close()
    answer = finish(person, state)
    assert answer.status_code == 503
    assert "_resident" not in person.session


def test_signing_out_works_while_the_id_is_gone(person: Client, the_id: hostile.HostileId) -> None:
    finish(person, begin(person, the_id))
    assert "_resident" in person.session
    the_id.close()
    tokens.forget()
    answer = person.post("/sign-out/")
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert "_resident" not in person.session
    assert not OidcSession.objects.exists()


def test_signing_out_goes_to_the_id_with_the_hint(person: Client, the_id: hostile.HostileId) -> None:
    finish(person, begin(person, the_id))
    answer = person.post("/sign-out/")
    query = parse_qs(urlsplit(answer["Location"]).query)
    assert answer["Location"].startswith(f"{the_id.issuer}/logout?")
    assert query["id_token_hint"][0].count(".") == 2
    assert query["post_logout_redirect_uri"] == [f"http://{PORTAL}/sign-out/done"]
    assert person.get("/sign-out/done?state=en")["Location"] == "/en/"
    assert person.get("/sign-out/done?state=//evil.example")["Location"] == "/"
