"""What templates write into attributes: times that HTML knows, ids without dots; and the same for every template."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.template import engines
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core import markup
from tests import cast
from tests.portal.content.pages import publish

ROOT = Path(__file__).resolve().parents[2]
# What HTML's grammar takes: a month, a day, or a day and a time with at most three digits of a second, and a zone.
VALID = re.compile(r"\d{4}-\d\d(-\d\d)?|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)")
TIME = re.compile(r'<time\b[^>]*\bdatetime="([^"]*)"')
DOTTED = re.compile(r'\sid="([^"]*\.[^"]*)"')


@given(st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC)) | st.dates())  # noqa: DTZ001
def test_every_moment_is_written_as_html_wants_it(value: date) -> None:
    written = engines["django"].from_string("{{ value|iso }}").render({"value": value})
    assert VALID.fullmatch(written)
    assert VALID.fullmatch(markup.machine_time(value))


def test_a_time_is_written_in_the_regions_zone_and_nothing_stays_nothing() -> None:
    template = engines["django"].from_string("{{ value|iso }}")
    assert (
        template.render({"value": datetime(2026, 10, 5, 0, 0, 0, 123456, tzinfo=UTC)})
        == "2026-10-05T09:00+09:00"
    )
    assert template.render({"value": None}) == template.render({}) == ""


def test_an_id_of_a_gadget_is_one_name_in_a_selector() -> None:
    assert markup.html_id("localhost.waste.calendar") == "localhost_waste_calendar"


def test_no_template_writes_microseconds_or_a_gadgets_id_as_it_is() -> None:
    found = []
    for package in ("portal", "gadgets", "identity"):
        for path in (ROOT / package).rglob("*.html"):
            text = path.read_text(encoding="utf-8")
            if 'date:"c"' in text or re.search(r'\sid="[^"]*\{\{ [\w.]*gadget[._]id \}\}', text):
                found.append(str(path.relative_to(ROOT)))
    assert found == []


@pytest.mark.django_db
@pytest.mark.parametrize("address", [
    "/", "/en/", "/events/", "/news/", "/alerts/", "/services/", "/events/one/", "/alerts/two/", "/gadgets/", "/connections/",
    "/my-data/", "/my-data/sessions/", "/my-data/log/", "/my-data/ranking/",
])  # fmt: skip
def test_pages_hold_valid_times_and_ids_without_dots(now: datetime, address: str, client: Client) -> None:
    publish("event", "one", now=now + timedelta(microseconds=5), starts_on=date(2036, 10, 20))
    publish("alert", "two", now=timezone.now(), level=3, urgent=True)
    browser = (
        cast.sign_in(cast.portal_client(), cast.hanako()) if "my-data" in address else cast.portal_client()
    )
    response = browser.get(address, follow=True)
    assert response.status_code == 200
    html = response.content.decode()
    assert [time for time in TIME.findall(html) if not VALID.fullmatch(time)] == []
    assert DOTTED.findall(html) == []
