"""What editors, providers and operators do in a browser: steps of their journeys, alike in both modes."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from examples.kit.web import JSON, Request, Response, Server
from examples.kit.web import Site as Routes
from tests.journeys import steps
from tests.sites import Site

PATIENCE = 30_000
WIDE = ViewportSize(width=1280, height=900)
ADMIN = "/admin/"
SETTLED = """() => document.getAnimations()
    .filter(one => one instanceof CSSTransition)
    .forEach(one => one.finish())"""
PRIVACY = "<!doctype html><title>個人情報</title><p>この見本の提供者は、住民についての情報を受け取らず、保存もしません。</p>"


@contextmanager
def somebody(browser: Browser, **more: Any) -> Iterator[Page]:
    """A page in a profile of its own: two people sit at two browsers."""
    context = browser.new_context(
        **{"locale": "ja-JP", "timezone_id": "Asia/Tokyo", "viewport": {"width": 360, "height": 740}, **more}
    )
    context.set_default_timeout(PATIENCE)
    try:
        yield context.new_page()
    finally:
        context.close()


def seen(place: Locator, words: str | None = None) -> None:
    """Waits until it stands there, and says the words."""
    expect(place).to_be_visible(timeout=PATIENCE)
    if words is not None:
        expect(place).to_contain_text(words, timeout=PATIENCE)


def wait_until(holds: Callable[[], bool], again: Callable[[], object]) -> None:
    """Tries until it holds: a page for guests may come from a shared cache for some seconds."""
    deadline = time.monotonic() + PATIENCE / 1000
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.5)
        again()


def status(page: Page, url: str) -> int:
    """What the portal answers there, to this person."""
    answer = page.goto(url)
    assert answer is not None
    return answer.status


def accessible(page: Page, *, inside: str = "") -> None:
    """axe finds nothing, narrow and wide, light and dark, and no page is wider than its window."""
    was = page.viewport_size or WIDE
    schemes: tuple[Literal["light", "dark"], ...] = ("dark", "light")
    page.mouse.move(0, 0)
    for scheme, width in product(schemes, (360, 1280)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(ViewportSize(width=width, height=800))
        # In the admin's own style a button moves to another colour after the pointer and after the scheme.
        page.evaluate(SETTLED)
        result = Axe().run(page, context=inside or None)
        assert result.violations_count == 0, f"{page.url} {scheme} {width}: {result.generate_report()}"
        if not inside:
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (page.url, width)
    page.set_viewport_size(was)


# --- Wagtail's admin -----------------------------------------------------------------------------------------


def enter_admin(page: Page, site: Site, name: str) -> None:
    """Opens /admin/ and signs in with the regional ID."""
    page.set_viewport_size(WIDE)
    page.goto(site.portal_url + ADMIN)
    steps.enter_password(page, site, name)
    page.wait_for_url(site.portal_url + ADMIN)


def new_page(page: Page, site: Site, index: str, kind: str) -> None:
    """From the list of pages to the empty form of a page of this kind below `index`."""
    page.goto(f"{site.portal_url}/admin/pages/")
    page.locator("main table").get_by_role("link", name=index, exact=True).click()
    page.wait_for_url("**/edit/")
    page.goto(page.url.replace("/edit/", "/add_subpage/"))
    # A list offers one kind of page, so the form comes at once.
    page.wait_for_url(f"**/add/content/{kind}/**")


def tab(page: Page, name: str) -> None:
    """One of the tabs of the form."""
    page.get_by_role("tab", name=name).click()


def publish(page: Page) -> int:
    """By the menu beside "save draft"; the number of the page."""
    page.get_by_role("button", name="他のアクション").click()
    page.locator("button[name=action-publish]").click()
    told = page.locator(".messages .success")
    seen(told, "公開されました")
    address = told.get_by_role("link", name="編集").get_attribute("href") or ""
    return int(address.rstrip("/").split("/")[-2])


def unpublish(page: Page, site: Site, number: int, why: str = "まちがえて公開しました。") -> None:
    """As an editor does it: the menu of the page, once more to be sure, and the reason that stands in its place."""
    page.goto(f"{site.portal_url}/admin/pages/{number}/edit/")
    page.get_by_role("button", name="他のアクション").click()
    page.locator(f"a[href^='/admin/pages/{number}/unpublish/']").first.click()
    page.wait_for_url("**/unpublish/**")
    page.locator("main form button[type=submit], main form input[type=submit]").first.click()
    page.locator("#id_explanation").fill(why)
    page.get_by_role("button", name="このページの公開をやめる").click()
    seen(page.locator(".messages .success"))


# --- the provider's console ----------------------------------------------------------------------------------


def register(page: Page, site: Site, url: str, organisation: str = "BusCo") -> None:
    """Types the manifest's address below the organisation's name and sends it."""
    page.goto(f"{site.portal_url}/provider/")
    section = page.get_by_role("region", name=organisation)
    section.locator("input[name=url]").fill(url)
    section.get_by_role("button", name="調べて登録").click()


def open_gadget(page: Page, site: Site, gadget_id: str) -> None:
    """The provider's page of a gadget."""
    page.goto(f"{site.portal_url}/provider/gadgets/{gadget_id}/")


