"""The tutorial "Write a gadget in 20 minutes", as it is written: its commands are typed, its steps are clicked."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from demo.supervise import Launcher
from tests import logs
from tests.architecture.tables import DOCS, ROOT
from tests.journeys import desk, steps
from tests.services.ports import is_free
from tests.sites import Site
from tests.terminal import Terminal

TEXT = (DOCS / "tutorial" / "write-a-gadget.md").read_text(encoding="utf-8")
PORTS = (*range(8900, 8904), 8930, 8931)
PARKS = "localhost.parks.hours"
URL = "http://parks.localhost:8931/gadget.json"
STAYS = ("bin/demo", "rgadget serve", "python parks/provider.py", "PORTAL_URL=")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.site,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("demo"),
]


class Block(NamedTuple):
    """One block of commands: in which terminal, and its lines."""

    terminal: str
    lines: tuple[str, ...]


def blocks() -> list[Block]:
    """Every block of commands of the tutorial, in order."""
    found = re.findall(r"^```sh (\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return [Block(name, tuple(text.splitlines())) for name, text in found]


def pressed() -> set[str]:
    """What the tutorial says to press or choose."""
    return set(re.findall(r"「([^」]+)」", TEXT))


class Desks:
    """The terminals of somebody who follows the tutorial, each opened in the root of the repository."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.key = ""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in ("HOME", "LANG") or name.startswith(("UV_", "PIP_"))
        }
        folder = root.parent / "bin"
        folder.mkdir()
        (folder / "python3.11").symlink_to(Path(sys.executable).resolve())
        self._env = kept | {"PATH": f"{folder}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
        self._open: dict[str, Terminal] = {}

    def __getitem__(self, name: str) -> Terminal:
        if name not in self._open:
            self._open[name] = Terminal(self.root, self._env)
        return self._open[name]

    def type(self, block: Block) -> None:
        """Types a block; a command that stays is the last of its block."""
        for line in block.lines:
            if line.startswith(STAYS):
                self[block.terminal].start(line)
            elif line.startswith("read "):
                self[block.terminal].answer(line, self.key)
            else:
                self[block.terminal].run(line, 240)

    def end_provider(self) -> None:
        """Ctrl-C, until its port is free again."""
        self["provider"].interrupt()
        until = time.monotonic() + 20
        while not is_free(8931):
            assert time.monotonic() < until, "the provider does not end"
            time.sleep(0.1)

    def close(self) -> None:
        for terminal in reversed(self._open.values()):
            terminal.close()


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[Desks]:
    """Terminals in a copy of the repository, with its virtual environment."""
    taken = [port for port in PORTS if not is_free(port)]
    assert not taken, f"the tutorial's own ports are in use: {taken}"
    root = tmp_path / "repository"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
    (root / ".venv").symlink_to(Path(sys.prefix))
    opened = Desks(root)
    yield opened
    opened.close()
    assert logs.found_below(root / "var" / "demo-8900" / "logs") == [], (
        "no log may hold personal values, tokens or addresses"
    )


def test_a_gadget_by_the_tutorial_only(desks: Desks, browser: Browser, tmp_path: Path) -> None:
    todo = iter(blocks())

    def next_block(first: str) -> None:
        block = next(todo)
        assert block.lines[0].startswith(first) or block.lines[-1].startswith(first), block
        desks.type(block)

    next_block("bin/demo")
    next_block("python3.11")
    next_block("rgadget init")
    next_block("python parks/provider.py")
    next_block("rgadget serve")
    desks["mock"].until(r"8930/", 60)
    with desk.somebody(browser) as page:
        page.goto("http://127.0.0.1:8930/")
        expect(page.locator("article.card")).to_have_count(8)
        expect(page.locator(".rc-text").first).to_contain_text("21時")
        page.locator("select[name=locale]").select_option("en")
        page.locator("form button").click()
        expect(page.locator(".rc-text").first).to_contain_text("21:00")
        next_block("sed")
        desks.end_provider()
        desks["provider"].start("python parks/provider.py")
        wait_for(8931)
        page.reload()
        expect(page.locator(".rc-text").first).to_contain_text("22:00")
    next_block("rgadget test")
    assert "All passed." in desks["work"].said

    desks["portal"].until(r"(?m)^ready", 300)
    desks.end_provider()
    next_block("PORTAL_URL=")
    wait_for(8931)
    site = Site("demo", "http://portal.region.localhost:8900", "http://id.region.localhost:8900",
                "http://id.region.localhost:8900/o", "", tmp_path, Launcher(tmp_path), 8900)  # fmt: skip
    with (
        desk.somebody(browser) as busco,
        desk.somebody(browser) as operator,
        desk.somebody(browser) as hanako,
    ):
        done = register(busco, site) | approve(operator, site) | add(hanako, site)
        desks.end_provider()
        hanako.reload()
        desk.seen(steps.card(hanako, PARKS).locator(".rc-card"), "今日は22時まで開いています。")

        done |= make_key(busco, site, desks)
        assert done == pressed()
        next_block("export RGADGET_API_KEY")
        next_block("sed")
        desks["provider"].start(
            next(block.lines[0] for block in blocks() if block.lines[0].startswith("PORTAL_URL="))
        )
        wait_for(8931)
        begin = len(desks["work"].said)
        next_block("rgadget submit")
        assert "on its way 1.0.1: in review" in desks["work"].said
        assert desks.key not in desks["work"].said[begin:]
        assert next(todo, None) is None
        hanako.reload()
        desk.seen(steps.card(hanako, PARKS).locator(".rc-card"), "今日は22時まで開いています。")


def wait_for(port: int) -> None:
    """Waits until the provider that was just started answers."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            if requests.get(f"http://127.0.0.1:{port}/g/health", timeout=2).status_code == 200:
                return
        except requests.RequestException:
            pass
        time.sleep(0.2)
    pytest.fail(f"nobody answers on port {port}")


def register(page: Page, site: Site) -> set[str]:
    """Step 7, and what was pressed."""
    page.goto(f"{site.portal_url}/provider/")
    page.get_by_role("link", name="サインインして始める").click()
    steps.enter_password(page, site, "busco")
    page.wait_for_url(f"{site.portal_url}/provider/")
    page.get_by_label("マニフェストのアドレス").fill(URL)
    page.get_by_role("button", name="調べて登録").click()
    page.wait_for_url(f"**/provider/gadgets/{PARKS}/")
    lines = desk.checked(page)
    assert [words for _, _, words in lines if words.startswith("✘")] == []
    assert sum(ok for _, ok, _ in lines) > 15
    page.get_by_role("button", name="審査を申し込む").click()
    desk.seen(page.locator(".notice--success").first, "審査を申し込みました")
    return {"サインインして始める", "マニフェストのアドレス", "調べて登録", "審査を申し込む"}


def make_key(page: Page, site: Site, desks: Desks) -> set[str]:
    """Step 10: the key is read from the page, as somebody would copy it."""
    page.goto(f"{site.portal_url}/provider/")
    page.get_by_role("link", name="メンバー・お知らせ・鍵").click()
    page.get_by_label("鍵の名前（何に使うか）").fill("laptop")
    page.get_by_role("button", name="鍵を作る").click()
    secret = page.locator("code.secret")
    desk.seen(secret, "rgk_")
    desks.key = secret.inner_text().strip()
    return {"メンバー・お知らせ・鍵", "鍵の名前（何に使うか）", "鍵を作る"}


def approve(page: Page, site: Site) -> set[str]:
    """Step 8."""
    page.set_viewport_size(desk.WIDE)
    page.goto(f"{site.portal_url}/admin/services/")
    steps.enter_password(page, site, "operator")
    page.wait_for_url("**/admin/services/")
    page.get_by_role("link", name="公園の時間").first.click()
    page.get_by_label("BusCo が、ほんとうにその名前の組織であることを確かめました").check()
    page.get_by_role("button", name="承認して公開する").click()
    desk.seen(page.locator(".messages .success"), "公開しました")
    return {"公園の時間", "承認して公開する"}


def add(page: Page, site: Site) -> set[str]:
    """Step 9."""
    steps.sign_in(page, site, "hanako")
    page.goto(f"{site.portal_url}/gadgets/")
    page.get_by_role("link", name="公園の時間").first.click()
    page.get_by_role("button", name="ホームに追加").click()
    page.goto(site.portal_url + "/")
    desk.seen(steps.card(page, PARKS).locator(".rc-card"), "今日は22時まで開いています。")
    return {"公園の時間", "ホームに追加", "今日は22時まで開いています。"}
