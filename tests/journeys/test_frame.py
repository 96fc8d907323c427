"""A provider's frame in a real browser: the token reaches one origin and one document, and nobody else anything."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Frame, Page, Playwright, expect

from tests.conftest import CHROMIUM
from tests.journeys import steps
from tests.journeys.frame_providers import SNEAKY, Sneaky, Stranger, sneaky, stranger
from tests.journeys.test_hostile import run
from tests.sites import Site

SHELTER = "localhost.shelter.map"
DISTRICT = "area.district"
GREETS = "window.ready();"
PATIENCE = pytest.mark.timeout(900)
pytestmark = PATIENCE


@pytest.fixture(scope="module")
def shelter(site: Site) -> str:
    """The example provider of a map, published with the demo's; the origin of its frame."""
    return f"http://map.shelter.localhost:{site.provider_port('shelter')}"


@pytest.fixture(scope="module")
def bins(site: Site) -> Iterator[Sneaky]:
    """A published gadget whose frame does what a test says."""
    with sneaky() as made:
        run(site, made.made.url)
        yield made
        run(site, "--retire", SNEAKY)


@pytest.fixture
def evil() -> Iterator[Stranger]:
    with stranger() as made:
        yield made


def opened(page: Page, site: Site, gadget_id: str, path: str = "") -> None:
    page.goto(f"{site.portal_url}{path}/gadgets/{gadget_id}/frame/")


def inside(page: Page, origin: str, path: str = "/frame") -> Frame:
    """The frame whose document is there, once its script has run."""
    url = f"{origin}{path}"
    steps.eventually(lambda: any(one.url == url for one in page.frames))
    found = next(one for one in page.frames if one.url == url)
    found.wait_for_function("typeof window.ready === 'function'")
    return found


def rpc(frame: Frame, method: str, params: dict[str, Any] | None = None) -> Any:
    """One call through the port that the frame was given."""
    frame.wait_for_function("window.ports.length > 0")
    return frame.evaluate("([method, params]) => window.rpc(method, params)", [method, params or {}])


def ports(frame: Frame) -> int:
    """How many ports the document was given, after a while in which one could have come."""
    frame.wait_for_timeout(500)
    return int(frame.evaluate("window.ports.length"))


# --- the good case -------------------------------------------------------------------------------------------


def test_the_map_of_her_district_by_keyboard_in_easy_sizes_and_dark(
    page: Page, site: Site, shelter: str
) -> None:
    steps.sign_in(page, site, "framing")
    steps.grant_on_page(page, site, SHELTER)
    page.goto(f"{site.portal_url}/gadgets/{SHELTER}/")
    page.get_by_role("link", name="開く 避難場所").click()
    heading = page.frame_locator("iframe").get_by_role("heading", level=1)
    expect(heading).to_have_text("仏生山地区から近い避難場所")
    expect(page.frame_locator("iframe").get_by_role("listitem")).to_have_count(8)
    frame = inside_map(page, shelter)
    expect(page.locator("[data-fallback]")).to_be_hidden()
    # It is as tall as it said, within what it declared.
    assert 320 < int(page.locator("iframe").get_attribute("height") or 0) <= 1600
    # In, through and out again by Tab.
    page.locator("#frame-before").focus()
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
        if seen[-1] == "frame-after":
            break
    assert "IFRAME" in seen
    assert seen[-1] == "frame-after"
    page.locator("#frame-before").press("Enter")
    assert page.evaluate("location.hash") == "#frame-after"
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": 320, "height": 740})
        for at in (page, frame):
            result = Axe().run(at)  # type: ignore[arg-type]
            found += [
                f"{scheme} {one['id']}: {one['nodes'][0]['html']}" for one in result.response["violations"]
            ]
            assert at.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert found == []
    # A link is offered, and the page stays where it is.
    before = page.url
    page.frame_locator("iframe").locator("#source").click()
    link = page.locator("[data-told] a")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    assert page.url == before


def inside_map(page: Page, origin: str) -> Frame:
    return next(one for one in page.frames if one.url == f"{origin}/map")


@pytest.mark.parametrize("context_args", [{"java_script_enabled": False, "locale": "ja-JP"}])
def test_without_scripts_there_is_the_other_way(page: Page, site: Site, shelter: str) -> None:
    opened(page, site, SHELTER)
    expect(page.locator("iframe")).to_have_count(0)
    page.get_by_role("link", name="枠を使わずに見る").click()
    expect(page.locator(".rc-card")).to_be_visible()


# --- the port ------------------------------------------------------------------------------------------------


