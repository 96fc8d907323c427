"""What residents do in a browser, and what a provider saw of it: steps of the journeys, alike in both modes."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from playwright.sync_api import BrowserContext, Locator, Page, Request, expect

from demo.cast import CAST, Person
from tests.journeys import account
from tests.journeys.people import PEOPLE
from tests.sites import Site

WASTE, LUNCH, RIVER = "localhost.waste.calendar", "localhost.lunch.menu", "localhost.river.level"
CARDS = (WASTE, LUNCH, RIVER)
ZONE = "area.waste_zone"
NEW_IN_TOWN = "まちの新着"


def person(name: str) -> Person:
    """One of the cast, or of the people of the journeys."""
    return CAST.get(name) or PEOPLE[name]


# --- signing in and out --------------------------------------------------------------------------------------


@dataclass
class Passwords:
    """Counts the times a password is sent, over all pages of a browser."""

    sent: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> "Passwords":
        """Begins to count."""
        context.on("request", self._note)
        return self

    def _note(self, request: Request) -> None:
        if request.method == "POST" and "password=" in (request.post_data or ""):
            self.sent.append(request.url)


def sign_in(page: Page, site: Site, name: str, path: str = "/") -> None:
    """From the page at `path`, by its link, and back to it."""
    page.goto(site.portal_url + path)
    page.locator(".site-header__account a[href*='/sign-in/']").click()
    enter_password(page, site, name)
    page.wait_for_url(site.portal_url + path)
    expect(page.locator("form[action$='/sign-out/']")).to_be_visible()


def enter_password(page: Page, site: Site, name: str) -> None:
    """Fills in the ID's form, whichever ID it is."""
    page.wait_for_url(f"{site.id_url}/**")
    who = person(name)
    page.locator("input[name=login], input[name=username]").fill(who.username)
    page.locator("input[name=password]").fill(who.password)
    page.locator("input[name=password]").press("Enter")
    if who.totp_key:
        enter_code(page, site, who)


def enter_code(page: Page, site: Site, who: Person) -> None:
    """Types the code that the app of this person shows now, in the form of whichever ID it is."""
    place = page.locator("input[name=code], input[name=otp]")
    expect(place).to_be_visible(timeout=30_000)
    place.fill(next_code(site, who))
    place.press("Enter")


_USED: dict[tuple[str, str], set[int]] = {}


def next_code(site: Site, who: Person) -> str:
    """A code that this run has not typed yet: each is good once, for its half minute and the two beside it."""
    used = _USED.setdefault((site.id_url, who.username), set())
    while True:
        now = int(time.time()) // 30
        step = next((one for one in (now, now + 1, now - 1) if one not in used), None)
        if step is not None:
            used.add(step)
            return account.code(who.totp_secret, steps=step - now, now=now * 30)
        time.sleep(1)


def leave_welcome(page: Page, site: Site, path: str = "/") -> None:
    """Whoever is new is welcomed on the way to `path`, and here says: later."""
    page.wait_for_url(f"{site.portal_url}/welcome/?next=**")
    page.locator("button[formaction='/welcome/later/']").click()
    page.wait_for_url(site.portal_url + path)


def sign_out(page: Page, site: Site) -> None:
    """By the button of the portal; ends on the guest home."""
    page.locator("form[action$='/sign-out/'] button").click()
    page.wait_for_url(site.portal_url + "/")
    expect(page.locator(".site-header__account a[href*='/sign-in/']")).to_be_visible()


# --- the home ------------------------------------------------------------------------------------------------


def card(page: Page, gadget_id: str) -> Locator:
    """The frame of one gadget on the home."""
    return page.locator(f"[data-gadget='{gadget_id}']")


def expect_filled(page: Page, gadget_id: str) -> Locator:
    """Waits until the provider's card stands in its frame; the frame."""
    frame = card(page, gadget_id)
    expect(frame.locator(".rc-card")).to_be_visible()
    return frame


