"""`rgadget submit` and `status` against the portal's real `/api/provider/`, which answers from this test's database."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from examples.kit.provider import Provider as ExampleProvider
from gadgets import actions
from gadgets.models import ApiToken, CheckRun, Gadget
from gadgets.providers import api_keys
from gadgets.registration import check_runs
from gadgets.rgadget import remote
from gadgets.rgadget.__main__ import main
from gadgets.rgadget.out import Exit
from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor
from tests.gadgets.test_rgadget import Said
from tests.services.ports import free_ports


class Portal:
    """Answers on a port in the test's own thread, whose database it uses, while the tool runs in another."""

    def __init__(self, capture: Any) -> None:
        portal = self
        self._capture = capture
        self._client = cast.portal_client(enforce_csrf_checks=True)
        self.answer: Callable[[], tuple[int, bytes]] | None = None

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                portal._pass(self)

            do_POST = do_GET  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Silent."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._server.timeout = 0.05
        self.url = f"http://portal.localhost:{self._server.server_port}"

    def _pass(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        if self.answer is not None:
            status, raw = self.answer()
        else:
            names = ("Authorization", "Accept-Language")
            with self._capture(execute=True):
                answer = self._client.generic(
                    handler.command,
                    handler.path,
                    body,
                    content_type=handler.headers.get("Content-Type", ""),
                    headers={name: handler.headers[name] for name in names if name in handler.headers},
                )
            status, raw = answer.status_code, answer.content
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    def during(self, work: Callable[[], int], *, checks: bool = True) -> int:
        """Answers until the tool has ended; the executor runs beside it."""
        ended: list[int] = []
        thread = threading.Thread(target=lambda: ended.append(work()))
        thread.start()
        while thread.is_alive():
            self._server.handle_request()
            if checks:
                with self._capture(execute=True):
                    check_runs.run_waiting()
        thread.join()
        return ended[0]

    def close(self) -> None:
        self._server.server_close()


@pytest.fixture
def portal(
    desk: DeskFor, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Portal]:
    """A portal where BusCo has a key, which lies in a file."""
    monkeypatch.setattr(remote, "POLL_SECONDS", 0.05)
    monkeypatch.delenv(remote.KEY_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    member = cast.busco()
    key = api_keys.make_api_key(
        provider_id=desk(member).organisation(), name="laptop", by=cast.as_actor(member)
    )
    Path("key").write_text(key + "\n")
    opened = Portal(django_capture_on_commit_callbacks)
    yield opened
    opened.close()


@pytest.fixture
def tool(portal: Portal, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs the tool against the portal with the key in the file."""

    def run(*arguments: str, checks: bool = True) -> Said:
        more = ("--portal", portal.url, "--key-file", "key", "--language", "en")
        code = portal.during(lambda: main([*arguments, *more]), checks=checks)
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def test_submit_registers_waits_and_hands_in(tool: Callable[..., Said], waste: ExampleProvider) -> None:
    code, out, _ = tool("submit", waste.config.url("/gadget.json"))
    assert code == Exit.GOOD
    assert "on its way 1.0.0: in review" in out
    code, out, _ = tool("status", "localhost.waste.calendar")
    assert (code, "localhost.waste.calendar: in review" in out) == (Exit.GOOD, True)


def test_what_is_to_fix_is_told_and_tried_again(tool: Callable[..., Said], careless: life.Careless) -> None:
    code, out, _ = tool("submit", careless.url)
    assert code == Exit.FIX
    assert "✘  3 Refuses alg: none" in out
    assert "     → Accept ES256 only." in out
    runs = CheckRun.objects.count()
    assert tool("submit", careless.url)[0] == Exit.FIX
    assert CheckRun.objects.count() == runs + 1
    assert tool("status", careless.id)[0] == Exit.FIX


def test_the_reviewers_words_reach_the_terminal(tool: Callable[..., Said], waste: ExampleProvider) -> None:
    url = waste.config.url("/gadget.json")
    tool("submit", url)
    actions.refuse(
        gadget_id="localhost.waste.calendar",
        reason="要約を直してください。",
        by=cast.as_actor(cast.operator()),
    )
    code, out, _ = tool("status", "localhost.waste.calendar")
    assert (code, "要約を直してください。" in out, "sent back" in out) == (Exit.FIX, True, True)
    assert tool("submit", url)[0] == Exit.GOOD


def test_submit_twice_changes_nothing(tool: Callable[..., Said], waste: ExampleProvider) -> None:
    url = waste.config.url("/gadget.json")
    tool("submit", url)
    runs = CheckRun.objects.count()
    code, out, _ = tool("submit", url)
    assert (code, "in review" in out) == (Exit.GOOD, True)
    assert CheckRun.objects.count() == runs


def test_the_portals_refusal_is_told_in_its_words(tool: Callable[..., Said], careless: life.Careless) -> None:
    careless.listed = {"gadgets": []}
    code, _, told = tool("submit", careless.url)
    assert (code, "region-gadget.json" in told) == (Exit.FIX, True)
    code, _, told = tool("status", "localhost.nobody.here")
    assert (code, "→" in told) == (Exit.FIX, True)
    ApiToken.objects.all().delete()
    code, _, told = tool("status", "localhost.nobody.here")
    assert (code, "→" in told) == (Exit.FIX, True)
    assert not Gadget.objects.exists()


def test_a_broken_manifest_never_reaches_the_portal(
    tool: Callable[..., Said], careless: life.Careless
) -> None:
    careless.document["colour"] = "red"
    code, _, told = tool("submit", careless.url)
    assert (code, "$.colour" in told) == (Exit.FIX, True)


def test_checks_that_do_not_end_are_told(
    tool: Callable[..., Said], careless: life.Careless, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "CHECK_SECONDS", 0.1)
    code, _, told = tool("submit", careless.url, checks=False)
    assert (code, f"rgadget status {careless.id}" in told) == (Exit.AWAY, True)


@pytest.mark.parametrize("raw", [b"<html>", b"[]", b"\xff"])
def test_an_answer_that_is_no_portals(portal: Portal, tool: Callable[..., Said], raw: bytes) -> None:
    portal.answer = lambda: (200, raw)
    code, _, told = tool("status", "localhost.x.y")
    assert (code, "--portal" in told) == (Exit.AWAY, True)


def test_a_refusal_lists_every_problem(portal: Portal, tool: Callable[..., Said]) -> None:
    problems = [
        {"place": "$.a", "detail": "one", "remedy": "r1"},
        {"place": "$.b", "detail": "two", "remedy": "r2"},
    ]
    portal.answer = lambda: (422, json.dumps({"code": "manifest", "problems": problems}).encode())
    _, _, told = tool("status", "localhost.x.y")
    for words in ("$.a one", "$.b two", "r1", "r2"):
        assert words in told


def test_a_portal_that_is_away(portal: Portal, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://portal.localhost:{free_ports()}"
    assert main(["status", "x", "--portal", url, "--key-file", "key", "--language", "en"]) == Exit.AWAY
    assert "nobody answers" in capsys.readouterr().err


def test_without_portal_or_key_it_says_where_to_get_them(
    portal: Portal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RGADGET_PORTAL", raising=False)
    assert main(["status", "x", "--language", "en"]) == Exit.USAGE
    assert "RGADGET_PORTAL" in capsys.readouterr().err
    for arguments in ([], ["--key-file", "nowhere"], ["--key-file", "empty"], ["--key-file", "odd"]):
        Path("empty").write_text("\n")
        Path("odd").write_bytes(b"rgk_\xff")
        assert main(["status", "x", "--portal", portal.url, "--language", "en", *arguments]) == Exit.USAGE
        assert "→" in capsys.readouterr().err
    monkeypatch.setenv("RGADGET_PORTAL", portal.url)
    monkeypatch.setenv("RGADGET_API_KEY", Path("key").read_text())
    assert (
        portal.during(lambda: main(["status", "localhost.x.y"])) == Exit.FIX
    )  # the key is good, the gadget not there
