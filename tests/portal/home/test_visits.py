"""What stood on a list and what was opened is noted of residents who said yes, written behind the requests, or dropped."""

import io
import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import IntegrityError, OperationalError, connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from identity import actions, hooks, queries
from identity.domain.consent import LEARNING, RECOMMENDER
from identity.household import authority, guardianships
from identity.models import Resident
from identity.residents.protection import CONFIRMATIONS
from portal.home.feedback import dismissals, impressions
from portal.mydata.account import closing
from portal.web.logs import WithoutVisits
from recommender.domain.types import Profile
from recommender.learning import job
from recommender.log import item_json, profile_json
from recommender.models import Batch, Cell, Count, Dismissal, Interaction, Pending, Share
from tests import cast
from tests.portal.home.conftest import browser, client_of, links, say_yes, token_of
from tests.portal.home.samples import NOW, entry

pytestmark = pytest.mark.django_db

ENTRIES = [entry(f"n{number}", age=timedelta(hours=number + 1)) for number in range(14)]


@pytest.fixture
def hanako() -> Resident:
    """With the personalised order, and a yes to learning."""
    resident = cast.hanako(opted_in=True)
    say_yes(resident)
    return resident


def rows(resident: Resident) -> list[tuple[str, str]]:
    mine = Interaction.objects.filter(subject=queries.ranking_subject(resident.id))
    return sorted(mine.values_list("act", "item_id"))


# --- what is noted -------------------------------------------------------------------------------------------


def test_the_open_entries_of_a_home_are_written_behind_the_request_with_what_was_known(
    publish: Any, hanako: Resident
) -> None:
    publish(ENTRIES)
    client = client_of(hanako)
    with CaptureQueriesContext(connection) as captured:
        shown = links(client)
    assert not [query for query in captured if "recommender_interaction" in query["sql"]]
    assert rows(hanako) == []
    assert len(shown) == 12
    assert impressions.flush() == 5
    found = Interaction.objects.order_by("position")
    assert [row.position for row in found] == [0, 1, 2, 3, 4]
    assert [row.item_id for row in found] == [link.split("/")[-2] for link in shown[:5]]
    assert {row.act for row in found} == {"view"}
    assert len({row.visit for row in found}) == 1
    assert {row.subject for row in found} == {queries.ranking_subject(hanako.id)}
    assert all(row.propensity is not None and 0 < row.propensity <= 1 for row in found)
    first = found[0]
    assert first.reader["district"] == "busshozan"
    assert first.reader["attributes"]["age_band"] == "35-44"
    assert first.item["kind"] == "news"
    assert first.at == NOW
    assert impressions.flush() == 0


def test_who_did_not_say_yes_leaves_no_row_anywhere_and_has_plain_links(publish: Any) -> None:
    publish(ENTRIES)
    for person in (cast.hanako(opted_in=True), cast.newcomer()):
        client = client_of(person)
        shown = links(client)
        assert shown
        assert all(link.startswith("/news/") for link in shown)
        client.get(shown[0])
        # Nor by an address that somebody else was given, or that is made up.
        visit = uuid4()
        token = impressions.seal(person.id, visit, NOW)
        assert client.get(f"/for-you/open/{token}/n1/")["Location"] == "/news/n1/"
    browser().get("/")
    impressions.flush()
    for table in (Interaction, Pending, Batch, Cell, Dismissal):
        assert table.objects.count() == 0, table
    assert not [row for row in Count.objects.all() if "hanako" in row.key]


def test_an_opening_is_noted_once_and_leads_to_the_entry_in_its_language(
    publish: Any, hanako: Resident
) -> None:
    publish(ENTRIES)
    client = client_of(hanako)
    link = links(client, "/en/")[1]
    assert link.startswith("/en/for-you/open/")
    item = link.split("/")[-2]
    for _again in (1, 2):
        response = client.get(link)
        assert response.status_code == 302
        assert response["Location"] == f"/en/news/{item}/"
        assert response["Cache-Control"] == "private, no-store"
    impressions.flush()
    assert [row for row in rows(hanako) if row[0] == "open"] == [("open", item)]
    opened, view = Interaction.objects.get(act="open"), Interaction.objects.get(act="view", item_id=item)
    assert opened.visit == view.visit
    assert opened.reader == {}


