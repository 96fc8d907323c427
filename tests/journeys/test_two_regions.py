"""Two regions run from one checkout side by side: each with its own sign-in, and nothing of one on the other's pages."""

import re
from collections import deque
from collections.abc import Iterator
from html import unescape
from urllib.parse import urldefrag, urljoin

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from core.region import theme
from core.region.current import DEFAULT
from core.region.region_file import read
from core.region.types import Region
from tests import sites
from tests.journeys import steps
from tests.journeys.conftest import PATIENCE
from tests.sites import ROOT, Site

CITY, INVENTED = read(DEFAULT), read(ROOT / "demo" / "regions" / "minamo.toml")
PAGES, OF_A_KIND = 60, 6
FOR_PROGRAMS = (
    "/.well-known/region-gadgets.json", "/.well-known/region-portal.json", "/alerts.json", "/alerts.html",
)  # fmt: skip
FETCH = "async path => { const got = await fetch(path); return [got.status, await got.text()]; }"
LANGUAGES = ("/", "/en/", "/ja-simple/")
ELSEWHERE = re.compile(r"/sign-out|/logout|^/static/")
"""What ends the session, and the files of the product: the Digital Agency's palette is everybody's."""
Two = dict[str, tuple[Site, Region]]


@pytest.fixture(scope="module")
def two() -> Iterator[Two]:
    """Both are started at once, from this checkout, each in a folder of its own."""
    first = sites.demo_ports()
    second = sites.demo_ports(frozenset(range(first, first + 10)))
    started = [sites.launch_demo(first), sites.launch_demo(second, INVENTED.path)]
    try:
        city, invented = (sites.ready_demo(site) for site in started)
        yield {"city": (city, CITY), "invented": (invented, INVENTED)}
    finally:
        for site in started:
            site.stop()


def words_of(region: Region) -> set[str]:
    """What a page of another region never says: names, addresses of districts, code, colours, attributions.

    Names of one letter and of two or three kana are parts of ordinary words.
    """
    districts = [district.name for district in region.districts]
    return {
        *region.name.values(),
        *region.portal_name.values(),
        *(name["ja"] for name in districts if len(name["ja"]) > 1),
        *(name["ja-simple"] for name in districts if len(name["ja-simple"]) > 3),
        *(f"{name['en']}" for name in districts),
        *(f'"{district.code}"' for district in region.districts),
        *(colours[key] for colours in (region.light, region.dark) for key in ("link", "link_visited", "action")),
        *region.source_attributions,
        *region.attribution.values(),
        region.code,
    }  # fmt: skip


def said(text: str, words: set[str]) -> set[str]:
    """Those of the words that stand in the text; a Latin word stands there as a whole."""
    return {word for word in words if re.search(rf"(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])", text)}


def pages_of(page: Page, site: Site) -> dict[str, str]:
    """Path and text of the pages that links lead to from the home in each language; of one kind, the first few."""
    waiting = deque([*LANGUAGES, *FOR_PROGRAMS])
    seen, kinds, found = set(waiting), dict[str, int](), dict[str, str]()
    while waiting and len(found) < PAGES:
        path = waiting.popleft()
        kind = path.rstrip("/").rpartition("/")[0]
        kinds[kind] = kinds.get(kind, 0) + 1
        if path not in LANGUAGES and kinds[kind] > OF_A_KIND:
            continue
        status, text = page.evaluate(FETCH, path)
        if status != 200:
            continue
        found[path] = unescape(text)
        for link in re.findall(r'href="([^"#]+)"', text):
            whole = urldefrag(urljoin(site.portal_url + path, unescape(link))).url
            place = whole.removeprefix(site.portal_url)
            if place != whole and place not in seen and not ELSEWHERE.search(place):
                seen.add(place)
                waiting.append(place)
    return found


def colour_of_action(page: Page) -> str:
    return str(
        page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--action').trim()")
    )


@pytest.mark.full
@pytest.mark.browser
@PATIENCE
def test_two_regions_run_side_by_side_and_share_nothing(two: Two, context: BrowserContext) -> None:
    pages = {name: context.new_page() for name in two}
    # One browser for both: their hosts are the same, and a cookie knows no port.
    screens = {}
    for name, (site, region) in two.items():
        pages[name].goto(site.portal_url + "/sign-in/")
        pages[name].wait_for_url(f"{site.id_url}/**")
        screens[name] = {"sign-in": pages[name].content()}
        steps.sign_in(pages[name], site, "hanako")
        expect(pages[name].locator(".site-header__name")).to_have_text(region.portal_name["ja"])
        pages[name].emulate_media(color_scheme="light")
        assert colour_of_action(pages[name]) == region.light["action"]
        pages[name].emulate_media(color_scheme="dark")
        assert colour_of_action(pages[name]) == region.dark["action"]
    for name, (site, region) in two.items():
        pages[name].goto(site.portal_url + "/my-data/")
        expect(pages[name].locator("form[action$='/sign-out/']")).to_be_visible()
        other = INVENTED if region is CITY else CITY
        found = screens[name] | pages_of(pages[name], site)
        assert len(found) > 20
        texts = " ".join(found.values())
        assert {*region.portal_name.values(), region.code} <= said(texts, words_of(region))
        assert [(path, wrong) for path, text in found.items() if (wrong := said(text, words_of(other)))] == []
        assert theme.stylesheet(region) in texts
    steps.sign_out(pages["city"], two["city"][0])
    pages["invented"].reload()
    expect(pages["invented"].locator("form[action$='/sign-out/']")).to_be_visible()
    names = {str(cookie.get("name")) for cookie in context.cookies()}
    assert {f"csrf-{CITY.id}", f"csrf-{INVENTED.id}", f"session-{INVENTED.id}"} <= names
