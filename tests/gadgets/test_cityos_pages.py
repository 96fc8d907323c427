"""Who reads what from whom, for everybody to see; and the contracts of an organisation, agreed and ended by it."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from core.sentences import sentence
from examples.cityos.provider import CityOs
from examples.river.provider import build as build_river
from gadgets import actions
from gadgets.cityos import contracts, picture, queries
from gadgets.cityos.gateway import count, grants, plan
from gadgets.cityos.owners import CITY, owner_of
from gadgets.errors import LifeError, NoContractError, NotPermittedError, ReasonMissingError, WrongStateError
from gadgets.models import Contract, DataOwner, DataRead, Gadget, Membership, ReviewNote
from gadgets.registry import registry
from identity.domain.roles import SYSTEM
from identity.models import AuditEntry, Resident
from tests import cast
from tests.gadgets import cityos, life
from tests.gadgets.cityos import GAUGE, RIVER
from tests.gadgets.conftest import DeskFor

pytestmark = pytest.mark.usefixtures("clean")
PAGE = "/connections/"
Capture = Any


@pytest.fixture
def running() -> Iterator[CityOs]:
    with cityos.city_os() as found, override_settings(CONTEXT_BROKER_URL=found.config.public_origin):
        yield found


@pytest.fixture
def handed_in(db: None, running: CityOs, django_capture_on_commit_callbacks: Capture) -> Iterator[Contract]:
    """The gauge's gadget waits for its review, and for the agreement of the river's provider."""
    with cityos.river(django_capture_on_commit_callbacks):
        cityos.file(running.config.url("/river-near-you.json"), django_capture_on_commit_callbacks)
        yield cityos.asked()


@pytest.fixture
def agreed(handed_in: Contract, django_capture_on_commit_callbacks: Capture) -> Contract:
    contracts.agree(contract_id=handed_in.pk, by=cast.as_actor(cityos.owner()))
    cityos.approve(GAUGE, django_capture_on_commit_callbacks)
    return Contract.objects.get()


# --- asking and agreeing ---------------------------------------------------------------------------------------


def test_handing_in_asks_the_provider_of_the_data(handed_in: Contract) -> None:
    assert (handed_in.state, handed_in.owner.name) == ("asked", "川の事業者")
    assert (handed_in.attrs, handed_in.licence) == (["dateObserved", "name", "waterLevel"], "MIT")
    assert handed_in.purpose["ja"] == "最寄りの川の水位を表示するため"
    assert ReviewNote.objects.filter(gadget__gadget_id=GAUGE, decision="contract").exists()


def test_the_owner_agrees_in_the_console_and_the_version_can_be_approved(
    handed_in: Contract, desk: DeskFor, django_capture_on_commit_callbacks: Capture
) -> None:
    owner = desk(cityos.owner())
    page = owner.page(reverse("gadgets:contracts"))
    assert "1件が、あなたの返事を待っています。" in page
    assert "最寄りの川の水位" in page
    owner.post(reverse("gadgets:contract", args=[handed_in.pk]), decision="agree")
    cityos.approve(GAUGE, django_capture_on_commit_callbacks)
    row = Contract.objects.get()
    assert row.state == "agreed"
    assert row.owner_agreed_at
    assert row.operator_agreed_at


def test_the_owner_refuses_with_a_reason_that_the_other_side_reads(
    handed_in: Contract, desk: DeskFor
) -> None:
    owner = desk(cityos.owner())
    address = reverse("gadgets:contract", args=[handed_in.pk])
    answer = owner.post(address, decision="refuse", reason=" ")
    assert "理由を書いてください" in answer.content.decode()
    owner.post(address, decision="refuse", reason="記録の再生だからです")
    consumer = desk(Resident.objects.get(username="busco"))
    page = consumer.page(reverse("gadgets:contracts"))
    assert "記録の再生だからです" in page
    assert 'value="agree"' not in page


def test_the_owner_takes_the_agreement_back_in_the_console(agreed: Contract, desk: DeskFor) -> None:
    owner = desk(cityos.owner())
    assert 'value="end"' in owner.page(reverse("gadgets:contracts"))
    owner.post(reverse("gadgets:contract", args=[agreed.pk]), decision="end", reason="終わりにします")
    with pytest.raises(NoContractError):
        plan(registry().gadgets[GAUGE].data, {}, grants(GAUGE))
    assert queries.edges() == ()


@pytest.mark.parametrize("decision", ["agree", "refuse", "end", "nonsense"])
def test_a_stranger_decides_nothing(handed_in: Contract, desk: DeskFor, decision: str) -> None:
    address = reverse("gadgets:contract", args=[handed_in.pk])
    desk(cast.taro()).post(address, decision=decision, reason="x")
    desk(None).post(address, decision=decision, reason="x")
    assert Contract.objects.get().state == "asked"


def test_only_an_owner_of_the_organisation_may_bind_it(handed_in: Contract) -> None:
    Membership.objects.filter(provider=handed_in.owner).update(role="developer")
    with pytest.raises(NotPermittedError):
        contracts.agree(contract_id=handed_in.pk, by=cast.as_actor(cityos.owner()))


def test_the_reader_cannot_agree_for_the_owner(handed_in: Contract) -> None:
    consumer = cast.as_actor(Resident.objects.get(username="busco"))
    for step in (
        lambda: contracts.agree(contract_id=handed_in.pk, by=consumer),
        lambda: contracts.refuse(contract_id=handed_in.pk, reason="x", by=consumer),
    ):
        with pytest.raises(NotPermittedError):
            step()


def test_the_desk_may_end_a_contract_with_a_reason_and_nobody_twice(agreed: Contract) -> None:
    operator = cast.as_actor(cast.operator())
    with pytest.raises(ReasonMissingError):
        contracts.end(contract_id=agreed.pk, reason="", by=operator)
    contracts.end(contract_id=agreed.pk, reason="苦情のため", by=operator)
    for step in (
        lambda: contracts.end(contract_id=agreed.pk, reason="x", by=operator),
        lambda: contracts.agree(contract_id=agreed.pk, by=operator),
        lambda: contracts.refuse(contract_id=10**30, reason="x", by=operator),
    ):
        with pytest.raises(WrongStateError):
            step()


def test_a_provider_needs_no_agreement_for_its_own_data(handed_in: Contract, running: CityOs) -> None:
    contracts.refuse(contract_id=handed_in.pk, reason="x", by=cast.as_actor(cityos.owner()))
    river = Gadget.objects.get(gadget_id=RIVER)
    gauge = Gadget.objects.get(gadget_id=GAUGE)
    Gadget.objects.filter(pk=gauge.pk).update(provider=river.provider)
    contracts.ask(Gadget.objects.get(pk=gauge.pk), _manifest(gauge), by=None)
    assert cityos.asked().owner_agreed_at is not None


def test_a_wider_contract_takes_the_place_of_the_narrower_one_only_when_it_is_agreed(
    agreed: Contract,
) -> None:
    wider = Contract.objects.create(
        consumer=agreed.consumer,
        owner=agreed.owner,
        entity_type=agreed.entity_type,
        attrs=[*agreed.attrs, "flow"],
        purpose=agreed.purpose,
        operator_agreed_at=timezone.now(),
    )
    assert grants(GAUGE)["WaterLevelObserved"].attrs == set(agreed.attrs)
    contracts.agree(contract_id=wider.pk, by=cast.as_actor(cityos.owner()))
    assert "flow" in grants(GAUGE)["WaterLevelObserved"].attrs
    agreed.refresh_from_db()
    assert agreed.state == "ended"


def test_asking_again_for_the_same_changes_nothing(handed_in: Contract) -> None:
    contracts.ask(handed_in.consumer, _manifest(handed_in.consumer), by=None)
    assert list(Contract.objects.values_list("pk", flat=True)) == [handed_in.pk]


def test_what_the_next_version_needs_no_more_is_not_asked_any_more(handed_in: Contract) -> None:
    from dataclasses import replace

    contracts.ask(handed_in.consumer, replace(_manifest(handed_in.consumer), data=()), by=None)
    assert Contract.objects.get().state == "ended"


def _manifest(gadget: Gadget) -> Any:
    from gadgets.protocol.manifest import parse

    version = gadget.versions.get()
    return parse(bytes(version.manifest), url=version.url)


# --- whose data they are ---------------------------------------------------------------------------------------


GAUGE_TYPE = "WaterLevelObserved"


@pytest.fixture
def river(db: None, running: CityOs, django_capture_on_commit_callbacks: Capture) -> Iterator[str]:
    """The river's gadget, published, as its manifest says: it `provides` the levels. Nobody decided anything."""
    with life.example(build_river, "river") as provider:
        yield life.publish(
            provider.config.url("/gadget.json"), django_capture_on_commit_callbacks, name="川の事業者"
        )