def test_the_link_names_nobody_and_counts_for_nobody_else(publish: Any, hanako: Resident) -> None:
    publish(ENTRIES)
    link = links(client_of(hanako))[0]
    for name in (str(hanako.id), hanako.id.hex, queries.ranking_subject(hanako.id), hanako.username):
        assert name not in link
    taro = cast.taro(opted_in=True)
    say_yes(taro)
    for client in (client_of(taro), browser()):
        assert client.get(link)["Location"].startswith("/news/")
    impressions._waiting.popleft()  # what stood on her own list
    assert impressions.flush() == 0
    assert Interaction.objects.count() == 0


@pytest.mark.parametrize(
    "forged",
    [
        "x",
        "..",
        "0" * 32 + ".0." + "0" * 32,
        "not-hex.zz.00",
        "-",
    ],
)
def test_a_forged_seal_leads_on_and_counts_nothing(publish: Any, hanako: Resident, forged: str) -> None:
    publish(ENTRIES)
    response = client_of(hanako).get(f"/for-you/open/{forged}/n1/")
    assert response["Location"] == "/news/n1/"
    assert impressions.flush() == 0


def test_a_seal_that_was_changed_or_is_too_old_counts_nothing(publish: Any, hanako: Resident) -> None:
    visit = uuid4()
    token = impressions.seal(hanako.id, visit, NOW)
    assert impressions.unseal(token, hanako.id, NOW) == visit
    assert impressions.unseal(token, hanako.id, NOW + timedelta(hours=23)) == visit
    assert impressions.unseal(token, hanako.id, NOW + timedelta(hours=25)) is None
    assert impressions.unseal(token, hanako.id, NOW - timedelta(minutes=1)) is None
    assert impressions.unseal(token.replace(visit.hex, uuid4().hex), hanako.id, NOW) is None


@pytest.mark.parametrize("item", ["https:%2F%2Fevil.example", "%2F%2Fevil.example", "n99", "..%2Fadmin"])
def test_it_leads_to_no_other_address_than_that_of_a_published_entry(
    publish: Any, hanako: Resident, item: str
) -> None:
    publish(ENTRIES)
    token = impressions.seal(hanako.id, uuid4(), NOW)
    answer = client_of(hanako).get(f"/for-you/open/{token}/{item}/")
    assert answer.status_code in {302, 404}
    assert answer.headers.get("Location", "/") == "/"
    assert impressions.flush() == 0


def test_an_entry_that_is_gone_leads_home_and_its_visit_stands_in_no_log(
    publish: Any, hanako: Resident, caplog: pytest.LogCaptureFixture
) -> None:
    publish(ENTRIES)
    client, token = client_of(hanako), impressions.seal(hanako.id, uuid4(), NOW)
    page = client.get(f"/for-you/open/{token}/n99/", follow=True).content.decode()
    assert "この項目は、もう公開されていません。" in page
    assert browser().get(f"/for-you/open/{token}/n99/").headers["Location"] == "/"
    assert token not in caplog.text


def test_an_error_at_such_an_address_is_logged_without_it() -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(WithoutVisits())
    logger = logging.Logger("tests.visits")  # noqa: LOG001  of its own: what others listen to is no matter here
    logger.addHandler(handler)
    logger.error("Internal Server Error: %s", "/en/for-you/open/6f1e.6a1d.ffee/n1/")
    logger.error("Not Found: %s", "/news/")
    assert written.getvalue().splitlines() == [
        "Internal Server Error: /en/for-you/open/…",
        "Not Found: /news/",
    ]
    assert settings.LOGGING["handlers"]["stderr"]["filters"] == ["visits", "escaped"]


@pytest.mark.parametrize(
    "headers", [{"sec-purpose": "prefetch;prerender"}, {"purpose": "prefetch"}, {"x-moz": "prefetch"}]
)
def test_what_the_browser_fetches_ahead_counts_nothing(
    publish: Any, hanako: Resident, headers: dict[str, str]
) -> None:
    publish(ENTRIES)
    client = client_of(hanako)
    assert links(client, **headers)[0].startswith("/news/")
    link = f"/for-you/open/{impressions.seal(hanako.id, uuid4(), NOW)}/n1/"
    assert client.get(link, headers=headers).status_code == 302
    client.head(link)
    client.head("/")
    assert impressions.flush() == 0


def test_an_entry_that_was_folded_away_teaches_and_counts_nothing(publish: Any, hanako: Resident) -> None:
    publish(ENTRIES)
    client = client_of(hanako)
    link = links(client)[8]
    client.get(link)
    impressions.flush()
    item = link.split("/")[-2]
    assert [act for act, name in rows(hanako) if name == item] == []
    assert not Count.objects.filter(name="opens").exists()


