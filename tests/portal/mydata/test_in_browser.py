"""わたしのデータ in a real browser: axe finds nothing, nothing is wider than a phone, no script is needed."""

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.contenttypes.models import ContentType
from playwright.sync_api import Browser, BrowserContext

from identity import queries
from identity.models import Resident
from tests import cast
from tests.portal.mydata.conftest import LUNCH, WASTE, answer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGES = (
    "/my-data/",
    "/my-data/attributes/",
    "/my-data/log/",
    "/my-data/personalisation/",
    "/my-data/sessions/",
    "/welcome/",
    "/welcome/district/",
    "/welcome/topics/",
    "/welcome/guest/",
    f"/consent/{LUNCH}/",
    "/en/my-data/",
    f"/ja-simple/consent/{LUNCH}/",
)
Opener = Callable[..., BrowserContext]


@pytest.fixture
def portal(live_server: Any, settings: Any) -> Iterator[str]:
    """The portal on its own name, at the live server's port."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    settings.PORTAL_URL = f"http://portal.region.localhost:{urlsplit(live_server.url).port}"
    settings.ALLOWED_HOSTS = [".region.localhost"]
    yield str(settings.PORTAL_URL)
    # The tables are emptied after this, and made anew with other content types than those remembered here.
    ContentType.objects.clear_cache()


@pytest.fixture
def hanako(portal: str) -> Resident:
    """Has granted one gadget, refused another, and something has left."""
    resident = cast.hanako()
    client = cast.sign_in(cast.portal_client(), resident)
    client.post(f"/consent/{WASTE}/grant/", answer(WASTE, "area.waste_zone"))
    client.post(f"/consent/{LUNCH}/refuse/", answer(LUNCH, "age_band"))
    cast.released(resident, WASTE, ["area.waste_zone"], via="card")
    return resident


@pytest.fixture
def opened(browser: Browser, portal: str, hanako: Resident, settings: Any) -> Iterator[Opener]:
    """Opens a fresh profile in which Hanako is signed in."""
    made: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(locale="ja-JP", **options)
        session = cast.sign_in(cast.portal_client(), hanako).session
        name = settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": str(session.session_key), "url": portal}])
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()


def test_axe_finds_nothing_and_nothing_is_too_wide(opened: Opener, portal: str) -> None:
    problems: list[str] = []
    for scheme, width in product(("light", "dark"), (360, 1280)):
        page = opened(color_scheme=scheme, viewport={"width": width, "height": 800}).new_page()
        page.on("console", lambda message: problems.append(message.text))
        for path in PAGES:
            response = page.goto(portal + path)
            assert response is not None
            assert response.status == 200
            result = Axe().run(page)
            assert result.violations_count == 0, f"{path} {scheme} {width}: {result.generate_report()}"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)
    assert problems == []


def test_without_javascript_she_moves_stops_a_gadget_and_switches_off(
    opened: Opener, portal: str, hanako: Resident
) -> None:
    page = opened(java_script_enabled=False, viewport={"width": 360, "height": 740}).new_page()
    page.goto(f"{portal}/my-data/")
    page.get_by_role("link", name="属性を変える").click()
    page.get_by_label("お住まいの地区").select_option(label="屋島")
    page.get_by_label("小学4年").check()
    page.get_by_role("button", name="保存する").click()
    assert "保存しました" in page.get_by_role("status").inner_text()
    assert page.get_by_role("row", name="ごみ収集の区域 区域8").count() == 1
    page.get_by_role("article", name="ごみ収集日").get_by_role("button", name="見せるのを止める").click()
    assert "「ごみ収集日」への提供を止めました。" in page.get_by_role("status").inner_text()
    page.get_by_role("button", name="止めて新しい順にする").click()
    assert "新しい順に表示します" in page.get_by_role("status").inner_text()
    page.get_by_role("link", name="内容を見て決める", exact=True).click()
    page.get_by_role("button", name="おすすめ順にする").click()
    bundle = queries.bundle(hanako.id)
    assert bundle is not None
    assert bundle.personalised
    assert bundle.attributes["area.district"] == "yashima"
    assert bundle.attributes["household.school_years"] == ("preschool", "e3", "e4")
    assert WASTE not in bundle.grants
