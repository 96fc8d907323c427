"""A provider registers by a URL, reads what to mend, is approved, stands on a home, is stopped, and reads why."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys import desk, steps
from tests.sites import Site

LIBRARY = "localhost.fourth.library"
NUMBERS = set(range(1, 15))
BACK = "要約に、祝日の開館が分かる文を足してください。"
STOPPED = "開館時間が古いままのため、止めました。"


@pytest.mark.timeout(600)
def test_a_fourth_gadget_from_its_address_to_a_home_and_off_again(
    page: Page, site: Site, browser: Browser
) -> None:
    url = f"{site.providers['fourth']}/gadget.json"
    page.goto(f"{site.portal_url}/provider/")
    page.get_by_role("link", name="サインインして始める").click()
    steps.enter_password(page, site, "busco")
    page.wait_for_url(f"{site.portal_url}/provider/")
    desk.accessible(page)

    # Nobody answers there yet; then somebody does, but wrongly.
    desk.register(page, site, url)
    desk.seen(page.get_by_role("alert"), "接続できません")
    site.start("fourth", fault="html")
    desk.register(page, site, url)
    page.wait_for_url(f"**/provider/gadgets/{LIBRARY}/")
    lines = desk.checked(page)
    failed = {number for number, ok, _ in lines if not ok}
    assert {3, 4, 5} <= failed
    assert not failed & {1, 2, 13}
    for _number, ok, words in lines:
        assert ("直し方" in words) is not ok
    assert "$.blocks[0]" in " ".join(words for number, _, words in lines if number == 4)
    desk.accessible(page)
    expect(page.locator("button[value=submit]")).to_have_count(0)

    site.start("fourth")
    desk.step(page, "check")
    lines = desk.checked(page)
    assert {number for number, _, _ in lines} == NUMBERS
    assert all(ok for _, ok, _ in lines)
    desk.step(page, "submit")
    desk.seen(page.locator(".notice--success").first, "審査を申し込みました")

    with (
        desk.somebody(browser) as operator,
        desk.somebody(browser) as hanako,
    ):
        desk.enter_admin(operator, site, "operator")
        sent_back(operator, page, site)
        approved(operator, page, site)
        steps.sign_in(hanako, site, "hanako")
        try:
            added(hanako, site)
            fetched_well(page, site)
            suspended(operator, page, hanako, site)
        finally:
            retired(operator, page, hanako, site)


def sent_back(operator: Page, page: Page, site: Site) -> None:
    """The operator says no, and why; the provider reads it, has it checked again and hands it in again."""
    desk.review(operator, site, LIBRARY)
    desk.accessible(operator, inside=".nice-padding")
    desk.decide(operator, "refuse", BACK)
    desk.seen(operator.locator(".messages .success"), "差し戻しました")
    page.reload()
    desk.seen(page.locator("blockquote", has_text=BACK).first)
    desk.seen(page.locator("main .notice--warning"), "差し戻されました")
    desk.step(page, "check")
    assert all(ok for _, ok, _ in desk.checked(page))
    desk.step(page, "submit")


def approved(operator: Page, page: Page, site: Site) -> None:
    """The operator says yes; the provider sees it."""
    desk.review(operator, site, LIBRARY)
    desk.seen(operator.locator("main"), BACK)
    desk.decide(operator, "approve")
    desk.seen(operator.locator(".messages .success"), "承認し、公開しました")
    page.reload()
    desk.seen(page.locator("main .tag").first, "公開中")


def added(hanako: Page, site: Site) -> None:
    """She finds it, reads that it learns nothing of her, and puts it on her home."""
    hanako.goto(f"{site.portal_url}/gadgets/")
    desk.accessible(hanako)
    hanako.get_by_role("link", name="図書館の開館時間").click()
    hanako.wait_for_url(f"**/gadgets/{LIBRARY}/")
    desk.seen(hanako.locator("main"), "あなたのことは、何も伝わりません。")
    desk.accessible(hanako)
    hanako.get_by_role("button", name="ホームに追加").click()
    desk.seen(hanako.locator(".notice--success").first, "ホームに追加しました")
    hanako.goto(site.portal_url + "/")
    desk.seen(steps.card(hanako, LIBRARY).locator(".rc-card"), "中央図書館")


def fetched_well(page: Page, site: Site) -> None:
    """The provider sees that its card is fetched, and nobody's name."""
    desk.open_gadget(page, site, LIBRARY)
    section = page.get_by_role("region", name="この24時間のカードの取得")
    desk.seen(section, "100%")
    for name in ("花子", "hanako", "仏生山"):
        assert name not in page.content()


