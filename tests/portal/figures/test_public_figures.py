"""The public figures of the order: page and CSV say the same, few are never told, missing is never zero."""

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from identity.models import Resident
from portal.figures import tasks, words
from recommender.domain.types import Profile
from recommender.metrics import monthly
from recommender.models import Count
from tests import cast
from tests.portal.figures.conftest import Visits
from tests.portal.home.conftest import browser
from tests.portal.home.samples import NOW, entry

OLD = Profile(district="yashima", declared=("music",), attributes={"age_band": "75+", "language": "ja"})
YOUNG = Profile(district="busshozan", attributes={"age_band": "25-34", "language": "ja"})
JUNE = "2026-06"
Publish = Callable[..., object]
NOT_ENOUGH = "—（数が足りません）"


def text(path: str) -> str:
    answer = browser().get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def table(month: str = JUNE) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text(f"/figures/ranking/{month}.csv").removeprefix("\ufeff"))))


def figure(name: str, group: str = "") -> str:
    return next(row["value"] for row in table() if (row["figure"], row["group"]) == (name, group))


def test_before_the_first_job_there_are_no_figures_and_no_fault(db: None) -> None:
    assert "まだ数字がありません" in text("/figures/ranking/")
    assert browser().get(f"/figures/ranking/{JUNE}.csv").status_code == 404
    assert browser().get(f"/figures/ranking/{JUNE}/").status_code == 404
    for wrong in ("2026-13", "x", "2026-6", "20266-1"):
        assert browser().get(f"/figures/ranking/{wrong}/").status_code == 404


def test_the_figures_of_a_month_that_is_known_by_hand(month: Visits) -> None:
    month(30, profile=OLD, opened=30)
    tasks.make_figures(NOW)
    assert figure("coverage") == "0.8"  # four of five
    assert figure("novelty") == "0"  # all lists are alike
    assert figure("reason_share") == "0.75"
    assert figure("urgent_share") == "1"
    assert figure("newest_share") == "0"
    # BusCo has two of five items and two of four entries, WasteCo one of each.
    assert figure("exposure", "BusCo") == figure("exposure", "WasteCo") == "1.25"
    assert figure("exposure_min") == figure("exposure_p10") == "1.25"
    # Of six pairs four have no topic in common, and two share one of two.
    assert figure("diversity") == "0.8333"
    assert figure("popularity") == "1"
    assert figure("serendipity") == "1"  # opened: school; declared: music


@pytest.mark.parametrize(("residents", "shown"), [(19, False), (20, True)])
def test_a_group_of_nineteen_is_not_told_and_one_of_twenty_is(
    month: Visits, residents: int, shown: bool
) -> None:
    month(30, profile=YOUNG, opened=30)
    month(residents, profile=OLD, opened=residents, first=0)
    tasks.make_figures(NOW)
    groups = {row["group"] for row in table() if row["figure"] == "value_age_band"}
    assert groups == ({"25-34", "75+"} if shown else {"25-34"})
    assert (figure("gap_age_band") != "") is shown
    assert ("75歳以上" in text("/figures/ranking/")) is shown
    assert ("屋島" in text("/figures/ranking/")) is shown


def test_one_resident_who_comes_often_is_one(month: Visits) -> None:
    for _ in range(40):
        month(1, profile=OLD, opened=1)
    tasks.make_figures(NOW)
    assert figure("popularity") == figure("serendipity") == ""
    assert not [row for row in table() if row["figure"].startswith("value_")]


@pytest.mark.parametrize(("openers", "shown"), [(19, False), (20, True)])
def test_what_is_known_by_openings_needs_twenty_who_opened(month: Visits, openers: int, shown: bool) -> None:
    month(60, profile=OLD)
    month(30, profile=YOUNG, opened=30, first=100)
    for _ in range(2):
        month(openers, profile=OLD, opened=openers)
    tasks.make_figures(NOW)
    groups = {row["group"] for row in table() if row["figure"] == "value_age_band"}
    assert groups == ({"25-34", "75+"} if shown else {"25-34"})
    # Only the old declared topics; the openings of those who declared none say nothing of it.
    assert (figure("serendipity") != "") is shown
    assert figure("popularity") != ""


