"""Dates and times that editors and operators type: read as they are meant, or refused where they stand, never changed."""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django import forms
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from core import dates
from portal.city.tuning_forms import RuleForm
from portal.content.editing.date_fields import JapaneseDateField, JapaneseDateTimeField, JapaneseTimeField
from portal.content.models import AlertPage, EventPage, HomePage, IndexPage, NewsPage, ServicePage
from portal.content.pages import event_rules
from tests import cast
from tests.portal.content.pages import publish
from tests.portal.content.test_editor import add_url, form

ROOT = Path(__file__).resolve().parents[3]
WIDE = str.maketrans("0123456789:-/", "０１２３４５６７８９：－／")
PAGES = (NewsPage, ServicePage, EventPage, AlertPage, HomePage, IndexPage)


@pytest.fixture
def editor(client: Client) -> Client:
    return cast.sign_in(client, cast.editor())


# --- reading -------------------------------------------------------------------------------------------------


def writings(day: date) -> Iterator[str]:
    yield day.isoformat()
    yield f"{day.year}/{day.month}/{day.day}"
    yield f"{day.year}年{day.month}月{day.day}日"
    yield f" {day.year} 年 {day.month} 月 {day.day} 日（{dates.WEEKDAYS[day.weekday()]}）"
    yield day.isoformat().translate(WIDE)
    yield f"{day:%Y%m%d}"
    if date(2019, 5, 1) <= day < date(2118, 1, 1):
        yield f"令和{day.year - 2018}年{day.month}月{day.day}日"


@given(st.dates(date(1900, 1, 1), date(2200, 12, 31)), st.times())
def test_every_writing_of_a_day_and_a_time_means_the_same(day: date, clock: time) -> None:
    exact = clock.replace(second=0, microsecond=0)
    times = [f"{exact:%H:%M}", f"{exact.hour}時{exact.minute}分", f"{exact:%H:%M}".translate(WIDE)]
    assert {JapaneseTimeField().clean(text) for text in times} == {exact}
    for text in writings(day):
        assert JapaneseDateField().clean(text) == day
        for written in times:
            assert dates.moment(f"{text} {written}").value == datetime.combine(day, exact)
    assert dates.moment(f"{day.isoformat()}T{exact:%H:%M}").value == datetime.combine(day, exact)


@given(st.text(max_size=30) | st.from_regex(r"\A[0-9０-９:：/年月日時分 T-]{1,20}\Z"))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    for field in (JapaneseDateField, JapaneseTimeField, JapaneseDateTimeField):
        try:
            field(required=False).clean(text)
        except ValidationError as error:
            assert error.messages


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        (JapaneseTimeField, "24:00", "24:00 は次の日の 00:00 です"),
        (JapaneseTimeField, "25:00", "この時刻はありません"),
        (JapaneseTimeField, "24:01", "この時刻はありません"),
        (JapaneseTimeField, "9:30:15", "09:30 のように"),
        (JapaneseDateField, "2026-02-30", "暦にありません"),
        (JapaneseDateField, "2026年8月5日(木)", "曜日が日付と合いません"),
        (JapaneseDateField, "0026-08-05", "1900 から 2200"),
        (JapaneseDateField, "8/5", "2026-04-19 のように"),
        (JapaneseDateTimeField, "2026-10-20", "2026-04-19 09:30 のように"),
        (JapaneseDateTimeField, "2026-02-30 10:00", "暦にありません"),
        (JapaneseDateTimeField, "2026-10-20 10:75", "この時刻はありません"),
        (JapaneseDateTimeField, "あした", "2026-04-19 のように"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_write(
    field: type[forms.Field], typed: str, words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        field().clean(typed)


def test_midnight_at_the_end_of_a_day_is_the_beginning_of_the_next() -> None:
    assert dates.moment("令和8年12月31日 24:00").value == datetime.combine(date(2027, 1, 1), time.min)


def test_every_refusal_stands_in_english() -> None:
    with translation.override("en"):
        for sentence in (*dates.REFUSALS.values(), *event_rules.REFUSALS.values()):
            assert translation.gettext(sentence) != sentence


# --- every form ----------------------------------------------------------------------------------------------


def test_every_date_and_time_of_an_admin_form_is_read_by_these_fields() -> None:
    kinds = {
        forms.DateField: JapaneseDateField,
        forms.TimeField: JapaneseTimeField,
        forms.DateTimeField: JapaneseDateTimeField,
    }
    found = 0
    for fields in (
        *(page.get_edit_handler().get_form_class().base_fields for page in PAGES),
        RuleForm.base_fields,
    ):
        for name, field in fields.items():
            for plain, ours in kinds.items():
                if isinstance(field, plain):
                    found += 1
                    assert type(field) is ours, name
                    assert type(field.widget) is ours.widget, name
    assert found >= 15


def test_no_page_of_a_desk_has_a_browsers_own_picker() -> None:
    """A browser's picker swallows what it does not know, and 24:00 becomes another hour while it is typed."""
    desks = [*(ROOT / "portal" / "templates" / "city").rglob("*.html"),
             *(ROOT / "gadgets" / "templates" / "gadgets").glob("provider*.html")]  # fmt: skip
    assert len(desks) > 10
    native = re.compile(r'type="(?:date|time|datetime-local|month|week)"')
    assert [path.name for path in desks if native.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"ends_time": "24:00"}, "ends_time"),
        ({"starts_on": "2026-02-30"}, "starts_on"),
        ({"ends_on": "2026-10-19"}, "ends_on"),
        ({"starts_time": "18:00", "ends_time": "2時"}, "ends_time"),
        ({"go_live_at": "2026-02-30 10:00"}, "go_live_at"),
    ],
)
def test_what_is_refused_stays_in_its_field_and_nothing_is_kept(
    editor: Client, typed: dict[str, str], field: str
) -> None:
    fields = {"starts_on": "2026-10-20", "ends_on": "2026-10-20", **typed}
    response = editor.post(add_url("eventpage", "event"), form(**fields))
    assert response.status_code == 200
    assert list(response.context["form"].errors) == [field]
    html = response.content.decode()
    for name, value in typed.items():
        assert f'name="{name}" value="{value}"' in html
    assert not EventPage.objects.exists()


