"""Each provider runs as a program of its own, from its environment, and imports nothing of the portal."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from examples.fourth.hours import HoursError
from examples.fourth.hours import load as load_hours
from examples.kit.config import ConfigError, read
from examples.kit.loopback import loopback_url
from examples.kit.web import MAX_BODY, Request, Response, Server, Site
from tests.examples.support import Running, World

ROOT = Path(__file__).parents[2]
NAMES = ("waste", "lunch", "river", "fourth")
SECRET = "must-not-be-logged"


def free_port() -> int:
    probe = Server(Site(), 0)
    probe.server_close()
    return probe.port


@pytest.mark.parametrize("name", NAMES)
def test_it_starts_answers_logs_no_query_and_stops(name: str, world: World) -> None:
    port = free_port()
    env = {"PATH": os.environ["PATH"], "PORTAL_URL": world.portal}
    program = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", f"examples.{name}", "--port", str(port)],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        base = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 20
        while True:
            try:
                assert requests.get(f"{base}/g/health", timeout=2).json() == {"status": "ok"}
                break
            except requests.ConnectionError:
                assert program.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        gadget = requests.get(f"{base}/gadget.json", timeout=2).json()
        assert gadget["endpoints"]["card"] == f"http://{name}.localhost:{port}/g/card"
        token = world.request_token(aud=gadget["id"], htu=gadget["endpoints"]["card"], claims={"x": SECRET})
        good = requests.get(
            f"{base}/g/card?{SECRET}=1", headers={"Authorization": f"Bearer {token}"}, timeout=5
        )
        assert good.status_code == 200
    finally:
        program.send_signal(signal.SIGTERM)
        out, err = program.communicate(timeout=10)
    assert program.returncode == 0
    assert out == f"{name}: http://{name}.localhost:{port} on port {port}\n"
    assert "GET /g/card 200" in err
    assert SECRET not in err
    assert token not in err


def test_a_setting_that_cannot_be_used_stops_the_start() -> None:
    program = subprocess.run(
        [sys.executable, "-m", "examples.waste"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PORT": "many"},
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert program.returncode == 2
    assert "PORT must be a number from 1 to 65535, not 'many'" in program.stderr


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"PORT": "70000"}, "PORT must be"),
        ({"PUBLIC_ORIGIN": "waste.localhost"}, "PUBLIC_ORIGIN must be"),
        ({"PORTAL_URL": "ftp://portal"}, "PORTAL_URL must be"),
        ({"NOW": "yesterday"}, "NOW must be an ISO 8601 time"),
        ({"NOW": "2026-11-23T12:00:00"}, "NOW must have an offset"),
        ({"FAULT": "explode"}, "FAULT must be"),
        ({"FAULT": "hang:long"}, "FAULT must be"),
    ],
)
def test_each_unusable_setting_is_named(env: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(env, default_port=8001, name="waste")


def test_settings_have_defaults() -> None:
    config = read({}, default_port=8001, name="waste")
    assert config.public_origin == "http://waste.localhost:8001"
    assert config.portal_jwks_url == "http://portal.region.localhost:8000/.well-known/jwks.json"
    assert not config.has_sign_in


def test_examples_import_nothing_of_the_portal() -> None:
    ours = re.compile(r"^\s*(?:from|import)\s+(?:portal|gadgets|identity|recommender|tests)\b", re.MULTILINE)
    files = sorted((ROOT / "examples").rglob("*.py"))
    assert len(files) > 20
    assert [file.name for file in files if ours.search(file.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("url", "target", "host"),
    [
        (
            "http://waste.localhost:8001/g/card?a=1",
            "http://127.0.0.1:8001/g/card?a=1",
            "waste.localhost:8001",
        ),
        ("http://id.region.localhost/o", "http://127.0.0.1/o", "id.region.localhost"),
        ("https://waste.localhost/", "https://waste.localhost/", None),
        ("http://localhost.example/", "http://localhost.example/", None),
        ("http://notlocalhost/", "http://notlocalhost/", None),
    ],
)
def test_only_names_under_localhost_go_to_this_machine(url: str, target: str, host: str | None) -> None:
    assert loopback_url(url) == (target, host)


def test_the_server_refuses_what_it_does_not_serve(waste: Running) -> None:
    assert waste.get("/nothing").status_code == 404
    assert waste.post("/g/card", {"x": "1"}).status_code == 405
    assert waste.post("/g/card", {"x": "1"}).headers["Allow"] == "GET"
    assert waste.post("/oidc/logout", {"x": "a" * (MAX_BODY + 1)}).status_code == 400
    assert waste.get("/", headers={"Cookie": 'bad"=;\x01'}).status_code in {200, 400}
    chunked = waste.get("/", data=iter([b"x"]))
    assert chunked.status_code == 400


def test_a_broken_page_does_not_end_the_server(waste: Running) -> None:
    def broken(_: Request) -> Response:
        raise RuntimeError(SECRET)

    waste.provider.site.route("GET", "/broken", broken)
    answer = waste.get("/broken")
    assert (answer.status_code, answer.text) == (500, "internal error\n")
    assert waste.get("/").status_code == 200


def test_head_is_get_without_the_body(waste: Running) -> None:
    with waste.browser() as browser:
        answer = browser.head(waste.origin + "/privacy", timeout=5)
        assert answer.status_code == 200
        assert int(answer.headers["Content-Length"]) > 100
        assert answer.content == b""


def test_a_table_of_hours_that_cannot_be_read_names_its_line(tmp_path: Path) -> None:
    table = tmp_path / "library.csv"
    head = "#property,name,availableDate,startTime,endTime,availableDateNote\n"
    table.write_text(head + "1,a,火水,09:30,19:00,\n2,b,火水,morning,19:00,\n", encoding="utf-8")
    with pytest.raises(HoursError, match="line 3"):
        load_hours(table)
    table.write_text(head + "1,a,火?,09:30,19:00,\n", encoding="utf-8")
    with pytest.raises(HoursError, match="line 2"):
        load_hours(table)
