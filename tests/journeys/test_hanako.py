"""Hanako signs in once: her home is hers, and the providers' own sites know her without another password."""

from playwright.sync_api import Page, expect

from demo.cast import HANAKO
from tests.journeys import steps
from tests.journeys.conftest import both_modes
from tests.sites import Site

HERS = ("お住まいの地区（仏生山）", "お子さまのいるご家庭", "お子さまの学年（",
        "選んだテーマ: 子育て", "選んだテーマ: 音楽", "同じ年代（35～44歳）")  # fmt: skip
HIS = (
    "お住まいの地区（屋島）",
    "同じ年代（75歳以上）",
    "選んだテーマ: 高齢者・介護",
    "選んだテーマ: 健康・医療",
)
NOTHING_PERSONAL = {
    "新しいお知らせ",
    "日が近い催し",
    "多くの方に開かれています（利用の記録から）",
    "いろいろな話題や提供者が並ぶように出しています",
    "あなただけの理由はありません",
}
FOR_OTHERS_SAKE = ("新しい項目や、まだあまり見られていない項目", "小さな提供者も見えるように")


def open_own_site(page: Page, site: Site, gadget_id: str) -> str:
    """From the gadget's page to its provider's site; the subject that the provider knows her by."""
    page.goto(f"{site.portal_url}/gadgets/{gadget_id}/")
    page.locator("a.button[rel=noreferrer]").click()
    expect(page.locator("#subject")).to_be_visible()
    return page.locator("#subject").inner_text()


@both_modes
def test_one_password_opens_the_home_and_two_providers(page: Page, site: Site) -> None:
    passwords = steps.Passwords().watch(page.context)
    steps.sign_in(page, site, "hanako")
    expect(page.locator("main .alert .tag--urgent").first).to_be_visible()
    entries = steps.listed(page)
    assert len(entries) == 12
    assert all(reasons for _title, reasons in entries)
    page.locator(".entry__why summary").first.click()
    expect(page.locator(".entry__why li").first).to_be_visible()
    for gadget_id in steps.CARDS:
        steps.expect_filled(page, gadget_id)

    subjects = {}
    for provider, gadget_id in (("waste", steps.WASTE), ("lunch", steps.LUNCH)):
        subjects[provider] = open_own_site(page, site, gadget_id)
        assert page.url.startswith(site.providers[provider] + "/")
        shown = page.content()
        for told in (
            str(HANAKO.id),
            HANAKO.username,
            HANAKO.display_name,
            HANAKO.email,
            "仏生山コミュニティ",
        ):
            assert told not in shown
    assert len(set(subjects.values())) == 2
    assert all(len(subject) >= 32 for subject in subjects.values())
    assert len(passwords.sent) == 1

    # Tomorrow she is the same to each of them.
    page.context.clear_cookies()
    steps.sign_in(page, site, "hanako")
    assert open_own_site(page, site, steps.WASTE) == subjects["waste"]


def test_the_session_begins_at_the_provider_too(page: Page, site: Site) -> None:
    """Who opens the provider first signs in there, and the portal then asks for no password either."""
    passwords = steps.Passwords().watch(page.context)
    page.goto(site.providers["waste"] + "/")
    page.locator("a.button[href^='/oidc/start']").click()
    steps.enter_password(page, site, "looking")
    expect(page.locator("#subject")).to_be_visible()
    page.goto(site.portal_url + "/")
    page.locator(".site-header__account a[href*='/sign-in/']").click()
    page.wait_for_url(site.portal_url + "/")
    expect(page.locator("form[action$='/sign-out/']")).to_be_visible()
    assert len(passwords.sent) == 1


def test_hanako_and_taro_see_different_orders_for_reasons_of_their_own(page: Page, site: Site) -> None:
    steps.sign_in(page, site, "hanako")
    hers = steps.listed(page)
    page.context.clear_cookies()
    steps.sign_in(page, site, "taro")
    his = steps.listed(page)
    assert [title for title, _ in hers][:5] != [title for title, _ in his][:5]
    assert len({title for title, _ in hers[:5]} & {title for title, _ in his[:5]}) <= 2
    assert "仏生山に親子のひろばができます" in {title for title, _ in hers[:5]}
    assert "屋島で見守りの集いを始めます" in {title for title, _ in his[:5]}
    for entries, own in ((hers, HERS), (his, HIS)):
        personal = [(title, reasons) for title, reasons in entries if not set(reasons) <= NOTHING_PERSONAL]
        assert entries[:3] == personal[:3]
        for title, reasons in personal:
            assert all(reason.startswith((*own, *FOR_OTHERS_SAKE)) for reason in reasons), (title, reasons)
    assert not [reason for _, reasons in hers for reason in reasons if "屋島" in reason]
    assert not [reason for _, reasons in his for reason in reasons if "仏生山" in reason]


def test_a_reason_leads_to_the_attribute_behind_it(page: Page, site: Site) -> None:
    steps.sign_in(page, site, "looking")
    why = page.locator(".entry__why").filter(has_text="お住まいの地区（仏生山）").first
    why.locator("summary").click()
    why.locator("li").filter(has_text="お住まいの地区").locator("a").click()
    page.wait_for_url("**/my-data/attributes/#area-district")
    assert page.locator("#area-district select").input_value() == "busshozan"


def test_sign_in_returns_to_the_page_she_came_from(page: Page, site: Site) -> None:
    steps.sign_in(page, site, "returning", path="/en/all-news/?page=1")
    assert page.url == f"{site.portal_url}/en/all-news/?page=1"
    page.context.clear_cookies()
    # A page that only residents have sends her through the sign-in and back.
    page.goto(f"{site.portal_url}/my-data/attributes/")
    steps.enter_password(page, site, "returning")
    page.wait_for_url(f"{site.portal_url}/my-data/attributes/")
    expect(page.locator("h1")).to_have_text("あなたの属性")
