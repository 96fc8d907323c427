"""The operator's board: each picture has its table with the same figures, and nobody else sees it."""

import re
from datetime import timedelta
from html import unescape

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.figures import dashboard, tasks
from recommender.models import Snapshot
from tests import cast
from tests.portal.figures.conftest import Visits
from tests.portal.figures.test_public_figures import OLD, YOUNG
from tests.portal.home.conftest import browser
from tests.portal.home.samples import NOW


def operator_page() -> str:
    answer = cast.sign_in(browser(), cast.operator()).get(reverse("city_ranking_figures"))
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def snapshot(state: str) -> None:
    Snapshot.objects.create(state=state, weights={}, created_at=NOW)


def test_only_operators_see_it_and_find_it_in_the_menu(month: Visits) -> None:
    assert browser().get(reverse("city_ranking_figures")).status_code == 302
    assert cast.sign_in(browser(), cast.editor()).get(reverse("city_ranking_figures")).status_code in {
        302,
        403,
    }
    operator = cast.sign_in(browser(), cast.operator())
    assert reverse("city_ranking_figures") in operator.get(reverse("wagtailadmin_home")).content.decode()


def test_without_figures_it_is_whole(month: Visits) -> None:
    page = operator_page()
    assert "まだ数字がありません" in page
    assert "<svg" in page  # days are there, if empty


def test_each_picture_has_its_table(month: Visits) -> None:
    month(30, profile=OLD, learns=False)
    month(10, profile=YOUNG, learns=False, personalised=False)
    tasks.make_figures(NOW)
    for state in ("active", "earlier", "refused"):
        snapshot(state)
    page = operator_page()
    keys = [panel.key for panel in dashboard.panels(timezone.localdate(NOW))]
    assert keys == ["homes", "shares", "exposure", "coverage", "snapshots", "suppressed"]
    for key in keys:
        section = page.partition(f'<h2 id="{key}-heading"')[2].partition("</section>")[0]
        assert f'<title id="{key}-title">' in section
        assert f'<desc id="{key}-desc">' in section
        assert "<table" in section
    rows = re.findall(r'<tr><th scope="row">06-01</th>(.*?)</tr>', page)
    assert rows[0] == "<td>30</td><td>10</td>"
    assert rows[1].startswith("<td>75%</td><td>50%</td><td>100%</td><td>75%</td>")
    assert rows[2] == "<td>2</td><td>1</td>"
    assert "style=" not in page.partition("nice-padding")[2].partition("</section>")[0]
    # A day of which nothing was counted has no figure.
    assert '<th scope="row">05-31</th><td>—</td><td>—</td>' in page


def test_it_costs_the_same_however_much_there_is(month: Visits) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            dashboard.panels(timezone.localdate(NOW))
        return len(queries)

    tasks.make_figures(NOW)
    before = cost()
    for back in range(20):
        month(5, profile=OLD, learns=False, at=NOW - timedelta(days=back))
    tasks.make_figures(NOW)
    assert cost() == before <= 4
