"""Export and closing in a real browser without scripts: from the page that explains to the report; axe finds nothing."""

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from playwright.sync_api import Browser, Page

from gadgets.webhooks.erasure import Kept, ProviderReport
from identity.closure import erasure
from identity.models import Erasure, Resident
from identity.sessions import portal_sessions
from portal.mydata.account import erasing
from tests import cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SAID = [
    erasing.as_entry(ProviderReport("a.b", {"ja": "ごみ箱"}, "BusCo", "mailto:a@b.example", *rest))
    for rest in (
        ("answered", 3, (Kept("receipts", "tax law"),), "", timezone.now()),
        ("silent",),
        ("no_endpoint",),
    )
]


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
def contexts(browser: Browser) -> Iterator[list[Any]]:
    made: list[Any] = []
    yield made
    for context in made:
        context.close()


def opened(browser: Browser, contexts: list[Any], portal: str, settings: Any, **options: Any) -> Page:
    """Hanako, who has proven just now who she is."""
    client = cast.sign_in(cast.portal_client(), Resident.objects.get(username="hanako"))
    session = client.session
    session[portal_sessions.AUTH_TIME] = int(timezone.now().timestamp())
    session.save()
    context = browser.new_context(locale="ja-JP", **options)
    contexts.append(context)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": str(session.session_key), "url": portal}])
    return context.new_page()


def test_from_the_first_page_to_the_report_without_scripts(
    browser: Browser, contexts: list[Any], portal: str, hanako: Resident, settings: Any
) -> None:
    page = opened(
        browser, contexts, portal, settings, java_script_enabled=False, viewport={"width": 360, "height": 740}
    )
    page.goto(f"{portal}/my-data/")
    page.get_by_role("link", name="書き出し").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="ファイル（JSON）で受け取る").click()
    file = waiting.value
    assert file.suggested_filename == f"madoguchi-export-{timezone.localdate().isoformat()}.json"
    assert json.loads(file.path().read_text("utf-8"))["account"]["id"] == str(hanako.id)
    page.get_by_role("link", name="退会").click()
    page.get_by_role("link", name="手続きに進む").click()
    page.get_by_role("button", name="提供者にたずねる").click()
    page.get_by_label("と入力してください").fill("けさない")
    page.get_by_role("button", name="削除を申し込む").click()
    assert "まだ何も消していません" in page.get_by_role("alert").inner_text()
    page.get_by_label("と入力してください").fill("削除")
    page.get_by_role("button", name="削除を申し込む").click()
    page.get_by_role("link", name="削除の報告を見る").click()
    assert "まだ消していません" in page.get_by_role("main").inner_text()
    erasing.carry_out(now=Erasure.objects.get().due_at)
    page.reload()
    assert "この窓口には、もう残っていません。" in page.get_by_role("main").inner_text()
    assert not Resident.objects.filter(id=hanako.id).exists()


def test_axe_finds_nothing_and_nothing_is_too_wide(
    browser: Browser, contexts: list[Any], portal: str, hanako: Resident, settings: Any
) -> None:
    gone, waits = cast.taro(), cast.linh()
    done = erasure.ask(resident_id=gone.id, announced=SAID, by=cast.as_actor(gone))
    erasing.carry_out(now=done.due_at)
    row = Erasure.objects.get()
    row.report = [*row.report, *({**entry, "part": "provider"} for entry in SAID)]
    row.save()
    waiting = erasure.ask(resident_id=waits.id, announced=SAID, by=cast.as_actor(waits))
    for scheme, width in product(("light", "dark"), (360, 1280)):
        page = opened(
            browser, contexts, portal, settings, color_scheme=scheme, viewport={"width": width, "height": 800}
        )

        def look(where: str, page: Page = page, scheme: str = scheme, width: int = width) -> None:
            result = Axe().run(page)
            assert result.violations_count == 0, f"{where} {scheme} {width}: {result.generate_report()}"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (where, width)

        for path in (
            "/my-data/export/", "/my-data/close/", "/my-data/close/confirm/", "/erased/",
            f"/erased/{done.reference}", f"/en/erased/{waiting.reference}", "/erased/0000",
        ):  # fmt: skip
            page.goto(portal + path)
            look(path)
        page.goto(f"{portal}/my-data/export/")
        page.get_by_role("button", name="印刷できるページで見る").click()
        look("to print")
        page.goto(f"{portal}/my-data/close/confirm/")
        page.get_by_role("button", name="提供者にたずねる").click()
        look("what they said")
        page.get_by_label("と入力してください").fill("no")
        page.get_by_role("button", name="削除を申し込む").click()
        look("a wrong word")