def test_an_opening_waits_for_its_home_that_another_process_writes(
    publish: Any, hanako: Resident, time_machine: Any
) -> None:
    publish(ENTRIES)
    client = client_of(hanako)
    link = links(client)[0]
    # The home was drawn in another process.
    theirs = list(impressions._waiting)
    impressions._waiting.clear()
    client.get(link)
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert impressions.flush() == 0
    assert [type(one) for one in impressions._waiting] == [impressions.Act]
    impressions._waiting.extendleft(theirs)
    impressions.flush()
    assert [act for act, _item in rows(hanako) if act == "open"] == ["open"]
    assert Share.objects.get(name="opened.whole").value == 1
    # One whose home never comes is let go.
    impressions._put(note(hanako.id, queries.hold_versions([hanako.id])[hanako.id], shown=False))
    time_machine.move_to(NOW + timedelta(seconds=impressions.FLUSH_SECONDS * 3 + 1), tick=False)
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert impressions.flush() == 0
    assert not impressions._waiting


def test_a_refusal_that_was_undone_in_another_process_is_not_written(publish: Any, hanako: Resident) -> None:
    publish(ENTRIES)
    client = client_of(hanako)
    link = links(client)[0]
    item = link.split("/")[-2]
    for kept in (False, True):
        client.post("/for-you/not-for-me/", {"item": item, "visit": token_of(link)})
        if not kept:
            dismissals.show_again(subject=queries.ranking_subject(hanako.id), items=[item])
        impressions.flush()
        assert ("not_for_me", item) not in rows(hanako) or kept
    assert ("not_for_me", item) in rows(hanako)


def test_nothing_is_noted_while_somebody_acts_for_a_ward(publish: Any, hanako: Resident) -> None:
    publish(ENTRIES)
    client, by = client_of(hanako), cast.as_actor(hanako)
    ward = guardianships.add_child(
        guardian=hanako.id,
        name="はな",
        ends_on=authority.end_of_school(timezone.localdate(), ("e3",)),
        values={"area.district": "busshozan"},
        by=by,
    )
    actions.opt_in_personalisation(resident_id=ward, notice=cast.NOTICE, controller=cast.CONTROLLER, by=by)
    own = links(client)[0]
    impressions._waiting.clear()
    client.post("/my-data/household/act/", {"ward": str(ward)})
    shown = links(client)
    assert all(link.startswith("/news/") for link in shown)
    client.get(own)
    client.post("/for-you/not-for-me/", {"item": "n1", "visit": token_of(own)})
    assert impressions.flush() == 0
    assert Interaction.objects.count() == 0
    # The ward's own list it is, from which the entry went.
    assert Dismissal.objects.get().subject == queries.ranking_subject(ward)


# --- the end of a yes ----------------------------------------------------------------------------------------

END: dict[str, Callable[[Resident], object]] = {
    "learning is withdrawn": lambda who: actions.withdraw(
        resident_id=who.id, recipient=LEARNING, by=cast.as_actor(who)
    ),
    "learning is refused": lambda who: actions.refuse_learning(
        resident_id=who.id, notice=cast.NOTICE, controller=cast.CONTROLLER, by=cast.as_actor(who)
    ),
    "the order is stopped": lambda who: actions.opt_out(resident_id=who.id, by=cast.as_actor(who)),
    "the order is withdrawn": lambda who: actions.withdraw(
        resident_id=who.id, recipient=RECOMMENDER, by=cast.as_actor(who)
    ),
    "a protection is set": lambda who: actions.set_confidential(
        resident_id=who.id, on=True, by=cast.as_actor(cast.operator()), confirmed=CONFIRMATIONS
    ),
}


@pytest.mark.parametrize("end", END)
def test_after_the_end_of_a_yes_nothing_is_left_and_nothing_comes_behind_it(
    publish: Any, hanako: Resident, end: str
) -> None:
    publish(ENTRIES)
    client = client_of(hanako)
    first = links(client)
    client.get(first[0])
    impressions.flush()
    subject = queries.ranking_subject(hanako.id)
    Pending.objects.create(family="topic", key="food", subject=subject, c=1, e=1, at=NOW)
    neighbour = Pending.objects.create(family="topic", key="food", subject="another", c=1, e=1, at=NOW)
    links(client)  # waits, as it does in another process, which hears of no withdrawal
    elsewhere = list(impressions._waiting)
    assert len(rows(hanako)) == 6
    END[end](hanako)
    assert Interaction.objects.filter(subject=subject).count() == 0
    assert list(Pending.objects.all()) == [neighbour]
    assert list(impressions._waiting) == []
    impressions._waiting.extend(elsewhere)
    assert impressions.flush() == 0
    assert Interaction.objects.filter(subject=subject).count() == 0
    # The next request: no seal in the links, nothing noted, and an old link only leads on.
    assert all(link.startswith("/news/") for link in links(client))
    assert client.get(first[1])["Location"].startswith("/news/")
    impressions.flush()
    assert Interaction.objects.filter(subject=subject).count() == 0


