"""Alerts as static files: written whole with the publication, ordered so that nothing displaces an urgent one."""

import io
import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from identity.domain.roles import SYSTEM, Actor
from portal.alerts import alert_files
from portal.content import actions
from portal.content.errors import AlertNotWritten, NotAllowed
from portal.content.models import AlertPage
from tests.conftest import NOW
from tests.portal.content.pages import publish


def an_alert(number: int = 1, **fields: Any) -> alert_files.Alert:
    given_fields = {
        "id": f"s-{number}",
        "level": 3,
        "kind": "flood",
        "urgent": False,
        "title": {"ja": f"警報{number}"},
        "summary": {"ja": ""},
        "what_to_do": {"ja": "高いところへ", "en": "Go up", "ja-simple": "うえへ"},
        "districts": ("yashima",),
        "published_at": NOW + timedelta(minutes=number),
        "valid_until": NOW + timedelta(days=1),
        "origin": "static",
    }
    return alert_files.Alert(**{**given_fields, **fields})


levels = st.tuples(st.booleans(), st.integers(1, 5), st.integers(0, 1000))


@given(st.lists(levels, max_size=20))
def test_a_lesser_alert_never_stands_before_an_urgent_one(drawn: list[tuple[bool, int, int]]) -> None:
    made = [an_alert(minutes, urgent=urgent, level=level) for urgent, level, minutes in drawn]
    shown = alert_files.standing(made, NOW)
    for before, after in itertools.pairwise(shown):
        assert (before.urgent, before.level) >= (after.urgent, after.level)
        if (before.urgent, before.level) == (after.urgent, after.level):
            assert before.published_at >= after.published_at


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    first = an_alert(valid_until=NOW + timedelta(hours=1))
    alert_files.replace_files(tmp_path, lambda _: [first], NOW)
    assert alert_files.read_files(tmp_path) == (first,)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "alerts.html", "alerts.json"]


def test_an_alert_that_has_ended_is_in_no_file(tmp_path: Path) -> None:
    alert_files.replace_files(tmp_path, lambda _: [an_alert(valid_until=NOW)], NOW)
    assert json.loads((tmp_path / "alerts.json").read_text())["alerts"] == []
    assert "いま出ている警報・注意情報はありません" in (tmp_path / "alerts.html").read_text()


def test_the_page_escapes_and_speaks_three_languages() -> None:
    html = alert_files.render_html(
        [an_alert(title={"ja": "<b>大雨", "en": "Rain", "ja-simple": "おおあめ"})], NOW
    )
    assert "<h2>屋島 レベル３氾濫警報：&lt;b&gt;大雨</h2>" in html
    assert '<p lang="en">Yashima Level 3 flood warning: Rain Go up</p>' in html
    assert "：おおあめ うえへ" in html
    assert "<script" not in html
    assert "style" not in html


def test_a_file_of_somebody_else_is_no_alert(tmp_path: Path) -> None:
    (tmp_path / "alerts.json").write_text('{"other": 1}')
    assert alert_files.read_files(tmp_path) == ()
    with pytest.raises(ValueError, match="not a file of ours"):
        alert_files.parse_json("[]")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(AlertNotWritten, match="書けませんでした") as caught:
        alert_files.replace_files(tmp_path / "taken", lambda _: [], NOW)
    assert caught.value.retry


# --- with pages ----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_publishing_writes_the_files_before_it_returns_and_unpublishing_clears_them(own_files: Path) -> None:
    now = timezone.now()
    page = publish("alert", "rain", now=now, title="大雨", level=4, urgent=True, what_to_do="逃げる")
    (entry,) = json.loads((own_files / "alerts.json").read_text())["alerts"]
    assert (entry["id"], entry["level"], entry["urgent"]) == (f"p{page.pk}", 4, True)
    assert entry["url"].endswith("/alerts/rain/")
    assert "大雨" in (own_files / "alerts.html").read_text()
    page.unpublish()
    assert json.loads((own_files / "alerts.json").read_text())["alerts"] == []


@pytest.mark.django_db(transaction=True)
def test_deleting_an_alert_clears_it_too(own_files: Path) -> None:
    page = publish("alert", "rain", now=timezone.now())
    page.delete()
    assert alert_files.read_files(own_files) == ()


@pytest.mark.django_db(transaction=True)
def test_a_static_alert_survives_the_publication_of_a_page(own_files: Path) -> None:
    now = timezone.now()
    actions.publish_static_alert(
        alert=an_alert(published_at=now, valid_until=now + timedelta(hours=1)), by=SYSTEM, now=now
    )
    publish("alert", "rain", now=now)
    assert {alert.origin for alert in alert_files.read_files(own_files)} == {"static", "page"}


