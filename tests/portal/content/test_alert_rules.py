"""An alert is named by kind and level, says where it holds, and does not go out while a part is missing."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from identity.audit import chain
from identity.domain.roles import SYSTEM, Actor
from portal.alerts import alert_files, alert_names
from portal.content import actions, tasks
from portal.content.errors import AlertIncomplete, NotAllowed
from portal.content.models import AlertPage
from tests import cast
from tests.conftest import NOW
from tests.portal.content.pages import publish
from tests.portal.content.test_alert_files import an_alert
from tests.portal.content.test_editor import add_url, form

ALL = {
    "level": "4", "alert_kind": "evacuation", "whole_city": "on", "what_to_do": "逃げる",
    "valid_until": "2099-01-01 10:00",
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "level", "name"),
    [
        ("evacuation", 3, "警戒レベル３ 高齢者等避難"),
        ("evacuation", 4, "警戒レベル４ 避難指示"),
        ("evacuation", 5, "警戒レベル５ 緊急安全確保"),
        ("flood", 2, "レベル２氾濫注意報"),
        ("flood", 3, "レベル３氾濫警報"),
        ("flood", 4, "レベル４氾濫危険警報"),
        ("flood", 5, "レベル５氾濫特別警報"),
        ("rain", 4, "レベル４大雨危険警報"),
        ("landslide", 4, "レベル４土砂災害危険警報"),
        ("storm_surge", 4, "レベル４高潮危険警報"),
        ("rain", 1, "早期注意情報（大雨）"),
        ("tsunami", 5, "大津波警報"),
        ("wind", 3, "暴風警報"),
        ("heat", 3, "熱中症警戒アラート"),
        ("lifeline", 3, "断水・停電・交通のお知らせ"),
        ("other", 5, "お知らせ"),
    ],
)
def test_the_name_follows_kind_and_level(kind: str, level: int, name: str) -> None:
    assert alert_names.name(kind, level, "ja") == name


def test_only_warnings_are_called_so_and_every_name_has_three_languages() -> None:
    for kind in alert_names.KINDS:
        for level in alert_names.levels(kind):
            names = {locale: alert_names.name(kind, level, locale) for locale in alert_names.LOCALES}
            assert len(set(names.values())) == 3, names
            if kind in {"evacuation", *alert_names.PLAIN}:
                assert not [name for name in names.values() if "警報" in name or "warning" in name.lower()]
    assert set(alert_names.KINDS) == set(AlertPage.Kind.values)


parts = {
    "kind": st.sampled_from([*alert_names.KINDS, "", "none"]),
    "level": st.sampled_from([None, 0, 1, 2, 3, 4, 5, 6]),
    "whole_city": st.booleans(),
    "districts": st.sampled_from([(), ("yashima",)]),
    "what_to_do": st.sampled_from(["", "  ", "逃げる"]),
    "valid_until": st.sampled_from([None, NOW - timedelta(seconds=1), NOW, NOW + timedelta(hours=1)]),
}


@given(st.fixed_dictionaries(parts))
def test_nothing_is_missing_only_where_every_part_is_there(drawn: dict[str, Any]) -> None:
    whole = (
        drawn["kind"] in alert_names.KINDS
        and drawn["level"] in alert_names.levels(drawn["kind"])
        and drawn["whole_city"] != bool(drawn["districts"])
        and bool(drawn["what_to_do"].strip())
        and drawn["valid_until"] is not None
        and drawn["valid_until"] > NOW
    )
    assert (alert_names.missing(**drawn, now=NOW) == ()) is whole


LACKING = [
    ({"alert_kind": ""}, "alert_kind"),
    ({"level": "2"}, "level"),
    ({"whole_city": ""}, "whole_city"),
    ({"districts": ["yashima"]}, "whole_city"),
    ({"what_to_do": ""}, "what_to_do"),
    ({"valid_until": ""}, "valid_until"),
    ({"valid_until": "2020-01-01 10:00"}, "valid_until"),
]


@pytest.mark.django_db
def test_the_editor_is_told_at_the_field_and_nothing_goes_out(client: Client, own_files: Path) -> None:
    editor = cast.sign_in(client, cast.editor())
    for number, (change, field) in enumerate(LACKING):
        sent = {key: value for key, value in (ALL | change).items() if value}
        response = editor.post(add_url("alertpage", "alert"), form(**sent, slug=f"a{number}"))
        assert response.status_code == 200, change
        assert response.context["form"].errors.get(field), (change, response.context["form"].errors)
        assert not AlertPage.objects.exists()
    assert alert_files.read_files(own_files) == ()
    assert editor.post(add_url("alertpage", "alert"), form(**ALL)).status_code == 302
    assert AlertPage.objects.get().live


@pytest.mark.django_db
def test_whatever_publishes_it_an_alert_that_is_over_does_not_go_out(now: datetime) -> None:
    with time_machine.travel(now, tick=False):
        page = publish("alert", "one", now=now, valid_until=now + timedelta(hours=1))
        page.unpublish()
    with time_machine.travel(now + timedelta(hours=2), tick=False):
        with pytest.raises(ValidationError):
            page.get_latest_revision().publish()
        page.refresh_from_db()
        assert not page.live
        with pytest.raises(AlertIncomplete, match="過ぎています"):
            actions.publish_alert(alert=an_alert(valid_until=NOW), by=SYSTEM, now=NOW + timedelta(hours=2))
        with pytest.raises(AlertIncomplete):
            actions.publish_static_alert(
                alert=an_alert(what_to_do={"ja": ""}), by=SYSTEM, now=NOW + timedelta(hours=2)
            )
    assert AlertPage.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_area_first_then_name_then_the_times_everywhere(client: Client, own_files: Path) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        page = publish(
            "alert", "order", now=NOW, title="山田町に避難指示", title_en="Evacuate", districts=["yashima"],
            level=4, alert_kind="evacuation", urgent=True,
        )  # fmt: skip
        clock.shift(timedelta(minutes=30))
        page.summary = "範囲を広げました。"
        page.save_revision().publish()
        clock.shift(1)
        for address in ("/", "/alerts/order/", "/alerts.html", "/alerts/"):
            text = " ".join(client.get(address).content.decode().split())
            main = text[text.index("<main") :]
            where = [main.index(part) for part in ("屋島", "警戒レベル４ 避難指示")]
            assert where == sorted(where), address
            assert "危険警報" not in main
        for address in ("/", "/alerts/order/", "/alerts.html"):
            told = client.get(address).content.decode()
            assert "9:00 発表" in told, address
            assert "9:30 訂正" in told, address
        assert "Yashima Level 4 Evacuation order" in " ".join(client.get("/en/").content.decode().split())
        (entry,) = client.get("/alerts.json").json()["alerts"]
    assert (entry["area"]["ja"], entry["name"]["en"]) == ("屋島", "Level 4 Evacuation order")
    assert entry["corrected_at"] == "2026-10-05T09:30:00+09:00"
    assert alert_files.parse_json((own_files / "alerts.json").read_text())[0].corrected_at is not None


def test_the_samples_hold_for_days_not_for_a_year() -> None:
    import json

    from demo.samples import SAMPLES

    hours = [one["hours_left"] for one in json.loads(SAMPLES.read_text()) if one["kind"] == "alert"]
    assert hours
    assert all(24 <= left <= 7 * 24 for left in hours)


# --- who did it ----------------------------------------------------------------------------------------------


def entries() -> list[tuple[str, str, str]]:
    kinds = ("alert_published", "alert_corrected", "alert_withdrawn")
    return [(one.kind, one.by, one.detail["alert"]) for one in chain.entries(kinds=kinds)]


@pytest.mark.django_db
def test_publishing_correcting_and_taking_down_name_who_did_it(client: Client) -> None:
    resident = cast.editor()
    editor = cast.sign_in(client, resident)
    handle = str(resident.handle)
    editor.post(add_url("alertpage", "alert"), form(**ALL))
    page = AlertPage.objects.get()
    AlertPage.objects.update(first_published_at=timezone.now() - timedelta(hours=1))
    editor.post(f"/admin/pages/{page.pk}/edit/", form(**ALL, summary="訂正"))
    editor.post(f"/admin/pages/{page.pk}/unpublish/", {"gone_asked": "1", "explanation": "終わりました"})
    alert = f"p{page.pk}"
    assert entries() == [
        ("alert_published", handle, alert),
        ("alert_corrected", handle, alert),
        ("alert_withdrawn", handle, alert),
    ]


@pytest.mark.django_db
def test_a_static_alert_takes_an_actor_and_its_entry_waits_for_the_database(own_files: Path) -> None:
    now = timezone.now()
    with pytest.raises(NotAllowed):
        actions.publish_static_alert(alert=an_alert(), by=Actor(id=None), now=NOW)
    with pytest.raises(NotAllowed):
        actions.withdraw_static_alert(alert_id="s-1", by=Actor(id=None), now=now)
    actions.publish_static_alert(alert=an_alert(valid_until=now + timedelta(hours=1)), by=SYSTEM, now=now)
    actions.withdraw_static_alert(alert_id="s-1", by=SYSTEM, now=now)
    assert entries() == []
    tasks.write_alerts()
    tasks.write_alerts()
    assert entries() == [("alert_published", "portal", "s-1"), ("alert_withdrawn", "portal", "s-1")]
