"""She lets the portal learn from what she opens, puts an entry away and has it back, and stops it with a page still open."""

import json
import time
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.journeys import steps
from tests.sites import Site

PERSON = "teaching"
THROUGH = "/for-you/open/"


def entries(page: Page) -> Locator:
    """The entries of the recommended list that stand open."""
    return page.locator("section[aria-labelledby='zone-for-you'] > ul > li > .entry")


def addresses(page: Page) -> list[str]:
    """Where the titles lead."""
    links = entries(page).locator(".entry__title a").all()
    return [link.get_attribute("href") or "" for link in links]


def held(page: Page, site: Site) -> dict[str, Any]:
    """What the recommender holds of her, by the export; the page that she looks at stays as it is."""
    with page.context.new_page() as other:
        other.goto(f"{site.portal_url}/my-data/export/")
        with other.expect_download() as download:
            other.locator(
                "form button[name=form][value=json], form:has(input[value=json]) button"
            ).first.click()
        made: dict[str, Any] = json.loads(download.value.path().read_text(encoding="utf-8"))["ranking"]
    return made


def test_what_she_opens_is_kept_with_a_yes_and_gone_with_a_no(page: Page, site: Site) -> None:
    steps.sign_in(page, site, PERSON)
    assert not [link for link in addresses(page) if THROUGH in link]
    assert held(page, site)["log"] == []

    # The question is one of its own, and it is off.
    page.goto(f"{site.portal_url}/my-data/")
    page.locator("a[href$='/my-data/personalisation/#learning']").click()
    section = page.locator("#learning")
    expect(section).to_contain_text("いま: 学習していません")
    expect(section).to_contain_text("止めると、記録と小計をその場で消します")
    section.get_by_role("button", name="学習を許可する").click()
    expect(page.locator("#learning")).to_contain_text("いま: 許可しています")

    # The link of an entry goes through the portal and leads to the entry.
    page.goto(site.portal_url + "/")
    assert len(addresses(page)) == 5
    assert all(THROUGH in link for link in addresses(page))
    title = entries(page).first.locator(".entry__title a").inner_text()
    entries(page).first.locator(".entry__title a").click()
    expect(page.locator("h1")).to_have_text(title)
    assert THROUGH not in page.url
    deadline = time.monotonic() + 90
    while not (kept := held(page, site))["log"] and not kept["pending"]:
        assert time.monotonic() < deadline, "what she opened was never written"
        page.wait_for_timeout(1000)

    # "Not for me", its undo, and the list of what is away.
    page.goto(site.portal_url + "/")
    away = entries(page).nth(1)
    name = away.locator(".entry__title a").inner_text()
    away.locator(".entry__away summary").click()
    away.get_by_role("button", name="おすすめから外す").click()
    expect(page.locator(".notice--success")).to_contain_text(name)
    assert name not in steps.titles(page)
    page.get_by_role("button", name="元に戻す").click()
    expect(page.locator(".notice--success")).to_contain_text("おすすめに戻しました")
    assert name in steps.titles(page)
    again = entries(page).filter(has_text=name)
    again.locator(".entry__away summary").click()
    again.get_by_role("button", name="おすすめから外す").click()
    expect(page.locator(".notice--success")).to_contain_text(name)
    page.get_by_role("link", name="おすすめから外した項目を見る").click()
    expect(page.locator("main .entries")).to_contain_text(name)

    # Her home stays open in one window while she stops it in another.
    page.goto(site.portal_url + "/")
    old = addresses(page)[2]
    with page.context.new_page() as other:
        other.goto(f"{site.portal_url}/my-data/")
        row = other.locator("article").filter(has_text="開いたものからの学習（この窓口）")
        row.get_by_role("button", name="見せるのを止める").click()
        expect(other.locator(".notice--success")).to_contain_text("開いたものからの学習")
    page.goto(site.portal_url + old)
    assert THROUGH not in page.url
    left = held(page, site)
    assert (left["log"], left["pending"]) == ([], [])
    page.goto(site.portal_url + "/")
    assert not [link for link in addresses(page) if THROUGH in link]
    assert name not in steps.titles(page)  # her own setting stays
    page.goto(f"{site.portal_url}/my-data/personalisation/")
    expect(page.locator("#learning")).to_contain_text("いま: 学習していません")
