"""The realm that a city imports: what it allows, what it refuses, and that the portal's account can do little."""

import base64
import hashlib
import json
import re
import secrets
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from demo.cast import HANAKO
from tests.deploy.listener import Listener

pytestmark = [pytest.mark.keycloak, pytest.mark.xdist_group("keycloak-realm")]
TIMEOUT = 20


def claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))


@dataclass
class Visit:
    """A person at the ID, with cookies sent by hand: they are Secure, and this is plain http."""

    env: dict[str, str]
    cookies: dict[str, str]
    verifier: str

    @classmethod
    def begin(cls, env: dict[str, str]) -> "Visit":
        return cls(env, {}, secrets.token_urlsafe(48))

    def send(self, method: str, url: str, **more: Any) -> requests.Response:
        parts = urlsplit(url)
        back = urlsplit(self.env["KEYCLOAK_URL"])
        headers = {
            "Host": parts.netloc,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Accept-Language": "ja",
        }
        answer = requests.request(
            method,
            parts._replace(netloc=back.netloc).geturl(),
            headers=headers,
            allow_redirects=False,
            timeout=TIMEOUT,
            **more,
        )
        for header in answer.raw.headers.getlist("Set-Cookie"):
            name, _, value = header.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def authorize(self, **changed: str | None) -> requests.Response:
        challenge = hashlib.sha256(self.verifier.encode()).digest()
        asked: dict[str, str | None] = {
            "client_id": "portal",
            "response_type": "code",
            "scope": "openid",
            "redirect_uri": f"{self.env['KEYCLOAK_PORTAL_URL']}/sign-in/callback",
            "state": "s",
            "nonce": "n",
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        } | changed
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        return self.send("GET", f"{self.env['KEYCLOAK_ISSUER']}/protocol/openid-connect/auth?{query}")

    def password(self, form: requests.Response, name: str, password: str) -> requests.Response:
        found = re.search(r'action="([^"]+)"', form.text)
        assert found, form.text
        return self.send("POST", unescape(found[1]), data={"username": name, "password": password})

    def tokens(self, redirect: requests.Response) -> dict[str, Any]:
        assert redirect.status_code == 302, redirect.text
        answer = parse_qs(urlsplit(redirect.headers["Location"]).query)
        assert answer["iss"] == [self.env["KEYCLOAK_ISSUER"]]
        return dict(self.token(answer["code"][0]).json())

    def token(self, code: str, **changed: str) -> requests.Response:
        return self.send(
            "POST",
            f"{self.env['KEYCLOAK_ISSUER']}/protocol/openid-connect/token",
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": f"{self.env['KEYCLOAK_PORTAL_URL']}/sign-in/callback",
                "client_id": "portal",
                "client_secret": self.env["OIDC_CLIENT_SECRET"],
                "code_verifier": self.verifier,
            }
            | changed,
        )


@pytest.fixture
def visit(keycloak_env: dict[str, str]) -> Visit:
    return Visit.begin(keycloak_env)


@pytest.fixture
def service(keycloak_env: dict[str, str]) -> requests.Session:
    """The portal's service account."""
    answer = requests.post(
        f"{keycloak_env['KEYCLOAK_URL']}/realms/region/protocol/openid-connect/token",
        data={
            "grant_type": "client_credentials",
            "client_id": keycloak_env["KEYCLOAK_ADMIN_CLIENT_ID"],
            "client_secret": keycloak_env["KEYCLOAK_ADMIN_CLIENT_SECRET"],
        },
        timeout=TIMEOUT,
    )
    assert answer.status_code == 200, answer.text
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return session


def test_hanako_signs_in_and_the_portal_gets_her_public_subject(
    visit: Visit, keycloak_env: dict[str, str]
) -> None:
    form = visit.authorize()
    assert form.status_code == 200
    assert 'lang="ja"' in form.text
    tokens = visit.tokens(visit.password(form, HANAKO.username, HANAKO.password))
    told = claims(tokens["id_token"])
    assert told["iss"] == keycloak_env["KEYCLOAK_ISSUER"]
    assert told["aud"] == "portal"
    assert told["nonce"] == "n"
    assert told["sub"] == json.loads(keycloak_env["KEYCLOAK_CAST"])["hanako"]
    assert told["sid"]
    assert tokens["expires_in"] <= 120


