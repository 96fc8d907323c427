""" "Not for me": off the recommended list at once, undone at once, in every process, and a lesson only with a yes."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from identity import actions, queries
from identity.models import Resident
from portal import executor
from portal.home import tasks
from portal.home.feedback import dismissals, impressions
from recommender import queries as queries_of_ranking
from recommender.models import Dismissal, Interaction
from tests import cast
from tests.portal.home.conftest import client_of, links, say_yes, token_of
from tests.portal.home.samples import NOW, entry

pytestmark = pytest.mark.django_db

ENTRIES = [entry(f"n{number}", age=timedelta(hours=number + 1)) for number in range(14)]
AWAY = "/for-you/not-for-me/"
BACK = "/for-you/show-again/"


@pytest.fixture
def hanako() -> Resident:
    return cast.hanako(opted_in=True)


@pytest.fixture(autouse=True)
def at_once(django_capture_on_commit_callbacks: Any) -> Any:
    """What follows a commit follows at once: these tests never commit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.db.transaction.on_commit", lambda function, *_, **__: function())
        yield


def listed(client: Client) -> list[str]:
    return [link.rstrip("/").split("/")[-1] for link in links(client)]


def test_it_goes_at_once_stays_elsewhere_and_comes_back(publish: Any, hanako: Resident) -> None:
    publish(ENTRIES)
    client = client_of(hanako)
    before = listed(client)
    response = client.post(AWAY, {"item": before[0]})
    assert (response.status_code, response["Location"]) == (302, "/#put-away")
    page = client.get("/").content.decode()
    assert f"「{before[0]}の題」を、おすすめから外しました。" in page
    assert before[0] not in listed(client)
    assert f'href="/news/{before[0]}/"' in client.get("/all-news/").content.decode()
    assert "を、おすすめから外しました" not in client.get("/").content.decode()  # said once
    assert client.post(BACK, {"item": before[0]})["Location"] == "/#zone-for-you"
    assert "おすすめに戻しました" in client.get("/").content.decode()
    assert listed(client) == before
    assert Dismissal.objects.count() == 0


def test_it_needs_no_yes_to_learning_and_leaves_nothing_to_learn_from(publish: Any, hanako: Resident) -> None:
    publish(ENTRIES)
    client = client_of(hanako)
    html = client.get("/").content.decode()
    assert html.count('class="entry__away"') == 12
    assert 'name="visit" value=""' in html
    client.post(AWAY, {"item": "n1", "visit": impressions.seal(hanako.id, uuid4(), NOW)})
    assert impressions.flush() == 0
    assert Interaction.objects.count() == 0
    assert Dismissal.objects.get().item_id == "n1"


def test_with_a_yes_it_is_a_lesson_too_until_it_is_undone(publish: Any, hanako: Resident) -> None:
    publish(ENTRIES)
    say_yes(hanako)
    client = client_of(hanako)
    link = links(client)[0]
    item = link.split("/")[-2]
    sent = {"item": item, "visit": token_of(link)}
    client.post(AWAY, sent)
    client.post(BACK, sent)  # before it was written
    impressions.flush()
    assert not Interaction.objects.filter(act="not_for_me").exists()
    client.post(AWAY, sent)
    impressions.flush()
    assert Interaction.objects.get(act="not_for_me").item_id == item
    client.post(BACK, sent)
    assert not Interaction.objects.filter(act="not_for_me").exists()
    client.post(AWAY, sent)
    client.post(AWAY, sent)  # twice is once
    impressions.flush()
    assert Interaction.objects.filter(act="not_for_me").count() == 1
    assert Dismissal.objects.count() == 1


def test_a_seal_of_somebody_else_is_no_lesson(publish: Any, hanako: Resident) -> None:
    publish(ENTRIES)
    say_yes(hanako)
    taro = cast.taro(opted_in=True)
    say_yes(taro)
    link = links(client_of(taro))[0]
    impressions._waiting.clear()
    client_of(hanako).post(AWAY, {"item": "n1", "visit": token_of(link)})
    assert impressions.flush() == 0
    assert Dismissal.objects.get().subject == queries.ranking_subject(hanako.id)


def test_it_needs_the_personalised_order_a_session_and_the_forms_token(publish: Any) -> None:
    publish(ENTRIES)
    newcomer = cast.newcomer()
    client = client_of(newcomer)
    assert "entry__away" not in client.get("/").content.decode()
    client.post(AWAY, {"item": "n1"})
    assert "外すものはありません" in client.get("/").content.decode()
    guest = cast.portal_client()
    assert "entry__away" not in guest.get("/").content.decode()
    for path in (AWAY, BACK):
        assert "/sign-in/" in guest.post(path, {"item": "n1"})["Location"]
        assert guest.get(path).status_code == 405
        strict = cast.sign_in(cast.portal_client(enforce_csrf_checks=True), newcomer)
        assert strict.post(path, {"item": "n1"}).status_code == 403
    assert Dismissal.objects.count() == 0


