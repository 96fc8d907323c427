"""A gadget from registration to retirement: what each step needs, what it leaves behind, what never goes live."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from examples.kit.provider import Provider as ExampleProvider
from gadgets import actions, queries
from gadgets.errors import (
    ManifestError,
    NoSuchGadgetError,
    NotListedError,
    NotNewerError,
    NotPermittedError,
    NotYoursError,
    ReasonMissingError,
    TooOftenError,
    UrlRefusedError,
    WrongStateError,
)
from gadgets.models import CheckRun, Gadget, GadgetVersion, Membership, Placement, Provider, ReviewNote
from gadgets.registration import manifest_source, registering
from identity.domain.roles import SYSTEM, Actor
from identity.models import Resident
from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor
from tests.gadgets.life import passed


@pytest.fixture
def busco(desk: DeskFor) -> Actor:
    return cast.as_actor(cast.busco())


@pytest.fixture
def organisation(busco: Actor) -> int:
    return actions.create_organisation(name="BusCo", kind="company", contact="a@bus.example", by=busco)


def live(careless: life.Careless, organisation: int, by: Actor, capture: Any) -> str:
    with capture(execute=True):
        gadget_id = actions.register(url=careless.url, provider_id=organisation, by=by)
        passed(gadget_id)
        actions.submit(gadget_id=gadget_id, by=by)
        actions.approve(gadget_id=gadget_id, by=SYSTEM)
    return gadget_id


# --- the way of a good gadget ---------------------------------------------------------------------------------


def test_every_step_leaves_its_note(published: str) -> None:
    decisions = list(ReviewNote.objects.order_by("pk").values_list("decision", flat=True))
    assert decisions == ["registered", "checked", "submitted", "approved"]
    gadget = Gadget.objects.get(gadget_id=published)
    assert gadget.state == "published"
    assert gadget.published is not None
    assert gadget.published.state == "approved"


def test_the_registry_holds_what_the_manifest_says(published: str, waste: ExampleProvider) -> None:
    info = queries.registry().gadgets[published]
    assert info.card_url == waste.config.url("/g/card")
    assert info.declared == ("area.waste_zone",)
    assert info.topics == ("waste",)
    assert info.provider_privacy == waste.config.url("/privacy")


# --- registration ---------------------------------------------------------------------------------------------


def test_a_manifest_that_the_origin_does_not_list_is_refused(
    careless: life.Careless, organisation: int, busco: Actor
) -> None:
    careless.listed = {"gadgets": ["http://waste.localhost/other.json"]}
    with pytest.raises(NotListedError, match=r"region-gadget\.json"):
        actions.register(url=careless.url, provider_id=organisation, by=busco)
    assert not Gadget.objects.exists()


@pytest.mark.parametrize("listed", [[], {"gadgets": "all"}, {"gadgets": [1]}])
def test_a_listing_of_another_form_is_refused_with_the_form(
    careless: life.Careless, organisation: int, busco: Actor, listed: Any
) -> None:
    careless.listed = listed
    with pytest.raises(ManifestError) as told:
        actions.register(url=careless.url, provider_id=organisation, by=busco)
    assert '{"gadgets":' in told.value.provider_message


def test_an_unknown_field_is_named_with_its_place(
    careless: life.Careless, organisation: int, busco: Actor
) -> None:
    careless.document["colour"] = "red"
    with pytest.raises(ManifestError) as told:
        actions.register(url=careless.url, provider_id=organisation, by=busco)
    assert "$.colour" in told.value.provider_message
    assert not Gadget.objects.exists()


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/gadget.json", "http://waste.example/gadget.json", "no url"]
)
def test_an_address_that_the_door_refuses_is_not_asked(organisation: int, busco: Actor, url: str) -> None:
    with pytest.raises(UrlRefusedError):
        actions.register(url=url, provider_id=organisation, by=busco)


def test_only_members_register(careless: life.Careless, organisation: int) -> None:
    with pytest.raises(NotPermittedError):
        actions.register(url=careless.url, provider_id=organisation, by=cast.as_actor(cast.hanako()))
    with pytest.raises(NotPermittedError):
        actions.register(url=careless.url, provider_id=organisation, by=Actor(None))


def test_a_domain_belongs_to_one_organisation_and_an_organisation_to_one_domain(
    careless: life.Careless, organisation: int, busco: Actor
) -> None:
    actions.register(url=careless.url, provider_id=organisation, by=busco)
    other = actions.create_organisation(name="Squatter", kind="other", contact="x@x.example", by=busco)
    with pytest.raises(NotYoursError):
        actions.register(url=careless.url, provider_id=other, by=busco)
    Provider.objects.filter(pk=other).update(host="bus.localhost")
    with pytest.raises(NotYoursError, match=r"bus\.localhost"):
        actions.register(url=careless.url, provider_id=other, by=busco)


def test_too_many_registrations_in_an_hour_are_put_off(
    careless: life.Careless, organisation: int, busco: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registering, "REGISTRATIONS_AN_HOUR", 1)
    actions.register(url=careless.url, provider_id=organisation, by=busco)
    with pytest.raises(TooOftenError) as told:
        actions.register(url=careless.url, provider_id=organisation, by=busco)
    assert told.value.retry


def test_the_same_bytes_again_are_nothing_new(
    careless: life.Careless, organisation: int, busco: Actor
) -> None:
    actions.register(url=careless.url, provider_id=organisation, by=busco)
    with pytest.raises(NotNewerError):
        actions.register(url=careless.url, provider_id=organisation, by=busco)
    assert GadgetVersion.objects.count() == 1


def test_a_corrected_draft_replaces_the_one_before(
    careless: life.Careless, organisation: int, busco: Actor
) -> None:
    gadget_id = actions.register(url=careless.url, provider_id=organisation, by=busco)
    careless.document["title"]["ja"] = "ごみ箱の地図"
    actions.refresh(gadget_id=gadget_id, by=busco)
    assert sorted(GadgetVersion.objects.values_list("state", flat=True)) == ["draft", "replaced"]


# --- what a draft must have passed ----------------------------------------------------------------------------


def test_nothing_is_handed_in_before_its_checks(
    careless: life.Careless, organisation: int, busco: Actor
) -> None:
    gadget_id = actions.register(url=careless.url, provider_id=organisation, by=busco)
    with pytest.raises(WrongStateError):
        actions.submit(gadget_id=gadget_id, by=busco)
    with pytest.raises(WrongStateError):
        actions.approve(gadget_id=gadget_id, by=SYSTEM)


def test_a_failed_check_takes_a_passed_draft_back(
    careless: life.Careless, organisation: int, busco: Actor
) -> None:
    gadget_id = actions.register(url=careless.url, provider_id=organisation, by=busco)
    passed(gadget_id)
    assert Gadget.objects.get().state == "checked"
    actions.run_checks(gadget_id=gadget_id, by=busco)
    run = CheckRun.objects.get(state="waiting")
    CheckRun.objects.filter(pk=run.pk).update(state="running")
    actions.finish_checks(run_id=run.pk, ok=False)
    assert Gadget.objects.get().state == "draft"
    with pytest.raises(WrongStateError):
        actions.submit(gadget_id=gadget_id, by=busco)


def test_one_run_waits_at_a_time_and_a_finished_one_stays(
    careless: life.Careless, organisation: int, busco: Actor
) -> None:
    gadget_id = actions.register(url=careless.url, provider_id=organisation, by=busco)
    actions.run_checks(gadget_id=gadget_id, by=busco)
    run = CheckRun.objects.get()
    actions.finish_checks(run_id=run.pk, ok=True)
    run.refresh_from_db()
    assert run.state == "waiting"


def test_a_version_under_review_is_not_replaced(
    careless: life.Careless, organisation: int, busco: Actor
) -> None:
    gadget_id = actions.register(url=careless.url, provider_id=organisation, by=busco)
    passed(gadget_id)
    actions.submit(gadget_id=gadget_id, by=busco)
    careless.document["title"]["ja"] = "別の題名"
    with pytest.raises(WrongStateError, match="審査中"):
        actions.refresh(gadget_id=gadget_id, by=busco)
    with pytest.raises(WrongStateError):
        actions.run_checks(gadget_id=gadget_id, by=busco)


def test_a_refused_version_may_be_tried_again_as_it_is(
    careless: life.Careless, organisation: int, busco: Actor
) -> None:
    gadget_id = actions.register(url=careless.url, provider_id=organisation, by=busco)
    passed(gadget_id)
    actions.submit(gadget_id=gadget_id, by=busco)
    actions.refuse(gadget_id=gadget_id, reason="サーバーが遅い", by=SYSTEM)
    assert Gadget.objects.get().state == "draft"
    actions.run_checks(gadget_id=gadget_id, by=busco)
    passed(gadget_id)
    actions.submit(gadget_id=gadget_id, by=busco)
    assert Gadget.objects.get().state == "in_review"


# --- upgrades -------------------------------------------------------------------------------------------------


def test_a_changed_manifest_is_a_draft_beside_the_published_one(
    careless: life.Careless,
    organisation: int,
    busco: Actor,
    django_capture_on_commit_callbacks: Any,
) -> None:
    gadget_id = live(careless, organisation, busco, django_capture_on_commit_callbacks)
    careless.document["title"]["ja"] = "新しい題名"
    with pytest.raises(NotNewerError, match=r"1\.0\.0"):
        actions.refresh(gadget_id=gadget_id, by=busco)
    careless.document["version"] = "1.1.0"
    actions.refresh(gadget_id=gadget_id, by=busco)
    assert queries.registry().gadgets[gadget_id].title["ja"] == "ごみ箱"
    assert Gadget.objects.get().state == "published"
    view = queries.gadget_for_member(gadget_id, busco.id)  # type: ignore[arg-type]
    assert view is not None
    assert [change.text["ja"] for change in view.changes] == ["題名: ごみ箱 / Bins → 新しい題名 / Bins"]
    assert view.gate == "checks"
    with django_capture_on_commit_callbacks(execute=True):
        passed(gadget_id)
        actions.submit(gadget_id=gadget_id, by=busco)
        actions.approve(gadget_id=gadget_id, by=SYSTEM)
    assert queries.registry().gadgets[gadget_id].title["ja"] == "新しい題名"


def test_a_page_read_while_the_checks_end_offers_the_next_step(
    careless: life.Careless, organisation: int, busco: Actor
) -> None:
    gadget_id = actions.register(url=careless.url, provider_id=organisation, by=busco)
    ended: list[str] = []

    def ends_between(execute: Any, sql: str, *rest: Any) -> Any:
        if not ended and CheckRun._meta.db_table in sql:
            ended.append(sql)
            passed(gadget_id)
        return execute(sql, *rest)

    with connection.execute_wrapper(ends_between):
        view = queries.gadget_for_member(gadget_id, busco.id)  # type: ignore[arg-type]
    assert ended
    assert view is not None
    assert view.draft is not None
    assert view.draft.run is not None
    assert (view.draft.run.ok, view.draft.state) == (True, "checked")


def test_bytes_that_changed_after_they_were_fetched_are_not_published(
    careless: life.Careless, organisation: int, busco: Actor
) -> None:
    gadget_id = actions.register(url=careless.url, provider_id=organisation, by=busco)
    passed(gadget_id)
    actions.submit(gadget_id=gadget_id, by=busco)
    GadgetVersion.objects.update(manifest=b"{}")
    with pytest.raises(WrongStateError, match="取得したときのものと違います"):
        actions.approve(gadget_id=gadget_id, by=SYSTEM)


def test_a_suspended_gadget_stays_so_when_its_next_version_is_approved(
    careless: life.Careless, organisation: int, busco: Actor, django_capture_on_commit_callbacks: Any
) -> None:
    gadget_id = live(careless, organisation, busco, django_capture_on_commit_callbacks)
    with django_capture_on_commit_callbacks(execute=True):
        actions.suspend(gadget_id=gadget_id, reason="故障", by=SYSTEM)
        careless.document["version"] = "1.1.0"
        actions.refresh(gadget_id=gadget_id, by=busco)
        passed(gadget_id)
        actions.submit(gadget_id=gadget_id, by=busco)
        actions.approve(gadget_id=gadget_id, by=SYSTEM)
    assert gadget_id not in queries.registry().gadgets
    with django_capture_on_commit_callbacks(execute=True):
        actions.resume(gadget_id=gadget_id, by=SYSTEM)
    assert queries.registry().gadgets[gadget_id].version == "1.1.0"


def test_retirement_is_the_end(
    careless: life.Careless, organisation: int, busco: Actor, django_capture_on_commit_callbacks: Any
) -> None:
    gadget_id = live(careless, organisation, busco, django_capture_on_commit_callbacks)
    with pytest.raises(NotPermittedError):
        actions.retire(gadget_id=gadget_id, by=cast.as_actor(cast.hanako()))
    with pytest.raises(WrongStateError, match="予告"):
        actions.retire(gadget_id=gadget_id, by=busco)
    with pytest.raises(ReasonMissingError):
        actions.retire(gadget_id=gadget_id, by=SYSTEM)
    with django_capture_on_commit_callbacks(execute=True):
        actions.retire(gadget_id=gadget_id, reason="危険なため", by=SYSTEM)
    assert gadget_id not in queries.registry().gadgets
    with pytest.raises(WrongStateError):
        actions.retire(gadget_id=gadget_id, reason="危険なため", by=SYSTEM)
    careless.document["version"] = "2.0.0"
    with pytest.raises(WrongStateError, match="終了"):
        actions.refresh(gadget_id=gadget_id, by=busco)
    with pytest.raises(NoSuchGadgetError):
        actions.refresh(gadget_id="localhost.nobody.here", by=busco)


# --- the tables refuse what must not be -------------------------------------------------------------------------


def test_the_tables_refuse_what_the_actions_would_never_write(
    careless: life.Careless, organisation: int, busco: Actor
) -> None:
    gadget_id = actions.register(url=careless.url, provider_id=organisation, by=busco)
    gadget = Gadget.objects.get(gadget_id=gadget_id)
    version = gadget.versions.get()
    hanako = cast.hanako()
    Placement.objects.create(resident=hanako, gadget_id=gadget_id, position=0)
    broken = [
        lambda: Gadget.objects.update(state="published"),
        lambda: Gadget.objects.update(state="floating"),
        lambda: GadgetVersion.objects.update(state="approved"),
        lambda: GadgetVersion.objects.create(gadget=gadget, version="9.9.9", manifest=b"", sha256="", url=""),
        lambda: CheckRun.objects.create(version=version),
        lambda: CheckRun.objects.update(state="done"),
        lambda: ReviewNote.objects.create(gadget=gadget, decision="refused"),
        lambda: Placement.objects.create(resident=hanako, gadget_id=gadget_id, position=1),
        lambda: Placement.objects.update(size="X"),
        lambda: Membership.objects.create(provider_id=organisation, resident_id=busco.id),
        lambda: Provider.objects.update(host=""),
    ]
    for write in broken:
        with pytest.raises(IntegrityError), transaction.atomic():
            write()


def test_a_resident_who_is_deleted_leaves_the_audit_trail(published: str) -> None:
    Resident.objects.get(username="wasteco").delete()
    assert ReviewNote.objects.filter(who=None, decision="submitted").exists()


def test_fetching_reads_the_listing_first(careless: life.Careless) -> None:
    fetched = manifest_source.fetch(careless.url)
    assert fetched.manifest.id == careless.id
    assert [seen.path for seen in careless.provider.seen] == [
        "/.well-known/region-gadget.json",
        "/gadget.json",
    ]