def test_a_wrong_password_is_refused_without_saying_what_was_wrong(visit: Visit) -> None:
    answer = visit.password(visit.authorize(), "nobody-of-this-name", "wrong-password-1")
    assert answer.status_code == 200
    assert "メールアドレスかパスワードが違います" in answer.text
    assert "Location" not in answer.headers


def test_a_code_works_once(visit: Visit) -> None:
    redirect = visit.password(visit.authorize(), HANAKO.username, HANAKO.password)
    code = parse_qs(urlsplit(redirect.headers["Location"]).query)["code"][0]
    assert visit.token(code).status_code == 200
    again = visit.token(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_a_code_without_its_verifier_is_worth_nothing(visit: Visit) -> None:
    redirect = visit.password(visit.authorize(), HANAKO.username, HANAKO.password)
    code = parse_qs(urlsplit(redirect.headers["Location"]).query)["code"][0]
    stolen = visit.token(code, code_verifier=secrets.token_urlsafe(48))
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "changed",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"response_type": "token"},
        {"response_type": "code id_token"},
    ],
    ids=["no PKCE", "plain PKCE", "implicit", "hybrid"],
)
def test_only_the_code_flow_with_s256_is_served(visit: Visit, changed: dict[str, str | None]) -> None:
    answer = visit.authorize(**changed)
    assert answer.status_code == 302, answer.text
    assert "error=" in answer.headers["Location"]
    assert "code=" not in answer.headers["Location"].replace("error_code=", "")


@pytest.mark.parametrize("path", ["/sign-in/callback/", "/sign-in/callback?x=1", "/", "/sign-in/"])
def test_only_the_exact_redirect_address_is_served(
    visit: Visit, keycloak_env: dict[str, str], path: str
) -> None:
    answer = visit.authorize(redirect_uri=keycloak_env["KEYCLOAK_PORTAL_URL"] + path)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_a_password_is_never_given_to_the_token_address(visit: Visit, keycloak_env: dict[str, str]) -> None:
    answer = visit.send(
        "POST",
        f"{keycloak_env['KEYCLOAK_ISSUER']}/protocol/openid-connect/token",
        data={
            "grant_type": "password",
            "client_id": "portal",
            "client_secret": keycloak_env["OIDC_CLIENT_SECRET"],
            "username": HANAKO.username,
            "password": HANAKO.password,
        },
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


def test_a_refresh_token_is_used_once(visit: Visit, keycloak_env: dict[str, str]) -> None:
    tokens = visit.tokens(visit.password(visit.authorize(), HANAKO.username, HANAKO.password))

    def refresh(token: str) -> requests.Response:
        return visit.send(
            "POST",
            f"{keycloak_env['KEYCLOAK_ISSUER']}/protocol/openid-connect/token",
            data={
                "grant_type": "refresh_token",
                "refresh_token": token,
                "client_id": "portal",
                "client_secret": keycloak_env["OIDC_CLIENT_SECRET"],
            },
        )

    renewed = refresh(tokens["refresh_token"])
    assert renewed.status_code == 200
    assert refresh(tokens["refresh_token"]).status_code == 400
    assert refresh(renewed.json()["refresh_token"]).status_code == 400, "reuse ends the whole family"


def test_somebody_new_may_register(visit: Visit, keycloak_env: dict[str, str]) -> None:
    form = visit.authorize(prompt="create")
    assert form.status_code == 200
    shown = re.findall(r'<input [^>]*name="([^"]+)"[^>]*type="(?!hidden)', form.text)
    assert shown == ["email"], "the address is all that is asked for; the password follows its proof"
    made = re.search(r'<input type="hidden" name="username" value="([^"]*)">', form.text)
    assert made
    assert re.fullmatch(r"r-[a-z0-9-]{19}", made[1]), "an opaque user name"
    for unwanted in ("firstName", "lastName"):
        assert f'name="{unwanted}"' not in form.text, "the ID asks for nothing that it does not need"


def test_the_service_account_does_its_work(service: requests.Session, keycloak_env: dict[str, str]) -> None:
    base = f"{keycloak_env['KEYCLOAK_URL']}/admin/realms/region"
    client_id = f"gadget-{secrets.token_hex(6)}"
    made = service.post(
        f"{base}/clients",
        json={"clientId": client_id, "redirectUris": ["http://waste.localhost:1/oidc/callback"]},
        timeout=TIMEOUT,
    )
    assert made.status_code == 201
    assert service.delete(made.headers["Location"], timeout=TIMEOUT).status_code == 204
    found = service.get(
        f"{base}/users", params={"username": "hanako", "exact": "true"}, timeout=TIMEOUT
    ).json()
    assert [one["id"] for one in found] == [json.loads(keycloak_env["KEYCLOAK_CAST"])["hanako"]]
    assert service.get(f"{base}/events", timeout=TIMEOUT).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "", {"registrationAllowed": False}),
        ("DELETE", "", None),
        ("POST", "/identity-provider/instances", {"alias": "x", "providerId": "oidc"}),
        ("POST", "/authentication/flows", {"alias": "x"}),
        ("GET", "/../master", None),
    ],
)
def test_the_service_account_can_do_no_more(
    service: requests.Session, keycloak_env: dict[str, str], method: str, path: str, body: object
) -> None:
    answer = service.request(
        method, f"{keycloak_env['KEYCLOAK_URL']}/admin/realms/region{path}", json=body, timeout=TIMEOUT
    )
    assert answer.status_code in {401, 403}, answer.text


