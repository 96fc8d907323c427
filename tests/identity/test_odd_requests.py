"""The protocol's endpoints under odd requests: whatever is missing, doubled or malformed, none answers 500."""

import base64
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_from_bytes, urlencode, urlsplit

import pytest
from django.conf import settings
from django.test import Client

from identity import crypto
from identity.embedded import gadget_clients
from identity.models import GadgetClient
from tests import cast

pytestmark = pytest.mark.django_db
REDIRECT = "https://lunch.example/callback"
FORM = "application/x-www-form-urlencoded"
CLIENT = {"client_id": "odd", "client_secret": "secret"}
ENDPOINTS: dict[str, tuple[str, dict[str, str]]] = {
    "/o/authorize/": (
        "GET",
        {
            "client_id": "odd", "redirect_uri": REDIRECT, "response_type": "code", "scope": "openid", "state": "s",
            "nonce": "n", "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "code_challenge_method": "S256", "prompt": "none", "max_age": "60", "id_token_hint": "a.b.c",
            "ui_locales": "ja", "response_mode": "query", "claims": "{}", "request": "a.b.c", "display": "page",
        },
    ),
    "/o/token/": (
        "POST",
        {
            **CLIENT, "grant_type": "authorization_code", "code": "code", "redirect_uri": REDIRECT,
            "code_verifier": "v" * 43, "scope": "openid", "client_assertion": "a.b.c", "refresh_token": "x",
            "device_code": "x", "username": "hanako", "password": "x",
        },
    ),
    "/o/revoke_token/": ("POST", {**CLIENT, "token": "token", "token_type_hint": "access_token", "callback": "f"}),
    "/o/userinfo/": ("POST", {"access_token": "token", "schema": "openid"}),
    "/o/logout/": (
        "GET",
        {
            "id_token_hint": "a.b.c", "client_id": "odd", "post_logout_redirect_uri": REDIRECT, "state": "s",
            "ui_locales": "ja", "logout_hint": "x",
        },
    ),
}  # fmt: skip
"""The method of each endpoint, and a good value of every parameter that it or the library below reads."""


def unsigned(header: str, claims: str) -> bytes:
    parts = (base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in (header, claims))
    return ".".join((*parts, "AAAA")).encode()


ODD: tuple[bytes, ...] = (
    b"", b"a\0b", b"\xff\xfe", b"\xed\xa0\x80", b"9" * 9000, b"\r\nX: y", b"[]", b"....",
    unsigned('{"alg":"none"}', "{}"), unsigned('{"alg":"RS256"}', "[]"), unsigned("[]", "{}"),
    unsigned('{"alg":"RS256","kid":{}}', '{"aud":[],"sub":{},"jti":"x","exp":"y"}'),
    b"http://[", b"javascript:alert(1)", b"https://lunch.example:x/", "١٢".encode(),
    b"urn:ietf:params:oauth:grant-type:device_code", b"create login",
)  # fmt: skip


def encoded(good: dict[str, str], name: str, *values: bytes) -> str:
    """All good values but that of `name`, which stands there once for each of `values`."""
    rest = urlencode({key: value for key, value in good.items() if key != name})
    return "&".join([rest, *(f"{name}={quote_from_bytes(value)}" for value in values)])


def requests_to(path: str) -> Iterator[str]:
    good = ENDPOINTS[path][1]
    yield from ("", urlencode(good), "&&=&%00=%00", "%ff=%ff")
    for name, value in good.items():
        yield encoded(good, name)
        yield encoded(good, name, value.encode(), value.encode())
        for odd in ODD:
            yield encoded(good, name, odd)


def headers() -> Iterator[str]:
    for odd in (b"odd:secret", b"odd:a\0b", b"\0:secret", b"odd", b":", b"\xff:\xff", b"odd:" + b"a" * 9000):
        yield f"Basic {base64.b64encode(odd).decode()}"
    yield from (
        "Basic",
        "Basic =",
        "Basic é",
        "Bearer",
        "Bearer a\0b",
        "Bearer é",
        "Bearer a b",
        "DPoP x",
        "\0",
        " ",
    )


@pytest.fixture
def client() -> Client:
    """A client that the ID knows, so that a request gets beyond its first check."""
    gadget_clients.save(
        client_id="odd",
        name="odd",
        secret="secret",
        redirect_uris=(REDIRECT,),
        post_logout_redirect_uris=(REDIRECT,),
    )
    GadgetClient.objects.create(
        gadget_id="example.odd", client_id="odd", sector_host="lunch.example", identity_level="pairwise",
        salt_sealed=crypto.seal(b"a-salt", place=crypto.client_place("odd")),
    )  # fmt: skip
    return Client(raise_request_exception=False, HTTP_HOST=urlsplit(settings.ID_URL).netloc)


def sign_in_at_the_id(client: Client) -> None:
    client.force_login(cast.hanako(), backend="allauth.account.auth_backends.AuthenticationBackend")
    session = client.session
    session.update({"_id_auth_time": int(time.time()), "_id_sign_in": "sign-in"})
    session.save()
    client.cookies[settings.ID_SESSION_COOKIE_NAME] = session.session_key


def send(client: Client, path: str, raw: str, **more: Any) -> int:
    if ENDPOINTS[path][0] == "GET":
        return client.get(f"{path}?{raw}", **more).status_code
    return client.post(path, raw.encode(), content_type=FORM, **more).status_code


@pytest.mark.parametrize("path", ENDPOINTS)
def test_no_odd_parameter_is_a_fault_of_ours(client: Client, path: str) -> None:
    if ENDPOINTS[path][0] == "GET":  # the browser of somebody who is signed in gets further
        sign_in_at_the_id(client)
    found = [raw[-200:] for raw in requests_to(path) if send(client, path, raw) >= 500]
    assert found == []


@pytest.mark.parametrize("path", ["/o/token/", "/o/revoke_token/", "/o/userinfo/"])
def test_no_odd_header_is_a_fault_of_ours(client: Client, path: str) -> None:
    good = {key: value for key, value in ENDPOINTS[path][1].items() if key not in CLIENT}
    bodies = (urlencode(good), "", encoded(good, "token", b"a\0b"))
    found = [
        (header, body)
        for header in headers()
        for body in bodies
        if send(client, path, body, HTTP_AUTHORIZATION=header) >= 500
    ]
    assert found == []


@pytest.mark.parametrize("path", ENDPOINTS)
def test_no_odd_body_is_a_fault_of_ours(client: Client, path: str) -> None:
    types = (
        "application/json", "multipart/form-data", "multipart/form-data; boundary=x", f"{FORM}; charset=utf-7",
        f"{FORM}; charset=x", "", ":",
    )  # fmt: skip
    bodies = (
        b"",
        b"{",
        b'--x\r\nContent-Disposition: form-data; name="client_id"\r\n\r\na\0b\r\n--x--',
        b"\xff",
    )
    found = [
        (kind, body)
        for kind in types
        for body in bodies
        if client.generic("POST", path, body, content_type=kind).status_code >= 500
    ]
    assert found == []
