"""axe-core finds nothing on the public figures and the model's card: light, dark, large text, narrow, forced colours."""

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from portal.figures import tasks
from tests.gadgets import life
from tests.gadgets.test_card_accessibility import everywhere, serve
from tests.portal.figures.conftest import Visits
from tests.portal.figures.test_public_figures import OLD, YOUNG
from tests.portal.home.samples import NOW

pytestmark = pytest.mark.browser


def test_axe_finds_nothing(page: Page, month: Visits, django_capture_on_commit_callbacks: Any) -> None:
    month(25, profile=OLD, opened=20)
    month(25, profile=YOUNG, opened=25, first=25)
    tasks.make_figures(NOW)
    pages = [reverse("figures:ranking"), reverse("figures:model")]
    serve(page, life.Desk(None, django_capture_on_commit_callbacks), *pages)
    problems = [found for url in pages for found in everywhere(page, url)]
    assert not problems, "\n".join(problems)
