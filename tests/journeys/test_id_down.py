"""The regional ID is down: the sign-in page says so at once, while alerts and the guest home stay."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from demo import run as demo
from demo.supervise import wait_until
from tests.journeys import steps
from tests.services.ports import free_ports
from tests.sites import ROOT, Site

NOTICED = 3.0
"""Seconds, with room for a busy machine: the product's own limit is below one second."""


@pytest.fixture
def cut_off(site: Site) -> Iterator[str]:
    """A second web process of the site for which the ID's address leads nowhere; its origin."""
    port, nowhere = free_ports(), free_ports()
    origin = f"http://portal.region.localhost:{port}"
    env = {
        **site.environment,
        "PORTAL_URL": origin,
        "OIDC_ISSUER": site.issuer,
        "OIDC_DISCOVERY_URL": f"http://127.0.0.1:{nowhere}/",
    }
    running = site.launcher.start("web-cut-off", demo.web_command(port), env=env, cwd=ROOT)
    wait_until(running, lambda: demo.answers(port, "/health/ready"), 120)
    yield origin
    running.stop()


def test_the_sign_in_page_says_so_and_the_rest_stays(page: Page, site: Site, cut_off: str) -> None:
    page.goto(cut_off + "/")
    begun = time.monotonic()
    page.locator(".site-header__account a[href*='/sign-in/']").click()
    expect(page.locator("h1")).to_have_text("いまサインインできません")
    assert time.monotonic() - begun < NOTICED
    answer = page.reload()
    assert answer is not None
    assert answer.status == 503
    assert answer.headers["retry-after"] == "30"
    page.locator("a", has_text="サインインせずに").click()
    page.wait_for_url(cut_off + "/")
    expect(page.locator("main .alert--urgent").first).to_be_visible()
    assert page.locator("section[aria-labelledby='zone-news'] .entry").count() == 5
    for gadget_id in steps.CARDS:
        expect(steps.card(page, gadget_id)).to_be_visible()
    page.locator("main .alert a").first.click()
    expect(page.locator("h1")).to_contain_text("大雨")