def test_what_was_folded_and_still_waits_for_twenty_goes_with_a_withdrawal(
    publish: Any, hanako: Resident
) -> None:
    publish(ENTRIES)
    client = client_of(hanako)
    client.get(links(client)[0])
    impressions.flush()
    assert len(rows(hanako)) == 6
    assert job.learn(NOW + timedelta(hours=1)) == 5
    mine = Pending.objects.filter(subject=queries.ranking_subject(hanako.id))
    assert rows(hanako) == []
    assert mine.exists()
    END["learning is withdrawn"](hanako)
    assert not mine.exists()
    assert Cell.objects.count() == 0


def test_without_the_order_the_next_list_is_chronological(publish: Any, hanako: Resident) -> None:
    publish([*ENTRIES, entry("near", places=("busshozan",), topics=("food",), age=timedelta(days=2))])
    client = client_of(hanako)
    assert "/near/" in links(client)[0]
    actions.opt_out(resident_id=hanako.id, by=cast.as_actor(hanako))
    shown = links(client)
    assert shown[:3] == ["/news/n0/", "/news/n1/", "/news/n2/"]


def test_a_yes_that_is_given_again_does_not_bring_back_what_waited_before(
    publish: Any, hanako: Resident
) -> None:
    publish(ENTRIES)
    client = client_of(hanako)
    links(client)
    elsewhere = list(impressions._waiting)
    END["learning is withdrawn"](hanako)
    say_yes(hanako)
    impressions._waiting.extend(elsewhere)
    assert impressions.flush() == 0
    links(client)
    assert impressions.flush() == 5