def test_nobody_registers_a_client_without_the_portal(keycloak_env: dict[str, str]) -> None:
    answer = requests.post(
        f"{keycloak_env['KEYCLOAK_URL']}/realms/region/clients-registrations/openid-connect",
        json={"redirect_uris": ["http://waste.localhost:1/oidc/callback"]},
        timeout=TIMEOUT,
    )
    assert answer.status_code in {401, 403}


def test_the_server_calls_the_portal_by_its_name_at_sign_out(
    visit: Visit, keycloak_env: dict[str, str], service: requests.Session
) -> None:
    """Java resolves no name under .localhost by itself: without the hosts file no logout would arrive."""
    base = f"{keycloak_env['KEYCLOAK_URL']}/admin/realms/region"
    with Listener() as listener:
        address = f"http://portal.region.localhost:{listener.port}/oidc/backchannel-logout"
        client_id = f"rp-{secrets.token_hex(6)}"
        made = service.post(
            f"{base}/clients",
            json={
                "clientId": client_id,
                "secret": keycloak_env["OIDC_CLIENT_SECRET"],
                "redirectUris": [f"{keycloak_env['KEYCLOAK_PORTAL_URL']}/sign-in/callback"],
                "attributes": {
                    "backchannel.logout.url": address,
                    "backchannel.logout.session.required": "true",
                },
            },
            timeout=TIMEOUT,
        )
        assert made.status_code == 201
        try:
            form = visit.authorize(client_id=client_id)
            redirect = visit.password(form, HANAKO.username, HANAKO.password)
            code = parse_qs(urlsplit(redirect.headers["Location"]).query)["code"][0]
            told = claims(visit.token(code, client_id=client_id).json()["id_token"])
            ended = service.delete(f"{base}/sessions/{told['sid']}", timeout=TIMEOUT)
            assert ended.status_code == 204
            body = listener.received.get(timeout=10)
        finally:
            service.delete(made.headers["Location"], timeout=TIMEOUT)
    logout = claims(parse_qs(body)["logout_token"][0])
    assert (logout["sub"], logout["sid"], logout["aud"]) == (told["sub"], told["sid"], client_id)
