"""The mock portal's page in a browser: everybody can read it, with cards and with faults, in light and dark, narrow and wide."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.gadgets import life
from tests.gadgets.providers import card_document
from tests.gadgets.test_rgadget import portal
from tests.journeys import desk

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_page_is_readable_and_a_reload_shows_what_changed(
    page: Page, careless: life.Careless, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.chdir(tmp_path)
    careless.document["sizes"] = ["S", "M", "L"]
    with portal(careless.url, language) as url:
        page.goto(url)
        expect(page.locator("article.card")).to_have_count(3 * 4)
        desk.accessible(page)
        page.set_viewport_size(desk.WIDE)
        widths = [page.locator(f"article.card--{size}").first.bounding_box() for size in "sml"]
        small, medium, large = (box["width"] for box in widths if box)
        assert small < medium < large
        careless.card = card_document(blocks=[{"type": "text", "text": "<b>太字</b>"}])
        page.reload()
        expect(page.get_by_role("alert")).to_have_count(3 * 4)
        expect(page.get_by_role("alert").first).to_contain_text("$.blocks[0].text")
        desk.accessible(page)
        page.locator("#person").select_option("taro")
        page.locator("#size").select_option("L")
        page.get_by_role("button").click()
        expect(page.get_by_role("alert")).to_have_count(1)
