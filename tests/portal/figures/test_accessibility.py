"""axe-core finds nothing on the public figures and the model's card: light, dark, large text, narrow, forced colours."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Page

from portal.figures import tasks
from tests import cast
from tests.gadgets import life
from tests.gadgets.test_card_accessibility import everywhere, serve
from tests.portal.figures.conftest import Visits
from tests.portal.figures.test_public_figures import OLD, YOUNG
from tests.portal.home.samples import NOW

CUT_OFF = """() => [...document.querySelectorAll(".nice-padding svg, .nice-padding table")]
    .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
    .filter(one => { const box = one.closest(".desk-scroll");
        return !box || box.scrollWidth <= box.clientWidth || box.getBoundingClientRect().right > innerWidth + 1; })
    .map(one => one.outerHTML.slice(0, 80))"""
pytestmark = pytest.mark.browser


def test_axe_finds_nothing(page: Page, month: Visits, django_capture_on_commit_callbacks: Any) -> None:
    month(25, profile=OLD, opened=20)
    month(25, profile=YOUNG, opened=25, first=25)
    tasks.make_figures(NOW)
    pages = [reverse("figures:ranking"), reverse("figures:model")]
    serve(page, life.Desk(None, django_capture_on_commit_callbacks), *pages)
    problems = [found for url in pages for found in everywhere(page, url)]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("name", ["city_ranking_figures", "city_ranking"])
def test_the_desk_has_a_heading_and_what_is_wide_scrolls_by_itself(
    page: Page, month: Visits, django_capture_on_commit_callbacks: Any, name: str
) -> None:
    month(25, profile=OLD, opened=20)
    tasks.make_figures(NOW)
    serve(page, life.Desk(cast.operator(), django_capture_on_commit_callbacks), reverse(name))
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(settings.PORTAL_URL.rstrip("/") + reverse(name))
        assert page.locator("h1").count() == 1
        more = page.locator(".nice-padding details > summary")
        more.first.click()
        assert {one.evaluate("one => getComputedStyle(one).display") for one in more.all()} == {"list-item"}
        # Of all that is wider than its box, nothing is cut off.
        assert not page.evaluate(CUT_OFF)
        problems = Axe().run(page).response["violations"]
        assert not [(one["id"], node["html"][:200]) for one in problems for node in one["nodes"]]
