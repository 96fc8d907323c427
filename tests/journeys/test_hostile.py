"""A provider turns hostile beside good ones: every page stays whole, it is taken off, and the desk reads why."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from tests import sites
from tests.gadgets.life import Careless
from tests.gadgets.providers import Handler, Provider, card_bytes, card_document, reply
from tests.gadgets.test_hostile import ATTACKS, SCRIPT
from tests.journeys import desk, steps
from tests.sites import Site

GADGET = "localhost.hostile.bins"
SHOWN = ("ja", "en", "ja-simple")
AT_ONCE = ("50 MB", "gzip bomb", "redirect to loopback", "control character in a header", "cookies")


def run(site: Site, *arguments: str) -> None:
    """`tests.journeys.publish` with the settings of the site."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.journeys.publish", *arguments],
        env={**os.environ, **site.environment},
        cwd=sites.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    if "--retire" not in arguments:
        steps.offered(site, done.stdout.strip())


@contextmanager
def turncoat(site: Site) -> Iterator[Careless]:
    """A published provider that behaves until its card is replaced."""
    with Provider.running(reply(b""), host="hostile.localhost") as provider:
        made = Careless(provider)
        provider.answer = made.answer
        made.document |= {"id": GADGET, "sizes": ["S", "L"]}
        made.card = card_document(blocks=[{"type": "text", "text": "前のお知らせ"}])
        run(site, made.url)
        try:
            yield made
        finally:
            run(site, "--retire", GADGET)


def hostile() -> object:
    """Another attack at each call, with a script in every one that has a body of its own."""
    attacks = cycle([ATTACKS[name].make() for name in AT_ONCE])

    def answer(handler: Handler) -> None:
        next(attacks)(handler)

    return answer


@pytest.mark.full
@pytest.mark.timeout(900)
def test_the_page_stays_whole_the_gadget_goes_and_the_operator_reads_why(
    page: Page, site: Site, browser: Browser
) -> None:
    said: list[str] = []

    def note(dialog: Dialog) -> None:
        said.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    with turncoat(site) as provider:
        steps.sign_in(page, site, "besieged")
        page.goto(f"{site.portal_url}/gadgets/{GADGET}/")
        page.get_by_role("button", name="ホームに追加").click()
        page.goto(site.portal_url + "/")
        expect(steps.card(page, GADGET).locator(".rc-card")).to_contain_text("前のお知らせ")

        # A script in the card first: it is words of a provider that are refused, not run.
        provider.card = reply(card_bytes(blocks=[{"type": "text", "text": SCRIPT}]))
        whole(page, site, "/en/")
        provider.card = hostile()  # type: ignore[assignment]
        for path in ("/ja-simple/", f"/gadgets/{GADGET}/", f"/en/gadgets/{GADGET}/"):
            whole(page, site, path)
        cookies = {str(one["name"]) for one in page.context.cookies()}

        def gone() -> bool:
            # Each size and language is a card of its own, which the portal asks for while its breaker lets it.
            for locale in SHOWN:
                for size in ("S", "L"):
                    site.get(f"{site.portal_url}/fragments/card/{GADGET}?locale={locale}&size={size}")
            page.goto(site.portal_url + "/")
            return steps.card(page, GADGET).count() == 0

        steps.eventually(gone, 300)
        for gadget_id in (steps.WASTE, steps.RIVER):
            steps.expect_filled(page, gadget_id)
        assert said == []
        assert "taken" not in page.title()
        assert not {name for name in cookies if "stolen" in name}
        assert all("stolen" not in str(one["value"]) for one in page.context.cookies())
        with desk.somebody(browser) as operator:
            desk.enter_admin(operator, site, "operator")
            desk.review(operator, site, GADGET)
            desk.seen(operator.locator("main"), "応答が、攻撃と見られるものでした")
            desk.seen(operator.locator("main"), "停止")


def whole(page: Page, site: Site, path: str) -> None:
    """The page is there to its end, says of the gadget that it has nothing, and shows the others."""
    answer = page.goto(site.portal_url + path)
    assert answer is not None
    assert answer.status == 200
    expect(page.locator("[aria-busy]")).to_have_count(0, timeout=20_000)
    expect(page.locator("footer")).to_be_visible()
    assert "taken" not in page.title()
    if "/gadgets/" not in path:
        expect(steps.card(page, GADGET).locator(".rc-card")).to_have_count(0)
        for gadget_id in (steps.WASTE, steps.RIVER):
            steps.expect_filled(page, gadget_id)
