"""Version 2 asks for more: who is asked again keeps version 1 until they answer; the operator takes it back."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest
from playwright.sync_api import Browser, Page, expect

from gadgets.operation.rollout import in_share
from tests import sites
from tests.gadgets.life import Careless
from tests.gadgets.providers import Handler, Provider, card_document, reply
from tests.gadgets.samples import claim
from tests.journeys import desk, steps
from tests.sites import Site

GADGET = "localhost.upgrade.bins"
ZONE, CHILD = "area.waste_zone", "household.has_child"
CHANGED = "「子どものいる世帯」を新しく聞きます（必須）。"


def run(site: Site, module: str, *arguments: str) -> None:
    """A program of the journeys with the settings of the site."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.journeys.{module}", *arguments],
        env={**os.environ, **site.environment},
        cwd=sites.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    if module == "publish" and "--retire" not in arguments:
        steps.offered(site, done.stdout.strip())


def for_both() -> str:
    """A number of the second version by which both are among the first half of the residents."""
    names = ("agreeing", "declining")
    numbers = (f"2.0.{patch}" for patch in count())
    return next(
        number
        for number in numbers
        if all(in_share(steps.person(name).id, GADGET, number, 50) for name in names)
    )


@contextmanager
def bins(site: Site) -> Iterator[Careless]:
    """A published provider whose card says for which version it was asked, and what it was told."""
    with Provider.running(reply(b""), host="upgrade.localhost") as provider:
        made = Careless(provider)

        def answer(handler: Handler) -> None:
            token = handler.headers.get("Authorization", "").removeprefix("Bearer ")
            if token:
                part = token.split(".")[1]
                told = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
                text = f"版 {told['ver']} 項目 {' '.join(sorted(told['claims'])) or 'なし'}"
                made.card = card_document(blocks=[{"type": "text", "text": text}])
            made.answer(handler)

        provider.answer = answer
        made.document |= {"id": GADGET, "identity": "audience", "claims": [claim(ZONE)]}
        run(site, "publish", made.url)
        try:
            yield made
        finally:
            run(site, "publish", "--retire", GADGET)


def shows(page: Page, site: Site, words: str) -> None:
    """The gadget's page shows these words; cells of a new combination are counted within half a minute."""
    for _ in range(12):
        page.goto(f"{site.portal_url}/gadgets/{GADGET}/")
        expect(page.locator(".rc-card")).to_be_visible()
        if words in page.locator(".rc-card").inner_text():
            return
        page.wait_for_timeout(5_000)
    expect(page.locator(".rc-card")).to_contain_text(words)


@pytest.mark.timeout(900)
def test_asked_again_in_words_the_old_version_serves_meanwhile_and_the_way_back(
    page: Page, site: Site, browser: Browser
) -> None:
    second = for_both()
    with bins(site) as provider, desk.somebody(browser) as agreeing, desk.somebody(browser) as declining:
        for reader, name in ((agreeing, "agreeing"), (declining, "declining")):
            steps.sign_in(reader, site, name)
            reader.goto(f"{site.portal_url}/consent/{GADGET}/")
            reader.get_by_role("button", name="許可して使う").click()
            expect(reader.locator(".notice--success")).to_be_visible()
            shows(reader, site, f"版 1.0.0 項目 {ZONE}")

        provider.document |= {"version": second, "claims": [claim(ZONE), claim(CHILD)]}
        run(site, "upgrade", GADGET)
        desk.enter_admin(page, site, "operator")
        desk.review(page, site, GADGET)
        desk.seen(page.locator("li", has_text=CHANGED), "住民にもう一度聞きます")
        desk.accessible(page, inside=".nice-padding")
        page.locator("#approve-share").select_option("50")
        desk.decide(page, "approve")
        desk.seen(page.locator("main"), f"版 {second} を、住民の 50% に公開しています。")

        for reader in (agreeing, declining):
            shows(reader, site, f"版 1.0.0 項目 {ZONE}")
            reader.goto(f"{site.portal_url}/my-data/")
            desk.seen(reader.get_by_text(CHANGED))
            reader.goto(f"{site.portal_url}/consent/{GADGET}/")
            desk.seen(reader.locator("main"), CHANGED)
        desk.accessible(agreeing)
        agreeing.get_by_role("button", name="許可して使う").click()
        declining.get_by_role("button", name="使わない").click()
        shows(agreeing, site, f"版 {second} 項目 {ZONE} {CHILD}")
        shows(declining, site, f"版 {second} 項目 なし")

        page.locator("#rollback-reason").fill("数字が誤っていたため")
        page.locator("button[value=roll_back]").click()
        desk.seen(page.locator(".messages .success"), "前の版にもどしました")
        shows(agreeing, site, f"版 1.0.0 項目 {ZONE}")
        shows(declining, site, f"版 1.0.0 項目 {ZONE}")
