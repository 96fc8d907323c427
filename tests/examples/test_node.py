"""The sample provider in Node: passes every check of the portal, and refuses what its own language makes easy to forget."""

import base64
import json
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey

from demo.supervise import Launcher, wait_until
from gadgets.conformance import Environment, Subject, check
from gadgets.conformance.checks.request_tokens import PERSONAS, Case, claims_of, good
from gadgets.protocol import card as cards
from gadgets.protocol.manifest import Manifest
from gadgets.registration.manifest_source import fetch
from gadgets.rgadget import mock, surroundings
from gadgets.rgadget.mock import Portal
from tests.architecture.tables import ROOT
from tests.services.ports import free_ports, is_free

FOLDER = ROOT / "examples" / "node"


@dataclass
class Node:
    """The provider as it runs, and the mock portal whose keys it reads."""

    env: Environment
    manifest: Manifest
    url: str
    raw: bytes
    port: int

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=10)

    def claims(self, **change: Any) -> dict[str, Any]:
        """Those of a good request, with something changed."""
        return claims_of(self.manifest, Case("guest", {}, "ja", "S"), self.env) | change

    def signed(self, claims: dict[str, Any], **header: Any) -> str:
        key = self.env.signer.key
        made = {"alg": "ES256", "typ": "rgadget+jwt", "kid": key.thumbprint()} | header
        return jwt.encode(made, claims, key)

    def status(self, token: str) -> int:
        return self.get("/g/card", Authorization=f"Bearer {token}").status_code


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    program = shutil.which("node")
    assert program, "Node is needed: sudo apt-get install nodejs"
    folder = tmp_path_factory.mktemp("node")
    port = free_ports(2)
    env = replace(surroundings.environment(folder / "keys", port + 1), seconds=90)
    launcher = Launcher(folder)
    with mock.answering(Portal(env), port + 1):
        try:
            running = launcher.start(
                "node",
                [program, FOLDER / "provider.js"],
                env={"PORT": str(port), "PORTAL_URL": env.portal},
                cwd=folder,
            )
            wait_until(running, lambda: not is_free(port), 30)
            found = fetch(f"http://rain.localhost:{port}/gadget.json", env.door)
            yield Node(env, found.manifest, found.url, found.raw, port)
        finally:
            launcher.stop_all()


def test_it_passes_every_check(node: Node) -> None:
    lines = list(check(Subject(node.raw, node.url, node.manifest.id), node.env))
    assert [line for line in lines if line.ok is False] == []
    assert {line.number for line in lines} == set(range(1, 15))


@pytest.mark.parametrize("locale", ["ja", "en", "ja-simple"])
def test_the_district_is_used_when_it_is_granted_and_only_then(node: Node, locale: str) -> None:
    texts = []
    for person in ("hanako", "guest"):
        claims = {key: value for key, value in PERSONAS[person].items() if key == "area.district"}
        token = good(node.manifest, Case(person, claims, locale, "M"), node.env)
        answer = node.get("/g/card", Authorization=f"Bearer {token}")
        card = cards.parse(answer.content, manifest=node.manifest)
        texts.append(card.blocks[0].text)  # type: ignore[union-attr]
    assert ["busshozan" in text for text in texts] == [True, False]


def test_a_claim_that_is_not_granted_is_not_used(node: Node) -> None:
    token = node.signed(node.claims(claims={"area.district": "busshozan"}, granted=[]))
    assert "busshozan" not in node.get("/g/card", Authorization=f"Bearer {token}").text


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "http://other.localhost"},
        {"aud": "localhost.other.gadget"},
        {"htm": "POST"},
        {"htu": "http://rain.localhost/g/other"},
        {"exp": int(time.time()) - 1},
        {"exp": int(time.time()) + 86_400},
        {"iat": int(time.time()) + 600, "exp": int(time.time()) + 650},
        {"exp": "soon"},
        {"iat": None},
        {"jti": ""},
        {"jti": 7},
    ],
    ids=["iss", "aud", "htm", "htu", "past", "too long", "future", "exp text", "no iat", "empty jti", "jti number"],
)  # fmt: skip
def test_each_wrong_claim_is_refused(node: Node, change: dict[str, Any]) -> None:
    assert node.status(node.signed(node.claims())) == 200
    assert node.status(node.signed(node.claims(**change))) == 401


@pytest.mark.parametrize("header", [{"typ": "JWT"}, {"kid": "nobody"}, {"typ": "rgadget-event+jwt"}])
def test_each_wrong_header_is_refused(node: Node, header: dict[str, str]) -> None:
    assert node.status(node.signed(node.claims(), **header)) == 401


def test_a_token_signed_by_another_key_under_the_portals_name(node: Node) -> None:
    other = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "typ": "rgadget+jwt", "kid": node.env.signer.kid}
    assert node.status(jwt.encode(header, node.claims(), other)) == 401


def _raw(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "token",
    ["", "x", "x.y.z", "a.b", f"{_raw(None)}.{_raw({})}.x", f"{_raw({'alg': 'none'})}.{_raw({})}.",
     f"{_raw({'alg': 'HS256', 'typ': 'rgadget+jwt'})}.{_raw({})}.x", "x" * 9000],
    ids=["empty", "word", "three words", "two parts", "null", "none", "HS256", "long"],
)  # fmt: skip
def test_what_is_no_token_is_refused(node: Node, token: str) -> None:
    assert node.status(token) == 401


def test_a_token_holds_once_even_when_it_comes_many_times_at_once(node: Node) -> None:
    from concurrent.futures import ThreadPoolExecutor

    token = node.signed(node.claims(jti=uuid.uuid4().hex))
    with ThreadPoolExecutor(8) as pool:
        found = sorted(pool.map(node.status, [token] * 8))
    assert found == [200] + [401] * 7


def test_an_unchanged_card_is_304_and_other_methods_are_refused(node: Node) -> None:
    first = node.get("/g/card", Authorization=f"Bearer {node.signed(node.claims())}")
    again = node.get(
        "/g/card",
        Authorization=f"Bearer {node.signed(node.claims())}",
        **{"If-None-Match": first.headers["ETag"]},
    )
    assert (again.status_code, again.content) == (304, b"")
    assert requests.post(f"http://127.0.0.1:{node.port}/g/card", timeout=5).status_code == 405
    assert node.get("/nowhere").status_code == 404
    assert node.get("/gadget.json?x=1").status_code == 200


def test_without_its_portal_it_says_that_it_cannot_ask(tmp_path: Path) -> None:
    port = free_ports(2)
    launcher = Launcher(tmp_path)
    try:
        running = launcher.start(
            "node",
            [shutil.which("node") or "node", FOLDER / "provider.js"],
            env={"PORT": str(port), "PORTAL_URL": f"http://portal.localhost:{port + 1}"},
            cwd=tmp_path,
        )
        wait_until(running, lambda: not is_free(port), 30)
        key = ECKey.generate_key("P-256")
        token = jwt.encode({"alg": "ES256", "typ": "rgadget+jwt", "kid": key.thumbprint()}, {"jti": "x"}, key)
        answer = requests.get(
            f"http://127.0.0.1:{port}/g/card", headers={"Authorization": f"Bearer {token}"}, timeout=10
        )
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    finally:
        launcher.stop_all()


def test_nothing_but_the_standard_library_is_imported() -> None:
    package = json.loads((FOLDER / "package.json").read_text())
    assert "dependencies" not in package
    for path in FOLDER.glob("*.js"):
        for line in path.read_text().splitlines():
            if line.startswith("import "):
                assert "'node:" in line or "'./" in line, line
