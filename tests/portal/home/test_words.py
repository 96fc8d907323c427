"""Days and times as each language writes them, in the region's time."""

from datetime import UTC, datetime, timedelta

from portal.home.page import formats

EVENING = datetime(2026, 6, 3, 20, 5, tzinfo=UTC)  # 4 June, 05:05 in Japan


def test_a_day_in_each_language():
    assert formats.day(EVENING, "ja") == "2026年6月4日(木)"
    assert formats.day(EVENING, "ja-simple") == "2026年6月4日(木)"
    assert formats.day(EVENING, "en") == "Thu 4 Jun 2026"


def test_when_something_takes_place():
    later = EVENING + timedelta(days=2)
    assert formats.when(EVENING, EVENING, "ja", all_day=False) == "2026年6月4日(木) 05:05"
    assert formats.when(EVENING, later, "ja", all_day=True) == "2026年6月4日(木)〜2026年6月6日(土)"
    assert formats.when(EVENING, later, "en", all_day=True) == "Thu 4 Jun 2026 – Sat 6 Jun 2026"
    assert formats.when(EVENING, None, "en", all_day=True) == "Thu 4 Jun 2026"


def test_an_end_is_told_where_somebody_named_one():
    end = EVENING + timedelta(hours=3)
    assert formats.when(EVENING, end, "ja", all_day=False) == "2026年6月4日(木) 05:05〜08:05"
    assert formats.when(EVENING, end, "en", all_day=False) == "Thu 4 Jun 2026 05:05 – 08:05"
    midnight = datetime(2026, 6, 4, 14, 59, 59, tzinfo=UTC)
    for unknown in (None, EVENING, midnight, EVENING - timedelta(hours=1)):
        assert formats.when(EVENING, unknown, "ja", all_day=False) == "2026年6月4日(木) 05:05"
    assert formats.when(EVENING, end, "ja", all_day=True) == "2026年6月4日(木)"


def test_the_hour_of_an_end_on_another_day_is_told():
    night = EVENING + timedelta(hours=20)  # 5 June, 01:05
    assert (
        formats.when(EVENING, night, "ja", all_day=False) == "2026年6月4日(木) 05:05〜2026年6月5日(金) 01:05"
    )
    assert formats.when(EVENING, night, "en", all_day=False) == "Thu 4 Jun 2026 05:05 – Fri 5 Jun 2026 01:05"
    unnamed = datetime(2026, 6, 5, 14, 59, 59, tzinfo=UTC)
    assert formats.when(EVENING, unnamed, "ja", all_day=False) == "2026年6月4日(木) 05:05〜2026年6月5日(金)"


def test_what_follows_a_day_in_each_language():
    last = EVENING + timedelta(days=9)
    assert formats.later(3, last, "ja") == "ほかに3回（2026年6月13日(土)まで）"
    assert formats.later(3, last, "ja-simple") == "ほかに 3かい あります（さいごは 2026年6月13日(土)）"
    assert formats.later(1, last, "en") == "1 more, the last on Sat 13 Jun 2026"