def suspended(operator: Page, page: Page, hanako: Page, site: Site) -> None:
    """Stopped: gone from her home on the next request, and the provider reads why. Then it is back."""
    desk.review(operator, site, LIBRARY)
    desk.decide(operator, "suspend")
    desk.seen(operator.get_by_role("alert"), "理由を書いてください")
    desk.decide(operator, "suspend", STOPPED)
    desk.seen(operator.locator(".messages .success"), "停止しました")
    hanako.goto(site.portal_url + "/")
    expect(steps.card(hanako, LIBRARY)).to_have_count(0)
    assert "図書館の開館時間" not in hanako.content()
    assert desk.status(hanako, f"{site.portal_url}/gadgets/{LIBRARY}/") == 404
    page.reload()
    desk.seen(page.locator("main .tag").first, "停止中")
    desk.seen(page.locator("main .notice--warning").first, STOPPED)

    desk.decide(operator, "resume")
    desk.seen(operator.locator(".messages .success"), "再開しました")
    hanako.goto(site.portal_url + "/")
    desk.seen(steps.card(hanako, LIBRARY).locator(".rc-card"), "中央図書館")


def retired(operator: Page, page: Page, hanako: Page, site: Site) -> None:
    """A service that residents see is announced before it ends; at once it ends by an operator only."""
    desk.open_gadget(page, site, LIBRARY)
    page.locator("summary", has_text="サービスを終了する").click()
    desk.seen(page.get_by_role("button", name="終了を予告する"))
    desk.review(operator, site, LIBRARY)
    operator.locator("summary", has_text="予告せずに").click()
    desk.decide(operator, "retire", "試験が終わりました。")
    desk.seen(operator.locator(".messages .success"), "終了しました")
    page.reload()
    desk.seen(page.locator("main .tag").first, "終了")
    hanako.goto(site.portal_url + "/")
    expect(steps.card(hanako, LIBRARY)).to_have_count(0)
    site.kill("fourth")


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({"colour": "red"}, ("$.colour", "この項目を除いてください")),
        ({"version": "one"}, ("$.version",)),
        ({"id": "localhost.other.page"}, ("$.id",)),
    ],
)
@pytest.mark.browser
def test_a_manifest_that_cannot_be_read_is_told_with_its_place(
    page: Page, demo_site: Site, manifest: dict[str, str], words: tuple[str, ...]
) -> None:
    steps.sign_in(page, demo_site, "busco")
    with desk.serving("typo", manifest) as url:
        desk.register(page, demo_site, url)
        told = page.get_by_role("alert")
        for word in words:
            desk.seen(told, word)
        assert page.get_by_role("region", name="BusCo").locator("input[name=url]").input_value() == url
    page.goto(f"{demo_site.portal_url}/provider/")
    expect(page.locator("a[href*='localhost.typo']")).to_have_count(0)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://127.0.0.1/gadget.json", "IP アドレスは使えません"),
        ("https://router.internal/gadget.json", ""),
        ("http://example.jp/gadget.json", "https:// で始まるアドレスだけ"),
    ],
)
def test_an_address_inside_is_refused(page: Page, demo_site: Site, url: str, words: str) -> None:
    steps.sign_in(page, demo_site, "busco")
    desk.register(page, demo_site, url)
    desk.seen(page.get_by_role("alert"), words)