@pytest.fixture
def gauge(river: str, running: CityOs, django_capture_on_commit_callbacks: Capture) -> Contract:
    cityos.file(running.config.url("/river-near-you.json"), django_capture_on_commit_callbacks)
    return cityos.asked()


def test_a_manifest_makes_nobody_the_owner_of_the_citys_data(
    gauge: Contract, desk: DeskFor, django_capture_on_commit_callbacks: Capture
) -> None:
    assert gauge.owner is None
    cityos.approve(GAUGE, django_capture_on_commit_callbacks)
    assert Contract.objects.get().state == "agreed"
    assert "川の事業者" not in desk(cityos.owner()).page(reverse("gadgets:contracts"))


def test_the_review_says_what_is_read_and_provided_and_what_approving_means(
    gauge: Contract, river: str, desk: DeskFor
) -> None:
    operator = desk(cast.operator())
    page = operator.page(reverse("city_review_gadget", args=[GAUGE]))
    for words in (
        GAUGE_TYPE,
        "waterLevel",
        "最寄りの川の水位を表示するため",
        "承認すると、運用者の同意だけで読めるようになります",
    ):
        assert words in page
    page = operator.page(reverse("city_review_gadget", args=[river]))
    for words in (
        GAUGE_TYPE,
        "MIT",
        "承認しても、データの持ち主は変わりません",
        "この種類のデータがもうあります",
    ):
        assert words in page


