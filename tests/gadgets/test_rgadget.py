"""`rgadget` at a provider's desk: what init writes, what validate and test say, the mock portal's page, signing."""

import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from joserfc.jwk import ECKey

from demo.supervise import Launcher, wait_until
from gadgets.conformance.checks.request_tokens import PERSONAS
from gadgets.outbound.http import Door
from gadgets.rgadget import mock, surroundings
from gadgets.rgadget.__main__ import main
from gadgets.rgadget.drawing import PEOPLE
from gadgets.rgadget.mock import Portal, listening
from gadgets.rgadget.out import Exit
from tests.architecture.tables import ROOT
from tests.gadgets import life
from tests.gadgets.providers import card_document, reply
from tests.services.ports import free_ports, is_free

Said = tuple[int, str, str]


@dataclass
class Shell:
    """Somebody's terminal in a folder of their own."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: object) -> Said:
        """Exit code, output, errors."""
        self.capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        told = self.capsys.readouterr()
        return code, told.out, told.err


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    for name in ("RGADGET_API_KEY", "RGADGET_PORTAL"):
        monkeypatch.delenv(name, raising=False)
    return Shell(tmp_path, capsys)


def documents(shell: Shell) -> dict[str, Any]:
    """The manifest that init wrote."""
    return dict(json.loads((shell.folder / "parks" / "gadget.json").read_text(encoding="utf-8")))


@contextmanager
def portal(url: str, language: str = "ja") -> Iterator[str]:
    """The mock portal's pages for one manifest; yields their address."""
    port = free_ports()
    env = surroundings.environment(Path(".rgadget"), port)
    server = listening(Portal(env, url, language), port)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


# --- init ----------------------------------------------------------------------------------------------------


def test_init_writes_a_provider_and_a_valid_manifest(shell: Shell) -> None:
    code, out, _ = shell.run("init", "parks", "--provider", '公園の"会"')
    assert code == Exit.GOOD
    assert "rgadget test http://parks.localhost:8931/gadget.json" in out
    manifest = documents(shell)
    assert manifest["id"] == "localhost.parks.hours"
    assert manifest["provider"]["name"] == '公園の"会"'
    code, out, _ = shell.run("validate", "parks/gadget.json")
    assert (code, "is a valid manifest (card, none)" in out) == (Exit.GOOD, True)
    program = (shell.folder / "parks" / "provider.py").read_text(encoding="utf-8")
    assert len(program.splitlines()) <= 30
    assert set(re.findall(r"^(?:from|import) ([\w.]+)", program, re.MULTILINE)) == {
        "datetime",
        "gadgets.rgadget.provider",
    }


def test_init_takes_an_origin_of_ones_own(shell: Shell) -> None:
    assert shell.run("init", "parks", "--origin", "https://parks.example", "--name", "late")[0] == Exit.GOOD
    manifest = documents(shell)
    assert (manifest["id"], manifest["endpoints"]["card"]) == (
        "example.parks.late",
        "https://parks.example/g/card",
    )
    assert manifest["provider"]["support"] == "mailto:help@parks.example"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["parks", "--name", "Late"], "cannot be used"),
        (["parks", "--origin", "https://parks.example/x"], "no path, no slash"),
        (["parks", "--origin", "ftp://parks.example"], "cannot be used"),
        (["公園"], "--origin"),
        (["parks-"], "--origin"),
    ],
)
def test_init_names_what_cannot_be_used(shell: Shell, arguments: list[str], words: str) -> None:
    code, _, told = shell.run("init", *arguments)
    assert (code, words in told) == (Exit.USAGE, True)
    assert "→" in told
    assert list(shell.folder.iterdir()) == []


def test_init_overwrites_nothing(shell: Shell) -> None:
    (shell.folder / "parks").mkdir()
    (shell.folder / "parks" / "provider.py").write_text("mine")
    code, _, told = shell.run("init", "parks")
    assert (code, "is there already" in told) == (Exit.USAGE, True)
    assert not (shell.folder / "parks" / "gadget.json").exists()


def test_init_says_where_it_cannot_write(shell: Shell) -> None:
    (shell.folder / "parks").write_text("a file")
    code, _, told = shell.run("init", "parks")
    assert (code, "may write to" in told) == (Exit.USAGE, True)


