"""A guest sees urgent alerts, news, real events with their source, and the public cards of three providers."""

import csv
import io
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from demo import region_data
from tests.journeys import steps
from tests.sites import Site

ATTRIBUTION = "高松市オープンデータ（CC BY 4.0）を加工"
EVENTS = region_data.folder() / "events.csv"


def ahead() -> set[tuple[str, str]]:
    """Title and place of the events in the city's own file that are not over: a day of each is on the home."""
    now = f"{datetime.now(ZoneInfo('Asia/Tokyo')):%Y-%m-%d %H:%M}"
    rows = csv.DictReader(io.StringIO(EVENTS.read_text(encoding="utf-8-sig")))
    return {
        (" ".join(row["イベント名"].split()), row["場所名称"].strip())
        for row in rows
        if f"{row['終了日'] or row['開始日']} {row['終了時間'] or '23:59'}" > now
    }


def test_the_guest_home_is_whole(page: Page, site: Site) -> None:
    answer = page.goto(site.portal_url + "/")
    assert answer is not None
    assert answer.status == 200
    first = page.locator("main .alert").first
    expect(first.locator(".tag--urgent")).to_have_text("緊急")
    expect(first).to_contain_text("とるべき行動")
    assert page.locator("section[aria-labelledby='zone-news'] .entry").count() == 5
    events = page.locator("section[aria-labelledby='zone-events'] .entry")
    shown = [
        (
            " ".join((event.locator(".entry__title").text_content() or "").split()),
            (event.locator(".entry__meta span[lang=ja]").text_content() or "").strip(),
        )
        for event in events.all()
    ]
    known = ahead()
    assert len(shown) == len(set(shown)) == min(len(known), 12)
    assert set(shown) <= known
    for event in events.all():
        assert ATTRIBUTION in (event.text_content() or "")
    # The demo says on every page that it is a sample; a city has nothing to say there.
    expect(page.locator(".sample-bar")).to_have_count(1 if site.mode == "demo" else 0)
    expect(steps.expect_filled(page, steps.WASTE)).to_contain_text("収集区8")
    expect(steps.expect_filled(page, steps.LUNCH)).to_contain_text("給食")
    expect(steps.expect_filled(page, steps.RIVER)).to_contain_text("の水位")


def test_every_kind_of_page_opens(page: Page, site: Site) -> None:
    # The city's file ends one day; until then an event stands on the home.
    for zone in ("alerts", "news", *(["events"] if ahead() else [])):
        page.goto(site.portal_url + "/")
        place = page.locator(".alerts" if zone == "alerts" else f"section[aria-labelledby='zone-{zone}']")
        link = place.locator("article a").first
        title = (link.text_content() or "").strip()
        link.click()
        expect(page.locator("h1")).to_contain_text(title)


@pytest.mark.parametrize(
    ("path", "lang", "label", "alert", "waste"),
    [
        ("/en/", "en", "English", "[Sample] Heavy rain", "Collection days in Takamatsu"),
        ("/ja-simple/", "ja", "やさしい日本語", "おおあめ", "ごみの 日"),
    ],
)
def test_the_language_switch(
    page: Page, site: Site, path: str, lang: str, label: str, alert: str, waste: str
) -> None:
    page.goto(site.portal_url + "/")
    page.locator(".site-header__languages").get_by_role("link", name=label, exact=True).click()
    page.wait_for_url(site.portal_url + path)
    assert (page.locator("html").get_attribute("lang") or "").startswith(lang)
    expect(page.locator("main .alert").first).to_contain_text(alert)
    expect(steps.expect_filled(page, steps.WASTE)).to_contain_text(waste)
    page.locator("main .alert a").first.click()
    assert page.url.startswith(site.portal_url + path)
    expect(page.locator("h1")).to_contain_text(alert)


def test_nothing_about_a_guest_leaves(page: Page, watched: Site) -> None:
    before = steps.claims_seen(watched)
    page.goto(watched.portal_url + "/")
    page.locator("#guest summary").click()
    page.locator("#guest-district").select_option("mitani")
    page.locator("#guest button[value=save]").click()
    expect(page.locator("#guest-district option[selected]")).to_have_text("三谷")
    assert page.locator("#guest-district").input_value() == "mitani"
    steps.expect_filled(page, steps.WASTE)
    assert steps.claims_seen(watched) == before