@pytest.mark.parametrize(
    ("fault", "url", "words"),
    [
        ("500", None, "確かめられませんでした"),
        ("hang:3", None, "確かめられませんでした"),
        ("", "", "確かめられませんでした"),
    ],
)
def test_a_broker_that_cannot_be_asked_stops_no_review(
    river: str, running: CityOs, desk: DeskFor, fault: str, url: str | None, words: str
) -> None:
    running.broker.fault = fault
    address = running.config.public_origin if url is None else url
    with override_settings(CONTEXT_BROKER_URL=address):
        assert words in desk(cast.operator()).page(reverse("city_review_gadget", args=[river]))


def test_an_operator_gives_a_type_to_its_provider_and_takes_it_back(
    gauge: Contract, river: str, desk: DeskFor, django_capture_on_commit_callbacks: Capture
) -> None:
    operator = desk(cast.operator())
    address = reverse("city_review_decide", args=[river])
    without = operator.post(address, decision="give_data", type=GAUGE_TYPE)
    assert without.status_code == 422
    operator.post(address, decision="give_data", type=GAUGE_TYPE, reason="測っているのはこの組織だから")
    gauge.refresh_from_db()
    assert (gauge.owner.name, gauge.licence, gauge.owner_agreed_at) == ("川の事業者", "MIT", None)
    with pytest.raises(LifeError):
        cityos.approve(GAUGE, django_capture_on_commit_callbacks)
    operator.post(address, decision="take_data_back", type=GAUGE_TYPE, reason="市が測ることになったから")
    gauge.refresh_from_db()
    assert (gauge.owner, gauge.licence) == (None, "")
    cityos.approve(GAUGE, django_capture_on_commit_callbacks)
    kinds = ["data_owner_set", "data_owner_removed"]
    assert (
        list(AuditEntry.objects.filter(kind__in=kinds).order_by("seq").values_list("kind", flat=True))
        == kinds
    )
    told = ReviewNote.objects.filter(gadget__gadget_id=river, decision="contract").values_list(
        "reason", flat=True
    )
    assert any("測っているのはこの組織だから" in reason for reason in told)


