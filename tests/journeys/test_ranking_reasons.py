"""Somebody reads why an entry is there, changes what is behind it, asks for less of a topic, sees what moved, and goes back."""

from playwright.sync_api import Locator, Page, expect

from tests.journeys import steps
from tests.journeys.test_accessibility import look
from tests.sites import Site

LESS = "「音楽」を減らす"


def of_music(page: Page) -> Locator:
    """The first entry of the home that offers less music, with its reasons open."""
    entry = (
        page.locator(".entry").filter(has=page.get_by_role("button", name=LESS, include_hidden=True)).first
    )
    if not entry.is_visible():
        page.locator("section[aria-labelledby='zone-for-you'] .more > summary").click()
    return entry


def test_from_a_reason_to_its_change_and_to_less_of_a_topic_and_back(page: Page, site: Site) -> None:
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    steps.sign_in(page, site, "lowering")
    before = steps.titles(page)
    # A reason, by keyboard, and from it to what is behind it.
    entry = of_music(page)
    entry.locator(".entry__why summary").focus()
    page.keyboard.press("Enter")
    reason = entry.locator(".entry__why li").filter(has_text="選んだテーマ")
    expect(reason).to_be_visible()
    reason.get_by_role("link").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/my-data/attributes/#interests")
    expect(page.locator("#interests input[value=music]")).to_be_checked()
    page.go_back()
    # Less of it, by keyboard; the effect is there at once.
    entry = of_music(page)
    title = (entry.locator(".entry__title").text_content() or "").strip()
    entry.locator(".entry__why summary").focus()
    page.keyboard.press("Enter")
    problems += look(page)
    page.set_viewport_size({"width": 360, "height": 740})
    entry.get_by_role("button", name=LESS).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/my-data/ranking/less/?topic=music&was=1")
    expect(page.locator("h1")).to_have_text("「音楽」を減らしました")
    assert page.locator("section[aria-labelledby=after-title] .entry__meta").count() == 5
    expect(page.locator("section[aria-labelledby=moved-title] li").filter(has_text=title)).to_contain_text(
        "いまは"
    )
    problems += look(page)
    page.goto(site.portal_url + "/")
    lowered = steps.titles(page)
    assert title not in lowered or lowered.index(title) > before.index(title)
    assert page.get_by_role("button", name=LESS, include_hidden=True).count() == 0
    # The page of everything that moves the order, from the home.
    page.get_by_role("link", name="順番の決まり方").first.click()
    page.wait_for_url("**/my-data/ranking/")
    expect(
        page.get_by_role("row").filter(has_text="話題が「音楽」の項目").filter(has_text="下がる").first
    ).to_be_visible()
    problems += look(page)
    page.set_viewport_size({"width": 360, "height": 740})
    page.emulate_media(forced_colors="active")
    problems += look(page)
    page.emulate_media(forced_colors="none")
    # And back: nothing of it is left.
    page.goto(site.portal_url + "/my-data/ranking/less/?topic=music&was=1")
    page.get_by_role("button", name="元にもどす").click()
    expect(page.locator(".notice--success")).to_contain_text("「音楽」を減らすのをやめました。")
    page.goto(f"{site.portal_url}/my-data/attributes/")
    expect(page.locator("#avoids input[value=music]")).not_to_be_checked()
    expect(page.locator("#interests input[value=music]")).to_be_checked()
    page.goto(site.portal_url + "/")
    # The fifth place is now and then for something that is rarely seen.
    assert steps.titles(page)[:4] == before[:4]
    assert problems == []