# --- validate ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("$.colour", "→")), ("ja", ("$.colour", "この項目を除いてください"))],
)
def test_validate_names_place_and_remedy(shell: Shell, language: str, words: tuple[str, ...]) -> None:
    shell.run("init", "parks")
    path = shell.folder / "parks" / "gadget.json"
    path.write_text(json.dumps(documents(shell) | {"colour": "red"}), encoding="utf-8")
    code, _, told = shell.run("validate", path, "--language", language)
    assert code == Exit.FIX
    for word in words:
        assert word in told


def test_validate_reads_an_address_and_says_who_does_not_answer(
    shell: Shell, careless: life.Careless
) -> None:
    assert shell.run("validate", careless.url)[0] == Exit.GOOD
    gone = f"http://gone.localhost:{free_ports()}/gadget.json"
    code, _, told = shell.run("validate", gone)
    assert (code, "nobody answers" in told) == (Exit.AWAY, True)
    code, _, told = shell.run("validate", "https://127.0.0.1/gadget.json", "--language=ja")
    assert (code, "IP アドレスは使えません" in told) == (Exit.AWAY, True)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("{", Exit.FIX, "JSON"),
        ("[]", Exit.USAGE, "--url"),
        ('{"endpoints": {"card": 7}}', Exit.USAGE, "--url"),
        ('{"endpoints": []}', Exit.USAGE, "--url"),
        ('{"endpoints": {"card": "https://x.example/c"}}', Exit.FIX, "$"),
    ],
)
def test_validate_of_a_file_that_is_no_manifest(shell: Shell, text: str, code: int, words: str) -> None:
    (shell.folder / "x.json").write_text(text)
    got, _, told = shell.run("validate", "x.json")
    assert (got, words in told) == (code, True)


def test_a_file_that_is_not_there(shell: Shell) -> None:
    code, _, told = shell.run("validate", "nowhere.json")
    assert (code, "nowhere.json" in told) == (Exit.USAGE, True)


# --- test ----------------------------------------------------------------------------------------------------


def test_test_counts_what_is_to_fix_and_names_the_portal(shell: Shell, careless: life.Careless) -> None:
    code, out, told = shell.run("test", careless.url, "--port", free_ports())
    assert code == Exit.FIX
    assert "✘  3 Refuses alg: none" in out
    assert "     → Accept ES256 only." in out
    assert re.search(r"^\d+ to fix\.$", out, re.MULTILINE)
    assert "never asked http://portal.localhost:" in told  # it verifies nothing, so it fetches no key


def test_test_needs_the_listing_of_the_origin(shell: Shell, careless: life.Careless) -> None:
    careless.listed = {"gadgets": []}
    code, _, told = shell.run("test", careless.url, "--port", free_ports())
    assert (code, "/.well-known/region-gadget.json" in told) == (Exit.FIX, True)
    code, _, told = shell.run("test", careless.url, "--port", free_ports(), "--language", "ja")
    assert (code, "一覧にアドレスを加えて" in told) == (Exit.FIX, True)


def test_test_writes_the_report_where_it_can(shell: Shell, careless: life.Careless) -> None:
    code, _, told = shell.run("test", careless.url, "--port", free_ports(), "--report", "no/such/folder.json")
    assert (code, "--" in told) == (Exit.USAGE, True)


def test_a_taken_port_is_named_and_a_running_mock_portal_is_shared(
    shell: Shell, careless: life.Careless
) -> None:
    code, _, told = shell.run("test", careless.url, "--port", careless.provider.port)
    assert (code, "--port" in told) == (Exit.USAGE, True)
    with portal(careless.url) as url:
        port = int(url.rstrip("/").rpartition(":")[2])
        assert shell.run("test", careless.url, "--port", port)[0] == Exit.FIX
        env = surroundings.environment(shell.folder / "other", port)
        with pytest.raises(mock.ToolError), mock.answering(Portal(env), port):
            pass


# --- keys ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["nonsense", ECKey.generate_key("P-384").as_pem(private=True).decode(), ECKey.generate_key("P-256").as_pem(private=False).decode()],
    ids=["nonsense", "P-384", "public"],
)  # fmt: skip
def test_a_file_that_is_no_key_is_named_and_kept(shell: Shell, text: str) -> None:
    path = shell.folder / ".rgadget" / "portal-key.pem"
    path.parent.mkdir()
    path.write_text(text)
    code, _, told = shell.run("test", "http://x.localhost/gadget.json")
    assert (code, "no private key on P-256" in told) == (Exit.USAGE, True)
    assert path.read_text() == text