def test_what_is_agreed_stays_and_goes_back_to_the_city_with_the_type(
    agreed: Contract, desk: DeskFor
) -> None:
    actions.take_data_back(gadget_id=RIVER, entity_type=GAUGE_TYPE, reason="x", by=SYSTEM)
    agreed.refresh_from_db()
    assert (agreed.state, agreed.owner) == ("agreed", None)
    with pytest.raises(NotPermittedError):
        contracts.end(contract_id=agreed.pk, reason="x", by=cast.as_actor(cityos.owner()))
    with pytest.raises(WrongStateError):
        actions.take_data_back(gadget_id=RIVER, entity_type=GAUGE_TYPE, reason="x", by=SYSTEM)


def test_only_an_operator_of_no_side_decides_and_only_about_what_is_published(river: str) -> None:
    operator = cast.operator()
    member = cast.as_actor(Resident.objects.get(username="wasteco"))
    with pytest.raises(NotPermittedError):
        actions.give_data(gadget_id=river, entity_type=GAUGE_TYPE, reason="x", by=member)
    with pytest.raises(WrongStateError):
        actions.give_data(gadget_id=river, entity_type="Library", reason="x", by=cast.as_actor(operator))
    provider = Gadget.objects.get(gadget_id=river).provider
    Membership.objects.create(provider=provider, resident=operator)
    with pytest.raises(NotPermittedError):
        actions.give_data(gadget_id=river, entity_type=GAUGE_TYPE, reason="x", by=cast.as_actor(operator))
    assert not DataOwner.objects.exists()


def test_an_owner_whose_service_is_off_the_pages_decides_nothing(handed_in: Contract) -> None:
    assert owner_of(GAUGE_TYPE).name == "川の事業者"
    actions.suspend(gadget_id=RIVER, reason="試験", by=SYSTEM)
    assert owner_of(GAUGE_TYPE) == CITY


def test_the_migration_carries_nobody_over_who_only_wrote_a_manifest(handed_in: Contract) -> None:
    """As the tables stood before: owners by manifest, one contract agreed, a wider one asked."""
    theirs = handed_in.owner
    agreed = Contract.objects.create(
        consumer=handed_in.consumer, owner=theirs, entity_type="Library", attrs=["name"], purpose={"ja": "x"},
        state="agreed", owner_agreed_at=timezone.now(), operator_agreed_at=timezone.now(),
    )  # fmt: skip
    waiting = Contract.objects.create(
        consumer=handed_in.consumer, owner=theirs, entity_type="Library", attrs=["name", "seats"],
        purpose={"ja": "x"}, operator_agreed_at=timezone.now(),
    )  # fmt: skip
    migration = import_module("gadgets.migrations.0006_data_owners")
    migration.ask_the_city(apps, connection.schema_editor())
    for row in (handed_in, agreed, waiting):
        row.refresh_from_db()
    assert (handed_in.owner, handed_in.state) == (None, "asked")
    assert (agreed.owner, agreed.state) == (theirs, "ended")
    assert (waiting.owner, waiting.state) == (None, "agreed")


# --- the public page -------------------------------------------------------------------------------------------