def test_what_is_not_published_cannot_be_put_away(publish: Any, hanako: Resident) -> None:
    publish(ENTRIES)
    client = client_of(hanako)
    for item in ("gone", "", "x" * 5000):
        client.post(AWAY, {"item": item})
        assert "もう公開されていません" in client.get("/").content.decode()
    client.post(BACK, {"item": "gone"})
    assert Dismissal.objects.count() == 0


def test_an_undo_leads_to_no_other_site(publish: Any, hanako: Resident) -> None:
    publish(ENTRIES)
    client = client_of(hanako)
    assert client.post(BACK, {"item": "n1", "next": "https://evil.example/"})["Location"] == "/#zone-for-you"
    assert client.post(BACK, {"item": "n1", "next": "/my-data/hidden/"})["Location"] == "/my-data/hidden/"


def test_stopping_the_order_shows_it_again_and_the_order_hides_it_again(
    publish: Any, hanako: Resident
) -> None:
    publish(ENTRIES)
    client, by = client_of(hanako), cast.as_actor(hanako)
    client.post(AWAY, {"item": "n0"})
    assert "n0" not in listed(client)
    actions.opt_out(resident_id=hanako.id, by=by)
    assert "n0" in listed(client)
    actions.opt_in_personalisation(
        resident_id=hanako.id, notice=cast.NOTICE, controller=cast.CONTROLLER, by=by
    )
    assert "n0" not in listed(client)


def test_an_urgent_alert_stands_whatever_was_put_away(publish: Any, hanako: Resident) -> None:
    publish([entry("flood", kind="alert", urgent=True, level=5), *ENTRIES])
    client = client_of(hanako)
    dismissals.hide(subject=queries.ranking_subject(hanako.id), item_id="flood")
    html = client.get("/").content.decode()
    assert 'class="alert alert--urgent"' in html
    assert 'href="/alert/flood/"' in html


def test_it_costs_an_ordinary_home_no_query_and_the_first_one_a_single_one(
    publish: Any, hanako: Resident
) -> None:
    publish(ENTRIES)
    client = client_of(hanako)

    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get("/")
        return len([query for query in captured if "recommender_dismissal" in query["sql"]])

    assert [asked(), asked()] == [1, 0]
    client.post(AWAY, {"item": "n0"})
    assert asked() == 0
    cache.delete(dismissals.key(queries.ranking_subject(hanako.id)))
    assert "n0" not in listed(client)


def test_who_reads_the_table_just_before_a_write_does_not_overwrite_it(hanako: Resident) -> None:
    subject = queries.ranking_subject(hanako.id)
    stale = (
        queries.ranking_subject
    )  # a reader in another process has read the table and not yet told the cache
    assert stale
    dismissals.hide(subject=subject, item_id="n1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dismissals.queries, "dismissed", lambda _subject: frozenset())
        assert dismissals.of(subject, None) == frozenset()
    assert dismissals.of(subject, cache.get(dismissals.key(subject))) == {"n1"}


def test_the_page_of_what_was_put_away(publish: Any, hanako: Resident) -> None:
    publish(ENTRIES)
    client = client_of(hanako)
    page = client.get("/my-data/hidden/").content.decode()
    assert "外した項目はありません" in page
    client.post(AWAY, {"item": "n1"})
    dismissals.hide(subject=queries.ranking_subject(hanako.id), item_id="gone-since")
    html = client.get("/en/my-data/hidden/").content.decode()
    assert 'href="/en/news/n1/"' in html
    assert "Title of n1" in html
    assert html.count('action="/en/for-you/show-again/"') == 2
    assert html.index("Title of n1") < html.index('value="gone-since"')
    client.post(BACK, {"item": "gone-since", "next": "/my-data/hidden/"})
    client.post(BACK, {"item": "n1", "next": "/my-data/hidden/"})
    assert "外した項目はありません" in client.get("/my-data/hidden/").content.decode()
    assert re.search(r"おすすめに戻しました", client.get("/my-data/hidden/").content.decode()) is None


def test_an_item_that_ages_off_the_list_while_hidden_is_no_fault(publish: Any, hanako: Resident) -> None:
    publish([entry("short", left=timedelta(minutes=1)), *ENTRIES])
    client = client_of(hanako)
    client.post(AWAY, {"item": "short"})
    publish(ENTRIES)
    page = client.get("/").content.decode()
    assert "おすすめから外しました" not in page
    assert "short" not in listed(client)


def test_what_is_long_gone_is_forgotten_and_what_may_come_back_is_not(publish: Any, hanako: Resident) -> None:
    publish(ENTRIES)
    subject = queries.ranking_subject(hanako.id)
    dismissals.hide(subject=subject, item_id="n1")
    dismissals.hide(subject=subject, item_id="gone")
    assert tasks.forget_put_away(NOW + timedelta(days=29)) == 0
    assert tasks.forget_put_away(NOW + timedelta(days=31)) == 1
    assert queries_of_ranking.dismissed(subject) == {"n1"}
    assert tasks.forget_put_away(NOW + timedelta(days=31)) == 0
    assert "home.forget_put_away" in executor.jobs()