def asks(page: Page, gadget_id: str) -> Locator:
    """The button that grants, where a gadget asks."""
    return card(page, gadget_id).locator(f"form[action='/consent/{gadget_id}/grant/'] button")


def grant(page: Page, gadget_id: str) -> None:
    """Says yes to the question on the home."""
    asks(page, gadget_id).click()
    expect(page.locator(".notice--success")).to_be_visible()


def grant_on_page(page: Page, site: Site, gadget_id: str) -> None:
    """Says yes on the question's own page."""
    page.goto(f"{site.portal_url}/consent/{gadget_id}/")
    page.locator(f"form[action='/consent/{gadget_id}/grant/'] button").click()
    expect(page.locator(".notice--success")).to_be_visible()


def layout(page: Page) -> tuple[list[str], list[str | None]]:
    """Headings of the zones and gadgets in order: what must not change when a provider is away."""
    zones = page.locator("main h2").all_inner_texts()
    frames = page.locator("[data-gadget]").all()
    return zones, [frame.get_attribute("data-gadget") for frame in frames]


def listed(page: Page) -> list[tuple[str, list[str]]]:
    """Titles of "for you" with their reasons, in order, also those that are folded."""
    found = []
    for entry in page.locator("section[aria-labelledby='zone-for-you'] .entry").all():
        title = entry.locator(".entry__title").text_content() or ""
        reasons = [(line.text_content() or "").strip() for line in entry.locator(".entry__why li").all()]
        found.append((title.strip(), reasons))
    return found


def titles(page: Page) -> list[str]:
    """Titles of "for you" in order, without what some visits see because it is new: eleven or twelve.

    What is drawn may be one of the sixth to the twelfth: only the first five are the same in every sitting.
    """
    entries = page.locator("section[aria-labelledby='zone-for-you'] .entry").filter(has_not_text=NEW_IN_TOWN)
    return [title.strip() for title in entries.locator(".entry__title").all_text_contents()]


def expect_newest_first(page: Page) -> None:
    """ "For you" in the order of time, which is also its only reason."""
    entries = page.locator("section[aria-labelledby='zone-for-you'] .entry")
    days = [one.get_attribute("datetime") or "" for one in entries.locator("time").all()]
    assert len(days) > 5
    assert days == sorted(days, reverse=True)
    assert {reason for _title, reasons in listed(page) for reason in reasons} == {"新しい順"}


# --- what a provider saw -------------------------------------------------------------------------------------


def debug_answer(site: Site, provider: str) -> requests.Response:
    """What `/g/debug/last-claims` says; 404 for a provider that does not count."""
    return site.get(f"{site.providers[provider]}/g/debug/last-claims")


def claims_seen(site: Site, provider: str = "waste") -> dict[str, dict[str, int]]:
    """Every claim that reached the provider, its values as JSON, and how often."""
    answer = debug_answer(site, provider)
    assert answer.status_code == 200
    counts: dict[str, dict[str, int]] = answer.json()["counts"]
    return counts


def calls_seen(site: Site, provider: str = "waste") -> int:
    """How many requests for a card reached the provider."""
    answer = debug_answer(site, provider)
    assert answer.status_code == 200
    return int(answer.json()["calls"])


def zones_seen(site: Site) -> set[str]:
    """The waste zones that reached the provider, whoever's they were."""
    return {value.strip('"') for value in claims_seen(site).get(ZONE, {})}


# --- waiting -------------------------------------------------------------------------------------------------


def eventually(true: Callable[[], Any], seconds: float = 30) -> None:
    """Waits for something that a background job or another server does."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"not within {seconds} seconds"
        time.sleep(0.25)


def offered(site: Site, gadget_id: str) -> None:
    """Waits until the site's own process knows a gadget that another one published: in a demo, up to five seconds."""
    line = {"Host": urlsplit(site.portal_url).netloc}

    def there() -> bool:
        feed = requests.get(
            f"http://127.0.0.1:{site.port}/.well-known/region-gadgets.json", headers=line, timeout=10
        )
        return any(gadget["id"] == gadget_id for gadget in feed.json()["gadgets"])

    eventually(there)
