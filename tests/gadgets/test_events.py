"""A withdrawal reaches the provider as a signed event, is sent until it is answered, and is shown to the resident."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptojwt.jwk.jwk import key_from_jwk_dict
from cryptojwt.jws.jws import factory
from django.conf import settings
from django.core.cache import cache
from django.db import connections, transaction
from django.utils import timezone

from core import jobs
from gadgets import actions as gadget_actions
from gadgets import queries, tasks
from gadgets.cards import fetch, private_cards, signing
from gadgets.errors import EventAnswerError
from gadgets.models import EventCursor, EventDelivery, Gadget
from gadgets.outbound.outside_transaction import HttpInTransactionError
from gadgets.webhooks import deliveries, event_wire, events
from identity import actions
from identity import queries as identity_queries
from identity.domain.consent import Notice
from identity.domain.roles import SYSTEM
from identity.models import ConsentEvent, Resident
from tests import cast
from tests.gadgets import life
from tests.gadgets.providers import Answer, Handler, Seen, reply

pytestmark = pytest.mark.django_db
NOTICE = Notice(language="ja", text="試験のため、地区を伝えます。")
State = EventDelivery.State


@pytest.fixture
def bins(clean: None, careless: life.Careless, django_capture_on_commit_callbacks: Any) -> life.Careless:
    """A published pairwise gadget that takes events; it verifies nothing, the tests do."""
    careless.pairwise()
    life.publish(careless.url, django_capture_on_commit_callbacks)
    return careless


@pytest.fixture
def hanako(bins: life.Careless) -> Resident:
    """She told the gadget her zone and her age band."""
    resident = cast.hanako()
    agree(resident, bins.id, "area.waste_zone", "age_band")
    return resident


def agree(resident: Resident, gadget_id: str, *items: str) -> None:
    actions.grant(
        resident_id=resident.id,
        recipient=gadget_id,
        purpose="card",
        items=items,
        declared=items,
        level="pairwise",
        notice=NOTICE,
        controller="BusCo",
        by=cast.as_actor(resident),
    )


def withdraw(resident: Resident, gadget_id: str, *items: str) -> None:
    actions.withdraw(
        resident_id=resident.id, recipient=gadget_id, items=items or None, by=cast.as_actor(resident)
    )


def subject(resident: Resident, gadget_id: str) -> str:
    client_id = Gadget.objects.get(gadget_id=gadget_id).client_id
    return identity_queries.subject_for(resident.id, client_id)


def read(seen: Seen) -> dict[str, Any]:
    """The event, verified by a library that the portal does not sign with."""
    assert seen.headers["content-type"] == "application/jwt"
    raw = seen.body.decode()
    signed = factory(raw, alg="ES256")
    assert signed.jwt.headers["typ"] == "rgadget-event+jwt"
    assert signed.jwt.headers["alg"] == "ES256"
    return dict(signed.verify_compact(raw, [key_from_jwk_dict(key) for key in signing.jwks()["keys"]]))


def only() -> EventDelivery:
    return EventDelivery.objects.get()


class TestWire:
    """What is sent."""

    def test_a_withdrawal_arrives_signed_for_this_gadget_and_names_a_pseudonym_only(
        self, bins: life.Careless, hanako: Resident
    ) -> None:
        withdraw(hanako, bins.id, "age_band")
        assert events.sweep() == 1
        (seen,) = bins.events
        event = read(seen)
        assert event["iss"] == settings.PORTAL_URL
        assert event["aud"] == bins.id
        assert event["sub"] == subject(hanako, bins.id)
        assert event["event"] == "consent-withdrawn"
        assert event["items"] == ["age_band"]
        assert event["exp"] - event["iat"] == 120
        assert abs(event["iat"] - time.time()) < 60
        assert event["jti"] != event["txn"]
        assert set(event) == {"iss", "aud", "sub", "iat", "exp", "jti", "txn", "event", "items"}
        whole = seen.body.decode() + str(seen.headers) + str(event)
        for secret in (str(hanako.id), hanako.id.hex, hanako.username, hanako.email, hanako.subject):
            assert secret not in whole

    def test_each_withdrawal_names_what_it_took_back(self, bins: life.Careless, hanako: Resident) -> None:
        withdraw(hanako, bins.id, "age_band")
        withdraw(hanako, bins.id, "area.waste_zone")
        agree(hanako, bins.id, "age_band")
        events.sweep()
        assert [read(seen)["items"] for seen in bins.events] == [["age_band"], ["area.waste_zone"]]

    def test_a_withdrawal_wakes_the_sweep(
        self,
        bins: life.Careless,
        hanako: Resident,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        kicked: list[str] = []
        monkeypatch.setattr("core.jobs.kick", kicked.append)
        with django_capture_on_commit_callbacks(execute=True):
            withdraw(hanako, bins.id)
        assert kicked == [jobs.CONSENT_EVENTS]
        assert jobs.CONSENT_EVENTS in [job.name for job in tasks.JOBS]

    @pytest.mark.parametrize("kind", ["refused", "attributes", "granted"])
    def test_nothing_else_is_told(self, bins: life.Careless, hanako: Resident, kind: str) -> None:
        by = cast.as_actor(hanako)
        if kind == "attributes":
            actions.set_attributes(resident_id=hanako.id, values={"age_band": "45-54"}, by=by)
        elif kind == "refused":
            actions.refuse(
                resident_id=hanako.id,
                recipient=bins.id,
                purpose="card",
                items=["age_band"],
                declared=["age_band"],
                level="pairwise",
                notice=NOTICE,
                controller="BusCo",
                by=by,
            )
        else:
            agree(hanako, bins.id, "age_band")
        events.sweep()
        assert not EventDelivery.objects.exists()
        assert bins.events == []

    def test_a_suspended_provider_is_told_too(self, bins: life.Careless, hanako: Resident) -> None:
        gadget_actions.suspend(gadget_id=bins.id, reason="試験", by=SYSTEM)
        withdraw(hanako, bins.id)
        assert events.sweep() == 1

    def test_no_provider_is_told_inside_a_transaction(self, bins: life.Careless, hanako: Resident) -> None:
        withdraw(hanako, bins.id)
        with pytest.raises(HttpInTransactionError), transaction.atomic():
            events.deliver_due()
        assert bins.events == []


class TestNobodyToTell:
    """Who cannot be told is not told, and no row waits for ever."""

    def test_the_recommender_and_unknown_recipients(self, hanako: Resident) -> None:
        actions.opt_out(resident_id=hanako.id, by=cast.as_actor(hanako))
        ConsentEvent.objects.create(resident_id=hanako.id, recipient="example.gone", kind="withdrawn")
        events.sweep()
        assert not EventDelivery.objects.exists()

    @pytest.mark.usefixtures("clean")
    def test_a_gadget_without_events(
        self, careless: life.Careless, django_capture_on_commit_callbacks: Any
    ) -> None:
        careless.pairwise(events=False)
        gadget_id = life.publish(careless.url, django_capture_on_commit_callbacks)
        hanako = cast.hanako()
        agree(hanako, gadget_id, "age_band")
        withdraw(hanako, gadget_id)
        events.sweep()
        assert not EventDelivery.objects.exists()

    def test_a_gadget_without_client(self, bins: life.Careless, hanako: Resident) -> None:
        withdraw(hanako, bins.id)
        Gadget.objects.update(client_id="")
        events.sweep()
        assert not EventDelivery.objects.exists()

    def test_somebody_who_is_gone(self, bins: life.Careless) -> None:
        ConsentEvent.objects.create(resident_id=UUID(int=7), recipient=bins.id, kind="withdrawn")
        events.sweep()
        assert not EventDelivery.objects.exists()
        assert ConsentEvent.objects.latest("id").id in EventCursor.objects.get().ahead


class TestCursor:
    """Each event is handled once, also one whose transaction commits after a later one."""

    def test_a_second_sweep_finds_nothing_and_writes_nothing(
        self, bins: life.Careless, hanako: Resident, django_assert_num_queries: Any
    ) -> None:
        withdraw(hanako, bins.id)
        assert events.collect() == 1
        assert events.collect() == 0
        with django_assert_num_queries(2) as queries_made:
            events.collect()
        assert not any("UPDATE" in query["sql"] or "INSERT" in query["sql"] for query in queries_made)

    def test_an_event_that_commits_late_gets_its_turn(self, bins: life.Careless, hanako: Resident) -> None:
        late = ConsentEvent.objects.create(resident_id=hanako.id, recipient=bins.id, kind="withdrawn")
        number, at = late.id, late.at
        ConsentEvent.objects.filter(id=number).delete()
        withdraw(hanako, bins.id)
        assert events.collect() == 1
        ConsentEvent.objects.create(
            id=number, resident_id=hanako.id, recipient=bins.id, kind="withdrawn", at=at
        )
        assert events.collect() == 1
        assert EventDelivery.objects.filter(source=number).count() == 1

    def test_the_cursor_moves_over_what_is_settled(self, bins: life.Careless, hanako: Resident) -> None:
        withdraw(hanako, bins.id)
        now = timezone.now()
        events.collect(now=now)
        held = EventCursor.objects.get()
        assert held.number == 0
        assert ConsentEvent.objects.latest("id").id in held.ahead
        agree(hanako, bins.id, "age_band")
        events.collect(now=now + timedelta(minutes=5))
        held = EventCursor.objects.get()
        assert (held.number, held.ahead) == (ConsentEvent.objects.latest("id").id, [])
        assert EventDelivery.objects.count() == 1

    def test_it_moves_also_when_nothing_else_happens_and_then_rests(
        self, bins: life.Careless, hanako: Resident, django_assert_num_queries: Any
    ) -> None:
        withdraw(hanako, bins.id)
        events.collect()
        later = timezone.now() + timedelta(minutes=5)
        assert events.collect(now=later) == 0
        held = EventCursor.objects.get()
        assert (held.number, held.ahead) == (ConsentEvent.objects.latest("id").id, [])
        with django_assert_num_queries(2):
            events.collect(now=later)

    def test_more_events_than_a_page(
        self, bins: life.Careless, hanako: Resident, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(events, "PAGE", 2)
        for _ in range(3):
            agree(hanako, bins.id, "age_band")
            withdraw(hanako, bins.id, "age_band")
        assert events.collect() == 3
        assert events.collect() == 0

    def test_more_events_than_one_sweep_takes(
        self, bins: life.Careless, hanako: Resident, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(events, "PAGE", 1)
        monkeypatch.setattr(events, "PAGES", 3)
        for _ in range(4):
            agree(hanako, bins.id, "age_band")
            withdraw(hanako, bins.id, "age_band")
        later = timezone.now() + timedelta(minutes=5)
        swept = 0
        while ConsentEvent.objects.filter(id__gt=events._cursor()[0]).exists():
            events.collect(now=later)
            swept += 1
        assert swept > 2
        assert EventDelivery.objects.count() == 4


FAULTS: dict[str, Answer] = {
    "bad_status": reply(b"{}", status=500),
    "redirect_refused": reply(b"", status=307, headers={"Location": "/elsewhere"}),
    "answer_too_large": reply(b"x" * 20_000, content_type="application/json"),
    "answer_broken": lambda handler: handler.wfile.write(b"I am no web server\r\n\r\n"),
}


class TestRetry:
    """Sent again until the provider answers."""

    @pytest.mark.parametrize("code", list(FAULTS))
    def test_no_answer_is_not_an_answer(self, bins: life.Careless, hanako: Resident, code: str) -> None:
        bins.event = FAULTS[code]
        withdraw(hanako, bins.id)
        assert events.sweep() == 0
        row = only()
        assert (row.state, row.trouble, row.tries) == (State.WAITING, code, 1)
        bins.event = reply(b"", status=204)
        assert events.deliver_due(now=timezone.now() + timedelta(seconds=11)) == 1
        assert only().state == State.DONE

    def test_a_slow_provider_is_left_after_the_deadline(
        self, bins: life.Careless, hanako: Resident, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(events, "CALL_SECONDS", 0.3)
        released = threading.Event()
        bins.event = lambda _: released.wait(10) and None
        withdraw(hanako, bins.id)
        assert events.sweep() == 0
        released.set()
        assert only().trouble == "deadline_passed"

    def test_a_provider_that_is_away(self, bins: life.Careless, hanako: Resident) -> None:
        version = Gadget.objects.get().published
        assert version is not None
        port = str(bins.provider.port).encode()
        version.manifest = bytes(version.manifest).replace(b":" + port, b":1")
        version.url = version.url.replace(str(bins.provider.port), "1")
        version.save()
        withdraw(hanako, bins.id)
        assert events.sweep() == 0
        assert only().trouble == "connect_failed"

    def test_the_times_of_the_tries_up_to_thirty_days(self, bins: life.Careless, hanako: Resident) -> None:
        bins.event = FAULTS["bad_status"]
        withdraw(hanako, bins.id)
        events.collect()
        now = begun = only().created_at
        gaps: list[timedelta] = []
        while only().state == State.WAITING:
            assert events.deliver_due(now=now) == 0
            row = only()
            if row.state == State.WAITING:
                gaps.append(row.next_at - now)
                assert events.deliver_due(now=row.next_at - timedelta(seconds=1)) == 0
                assert only().tries == row.tries
                now = row.next_at
        seconds = [gap.total_seconds() for gap in gaps]
        assert seconds[:5] == [10, 60, 600, 3600, 21600]
        assert set(seconds[5:]) == {21600}
        assert only().state == State.NOT_CONFIRMED
        assert timedelta(days=29, hours=18) < now - begun <= timedelta(days=30)
        assert len(bins.events) == only().tries
        tried = len(bins.events)
        events.deliver_due(now=now + timedelta(days=2))
        assert len(bins.events) == tried

    def test_every_try_is_a_token_of_its_own_with_the_same_txn(
        self, bins: life.Careless, hanako: Resident
    ) -> None:
        bins.event = FAULTS["bad_status"]
        withdraw(hanako, bins.id)
        events.sweep()
        events.deliver_due(now=timezone.now() + timedelta(seconds=11))
        first, second = map(read, bins.events)
        assert first["txn"] == second["txn"] == only().txn.hex
        assert first["jti"] != second["jti"]
        assert first["items"] == second["items"]

    def test_the_endpoint_is_that_of_the_manifest_of_the_moment(
        self, bins: life.Careless, hanako: Resident
    ) -> None:
        withdraw(hanako, bins.id)
        events.collect()
        version = Gadget.objects.get().published
        assert version is not None
        without = {name: url for name, url in bins.document["endpoints"].items() if name != "events"}
        version.manifest = life.json.dumps({**bins.document, "endpoints": without}).encode()
        version.save()
        assert events.deliver_due() == 0
        assert (only().state, only().trouble) == (State.WAITING, "no_endpoint")

    def test_after_a_failure_the_rest_for_that_gadget_waits_without_losing_a_try(
        self, bins: life.Careless, hanako: Resident
    ) -> None:
        bins.event = FAULTS["bad_status"]
        withdraw(hanako, bins.id, "age_band")
        withdraw(hanako, bins.id, "area.waste_zone")
        events.sweep()
        assert len(bins.events) == 1
        assert sorted(EventDelivery.objects.values_list("state", "tries")) == [("waiting", 0), ("waiting", 1)]

    def test_what_a_lost_worker_had_claimed_is_taken_up_again(
        self, bins: life.Careless, hanako: Resident
    ) -> None:
        withdraw(hanako, bins.id)
        events.collect()
        now = timezone.now()
        EventDelivery.objects.update(state=State.SENDING, tries=1, next_at=now)
        assert events.deliver_due(now=now + timedelta(seconds=60)) == 0
        assert events.deliver_due(now=now + events.STUCK + timedelta(seconds=1)) == 1

    def test_a_late_answer_does_not_settle_what_another_worker_holds(
        self, bins: life.Careless, hanako: Resident
    ) -> None:
        withdraw(hanako, bins.id)
        events.collect()

        def meanwhile(handler: Handler) -> None:
            reply(b"", status=204)(handler)

        bins.event = meanwhile
        row = only()
        EventDelivery.objects.update(state=State.SENDING, tries=2)
        events._settle(row, events._Tried(), now=timezone.now())
        assert only().state == State.SENDING


class TestForget:
    """What is kept about a resident, and for how long."""

    def test_a_settled_event_is_forgotten_after_ninety_days(
        self, bins: life.Careless, hanako: Resident
    ) -> None:
        withdraw(hanako, bins.id)
        events.sweep()
        assert events.tidy(now=timezone.now() + timedelta(days=89)) == 0
        assert events.tidy(now=timezone.now() + timedelta(days=91)) == 1
        assert not EventDelivery.objects.exists()

    def test_one_that_waits_is_not(self, bins: life.Careless, hanako: Resident) -> None:
        withdraw(hanako, bins.id)
        events.collect()
        assert events.tidy(now=timezone.now() + timedelta(days=400)) == 0

    def test_everything_of_a_resident_goes_at_once_and_is_counted(
        self, bins: life.Careless, hanako: Resident
    ) -> None:
        by = cast.as_actor(hanako)
        taro = cast.taro()
        gadget_actions.place(resident_id=hanako.id, gadget_id=bins.id, by=by)
        gadget_actions.place(resident_id=taro.id, gadget_id=bins.id, by=cast.as_actor(taro))
        gadget_actions.create_organisation(name="x", kind="npo", contact="a@x.example", by=by)
        withdraw(hanako, bins.id)
        events.collect()
        assert gadget_actions.forget_resident(hanako.id) == {
            "layout": 1,
            "memberships": 1,
            "notices": 1,
            "reviews": 0,
        }
        assert set(gadget_actions.forget_resident(hanako.id).values()) == {0}
        assert len(queries.layout(taro.id)) == 1


class TestNotices:
    """What わたしのデータ shows."""

    def test_told_waiting_and_given_up(self, bins: life.Careless, hanako: Resident) -> None:
        assert queries.notices(hanako.id) == ()
        bins.event = FAULTS["bad_status"]
        withdraw(hanako, bins.id, "age_band")
        events.sweep()
        (waiting,) = deliveries.notices(hanako.id)
        assert (waiting.state, waiting.items, waiting.tries) == ("waiting", ("age_band",), 1)
        assert (waiting.gadget_id, waiting.title["ja"], waiting.provider_name) == (
            bins.id,
            "ごみ箱",
            "WasteCo",
        )
        assert waiting.told_at is None
        assert waiting.next_try is not None
        assert waiting.until == waiting.at + timedelta(days=30)
        bins.event = reply(b"", status=204)
        events.deliver_due(now=waiting.next_try)
        (told,) = deliveries.notices(hanako.id)
        assert (told.state, told.told_at, told.next_try) == ("told", waiting.next_try, None)
        EventDelivery.objects.update(state=State.NOT_CONFIRMED)
        assert deliveries.notices(hanako.id)[0].state == "not_confirmed"
        assert deliveries.notices(cast.taro().id) == ()

    def test_a_gadget_that_is_no_addressee_any_more_is_named_by_its_id(
        self, bins: life.Careless, hanako: Resident
    ) -> None:
        withdraw(hanako, bins.id)
        events.sweep()
        Gadget.objects.update(client_id="")
        (found,) = deliveries.notices(hanako.id)
        assert found.title == {"ja": bins.id}


class TestAnswer:
    """The answer to an erasure is data of a stranger."""

    def test_a_good_answer(self) -> None:
        told = event_wire.read_answer(
            '{"records": 3, "kept": [{"what": "請求書", "why": "税法により7年間"}]}'.encode()
        )
        assert told.records == 3
        assert told.kept == (event_wire.Kept("請求書", "税法により7年間"),)
        assert event_wire.read_answer(b'{"records": 0}').kept == ()

    @pytest.mark.parametrize(
        ("raw", "path"),
        [
            (b"", "$ (line 1, column 1)"),
            (b"[]", "$"),
            (b"{}", "$.records"),
            (b'{"records": -1}', "$.records"),
            (b'{"records": true}', "$.records"),
            (b'{"records": 1.5}', "$.records"),
            (b'{"records": 1, "who": "hanako"}', "$.who"),
            (b'{"records": 1, "kept": [{"what": "x"}]}', "$.kept[0].why"),
            (b'{"records": 1, "kept": [{"what": "", "why": "x"}]}', "$.kept[0].what"),
            (b'{"records": 1, "kept": [{"what": "<b>x</b>", "why": "x"}]}', "$.kept[0].what"),
            (b'{"records": 1, "kept": [{"what": "\\u202ex", "why": "x"}]}', "$.kept[0].what"),
            (b'{"records": 1, "kept": [{"what": "%s", "why": "x"}]}' % (b"x" * 201), "$.kept[0].what"),
            (b'{"records": 1, "kept": [%s]}' % b",".join([b'{"what":"x","why":"x"}'] * 21), "$.kept"),
            (b'{"records": [[[[1]]]]}', "$"),
            (b"\xff", "$"),
        ],
    )
    def test_anything_else_is_refused_with_its_place(self, raw: bytes, path: str) -> None:
        with pytest.raises(EventAnswerError) as caught:
            event_wire.read_answer(raw)
        assert caught.value.path == path
        assert caught.value.remedy


class TestCards:
    """A withdrawal takes the private cards out of the cache."""

    def stored(self, bins: life.Careless, resident: Resident, **asked: str) -> tuple[str, fetch.Wanted]:
        gadget = queries.registry().gadgets[bins.id]
        bundle = identity_queries.bundle(resident.id)
        wanted = fetch.wanted_for(gadget, bundle=bundle, **({"locale": "ja", "size": "S"} | asked))
        assert wanted.level == "pairwise"
        assert isinstance(fetch.refresh(wanted), fetch.StoredCard)
        return fetch.cache_key(wanted), wanted

    def test_every_language_is_gone_and_other_people_keep_theirs(
        self, bins: life.Careless, hanako: Resident
    ) -> None:
        taro = cast.taro()
        agree(taro, bins.id, "age_band")
        mine = [self.stored(bins, hanako, locale=locale)[0] for locale in ("ja", "en", "ja-simple")]
        his, _ = self.stored(bins, taro)
        withdraw(hanako, bins.id)
        assert len(cache.get_many(mine)) == 3
        events.sweep()
        assert cache.get_many(mine) == {}
        assert cache.get(his) is not None

    def test_an_older_version_of_the_same_card_leaves_with_its_successor(
        self, bins: life.Careless, hanako: Resident
    ) -> None:
        old, _ = self.stored(bins, hanako)
        actions.set_attributes(resident_id=hanako.id, values={"age_band": "45-54"}, by=cast.as_actor(hanako))
        recent, _ = self.stored(bins, hanako)
        assert old != recent
        assert cache.get(old) is None
        assert private_cards.purge(bins.id, hanako.id) == 1
        assert cache.get(recent) is None

    def test_a_card_that_was_on_its_way_during_the_withdrawal_does_not_stay(
        self, bins: life.Careless, hanako: Resident
    ) -> None:
        key, wanted = self.stored(bins, hanako)
        raw = cache.get(key)
        private_cards.purge(bins.id, hanako.id)
        private_cards.store(wanted, raw, 60)
        assert cache.get(key) is None
        assert private_cards.purge(bins.id, hanako.id) == 0

    def test_the_cache_names_no_resident(self, bins: life.Careless, hanako: Resident) -> None:
        slots: list[Any] = []
        really = cache.set_many

        def look(data: dict[str, Any], *rest: Any) -> Any:
            slots.append(data)
            return really(data, *rest)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(private_cards.cache, "set_many", look)
            self.stored(bins, hanako)
        assert slots
        assert str(hanako.id) not in str(slots)


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_tell_the_same_event(bins: life.Careless, hanako: Resident) -> None:
    withdraw(hanako, bins.id)
    assert events.collect() == 1
    start = threading.Barrier(2)

    def worker(_: int) -> int:
        try:
            start.wait(5)
            return events.deliver_due()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=2) as pool:
        answered = list(pool.map(worker, range(2)))
    assert sorted(answered) == [0, 1]
    assert len(bins.events) == 1
    assert (only().state, only().tries) == (State.DONE, 1)