def step(page: Page, name: str) -> None:
    """One of the provider's buttons."""
    page.locator(f"button[name=step][value={name}]").click()


def checked(page: Page) -> list[tuple[int, bool, str]]:
    """Waits for the end of the checks; number, whether there is nothing to fix, and all words of each line."""
    # The page asks by itself until the run is done.
    expect(page.locator("[data-checks]:not([data-open])")).to_be_visible(timeout=120_000)
    expect(page.locator("[data-checks] li").first).to_be_visible(timeout=PATIENCE)
    lines = []
    for line in page.locator("[data-checks] li").all():
        words = line.inner_text()
        number = words.split(". ", 1)[0].split()[-1]
        lines.append((int(number), words.split()[1] != "要修正", words))
    return lines


# --- the operator's desk -------------------------------------------------------------------------------------


def review(page: Page, site: Site, gadget_id: str) -> None:
    """The desk's page of a gadget, by the menu and the queue."""
    page.goto(site.portal_url + ADMIN)
    page.get_by_role("link", name="サービスの審査").click()
    page.wait_for_url("**/admin/services/")
    page.locator(f"a[href='/admin/services/{gadget_id}/']").click()
    page.wait_for_url(f"**/admin/services/{gadget_id}/")


def decide(page: Page, decision: str, reason: str = "") -> None:
    """One of the operator's buttons, with the reason where one is asked."""
    if reason:
        page.locator(f"#{decision}-reason").fill(reason)
    if decision == "approve" and page.locator("#approve-verified").count():
        page.locator("#approve-verified").check()
    page.locator(f"button[name=decision][value={decision}]").click()


# --- providers of a journey's own ----------------------------------------------------------------------------


def _always(body: str) -> Callable[[Request], Response]:
    return lambda _: Response(body, content_type=JSON)


@contextmanager
def serving(name: str, more: Mapping[str, Any] | None = None) -> Iterator[str]:
    """A provider at `http://NAME.localhost:PORT` that has nothing but the manifest of a link; its URL."""
    routes = Routes()
    server = Server(routes, 0)
    origin = f"http://{name}.localhost:{server.port}"
    url = f"{origin}/gadget.json"
    documents = {
        "/gadget.json": {**link(name, origin), **(more or {})},
        "/.well-known/region-gadget.json": {"gadgets": [url]},
        "/g/health": {"status": "ok"},
    }
    for path, document in documents.items():
        routes.route("GET", path, _always(json.dumps(document, ensure_ascii=False)))
    routes.route("GET", "/privacy", lambda _: Response(PRIVACY))
    thread = server.start()
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def link(name: str, origin: str) -> dict[str, Any]:
    """The manifest of a gadget that is only a link."""
    return {
        "manifest": "1.0",
        "id": f"localhost.{name}.page",
        "version": "1.0.0",
        "provider": {
            "name": f"{name} の会社",
            "type": "company",
            "privacy": f"{origin}/privacy",
            "support": f"mailto:help@{name}.example",
            "security": f"mailto:sec@{name}.example",
        },
        "title": {"ja": f"{name} のページ", "en": f"The page of {name}", "ja-simple": f"{name} の ページ"},
        "summary": {"ja": "リンクだけのサービスです。", "en": "Only a link.", "ja-simple": "リンクです。"},
        "category": "environment",
        "kind": "link",
        "identity": "none",
        "sizes": ["S"],
        "endpoints": {"login": f"{origin}/login", "health": f"{origin}/g/health"},
        "claims": [],
        "data": [],
        "provides": [],
        "link_origins": [origin],
        "cache": {"max_age": 600, "stale": 600},
        "settings": {"type": "object", "properties": {}},
        "regions": ["*"],
    }