@pytest.mark.django_db(transaction=True)
def test_a_page_is_published_even_when_its_file_cannot_be_written(
    settings: Any, tmp_path: Path, caplog: Any
) -> None:
    (tmp_path / "taken").write_text("")
    settings.ALERTS_DIR = tmp_path / "taken"
    page = publish("alert", "rain", now=timezone.now())
    assert page.live
    assert "alert files not written" in caplog.text


@pytest.mark.django_db
def test_only_editors_and_operators_publish_alerts() -> None:
    with pytest.raises(NotAllowed):
        actions.publish_alert(alert=an_alert(), by=Actor(id=None), now=NOW)
    assert not AlertPage.objects.exists()


@pytest.mark.django_db
def test_the_files_are_served_as_they_lie_and_before_the_first_alert_too(
    client: Client, own_files: Path
) -> None:
    assert client.get("/alerts.json").json()["alerts"] == []
    assert "いま出ている" in client.get("/alerts.html").content.decode()
    alert_files.replace_files(own_files, lambda _: [an_alert()], NOW)
    response = client.get("/alerts.json")
    assert response.json()["alerts"][0]["id"] == "s-1"
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert "警報1" in client.get("/alerts.html").content.decode()
    assert client.post("/alerts.json").status_code == 405


# --- the command ---------------------------------------------------------------------------------------------


FLOOD = ("--kind", "flood", "--what-to-do", "高いところへ", "--hours", "6")
WHOLE = ("--title", "x", "--level", "3", "--whole-city", *FLOOD)


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("publish_alert", *arguments, stdout=out)
    return out.getvalue()


def test_the_static_command_needs_no_database(own_files: Path) -> None:
    # No mark django_db: any query here fails the test.
    said = command("--title", "洪水", "--level", "5", "--district", "yashima", "--static-only", *FLOOD)
    (alert,) = alert_files.read_files(own_files)
    assert (alert.title, alert.level, alert.urgent, alert.districts) == (
        {"ja": "洪水"},
        5,
        True,
        ("yashima",),
    )
    assert alert.id in said
    assert "取り下げました" in command("--withdraw", alert.id)
    assert alert_files.read_files(own_files) == ()


@pytest.mark.django_db(transaction=True)
def test_the_command_publishes_a_page(own_files: Path) -> None:
    command(
        *("--title", "断水", "--level", "2", "--kind", "lifeline", "--not-urgent", "--title-en", "No water"),
        *("--whole-city", "--hours", "2", "--what-to-do", "水をためる"),
    )
    page = AlertPage.objects.get()
    assert (page.live, page.level, page.alert_kind, page.urgent, page.title_en) == (
        True,
        2,
        "lifeline",
        False,
        "No water",
    )
    assert alert_files.read_files(own_files)[0].id == f"p{page.pk}"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--static-only",), "--title"),
        (("--title", "x", "--static-only"), "--kind"),
        (("--title", "x", "--kind", "flood", "--static-only"), "--level"),
        (("--title", "x", "--kind", "flood", "--level", "3", "--static-only"), "--what-to-do"),
        ((*WHOLE[:-2], "--static-only"), "--hours"),
        ((*WHOLE, "--hours", "0", "--static-only"), "--hours"),
        ((*(one for one in WHOLE if one != "--whole-city"), "--static-only"), "--whole-city"),
        ((*WHOLE, "--kind", "evacuation", "--level", "2", "--static-only"), "3、4、5"),
        (
            (*(one for one in WHOLE if one != "--whole-city"), "--district", "atlantis", "--static-only"),
            "atlantis",
        ),
        (("--withdraw", "s-none"), "s-none"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        command(*arguments)


def test_the_command_says_when_the_files_cannot_be_written(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    settings.ALERTS_DIR = tmp_path / "taken"
    with pytest.raises(CommandError, match="書けませんでした"):
        command(*WHOLE, "--static-only")


def test_times_in_the_files_have_their_offset(tmp_path: Path) -> None:
    alert_files.replace_files(tmp_path, lambda _: [an_alert()], NOW)
    document = json.loads((tmp_path / "alerts.json").read_text())
    assert datetime.fromisoformat(document["alerts"][0]["published_at"]).utcoffset() is not None


def test_people_read_the_regions_time_also_where_a_moment_comes_in_utc() -> None:
    until = datetime(2026, 7, 1, 15, 30, tzinfo=UTC)
    html = alert_files.render_html([an_alert(valid_until=until)], datetime(2026, 7, 1, 14, 59, tzinfo=UTC))
    assert "2026年7月1日 23:59 更新" in html
    assert "2026年7月2日 00:30 まで" in html
