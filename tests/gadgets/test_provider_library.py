"""What `rgadget init` builds on: a provider that believes the portal only, and stays up whatever its card does."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from joserfc.jwk import ECKey

from examples.kit.web import Response
from gadgets.rgadget import provider as library
from gadgets.rgadget.provider import Asked, Portal, Provider
from tests.examples.support import World

HOME = "http://parks.localhost:8931"
CARD = f"{HOME}/g/card"
ID = "localhost.parks.hours"
MANIFEST = {
    "id": ID,
    "title": {"ja": "公園 <b>&", "en": "Parks"},
    "provider": {"name": "公園の会"},
    "endpoints": {"card": CARD, "health": f"{HOME}/g/health"},
    "link_origins": [HOME],
}
STRANGER = ECKey.generate_key("P-256", {"kid": "portal-1"})
UNKNOWN = ECKey.generate_key("P-256", {"kid": "nobody"})


class Parks:
    """A provider beside its manifest, and what it was asked."""

    def __init__(self, folder: Path, portal: str) -> None:
        (folder / "gadget.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
        self.asked: list[Asked] = []
        self.fails = False
        self.app = Provider(folder / "provider.py", self._card, pages={"/": "1 < 2 & 3"}, portal=portal)

    def _card(self, asked: Asked) -> Mapping[str, Any]:
        self.asked.append(asked)
        if self.fails:
            raise RuntimeError("no card today")
        return {"lang": asked.lang, "summary": "開いています"}

    def get(
        self, path: str, authorization: str = "", *, method: str = "GET", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        told: list[tuple[str, dict[str, str]]] = []
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "HTTP_AUTHORIZATION": authorization,
            **headers,
        }
        body = b"".join(self.app(environ, lambda status, found: told.append((status, dict(found)))))
        (status, found), *_ = told
        return int(status.split()[0]), found, body


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    made.server.start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def parks(tmp_path: Path, world: World) -> Parks:
    return Parks(tmp_path, world.portal)


def bearer(world: World, **over: Any) -> str:
    return f"Bearer {world.request_token(**({'aud': ID, 'htu': CARD} | over))}"


def test_the_portal_gets_a_card(parks: Parks, world: World) -> None:
    ctx = {"locale": "ja-simple", "size": "S", "settings": {"day": "mon"}}
    status, headers, body = parks.get(
        "/g/card", bearer(world, ctx=ctx, claims={"area.waste_zone": "7"}, sub="abc")
    )
    assert (status, headers["Content-Type"]) == (200, "application/vnd.region-card+json; charset=utf-8")
    assert json.loads(body) == {"lang": "ja", "summary": "開いています"}
    assert parks.asked == [Asked("ja-simple", "S", {"area.waste_zone": "7"}, {"day": "mon"}, "abc")]
    again = parks.get("/g/card", bearer(world), HTTP_IF_NONE_MATCH=headers["ETag"])
    assert (again[0], again[2]) == (304, b"")
    assert parks.get("/g/card", bearer(world), HTTP_IF_NONE_MATCH='"other"')[0] == 200


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda now: {"iat": now - 120, "exp": now - 60}, "too old"),
        (lambda now: {"iat": now + 60, "exp": now + 120}, "too old, too new"),
        (lambda now: {"exp": now + 3600}, "lives too long"),
        (lambda _: {"exp": None}, "is missing"),
        (lambda _: {"iat": True}, "is missing"),
        (lambda _: {"jti": ""}, "is missing"),
        (lambda _: {"jti": 7}, "is missing"),
        (lambda _: {"iss": "https://evil.example"}, "iss is not"),
        (lambda _: {"aud": "localhost.lunch.menu"}, "aud is not"),
        (lambda _: {"aud": [ID]}, "aud is not"),
        (lambda _: {"htm": "POST"}, "htm is not"),
        (lambda _: {"htu": f"{HOME}/g/other"}, "htu is not"),
        (lambda _: {"ctx": "ja"}, "another form"),
        (lambda _: {"ctx": {"settings": ["x"]}}, "another form"),
        (lambda _: {"claims": ["area.waste_zone"]}, "another form"),
        (lambda _: {"sub": 7}, "another form"),
        (lambda _: {"header": {"typ": "JWT"}}, "another type"),
        (lambda _: {"header": {"kid": "nobody"}}, "not of the portal's keys"),
        (lambda _: {"key": STRANGER}, "not of the portal's keys"),
        (lambda _: {"key": UNKNOWN, "header": {"kid": "nobody"}}, "not of the portal's keys"),
    ],
)
def test_what_is_not_the_portal_gets_no_card(parks: Parks, world: World, spoil: Any, reason: str) -> None:
    status, headers, body = parks.get("/g/card", bearer(world, **spoil(int(time.time()))))
    assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
    assert reason in json.loads(body)["error"]
    assert parks.asked == []


@pytest.mark.parametrize("given", ["", "Basic YTpi", "Bearer ", "Bearer x", "Bearer a.b.c", "Bearer é.é.é"])
def test_what_is_no_token_gets_no_card(parks: Parks, given: str) -> None:
    assert parks.get("/g/card", given)[0] == 401


def test_a_token_is_good_once_also_for_two_at_once(parks: Parks, world: World) -> None:
    token = bearer(world)
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(parks.get("/g/card", token)[0])) for _ in range(8)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(found) == [200, *[401] * 7]


def test_used_tokens_are_kept_for_as_long_as_they_live(
    parks: Parks, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    parks.get("/g/card", bearer(world))
    now = time.time() + library.LIFETIME + library.LEEWAY + 1
    monkeypatch.setattr(library.time, "time", lambda: now)
    parks.get("/g/card", bearer(world, iat=int(now), exp=int(now) + 60))
    assert len(parks.app.portal._used) == 1


def test_keys_are_read_once_a_minute_and_sooner_for_a_new_one(
    parks: Parks, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        assert parks.get("/g/card", bearer(world))[0] == 200
    assert world.jwks_reads == 1
    world.portal_key = ECKey.generate_key("P-256", {"kid": "portal-2"})
    world.published = [world.portal_key]
    # Whoever invents keys does not make the provider ask each time.
    new = {"kid": "portal-2"}
    assert parks.get("/g/card", bearer(world, header=new))[0] == 401
    assert world.jwks_reads == 1
    later = time.monotonic() + library.LEEWAY
    monkeypatch.setattr(library.time, "monotonic", lambda: later)
    assert parks.get("/g/card", bearer(world, header=new))[0] == 200
    assert world.jwks_reads == 2


@pytest.mark.parametrize("keys", ["[]", "{}", "no JSON", '{"keys": [{"kty": "?"}]}', '{"keys": 7}'])
def test_without_keys_nobody_is_believed_and_the_pages_stay(parks: Parks, world: World, keys: str) -> None:
    world.jwks_body = keys
    status, _, body = parks.get("/g/card", bearer(world))
    assert (status, "cannot be read" in json.loads(body)["error"]) == (503, True)
    assert parks.get("/g/health")[0] == 200


def test_a_portal_that_is_away_is_no_fault_of_the_one_who_asks(
    parks: Parks, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    token = bearer(world)
    world.server.shutdown()
    world.server.server_close()
    assert parks.get("/g/card", token)[0] == 503
    assert "the keys of" in caplog.text


def test_a_card_that_breaks_is_a_500_and_the_next_one_is_answered(
    parks: Parks, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    parks.fails = True
    status, _, body = parks.get("/g/card", bearer(world))
    assert (status, json.loads(body)) == (500, {"error": "no card could be made"})
    assert "no card today" in caplog.text  # for whoever writes the program
    parks.fails = False
    assert parks.get("/g/card", bearer(world))[0] == 200


def test_manifest_list_health_and_pages(parks: Parks) -> None:
    assert json.loads(parks.get("/gadget.json")[2]) == MANIFEST
    listed = json.loads(parks.get("/.well-known/region-gadget.json")[2])
    assert listed == {"gadgets": [f"{HOME}/gadget.json"]}
    assert json.loads(parks.get("/g/health")[2]) == {"status": "ok"}
    status, headers, body = parks.get("/")
    assert (status, headers["X-Content-Type-Options"]) == (200, "nosniff")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert b"1 &lt; 2 &amp; 3" in body
    assert "公園 &lt;b>&amp;" in body.decode()
    assert parks.get("", method="HEAD") == (200, headers, b"")
    assert parks.get("/nothing")[0] == 404
    status, headers, _ = parks.get("/g/card", method="POST")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_texts_fall_back_to_japanese(parks: Parks) -> None:
    assert [parks.app.text("title", one) for one in ("en", "ja-simple")] == ["Parks", "公園 <b>&"]
    assert parks.app.home == HOME


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "portal.example",
        "http://portal.example",
        "ftp://portal.localhost",
        "http://localhost.evil.example",
    ],
)
def test_keys_come_over_https_or_from_this_machine(origin: str) -> None:
    with pytest.raises(ValueError, match="is no origin of a portal"):
        Portal(origin)


def test_the_portal_is_the_one_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gadget.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
    monkeypatch.delenv("PORTAL_URL", raising=False)
    assert Provider(tmp_path / "provider.py", dict).portal.origin == library.MOCK_PORTAL
    monkeypatch.setenv("PORTAL_URL", "https://portal.example/")
    assert Provider(tmp_path / "provider.py", dict).portal.origin == "https://portal.example"


def test_a_redirect_of_the_key_set_is_not_followed(parks: Parks, world: World) -> None:
    parts = urlsplit(world.portal)
    world.server.site.route(
        "GET",
        "/.well-known/jwks.json",
        lambda _: Response(status=302, headers=[("Location", f"http://127.0.0.1:{parts.port}/elsewhere")]),
    )
    world.server.site.route("GET", "/elsewhere", lambda _: world._portal_keys(_))
    assert parks.get("/g/card", bearer(world))[0] == 503
    assert world.jwks_reads == 0