def test_an_account_that_is_closed_is_no_longer_learnt_from_at_once(
    publish: Any, hanako: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(ENTRIES)
    client = client_of(hanako)
    links(client)
    impressions.flush()
    dismissals.hide(subject=queries.ranking_subject(hanako.id), item_id="n3")
    links(client)
    request = client.get("/").wsgi_request
    bundle = queries.bundle(hanako.id)
    assert bundle is not None
    monkeypatch.setattr(closing.erasure, "end_sessions", lambda _who: None)
    monkeypatch.setattr(closing, "_address", lambda _who: "")
    elsewhere = list(impressions._waiting)
    closing._close(request, bundle, [])
    assert rows(hanako) == []
    impressions._waiting.extend(elsewhere)
    assert impressions.flush() == 0
    assert rows(hanako) == []
    # What was put away is her own setting, and there again when she undoes it.
    assert Dismissal.objects.count() == 1


def test_a_person_who_is_erased_leaves_nothing(publish: Any, hanako: Resident) -> None:
    publish(ENTRIES)
    client = client_of(hanako)
    links(client)
    impressions.flush()
    dismissals.hide(subject=queries.ranking_subject(hanako.id), item_id="n3")
    # By group of figures: all, age band, ward and language, and five places.
    assert impressions.erase(hanako.id) == {"interactions": 5, "pending": 9, "dismissals": 1}
    assert Share.objects.count() == 0
    assert rows(hanako) == []
    assert Dismissal.objects.count() == 0


def test_the_portal_has_handed_over_what_forgets() -> None:
    assert hooks.registered().forget_behaviour is impressions.forget


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_withdrawal_at_the_moment_of_a_flush_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert connection.vendor == "postgresql"
    hanako = cast.hanako(opted_in=True)
    say_yes(hanako)
    version = queries.bundle(hanako.id).consent_version  # type: ignore[union-attr]
    impressions._put(note(hanako.id, version))
    write = impressions.actions.record_act
    waiting: list[threading.Thread] = []

    def withdraw() -> None:
        try:
            END["learning is withdrawn"](hanako)
        finally:
            connection.close()

    def in_between(*given: Any) -> None:
        waiting.append(threading.Thread(target=withdraw))
        waiting[0].start()
        waiting[0].join(0.5)
        assert waiting[0].is_alive()  # it waits for the flush
        write(*given)

    monkeypatch.setattr(impressions.actions, "record_act", in_between)
    assert impressions.flush() == 1
    waiting[0].join(30)
    assert not waiting[0].is_alive()
    assert Interaction.objects.count() == 0


# --- the buffer ----------------------------------------------------------------------------------------------


def note(who: UUID, version: int = 1, *, shown: bool = True) -> impressions.Act:
    """An opening, of an entry whose home is written unless it was not shown."""
    act = impressions.Act(who, version, uuid4(), "n1", "open", NOW)
    if shown:
        Interaction.objects.create(
            subject=queries.ranking_subject(who), visit=act.visit, item_id="n1", act="view",
            consent_version=version, at=NOW, reader=profile_json(Profile()), item=item_json(ENTRIES[1].item),
        )  # fmt: skip
    return act


def test_a_database_that_is_away_is_tried_again_and_the_oldest_go_when_too_many_wait(
    hanako: Resident, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "portal.home.feedback.impressions")
    version = queries.hold_versions([hanako.id])[hanako.id]
    monkeypatch.setattr(impressions, "MOST_WAITING", 4)

    def away(*_: object) -> None:
        raise OperationalError("hanako's own words")

    with monkeypatch.context() as broken:
        broken.setattr(impressions.actions, "record_views", away)
        for _each in range(3):
            impressions._put(note(hanako.id, version))
        assert impressions.flush() == 0
        assert len(impressions._waiting) == 3
    kept = [note(hanako.id, version) for _each in range(3)]
    for one in kept:
        impressions._put(one)
    assert len(impressions._waiting) == 4
    assert list(impressions._waiting)[-3:] == kept
    assert impressions.flush() == 4
    assert Interaction.objects.filter(act="open").count() == 4
    assert "3 visits and acts wait: OperationalError" in caplog.text
    assert "2 visits or acts were let go" in caplog.text
    assert str(hanako.id) not in caplog.text
    assert "own words" not in caplog.text


@pytest.mark.parametrize("fault", [IntegrityError("hanako's own words"), KeyError("hanako's own words")])
def test_a_batch_that_can_never_be_written_is_let_go_and_the_next_one_is_written(
    hanako: Resident, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: Exception
) -> None:
    version = queries.hold_versions([hanako.id])[hanako.id]

    def refused(*_: object) -> None:
        raise fault

    with monkeypatch.context() as broken:
        broken.setattr(impressions.actions, "record_views", refused)
        impressions._put(note(hanako.id, version))
        assert impressions.flush() == 0
    assert list(impressions._waiting) == []
    assert f"1 visits and acts were let go: {type(fault).__name__}" in caplog.text
    assert "own words" not in caplog.text
    impressions._put(note(hanako.id, version))
    assert impressions.flush() == 1


def test_what_waits_and_what_came_meanwhile_stays_within_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(impressions, "MOST_WAITING", 3)
    newer = [note(uuid4(), shown=False) for _each in range(2)]
    impressions._waiting.extend(newer)
    impressions._put_back([note(uuid4(), shown=False) for _each in range(3)])
    assert len(impressions._waiting) == 3
    assert list(impressions._waiting)[-2:] == newer


def test_a_flush_costs_the_same_few_queries_for_one_visit_and_for_ten(publish: Any, hanako: Resident) -> None:
    publish(ENTRIES)
    client = client_of(hanako)
    costs = []
    for number in (1, 10):
        for _each in range(number):
            links(client)
        with CaptureQueriesContext(connection) as captured:
            assert impressions.flush() == number * 5
        costs.append(len(captured))
    assert costs[0] == costs[1]


def test_the_thread_writes_and_the_end_writes_what_is_left(
    hanako: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrote: list[int] = []
    monkeypatch.setattr(impressions, "flush_now", lambda: wrote.append(len(impressions._waiting)))
    monkeypatch.setattr(impressions, "FLUSH_SECONDS", 0.01)
    impressions.start()
    impressions.start()
    assert len(impressions._started) == 1
    while not wrote:
        impressions._started[0].join(0.01)
    impressions._put(note(hanako.id))
    impressions.stop()
    assert wrote[-1] == 1
    assert impressions._started == []
    assert impressions._at_end == []


def test_flushing_outside_of_a_request_needs_no_open_connection() -> None:
    impressions.flush_now()
    assert list(impressions._waiting) == []