@pytest.mark.parametrize(("homes", "shown"), [(19, False), (20, True)])
def test_of_nineteen_homes_nothing_is_told(month: Visits, homes: int, shown: bool) -> None:
    month(homes, profile=OLD, learns=False)
    tasks.make_figures(NOW)
    told = {row["figure"] for row in table() if row["value"]}
    assert ({"homes", "coverage", "urgent_share", "exposure_min"} <= told) is shown
    assert bool(told) is shown
    assert all(row["note"] == "not enough" for row in table() if not row["value"])


def test_what_is_missing_is_a_word_and_never_zero(month: Visits) -> None:
    month(25, profile=OLD, learns=False)
    tasks.make_figures(NOW)
    page = text("/figures/ranking/")
    rows = dict(re.findall(r'<tr><th scope="row">(.+?)</th><td>(.*?)</td>', page))
    assert rows["人気への偏り（ポピュラリティ）"] == NOT_ENOUGH
    assert rows["おすすめ順を使う人"] == NOT_ENOUGH
    assert rows["新しい順のホーム"] == "0%"


def test_an_urgent_notice_that_one_home_did_not_carry_is_said(month: Visits) -> None:
    month(1999, profile=OLD, learns=False)
    month(1, profile=OLD, learns=False, due=2, carried=1)
    tasks.make_figures(NOW)
    assert figure("urgent_share") == "0.9995"
    assert "99.9%" in text("/figures/ranking/")  # cut, not rounded to 100


def test_the_table_says_what_the_page_says(month: Visits) -> None:
    month(25, profile=OLD, opened=20)
    month(25, profile=YOUNG, opened=25, first=25)
    month(5, profile=OLD, learns=False, personalised=False)
    tasks.make_figures(NOW)
    page = unescape(text("/figures/ranking/"))
    found = table()
    assert {row["figure"] for row in found} >= set(monthly.METRICS)
    with override("ja"):
        for row in found:
            value = float(row["value"]) if row["value"] else None
            assert f"<td>{words.written(value, row['unit'])}</td>" in page, row
    assert {row["month"] for row in found} == {JUNE}
    assert all(row["made_at"].startswith("2026-06-01T15:00") and row["days"] == "1" for row in found)


def test_a_name_that_a_spreadsheet_would_run_is_text(month: Visits) -> None:
    month(25, profile=OLD, learns=False)
    tasks.make_figures(NOW)
    Count.objects.filter(name="month.exposure", key="BusCo").update(key="=HYPERLINK(1)")
    assert "'=HYPERLINK(1)" in text(f"/figures/ranking/{JUNE}.csv")


def test_the_job_twice_is_the_job_once(month: Visits) -> None:
    month(25, profile=OLD, opened=25)
    tasks.make_figures(NOW)
    first = sorted(Count.objects.values_list("day", "name", "key", "value"))
    tasks.make_figures(NOW)
    assert sorted(Count.objects.values_list("day", "name", "key", "value")) == first


def test_rates_of_consent_are_of_residents_and_of_no_few(month: Visits) -> None:
    month(25, profile=OLD, learns=False)
    people = [cast.newcomer(number) for number in range(1, 45)]
    for resident in people[:19]:
        _yes(resident)
    tasks.make_figures(NOW)
    assert figure("ranking_opted_in") == ""
    for resident in people[19:22]:
        _yes(resident)
    tasks.make_figures(NOW)
    assert figure("ranking_opted_in") == "0.5"
    assert figure("learning_opted_in") == "0"  # that nobody did is no few
    # A month that is over keeps its rates.
    for resident in people[22:24]:
        _yes(resident)
    tasks.make_figures(NOW + timedelta(days=30))
    assert figure("ranking_opted_in") == "0.5"


def _yes(resident: Resident) -> None:
    from identity import actions

    actions.opt_in_personalisation(
        resident_id=resident.id,
        notice=cast.NOTICE,
        controller=cast.CONTROLLER,
        by=cast.as_actor(resident),
    )