def test_every_method_answers_within_its_limits(page: Page, site: Site, bins: Sneaky) -> None:
    bins.pages.scripts = {"/frame": GREETS}
    page.emulate_media(color_scheme="dark")
    opened(page, site, SNEAKY, "/en")
    frame = inside(page, bins.origin)
    told = rpc(frame, "initialize")["result"]
    assert told == {
        "protocol": "1.0",
        "locale": "en",
        "theme": "dark",
        "timeZone": "Asia/Tokyo",
        "settings": {},
        "granted": [],
    }
    token = rpc(frame, "token")["result"]
    assert token["expires_in"] == 60
    assert token["token"].count(".") == 2
    box = page.locator("iframe")
    for height, drawn in ((99_999, "600"), (1, "200"), (333.2, "334")):
        rpc(frame, "size-changed", {"height": height})
        expect(box).to_have_attribute("height", drawn)
    for wrong in (-5, "x", None):
        assert rpc(frame, "size-changed", {"height": wrong})["error"]["code"] == -32602
    for url in (
        "https://evil.example/",
        "javascript:alert(1)",
        "/",
        bins.made.provider.origin.replace("//", "//a:b@"),
    ):
        assert rpc(frame, "open-link", {"url": url})["error"]["code"] == -32602
    expect(page.locator("[data-told] a")).to_have_count(0)
    assert rpc(frame, "constructor")["error"]["code"] == -32601
    assert rpc(frame, "navigate", {"url": "https://evil.example/"})["error"]["code"] == -32601
    page.emulate_media(color_scheme="light")
    assert ports(frame) == 1


def test_a_second_ready_gets_nothing(page: Page, site: Site, bins: Sneaky) -> None:
    bins.pages.scripts = {"/frame": GREETS}
    opened(page, site, SNEAKY)
    frame = inside(page, bins.origin)
    frame.wait_for_function("window.ports.length === 1")
    frame.evaluate("window.ready()")
    assert ports(frame) == 1


def test_a_second_document_of_the_same_origin_gets_nothing_and_ends_it(
    page: Page, site: Site, bins: Sneaky
) -> None:
    bins.pages.scripts = {"/frame": GREETS, "/second": GREETS}
    opened(page, site, SNEAKY)
    frame = inside(page, bins.origin)
    frame.wait_for_function("window.ports.length === 1")
    with page.expect_response(f"{bins.origin}/second"):
        frame.evaluate("location.href = '/second'")
    expect(page.locator("iframe")).to_have_count(0)
    expect(page.locator("[data-told]")).to_contain_text("つながりを切りました")
    expect(page.locator("[data-fallback]")).to_be_visible()


def test_a_frame_that_goes_elsewhere_is_ended_and_the_other_origin_gets_nothing(
    page: Page, site: Site, bins: Sneaky, evil: Stranger
) -> None:
    bins.pages.scripts = {"/frame": GREETS}
    evil.pages.scripts = {"/frame": GREETS}
    opened(page, site, SNEAKY)
    frame = inside(page, bins.origin)
    frame.wait_for_function("window.ports.length === 1")
    frame.evaluate("to => { location.href = to }", f"{evil.origin}/frame")
    expect(page.locator("iframe")).to_have_count(0)
    # The page's policy names one origin: the other one was not even asked.
    assert evil.pages.asked == []


def test_other_documents_of_the_same_origin_get_nothing(page: Page, site: Site, bins: Sneaky) -> None:
    """A page in the frame's page and a window that it opened: neither is the frame."""
    bins.pages.scripts = {
        "/frame": "go.onclick = () => open('/window'); const nested = document.createElement('iframe');"
        "nested.src = '/nested'; document.body.append(nested);",
        "/nested": "window.ready(top);",
        "/window": "if (opener) window.ready(opener.top);",
    }
    opened(page, site, SNEAKY)
    frame = inside(page, bins.origin)
    nested = inside(page, bins.origin, "/nested")
    with page.context.expect_page() as told:
        frame.click("#go")
    window = told.value
    window.wait_for_function("typeof window.ready === 'function'")
    assert ports(nested) == 0
    assert ports(window.main_frame) == 0
    # The frame itself is served as ever.
    frame.evaluate("window.ready()")
    frame.wait_for_function("window.ports.length === 1")
    assert ports(nested) == ports(window.main_frame) == 0


