"""After an erasure nothing of the person is left: every table, every column, every session, text, JSON and bytes."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from wagtail.models import Page, PageLogEntry, Revision

from gadgets.models import ReviewNote
from identity.audit import verify
from identity.closure import erasure
from identity.models import ConsentReceipt, Erasure, NoticeVersion, Resident
from portal.mydata.account import erasing
from tests import cast
from tests.portal.mydata.everything import (
    CHILD,
    NAME,
    NOT_PEOPLE,
    Everything,
    fill,
    places_of,
    relations,
    uuid_columns,
)


@pytest.fixture
def person(settings: Any, tmp_path: Path) -> Everything:
    settings.MEDIA_ROOT = tmp_path
    return fill()


def erase(person: Everything) -> erasure.Asked:
    """Asked for, and carried out when its time has come."""
    asked = erasure.ask(resident_id=person.resident.pk, announced=[], by=cast.as_actor(person.resident))
    assert erasing.carry_out(now=timezone.now() + erasure.WAIT - timedelta(minutes=1)) == 0
    assert erasing.carry_out(now=asked.due_at) == 1
    return asked


@pytest.mark.django_db(transaction=True)
def test_no_table_holds_anything_that_names_the_person(person: Everything, tmp_path: Path) -> None:
    before = places_of(person.names)
    unseen = {kind for kind, places in before.items() if not places}
    in_hex = {"id in hex", "ward in hex"} if connection.vendor == "postgresql" else set()
    assert unseen == in_hex, "the walk does not see what is there"
    neighbour = cast.taro()
    erase(person)
    assert {kind: places for kind, places in places_of(person.names).items() if places} == {}
    assert set().union(*places_of({it: it for it in person.handles}).values()) == {
        "identity_auditentry.who",
        "identity_auditentry.by",
    }
    assert list(tmp_path.rglob("*.png")) == []
    assert set(Resident.objects.values_list("username", flat=True)) == {neighbour.username, "linh"}
    assert ConsentReceipt.objects.filter(resident=neighbour).exists()
    assert verify.verify().holds


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("module", "step", "left_in"),
    [
        (erasing, "forget_author", "wagtailcore_revision.content"),
        (erasure, "forget_sessions", "django_session.data"),
    ],
)
def test_the_walk_notices_what_an_erasure_leaves_out(
    person: Everything, monkeypatch: pytest.MonkeyPatch, module: Any, step: str, left_in: str
) -> None:
    monkeypatch.setattr(module, step, lambda *_: ({}, {}))
    erase(person)
    assert left_in in set().union(*places_of(person.names).values())


@pytest.mark.django_db
def test_work_in_public_stays_without_a_name(person: Everything) -> None:
    history = PageLogEntry.objects.count()
    erase(person)
    page = Page.objects.get(pk=person.page.pk)
    assert (page.title, page.owner_id, page.locked_by_id) == ("公開した仕事", None, None)
    revision = Revision.objects.get(object_id=str(page.pk))
    assert (revision.content["owner"], revision.content["wagtail_admin_comments"]) == (None, [])
    assert revision.content["title"] == "公開した仕事"
    assert PageLogEntry.objects.count() == history
    assert ReviewNote.objects.get().who_id is None
    assert not NoticeVersion.objects.filter(text__contains=NAME).exists()
    assert not NoticeVersion.objects.filter(text__contains=CHILD).exists()


@pytest.mark.django_db
def test_a_text_that_others_saw_too_stays(person: Everything) -> None:
    taro = cast.taro()
    erase(person)
    assert NoticeVersion.objects.get().text == cast.NOTICE.text
    assert ConsentReceipt.objects.get(resident=taro).notice_id == cast.NOTICE.sha256


@pytest.mark.django_db
def test_every_column_that_can_point_to_a_resident_is_known_here(person: Everything) -> None:
    """A new table with a reference to a resident fails this test, or the walk, until it is handled."""
    empty = [
        f"{model._meta.label}.{name}"
        for model, name in relations()
        if not model._base_manager.filter(**{name: person.resident}).exists()
        and not model._base_manager.filter(**{name: person.ward}).exists()
    ]
    assert empty == []
    held = {
        "identity_consentevent.resident_id",
        "identity_erasure.resident_id",
        "gadgets_eventdelivery.resident_id",
        "recommender_priorchange.by",
        "recommender_rule.by",
    }
    assert uuid_columns() == NOT_PEOPLE | held


@pytest.mark.django_db
def test_the_report_says_what_went_and_names_nobody(person: Everything) -> None:
    asked = erase(person)
    found = erasure.read(asked.reference.lower().replace("-", " "))
    assert found is not None
    assert found.done_at == asked.due_at
    (portal,) = [entry for entry in found.report if entry["part"] == erasure.PORTAL]
    assert portal["deleted"]["identity_resident"] == 2
    assert portal["deleted"]["identity_consentreceipt"] == 5
    assert portal["deleted"]["gadgets:layout"] == 1
    assert portal["unnamed"]["wagtailcore_page"] == 2
    row = Erasure.objects.get()
    assert row.resident_id is None
    assert asked.reference.replace("-", "") not in row.reference_sha256
