"""What she takes back reaches the provider's own process as a signed event, within seconds."""

from playwright.sync_api import Page, expect

from tests.journeys import steps
from tests.sites import Site

YEARS = "household.school_years"


def events_seen(site: Site) -> list[dict[str, object]]:
    """The events that the lunch provider has verified and done."""
    answer = site.get(f"{site.providers['lunch']}/g/debug/events")
    assert answer.status_code == 200
    found: list[dict[str, object]] = answer.json()["events"]
    return found


def test_a_withdrawal_reaches_the_provider(page: Page, site: Site) -> None:
    site.start("lunch", debug_claims=True)
    steps.sign_in(page, site, "telling")
    steps.grant_on_page(page, site, steps.LUNCH)
    page.goto(f"{site.portal_url}/gadgets/{steps.LUNCH}/")
    expect(page.locator(".rc-card")).to_contain_text("小学校3年")
    assert events_seen(site) == []

    page.goto(f"{site.portal_url}/my-data/")
    page.locator(f"form[action='/my-data/stop/{steps.LUNCH}/'] button").click()
    expect(page.locator(".notice--success")).to_contain_text("学校給食")
    steps.eventually(lambda: events_seen(site))
    assert events_seen(site) == [{"event": "consent-withdrawn", "items": [YEARS]}]

    def is_shown() -> bool:
        page.goto(f"{site.portal_url}/my-data/")
        return "伝わりました" in page.locator("main").inner_text()

    steps.eventually(is_shown)
    page.goto(f"{site.portal_url}/gadgets/{steps.LUNCH}/")
    expect(page.locator(".rc-card")).to_be_visible()
    expect(page.locator(".rc-card")).not_to_contain_text("小学校3年")