def test_another_origin_that_says_ready_gets_nothing(
    page: Page, site: Site, bins: Sneaky, evil: Stranger
) -> None:
    bins.pages.scripts = {
        "/frame": "const nested = document.createElement('iframe');"
        f"nested.src = '{evil.origin}/nested'; document.body.append(nested);"
    }
    evil.pages.scripts = {"/nested": "window.ready(top);"}
    opened(page, site, SNEAKY)
    inside(page, bins.origin)
    nested = inside(page, evil.origin, "/nested")
    assert ports(nested) == 0


def test_whoever_frames_the_providers_page_or_ours_gets_nothing(
    page: Page, site: Site, shelter: str, bins: Sneaky, evil: Stranger
) -> None:
    steps.sign_in(page, site, "framing")
    bins.pages.scripts = {"/frame": GREETS}
    portal = f"{site.portal_url}/gadgets/{SNEAKY}/frame/"
    evil.pages.scripts = {
        "/": "window.heard = []; addEventListener('message', ({ data }) => heard.push(data));"
        f"for (const src of ['{shelter}/map', '{bins.origin}/frame', '{portal}']) {{"
        "const frame = document.createElement('iframe'); frame.src = src; document.body.append(frame); }"
    }
    page.goto(f"{evil.origin}/")
    # Who names the portal in frame-ancestors is not framed, and the portal never is.
    inner = inside(page, bins.origin)
    steps.eventually(lambda: sum(one.url.startswith("chrome-error:") for one in page.frames) == 2)
    # Who forgot it is framed and says ready: to somebody who has nothing to give.
    steps.eventually(lambda: page.evaluate("heard.length") > 0)
    assert ports(inner) == 0
    got = page.evaluate(
        "([url, origin]) => fetch(url, { method: 'POST', credentials: 'include', mode: 'cors',"
        " body: new URLSearchParams({ origin }) }).then(a => a.text(), () => 'refused')",
        [f"{site.portal_url}/gadgets/{SNEAKY}/frame/token", bins.origin],
    )
    assert got == "refused"


def test_a_withdrawal_in_another_tab_is_told_with_the_next_token(
    page: Page, site: Site, bins: Sneaky
) -> None:
    bins.pages.scripts = {
        "/frame": GREETS + "window.told = [];"
        "addEventListener('message', ({ ports }) => ports[0]?.addEventListener('message', ({ data }) => told.push(data)));"
    }
    steps.sign_in(page, site, "framing")
    steps.grant_on_page(page, site, SNEAKY)

    def granted() -> bool:
        opened(page, site, SNEAKY)
        return bool(rpc(inside(page, bins.origin), "initialize")["result"]["granted"])

    # The cells of a claim that nobody asked for before are counted in the background.
    steps.eventually(granted, 120)
    frame = inside(page, bins.origin)
    other = page.context.new_page()
    other.goto(f"{site.portal_url}/my-data/")
    other.locator(f"form[action='/my-data/stop/{SNEAKY}/'] button").click()
    expect(other.locator(".notice--success")).to_be_visible()
    rpc(frame, "token")
    assert {"jsonrpc": "2.0", "method": "context-changed", "params": {"granted": []}} in frame.evaluate(
        "told"
    )


# --- cookies -------------------------------------------------------------------------------------------------


@pytest.fixture
def blocking(playwright: Playwright) -> Iterator[Page]:
    """A page of a browser that blocks third-party cookies by its flag."""
    started = playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=[*CHROMIUM, "--test-third-party-cookie-phaseout"]
    )
    made = started.new_context(locale="ja-JP")
    made.set_default_timeout(30_000)
    yield made.new_page()
    started.close()


COOKIE = "document.cookie = 'probe=1; SameSite=None; Secure'; window.kept = document.cookie;"


def test_it_works_with_third_party_cookies_blocked(
    blocking: Page, site: Site, bins: Sneaky, shelter: str
) -> None:
    """The same line of script keeps its cookie on a page of its own, and keeps none in the frame.

    A fresh profile of this Chromium blocks them without the flag too; the flag is what the promise names.
    """
    bins.pages.scripts = {"/frame": GREETS + COOKIE}
    page = blocking
    page.goto(f"{bins.origin}/frame")
    page.wait_for_function("window.kept === 'probe=1'")
    opened(page, site, SNEAKY)
    frame = inside(page, bins.origin)
    assert frame.evaluate("kept") == ""
    assert rpc(frame, "token")["result"]["token"]
    # The map tells a guest, who has no district here, what it learned by a call with its own token.
    opened(page, site, SHELTER)
    expect(page.frame_locator("iframe").get_by_role("heading", level=1)).to_have_text("市内の避難場所")
    expect(page.frame_locator("iframe").locator("#remarks")).to_contain_text("お住まいの地区を許可すると")