def test_a_key_is_its_owners_alone_and_stays(shell: Shell) -> None:
    path = shell.folder / ".rgadget" / "portal-key.pem"
    first = surroundings.key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert (path.parent / ".gitignore").read_text() == "*\n"
    assert surroundings.key(path).thumbprint() == first.thumbprint()
    (shell.folder / ".gitignore").write_text("mine\n")
    surroundings.key(shell.folder / "key.pem")
    assert (shell.folder / ".gitignore").read_text() == "mine\n"
    (shell.folder / "file").write_text("")
    with pytest.raises(surroundings.ToolError, match="cannot be written"):
        surroundings.key(shell.folder / "file" / "key.pem")


# --- serve ---------------------------------------------------------------------------------------------------


@pytest.fixture
def written(shell: Shell) -> Iterator[tuple[str, int]]:
    """What init wrote, running for a mock portal; manifest and the mock portal's port."""
    port = free_ports(2)
    shell.run("init", "parks", "--origin", f"http://parks.localhost:{port}")
    launcher = Launcher(shell.folder)
    try:
        running = launcher.start(
            "provider",
            [sys.executable, "parks/provider.py"],
            env={"PORTAL_URL": f"http://portal.localhost:{port + 1}", "PYTHONPATH": str(ROOT)},
            cwd=shell.folder,
        )
        wait_until(running, lambda: not is_free(port), 30)
        yield f"http://parks.localhost:{port}/gadget.json", port + 1
    finally:
        launcher.stop_all()


def test_the_page_draws_every_person_and_size_in_the_chosen_language(
    shell: Shell, written: tuple[str, int]
) -> None:
    url, port = written
    env = surroundings.environment(Path(".rgadget"), port)
    server = listening(Portal(env, url, "en"), port)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        answer = requests.get(f"http://127.0.0.1:{port}/?locale=en", timeout=30)
        one = requests.get(f"http://127.0.0.1:{port}/?person=linh&size=S&locale=ja-simple", timeout=30)
        styles = requests.get(f"http://127.0.0.1:{port}/portal.css", timeout=5)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
    assert answer.text.count("Open until 21:00 today.</p>") == len(PERSONAS) * 2
    assert "script" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert one.text.count("<section") == 1
    assert "きょうは 21時まで" in one.text
    assert ".rc-card" in styles.text


def test_the_page_shows_place_and_remedy(shell: Shell, careless: life.Careless) -> None:
    careless.card = card_document(blocks=[{"type": "text", "text": "<b>太字</b>"}])
    with portal(careless.url) as url:
        page = requests.get(url, timeout=30).text
        assert "$.blocks[0].text" in page
        assert "タグを除き" in page
        careless.card = reply(b"{}", status=500)
        assert "状態コード 500" in requests.get(url, timeout=30).text
        careless.document["colour"] = "red"
        page = requests.get(url, timeout=30).text
        assert "$.colour" in page
        assert "<section" not in page
        careless.listed, careless.document = {}, {**careless.document, "id": "localhost.other.x"}
        careless.document.pop("colour")
        assert "$.id" in requests.get(url, timeout=30).text
    gone = f"http://gone.localhost:{free_ports()}/gadget.json"
    with portal(gone, "en") as url:
        assert "nobody answers" in requests.get(url, timeout=30).text


def test_a_card_that_breaks_off_is_told_on_its_place(shell: Shell, careless: life.Careless) -> None:
    careless.card = reply(b"x" * 70_000, content_type="application/vnd.region-card+json")
    with portal(careless.url, "en") as url:
        page = requests.get(f"{url}?person=guest", timeout=30).text
        assert "larger than 65536 bytes" in page
        assert page.count("<section") == 1


def test_a_link_has_no_card_to_draw(shell: Shell, careless: life.Careless) -> None:
    careless.document["kind"] = "link"
    careless.document["endpoints"] = {"login": f"{careless.provider.origin}/oidc/start"}
    with portal(careless.url, "en") as url:
        assert "has no card" in requests.get(url, timeout=30).text


def test_other_addresses_and_names_get_nothing(shell: Shell, careless: life.Careless) -> None:
    with portal(careless.url) as url:
        assert requests.get(f"{url}else", timeout=5).status_code == 404
        rebound = requests.get(url, headers={"Host": "evil.example:80"}, timeout=5)
        assert (rebound.status_code, "card" in rebound.text) == (403, False)
        assert (
            requests.get(f"{url}.well-known/jwks.json", timeout=5).json()["keys"][0].keys().isdisjoint({"d"})
        )