@pytest.mark.django_db
def test_what_is_written_in_japanese_is_kept_as_it_was_meant(editor: Client) -> None:
    fields = {"starts_on": "令和8年8月5日", "ends_on": "２０２６／８／６", "starts_time": "9時30分", "ends_time": "０：３０",
              "expire_at": "2126年8月6日 24:00"}  # fmt: skip
    response = editor.post(add_url("eventpage", "event"), form(**fields))
    assert response.status_code == 302, response.context["form"].errors
    page = EventPage.objects.get()
    assert (page.starts_on, page.ends_on) == (date(2026, 8, 5), date(2026, 8, 6))
    assert (page.starts_time, page.ends_time) == (time(9, 30), time(0, 30))
    assert page.get_latest_revision_as_object().expire_at.isoformat() == "2126-08-06T15:00:00+00:00"


@pytest.mark.django_db
def test_saving_cuts_no_seconds_off(editor: Client, now: datetime) -> None:
    page = publish("news", "one", now=now, expire_at=now + timedelta(days=9, seconds=59))
    html = editor.get(f"/admin/pages/{page.pk}/edit/").content.decode()
    assert 'name="expire_at" value="2026-10-14 09:00:59"' in html


# --- in a browser --------------------------------------------------------------------------------------------


@pytest.fixture
def page(live_server: Any, settings: Any, browser: Browser) -> Iterator[Page]:
    """The editor's browser, in the form of a new event."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    settings.PORTAL_URL = f"http://portal.region.localhost:{urlsplit(live_server.url).port}"
    settings.ALLOWED_HOSTS = [".region.localhost"]
    client = cast.sign_in(cast.portal_client(), cast.editor())
    context = browser.new_context(locale="ja-JP")
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": settings.PORTAL_URL}])
    opened = context.new_page()
    opened.goto(settings.PORTAL_URL + add_url("eventpage", "event"))
    yield opened
    context.close()
    ContentType.objects.clear_cache()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_picker_fills_in_what_is_clicked_and_leaves_what_is_typed(page: Page) -> None:
    typed = {
        "starts_on": "令和8年8月5日",
        "ends_on": "2026-02-30",
        "starts_time": "9時30分",
        "ends_time": "24:00",
    }
    for name, value in typed.items():
        page.locator(f"#id_{name}").click()
        page.keyboard.type(value)
        page.keyboard.press("Tab")
    assert {name: page.locator(f"#id_{name}").input_value() for name in typed} == typed
    page.locator("#id_ends_on").fill("")
    page.locator("#id_time_note").focus()
    page.locator("#id_ends_on").click()
    page.locator(".xdsoft_datetimepicker:visible td.xdsoft_date:not(.xdsoft_other_month)").first.click()
    assert re.fullmatch(r"\d{4}-\d{2}-01", page.locator("#id_ends_on").input_value())