def test_the_slot_for_exploration_and_its_cost(month: Visits) -> None:
    month(220, profile=OLD, opened=40)
    # Where nothing could be drawn nothing is compared, however often it was opened.
    month(300, profile=OLD, first=1000, drawn=False)
    Count.objects.create(day=NOW.date(), name="place.opened", key="3|sure", value=290)
    tasks.make_figures(NOW)
    assert figure("exploring_share") == "0.2115"
    assert figure("exploring_cost") == ""  # nobody opened anything in that place
    Count.objects.create(day=NOW.date(), name="place.opened", key="3|undrawn", value=22)
    Count.objects.create(day=NOW.date(), name="place.opened", key="3|exploring", value=11)
    tasks.make_figures(NOW)
    assert figure("exploring_cost") == "0.5"


def test_what_ended_in_the_daytime_is_of_the_offer_of_its_day(month: Visits, publish: Publish) -> None:
    publish(
        [
            entry("morning", provider="Morning", left=timedelta(hours=3)),
            entry("one", provider="Long", left=timedelta(hours=3)),
            entry("long", provider="Long"),
        ]
    )
    for hours in (0, 5):
        tasks.make_figures(NOW + timedelta(hours=hours))
    offered = Count.objects.filter(name="offered.provider")
    assert dict(offered.values_list("key", "value")) == {"Morning": 1, "Long": 2}


def test_a_large_number_is_the_same_in_both(month: Visits) -> None:
    month(25, profile=OLD, learns=False)
    Count.objects.filter(name="homes", key="personalised").update(value=1234567)
    tasks.make_figures(NOW)
    assert figure("homes") == "1234567"
    assert "<td>1,234,567</td>" in text("/figures/ranking/")


def test_the_page_reads_few_rows_whatever_is_kept(month: Visits) -> None:
    month(25, profile=OLD, opened=25)
    tasks.make_figures(NOW)
    with CaptureQueriesContext(connection) as one:
        text("/figures/ranking/")
    for months in range(1, 30):
        monthly.make(NOW.date() - timedelta(days=31 * months), NOW, monthly.Outside(None, None))
    with CaptureQueriesContext(connection) as many:
        text("/figures/ranking/")
    assert len(one) == len(many) == 2


def test_everybody_may_read_it_in_three_languages_and_caches_may_keep_it(month: Visits) -> None:
    month(25, profile=OLD, learns=False)
    tasks.make_figures(NOW)
    for path in ("/figures/ranking/", "/en/figures/ranking/", "/ja-simple/figures/ranking/"):
        answer = browser().get(path)
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "public, max-age=300"
        assert "Cookie" in answer["Vary"]
    mine = cast.sign_in(browser(), cast.hanako()).get("/figures/ranking/")
    assert mine["Cache-Control"] == "private, no-store"
    latest = text("/figures/ranking/").partition("<main")[2]
    assert text(f"/figures/ranking/{JUNE}/").partition("<main")[2] == latest


def test_what_is_old_is_deleted_and_the_months_stay(month: Visits) -> None:
    month(25, profile=OLD, opened=25)
    tasks.make_figures(NOW)
    june = NOW.date()
    assert monthly.forget(june + timedelta(days=30)) == 0
    assert monthly.forget(june + timedelta(days=100)) > 0
    names = set(Count.objects.values_list("name", flat=True))
    assert not names & set(monthly.DETAIL)
    assert "homes" in names
    monthly.forget(june + timedelta(days=430))
    assert not Count.objects.exclude(name__startswith="month.").exists()
    assert len(monthly.read()) == 1
    monthly.forget(june + timedelta(days=40 * 31))
    assert not Count.objects.exists()


def test_late_notes_belong_to_their_month_for_three_days(month: Visits) -> None:
    assert tasks.make_figures(NOW) == 1
    month(25, profile=OLD, learns=False)
    assert tasks.make_figures(NOW + timedelta(days=31)) == 2
    assert figure("homes") == "25"
    assert tasks.make_figures(NOW + timedelta(days=35)) == 1
