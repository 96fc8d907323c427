"""The warning before a session ends, in a real browser and without a script; what was typed stays on the page."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from identity.domain.lifetimes import BEGUN, SEEN
from identity.models import Resident
from portal.home.page.page_template import Shell
from tests import cast
from tests.identity.region import store

SCRIPT = Path(__file__).resolve().parents[3] / "portal" / "static" / "portal" / "session.js"
HOST = urlsplit(settings.PORTAL_URL).netloc
Opener = Callable[..., tuple[Page, str]]


# --- in a browser ------------------------------------------------------------------------------------------------


@pytest.fixture
def portal(live_server: Any, settings: Any) -> Iterator[str]:
    """The portal on its own name; a session holds for two minutes and a few seconds."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    settings.PORTAL_URL = f"http://portal.region.localhost:{urlsplit(live_server.url).port}"
    settings.ALLOWED_HOSTS = [".region.localhost"]
    settings.SESSION_IDLE_SECONDS = 124
    yield str(settings.PORTAL_URL)
    ContentType.objects.clear_cache()


@pytest.fixture
def opened(browser: Browser, portal: str, hanako: Resident, settings: Any) -> Iterator[Opener]:
    """A page of a fresh profile in which Hanako is signed in, and the key of her session."""
    made = []

    def make(path: str, **options: Any) -> tuple[Page, str]:
        context = browser.new_context(locale="ja-JP", viewport={"width": 360, "height": 740}, **options)
        made.append(context)
        key = str(cast.sign_in(cast.portal_client(), hanako).session.session_key)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": portal}])
        page = context.new_page()
        page.goto(portal + path)
        return page, key

    yield make
    for context in made:
        context.close()


browser_test = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class TestInABrowser:
    pytestmark = browser_test

    def test_she_is_warned_and_stays_with_what_she_typed(self, opened: Opener) -> None:
        page, key = opened("/my-data/attributes/")
        page.get_by_label("お住まいの地区").select_option(label="屋島")
        dialog = page.get_by_role("alertdialog")
        expect(dialog).to_be_visible(timeout=20_000)
        expect(dialog).to_contain_text("サインアウトします")
        expect(dialog.get_by_role("button", name="続ける")).to_be_focused()
        result = Axe().run(page)
        assert result.violations_count == 0, result.generate_report()
        before = store(key)
        before.peeking = True
        seen = before[SEEN]
        dialog.get_by_role("button", name="続ける").click()
        expect(dialog).to_have_count(0)
        after = store(key)
        after.peeking = True
        assert after[SEEN] > seen
        assert page.get_by_label("お住まいの地区").input_value() == "yashima"

    def test_asking_how_long_it_holds_is_no_use_of_it(self, opened: Opener) -> None:
        page, key = opened("/my-data/")
        session = store(key)
        session[SEEN] -= 70
        session.save()
        noted = session[SEEN]
        page.evaluate("fetch('/session/').then(r => r.text())")
        after = store(key)
        after.peeking = True
        assert after[SEEN] == noted

    def test_who_is_at_work_in_another_tab_is_not_warned(self, opened: Opener) -> None:
        page, key = opened("/my-data/")
        session = store(key)
        session[SEEN] += 3600
        session.save()
        with page.expect_response("**/session/", timeout=20_000) as asked:
            pass
        assert int(asked.value.text().partition('data-left="')[2].partition('"')[0]) > 3000
        expect(page.get_by_role("alertdialog")).to_have_count(0)

    def test_after_the_end_she_is_told_and_led_back_to_the_page(self, opened: Opener) -> None:
        page, key = opened("/en/my-data/attributes/")
        session = store(key)
        session[BEGUN] -= 24 * 3600
        session.save()
        dialog = page.get_by_role("alertdialog")
        expect(dialog).to_be_visible(timeout=20_000)
        led = dialog.get_by_role("link").get_attribute("href") or ""
        assert led.endswith("/sign-in/?next=%2Fen%2Fmy-data%2Fattributes%2F")
        result = Axe().run(page)
        assert result.violations_count == 0, result.generate_report()


# --- what pages hold ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestPages:
    def test_the_home_says_how_long_the_session_holds_and_the_kept_piece_does_not(
        self,
        hanako: Resident,
        signed_in: Callable[[Resident], Client],
        monkeypatch: pytest.MonkeyPatch,
        time_machine: Any,
    ) -> None:
        time_machine.move_to(datetime(2026, 10, 5, 3, 0, tzinfo=UTC), tick=False)
        cut: list[Shell] = []
        honest = Shell.cut

        def noted(html: str) -> Shell:
            cut.append(honest(html))
            return cut[-1]

        monkeypatch.setattr(Shell, "cut", noted)
        client = signed_in(hanako)
        page = client.get("/").content.decode()
        assert 'data-left="3600"' in page
        assert 'data-src="/session/"' in page
        assert not any('data-left="3' in piece for shell in cut for piece in shell.pieces)
        session = client.session
        session[SEEN] -= 50
        session.save()
        page = client.get("/").content.decode()
        assert 'data-left="3550"' in page

    def test_without_a_script_the_page_says_until_when_it_holds(
        self, hanako: Resident, signed_in: Callable[[Resident], Client], time_machine: Any
    ) -> None:
        time_machine.move_to(datetime(2026, 10, 5, 3, 0, tzinfo=UTC), tick=False)
        page = signed_in(hanako).get("/my-data/attributes/").content.decode()
        told = page.partition("<noscript>")[2].partition("</noscript>")[0]
        assert "この画面は、2026-10-05 13:00まで使えます。" in told

    def test_a_guest_gets_neither_script_nor_time(self) -> None:
        for path in ("/", "/gadgets/"):
            page = cast.portal_client().get(path).content.decode()
            assert "session.js" not in page
            assert "まで使えます" not in page

    def test_the_script_is_small(self) -> None:
        assert len(SCRIPT.read_bytes()) <= 1024

    def test_staying_needs_the_form_token_and_leads_to_a_path_of_ours(self, hanako: Resident) -> None:
        client = cast.sign_in(Client(enforce_csrf_checks=True, headers={"host": HOST}), hanako)
        assert client.post("/session/extend").status_code == 403
        token = (
            client.get("/session/").content.decode().partition('name="csrfmiddlewaretoken" value="')[2][:64]
        )
        for target, expected in (("/en/my-data/", "/en/my-data/"), ("//evil.example/", "/session/")):
            answer = client.post("/session/extend", {"csrfmiddlewaretoken": token, "next": target})
            assert answer["Location"] == expected

    def test_nobody_signed_in_has_nothing_left_and_extends_nothing(self) -> None:
        client = cast.portal_client()
        assert 'data-left="0"' in client.get("/session/").content.decode()
        assert "no-store" in client.get("/session/")["Cache-Control"]
        assert "_resident" not in client.session