def test_without_any_service_the_page_says_so(desk: DeskFor) -> None:
    page = desk(None).page(PAGE)
    assert "市のデータを読むサービスは、まだありません。" in page
    assert "<svg" not in page


def test_a_guest_sees_who_reads_what_and_what_residents_are_asked(agreed: Contract, desk: DeskFor) -> None:
    count(GAUGE, plan(registry().gadgets[GAUGE].data, {}, grants(GAUGE)), timezone.localdate())
    page = desk(None).page(PAGE)
    for words in (
        "最寄りの川の水位",
        "WaterLevelObserved",
        "川の事業者",
        "MIT",
        "最寄りの水位局を選ぶため",
        "<svg",
    ):
        assert words in page
    assert "<td>1</td>" in page


@pytest.mark.parametrize("locale", ["/en", "/ja-simple"])
def test_the_page_is_there_in_each_language(agreed: Contract, desk: DeskFor, locale: str) -> None:
    assert "WaterLevelObserved" in desk(None).page(f"{locale}{PAGE}")


def test_the_same_as_csv_and_json(agreed: Contract, desk: DeskFor) -> None:
    rows = list(csv.DictReader(io.StringIO(desk(None).page("/connections.csv").removeprefix("\ufeff"))))
    assert [(row["service"], row["owner"], row["reads_30_days"]) for row in rows] == [
        (GAUGE, "川の事業者", "0")
    ]
    found = json.loads(desk(None).page("/connections.json"))
    assert found["data"][0]["attributes"] == ["dateObserved", "name", "waterLevel"]
    assert {one["attribute"] for one in found["residents"]} == {"area.district"}


def test_no_cell_of_the_csv_is_a_formula(agreed: Contract, desk: DeskFor) -> None:
    Contract.objects.update(licence="=HYPERLINK(1)")
    assert "'=HYPERLINK(1)" in desk(None).page("/connections.csv")


def test_a_suspended_service_is_not_in_the_picture(agreed: Contract, desk: DeskFor) -> None:
    actions.suspend(gadget_id=GAUGE, reason="試験", by=SYSTEM)
    assert queries.edges() == ()
    assert GAUGE not in desk(None).page(PAGE)


def test_reads_of_more_than_thirty_days_ago_are_not_counted(agreed: Contract) -> None:
    today = timezone.localdate()
    for days, number in ((0, 3), (29, 4), (30, 50)):
        day = today - timedelta(days=days)
        DataRead.objects.create(gadget_id=GAUGE, entity_type="WaterLevelObserved", day=day, count=number)
    assert queries.edges()[0].reads == 7


@pytest.mark.parametrize("number", [0, 1, 100])
def test_the_picture_holds_every_line_however_many(number: int) -> None:
    read = [((f"d{n}", f"データ{n}"), (f"s{n % 10}", f"サービス{n % 10}")) for n in range(number)]
    drawn = picture.draw(read, [])
    assert len(drawn.lines) == number
    assert len(drawn.boxes) == number + min(number, 10)
    assert all(box.y + picture.HEIGHT <= drawn.height for box in drawn.boxes)
    assert len({(box.x, box.y) for box in drawn.boxes}) == len(drawn.boxes)


@pytest.mark.parametrize(
    ("label", "shown"),
    [("川の水位", "川の水位"), ("あ" * 15, "あ" * 15), ("あ" * 16, "あ" * 14 + "…"), ("a" * 30, "a" * 30)],
)
def test_a_long_label_is_shortened_and_whole_in_its_title(label: str, shown: str) -> None:
    box = picture.draw([(("d", label), ("s", "x"))], []).boxes[0]
    assert (box.label, box.whole) == (shown, label)


def test_life_errors_tell_the_type_of_the_data() -> None:
    from gadgets.errors import ContractMissingError

    error = ContractMissingError("WaterLevelObserved", "")
    assert isinstance(error, LifeError)
    assert "WaterLevelObserved" in sentence(error)
