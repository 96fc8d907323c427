"""Check 12 in Chromium: framed by the portal's page and without any cookie, the frame says ready and lets focus out.

Every request of the page goes through the door, so the rules for addresses hold for a browser too, and no answer
sets a cookie; Chromium's flag keeps scripts from setting one. The page around the frame is ours, under the portal's
address, because `frame-ancestors` names nobody else.
"""

import importlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import escape
from typing import Any

from gadgets.conformance.checks.accessibility import missing
from gadgets.conformance.environment import CALL_SECONDS, Environment
from gadgets.errors import DoorError
from gadgets.protocol.conformance_lines import Line, fix, not_run, passed
from gadgets.protocol.manifest import origin_of
from gadgets.types import FrameSpec

NUMBER = 12
PATIENCE = 5_000
MOST_TABS = 100
MAX_BYTES = 5 * 1024 * 1024
SANDBOX = "allow-scripts allow-forms allow-popups allow-same-origin"
_READY = {"ja": "クッキーなしで動く", "en": "Works with third-party cookies blocked"}
_EXIT = {"ja": "キーボードで枠から出られる", "en": "Keyboard exit"}
_LISTENS = """
window.said = [];
addEventListener("message", event => {
  const frame = document.querySelector("iframe");
  if (event.source === frame.contentWindow && event.data?.method === "ready") window.said.push(event.origin);
});
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a browser showed: whether the frame said ready, and whether Tab leads out of it again."""

    ready: bool
    leaves: bool


def check(frame: FrameSpec, env: Environment) -> Iterator[Line]:
    lacks = missing(env.chromium, axe=False)
    if lacks:
        yield _elsewhere(_READY, lacks)
        yield _elsewhere(_EXIT, lacks)
        return
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="frame") as apart:
        try:
            shown = apart.submit(look, frame, env).result()
        except importlib.import_module("playwright.sync_api").Error as error:
            told = str(error).splitlines()[0]
            yield _elsewhere(_READY, told)
            yield _elsewhere(_EXIT, told)
            return
    yield _ready(shown.ready)
    yield _exit(shown.leaves)


def _elsewhere(title: dict[str, str], lacks: str) -> Line:
    return not_run(
        NUMBER,
        title,
        {"ja": f"ここでは調べられません（{lacks}）。", "en": f"Cannot be run here ({lacks})."},
        {
            "ja": "Chromium のあるコンピューターで rgadget test を実行してください。",
            "en": "Run `rgadget test` on a computer with Chromium.",
        },
    )


def look(frame: FrameSpec, env: Environment) -> Shown:
    """Opens the frame as the portal does. Raises playwright's Error when the browser does not start."""
    playwright = importlib.import_module("playwright.sync_api")
    home = f"{env.issuer}/conformance-frame"
    page_html = (
        '<!doctype html><html lang="en"><title>frame</title><button id="before" type="button">before</button>'
        f'<iframe title="frame" sandbox="{SANDBOX}" src="{escape(frame.src)}"></iframe>'
        '<button id="after" type="button">after</button></html>'
    )

    def answer(route: Any) -> None:
        request = route.request
        if request.url == home:
            route.fulfill(status=200, content_type="text/html; charset=utf-8", body=page_html)
            return
        try:
            got = env.door.fetch(
                request.url.partition("#")[0],
                method=request.method,
                headers={name: value for name, value in request.headers.items() if name in _SENT},
                body=request.post_data_buffer,
                deadline=CALL_SECONDS,
                max_bytes=MAX_BYTES,
                accept=range(200, 600),
            )
        except DoorError:
            route.abort()
            return
        kept = {name: value for name, value in got.headers.items() if name not in _NOT_KEPT}
        route.fulfill(status=got.status, headers=kept, body=got.body)

    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=env.chromium, args=["--test-third-party-cookie-phaseout"]
        )
        try:
            page = browser.new_context(service_workers="block").new_page()
            page.set_default_timeout(PATIENCE)
            page.add_init_script(f"if (window === top) {{ {_LISTENS} }}")
            page.route("**/*", answer)
            page.goto(home)
            return Shown(_says_ready(page, origin_of(frame.src), playwright.TimeoutError), _leaves(page))
        finally:
            browser.close()


_SENT = frozenset({"accept", "content-type", "origin", "user-agent"})
_NOT_KEPT = frozenset({"content-encoding", "content-length", "transfer-encoding", "connection"})


def _says_ready(page: Any, origin: str, timeout: type[Exception]) -> bool:
    try:
        page.wait_for_function("origin => said.includes(origin)", arg=origin)
    except timeout:
        return False
    return True


def _leaves(page: Any) -> bool:
    """Tab goes in, through and out again."""
    page.focus("#before")
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "after":
            return True
    return False


def _ready(ready: bool) -> Line:
    if ready:
        return passed(
            NUMBER, _READY, {"ja": "ready を送ってきました。", "en": "It said ready, without any cookie."}
        )
    return fix(
        NUMBER,
        _READY,
        {
            "ja": "クッキーのない枠の中で、ready が届きません。",
            "en": "In a frame without cookies it never said ready.",
        },
        {
            "ja": "frame.src のページは、クッキーや保存領域を前提にせず、読み込み後に parent へ "
            '{"jsonrpc": "2.0", "method": "ready"} を送ってください。誰かは、渡された port の token で分かります。',
            "en": "Let the page at `frame.src` need no cookie or storage, and post "
            '{"jsonrpc": "2.0", "method": "ready"} to its parent once loaded; who is there, `token` says through the port.',
        },
    )


def _exit(leaves: bool) -> Line:
    if leaves:
        return passed(NUMBER, _EXIT, {"ja": "Tab で出られました。", "en": "Tab leads out again."})
    return fix(
        NUMBER,
        _EXIT,
        {
            "ja": f"Tab を {MOST_TABS} 回押しても、枠の外に出られません。",
            "en": f"{MOST_TABS} times Tab do not lead out of the frame.",
        },
        {
            "ja": "frame.src のページで、Tab キーを止めたり（preventDefault）、フォーカスを戻したりしないでください。",
            "en": "Do not stop Tab (preventDefault) or pull the focus back in the page at `frame.src`.",
        },
    )
