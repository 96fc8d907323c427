"""Erasure at providers: a dry run at every one, an order that outlives the resident's rows, and what came of it."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from examples.lunch.provider import build as build_lunch
from gadgets import actions
from gadgets.models import EventDelivery, Gadget
from gadgets.outbound.outside_transaction import HttpInTransactionError
from gadgets.webhooks import erasure, events
from gadgets.webhooks.erasure import Kept, ProviderReport
from identity.errors import NoSuchResident
from identity.models import GadgetClient, Resident
from tests import cast
from tests.gadgets import life
from tests.gadgets.providers import Provider, reply
from tests.gadgets.test_events import FAULTS, agree, read, subject, withdraw

pytestmark = pytest.mark.django_db


def says(records: int, *kept: tuple[str, str]) -> Any:
    body = {"records": records, "kept": [{"what": what, "why": why} for what, why in kept]}
    return reply(json.dumps(body, ensure_ascii=False).encode(), content_type="application/json")


@pytest.fixture
def bins(clean: None, careless: life.Careless, django_capture_on_commit_callbacks: Any) -> life.Careless:
    """A published pairwise gadget that takes events and keeps three records of everybody."""
    careless.pairwise()
    careless.event = says(3, ("請求書", "法律により7年間"))
    life.publish(careless.url, django_capture_on_commit_callbacks)
    return careless


@pytest.fixture
def second(clean: None, django_capture_on_commit_callbacks: Any) -> Iterator[life.Careless]:
    """Another provider, on a host of its own."""
    with Provider.running(reply(b"")) as provider:
        made = life.Careless(provider)
        provider.answer = made.answer
        origin = f"http://bus.localhost:{provider.port}"
        raw = (
            json.dumps(made.document).replace(provider.origin, origin).replace(made.id, "localhost.bus.stops")
        )
        made.document = json.loads(raw)
        made.id, made.url = "localhost.bus.stops", f"{origin}/gadget.json"
        made.listed = {"gadgets": [made.url]}
        yield made


def publish_second(
    second: life.Careless, capture: Any, *, events_too: bool = True, identity: str = "pairwise"
) -> None:
    second.pairwise(events=events_too)
    second.document["identity"] = identity
    origin = second.provider.origin
    raw = json.dumps(second.document).replace(origin, origin.replace("waste", "bus"))
    second.document = json.loads(raw)
    life.publish(second.url, capture, name="BusOnly")


def by_id(reports: tuple[ProviderReport, ...]) -> dict[str, ProviderReport]:
    return {report.gadget_id: report for report in reports}


def test_the_example_provider_says_what_it_keeps_and_forgets_it_when_the_resident_is_gone(
    clean: None, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    with life.example(build_lunch, "lunch", VAR_DIR=str(tmp_path)) as lunch:
        gadget_id = life.publish(lunch.config.url("/gadget.json"), django_capture_on_commit_callbacks)
        hanako, taro = cast.hanako(), cast.taro()
        subs = [subject(resident, gadget_id) for resident in (hanako, taro)]
        with closing(sqlite3.connect(tmp_path / "lunch.sqlite3")) as kept, kept:
            kept.executemany("INSERT INTO wish VALUES (?, '[\"egg\"]')", [(sub,) for sub in subs])
        (before,) = erasure.check(hanako.id)
        assert (before.gadget_id, before.state, before.records) == (gadget_id, "answered", 1)
        assert before.title["ja"] == "学校給食"
        assert before.contact == "mailto:help@lunch.example"
        assert erasure.check(hanako.id)[0].records == 1
        (ordered,) = erasure.order(hanako.id)
        Resident.objects.filter(id=hanako.id).update(is_active=False, subject=str(uuid4()))
        assert events.sweep() == 1
        (after,) = erasure.outcome([ordered.txn])
        assert (after.state, after.records, after.kept) == ("answered", 1, ())
        assert after.at is not None
        with closing(sqlite3.connect(tmp_path / "lunch.sqlite3")) as kept:
            assert kept.execute("SELECT sub FROM wish").fetchall() == [(subs[1],)]


class TestCheck:
    """The dry run."""

    def test_it_asks_for_a_count_by_the_pseudonym(self, bins: life.Careless) -> None:
        hanako = cast.hanako()
        (report,) = erasure.check(hanako.id)
        assert (report.state, report.records) == ("answered", 3)
        assert report.kept == (Kept("請求書", "法律により7年間"),)
        assert (report.provider_name, report.contact) == ("WasteCo", "mailto:help@bus.example")
        event = read(bins.events[0])
        assert (event["event"], event["sub"]) == ("erasure-check", subject(hanako, bins.id))
        assert str(hanako.id) not in str(event)
        assert not EventDelivery.objects.exists()

    def test_204_means_that_nothing_is_kept(self, bins: life.Careless) -> None:
        bins.event = reply(b"", status=204)
        (report,) = erasure.check(cast.hanako().id)
        assert (report.state, report.records) == ("answered", 0)

    @pytest.mark.parametrize("fault", [*FAULTS, "not_json", "wrong_type", "unknown_field"])
    def test_who_does_not_answer_well_is_named(self, bins: life.Careless, fault: str) -> None:
        bad = {
            "not_json": reply(b"three", content_type="application/json"),
            "wrong_type": reply(b'{"records": 3}', content_type="text/plain"),
            "unknown_field": reply(b'{"records": 3, "name": "x"}', content_type="application/json"),
        }
        bins.event = (FAULTS | bad)[fault]
        (report,) = erasure.check(cast.hanako().id)
        assert (report.gadget_id, report.state, report.records) == (bins.id, "silent", None)

    def test_all_are_asked_at_once_and_the_slow_one_is_left(
        self,
        bins: life.Careless,
        second: life.Careless,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        publish_second(second, django_capture_on_commit_callbacks)
        monkeypatch.setattr(erasure, "CHECK_SECONDS", 1.0)
        hanako = cast.hanako()
        both, released = threading.Barrier(2), threading.Event()

        def slow(_: Any) -> None:
            both.wait(5)
            released.wait(10)

        def quick(handler: Any) -> None:
            both.wait(5)
            says(2)(handler)

        bins.event, second.event = slow, quick
        reports = by_id(erasure.check(hanako.id))
        released.set()
        assert reports[bins.id].state == "silent"
        assert (reports[second.id].state, reports[second.id].records) == ("answered", 2)
        first, other = read(bins.events[0]), read(second.events[0])
        assert first["sub"] != other["sub"]
        assert (first["aud"], other["aud"]) == (bins.id, second.id)

    def test_one_without_events_is_named_once_it_knows_the_resident(
        self, second: life.Careless, django_capture_on_commit_callbacks: Any
    ) -> None:
        publish_second(second, django_capture_on_commit_callbacks, events_too=False)
        hanako = cast.hanako()
        assert erasure.check(hanako.id) == ()
        agree(hanako, second.id, "age_band")
        (report,) = erasure.check(hanako.id)
        assert report.state == "no_endpoint"
        (ordered,) = erasure.order(hanako.id)
        assert (ordered.state, ordered.txn) == ("no_endpoint", "")

    def test_gadgets_at_other_levels_and_without_client_are_not_asked(
        self, bins: life.Careless, second: life.Careless, django_capture_on_commit_callbacks: Any
    ) -> None:
        publish_second(second, django_capture_on_commit_callbacks, events_too=False, identity="audience")
        hanako = cast.hanako()
        agree(hanako, second.id, "age_band")
        assert [report.gadget_id for report in erasure.check(hanako.id)] == [bins.id]
        Gadget.objects.filter(gadget_id=bins.id).update(client_id="")
        assert erasure.check(hanako.id) == ()
        Gadget.objects.filter(gadget_id=bins.id).update(client_id="unknown-at-the-id")
        assert erasure.check(hanako.id) == ()

    def test_a_pseudonym_that_cannot_be_computed_is_said(self, bins: life.Careless) -> None:
        hanako = cast.hanako()
        GadgetClient.objects.filter(gadget_id=bins.id).update(salt_sealed=b"broken")
        assert erasure.check(hanako.id)[0].state == "silent"
        (ordered,) = erasure.order(hanako.id)
        assert (ordered.state, ordered.txn) == ("not_confirmed", "")
        assert bins.events == []

    def test_never_in_a_transaction_and_never_for_nobody(self, bins: life.Careless) -> None:
        hanako = cast.hanako()
        with pytest.raises(HttpInTransactionError), transaction.atomic():
            erasure.check(hanako.id)
        with pytest.raises(NoSuchResident):
            erasure.check(uuid4())
        assert bins.events == []


class TestOrder:
    """The order and its outcome."""

    def test_the_queue_names_no_resident_and_after_the_answer_no_pseudonym(self, bins: life.Careless) -> None:
        hanako = cast.hanako()
        (ordered,) = erasure.order(hanako.id)
        assert (ordered.state, ordered.records) == ("waiting", None)
        row = EventDelivery.objects.get()
        assert (row.resident_id, row.sub) == (None, subject(hanako, bins.id))
        assert erasure.outcome([ordered.txn])[0].state == "waiting"
        assert events.sweep() == 1
        event = read(bins.events[0])
        assert (event["event"], event["txn"], event["items"]) == ("erasure", ordered.txn, [])
        row.refresh_from_db()
        assert (row.sub, row.state) == ("", "done")
        (done,) = erasure.outcome([ordered.txn])
        assert (done.state, done.records, done.kept) == ("answered", 3, (Kept("請求書", "法律により7年間"),))

    def test_the_table_refuses_an_erasure_that_names_a_resident(self, bins: life.Careless) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            EventDelivery.objects.create(gadget_id=bins.id, sub="x", kind="erasure", resident_id=uuid4())

    @pytest.mark.usefixtures("bins")
    def test_it_goes_with_the_callers_transaction_and_wakes_the_sweep(
        self,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        hanako = cast.hanako()
        kicked: list[str] = []
        monkeypatch.setattr("core.jobs.kick", kicked.append)

        class UndoneError(Exception):
            """The caller changes its mind."""

        with pytest.raises(UndoneError), transaction.atomic():
            erasure.order(hanako.id)
            raise UndoneError
        assert not EventDelivery.objects.exists()
        with django_capture_on_commit_callbacks(execute=True):
            erasure.order(hanako.id)
        assert kicked == ["gadgets.consent_events"]

    def test_an_answer_that_cannot_be_read_is_asked_for_again_and_then_given_up(
        self, bins: life.Careless
    ) -> None:
        (ordered,) = erasure.order(cast.hanako().id)
        bins.event = reply(b'{"records": "many"}', content_type="application/json")
        assert events.sweep() == 0
        row = EventDelivery.objects.get()
        assert (row.state, row.trouble) == ("waiting", "event_answer")
        assert row.sub
        assert events.deliver_due(now=row.created_at + timedelta(days=31)) == 0
        (given_up,) = erasure.outcome([ordered.txn])
        assert given_up.state == "not_confirmed"
        assert EventDelivery.objects.get().sub == ""

    def test_what_waited_about_the_resident_may_be_forgotten_once_the_erasure_is_ordered(
        self, bins: life.Careless
    ) -> None:
        hanako = cast.hanako()
        agree(hanako, bins.id, "age_band")
        withdraw(hanako, bins.id)
        events.collect()
        erasure.order(hanako.id)
        assert actions.forget_resident(hanako.id)["notices"] == 1
        events.sweep()
        assert [read(seen)["event"] for seen in bins.events] == ["erasure"]

    def test_unknown_orders_are_left_out_and_the_order_is_kept(
        self, bins: life.Careless, second: life.Careless, django_capture_on_commit_callbacks: Any
    ) -> None:
        publish_second(second, django_capture_on_commit_callbacks)
        hanako = cast.hanako()
        txns = [report.txn for report in erasure.order(hanako.id)]
        assert len(set(txns)) == 2
        wanted = [txns[1], uuid4().hex, txns[0], txns[1]]
        assert [report.txn for report in erasure.outcome(wanted)] == [txns[1], txns[0]]
        assert erasure.outcome([]) == ()
        withdrawn = EventDelivery.objects.create(gadget_id=bins.id, sub="x", kind="consent-withdrawn")
        assert erasure.outcome([withdrawn.txn.hex]) == ()

    def test_a_gadget_that_is_gone_is_named_by_its_id(self, bins: life.Careless) -> None:
        (ordered,) = erasure.order(cast.hanako().id)
        Gadget.objects.filter(gadget_id=bins.id).update(client_id="")
        (found,) = erasure.outcome([ordered.txn])
        assert (found.state, found.title) == ("waiting", {"ja": bins.id})

    def test_a_dead_provider_does_not_hold_up_another(
        self, bins: life.Careless, second: life.Careless, django_capture_on_commit_callbacks: Any
    ) -> None:
        publish_second(second, django_capture_on_commit_callbacks)
        second.event = says(1)
        bins.event = FAULTS["bad_status"]
        reports = by_id(erasure.order(cast.hanako().id))
        assert events.deliver_due(now=timezone.now() + timedelta(seconds=1)) == 1
        states = {gadget_id: erasure.outcome([report.txn])[0].state for gadget_id, report in reports.items()}
        assert states == {bins.id: "waiting", second.id: "answered"}