def test_every_persona_of_the_checks_has_a_name_on_the_page() -> None:
    assert set(PEOPLE) == set(PERSONAS)


# --- sign ----------------------------------------------------------------------------------------------------


def report(shell: Shell, url: str, **change: Any) -> Path:
    """The report of a run in which all passed, with one thing changed."""
    from gadgets.types import content_hash

    raw = surroundings.door().fetch(url, deadline=5, max_bytes=65536).body
    line = {"number": 1, "ok": True, "title": {"ja": "検査"}, "message": {"ja": "合格"}, "remedy": {}}
    document: dict[str, Any] = {
        "url": url, "sha256": content_hash(raw), "made": "2026-07-01T00:00:00+00:00", "lines": [line],
    }  # fmt: skip
    path = shell.folder / "report.json"
    path.write_text(json.dumps(document | change))
    return path


def test_sign_makes_a_package_that_others_can_check(shell: Shell, careless: life.Careless) -> None:
    made = report(shell, careless.url)
    assert shell.run("sign", careless.url, "--report", made)[0] == Exit.GOOD
    package = f"{careless.id}-1.0.0.rgadget"
    code, out, _ = shell.run("validate", package, "--keys", ".rgadget/provider-key.jwks.json")
    assert (code, "the signature holds; 1 lines" in out) == (Exit.GOOD, True)
    code, _, told = shell.run("validate", package)
    assert (code, "--keys" in told) == (Exit.USAGE, True)
    (shell.folder / "other.json").write_text(json.dumps(mock.key_set(ECKey.generate_key("P-256"))))
    assert shell.run("validate", package, "--keys", "other.json")[0] == Exit.FIX
    (shell.folder / "list.json").write_text("[]")
    assert shell.run("validate", package, "--keys", "list.json")[0] == Exit.FIX
    (shell.folder / "none.json").write_text("{")
    assert shell.run("validate", package, "--keys", "none.json")[0] == Exit.USAGE


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"sha256": "x"}, Exit.FIX, "other content"),
        ({"lines": [{"number": 3, "ok": False, "title": {"ja": "a"}, "message": {"ja": "b"}, "remedy": {}}]}, Exit.FIX, "to fix"),
        ({"lines": [{}]}, Exit.USAGE, "no report"),
        ({"made": "yesterday"}, Exit.USAGE, "no report"),
    ],
    ids=["another manifest", "something to fix", "no lines", "no time"],
)  # fmt: skip
def test_sign_refuses_a_report_that_does_not_hold(
    shell: Shell, careless: life.Careless, change: dict[str, Any], code: int, words: str
) -> None:
    got, _, told = shell.run("sign", careless.url, "--report", report(shell, careless.url, **change))
    assert (got, words in told) == (code, True)
    assert not list(shell.folder.glob("localhost*.rgadget"))


def test_sign_says_where_it_cannot_write(shell: Shell, careless: life.Careless) -> None:
    made = report(shell, careless.url)
    code, _, told = shell.run("sign", careless.url, "--report", made, "--out", "no/such/place.rgadget")
    assert (code, "--out" in told) == (Exit.USAGE, True)


# --- the command itself --------------------------------------------------------------------------------------


def test_the_help_speaks_the_language_of_the_terminal(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments, words in (
        (["--help"], "Exit codes: 0 good"),
        (["test", "--help", "--language", "ja"], "終了コード: 0"),
        (["test", "--language=ja", "--help"], "終了コード: 0"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
        assert words in shell.capsys.readouterr().out
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "終了コード" in shell.capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [[], ["dance"], ["init"], ["serve", "http://x/", "--port", "70000"], ["test", "u", "--port", "x"]],
)
def test_a_command_that_is_wrong_ends_with_2(shell: Shell, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == Exit.USAGE


def test_a_package_that_is_not_installed_is_named(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gadgets.rgadget.__main__.NEEDED", ("django", "no_such_package"))
    code, _, told = shell.run("init", "parks")
    assert code == Exit.USAGE
    assert "no_such_package" in told
    assert "pip install 'madoguchi[rgadget]'" in told


def test_the_door_of_the_tool_lets_names_of_this_machine_in() -> None:
    assert isinstance(surroundings.door(), Door)
    assert surroundings.door().check("http://parks.localhost:8931/").loopback
