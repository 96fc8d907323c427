"""The days of one event: a home shows the next one, says what follows, and puts all of them away together."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from identity import queries
from identity.models import Resident
from portal.city.ranking import absent, ranked
from portal.figures.tasks import offered
from portal.home.feedback import dismissals, impressions
from portal.home.index import series
from portal.home.index.content_index import Catalogue
from portal.home.page.compose import HomeView, Reader, compose
from recommender.domain.reranking import Plan
from recommender.domain.rules import Rule
from recommender.models import Interaction
from tests import cast
from tests.portal.home.conftest import client_of, links, say_yes, token_of
from tests.portal.home.samples import NOW, catalogue, entry

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MARKET = [
    entry(
        f"m{n}", kind="event", series="market", title="朝市", starts=n * DAY, left=n * DAY + HOUR, age=9 * DAY
    )
    for n in (2, 0, 1)
]
FAIR = entry("fair", kind="event", starts=DAY, left=2 * DAY, age=9 * DAY)
NEWS = [entry(f"n{n}", age=n * DAY) for n in range(1, 5)]


def home(found: Catalogue, *, now: Any = NOW, hidden: frozenset[str] = frozenset()) -> HomeView:
    reader = Reader(mode="resident", locale="ja", attributes={}, hidden=hidden)
    return compose(found.layout, reader, now, catalogue=found)


def listed(view: HomeView) -> set[str]:
    return {view.catalogue.entries[one.row].item.id for one in view.listed}


def events(view: HomeView) -> list[str]:
    return [view.catalogue.entries[row].item.id for row in view.events]


def test_each_day_stands_there_when_the_one_before_it_is_over() -> None:
    found = catalogue([*MARKET, FAIR])
    for days, shown in ((0, "m0"), (1, "m1"), (2, "m2")):
        view = home(found, now=NOW + days * DAY)
        assert events(view) == [shown, "fair"] if days < 1 else set(events(view)) >= {shown}
        assert {one for one in listed(view) if one.startswith("m")} == {shown}
    assert [one for one in events(home(found, now=NOW + HOUR)) if one != "fair"] == ["m1"]
    assert events(home(found, now=NOW + 3 * DAY)) == []


def test_a_long_day_holds_back_all_that_begin_before_its_end() -> None:
    """Of two that overlap the first stands, until both are over."""
    given = [
        entry("a", kind="event", series="s", starts=-DAY, left=5 * DAY),
        entry("b", kind="event", series="s", starts=DAY, left=2 * DAY),
        entry("c", kind="event", series="s", starts=3 * DAY, left=6 * DAY),
    ]
    found = catalogue(given)
    assert events(home(found)) == ["a"]
    assert events(home(found, now=NOW + 5 * DAY)) == ["c"]


def test_what_follows_a_day() -> None:
    found = catalogue([*MARKET, FAIR])
    told = {
        one.item.id: series.later(found.entries, found.days, row) for row, one in enumerate(found.entries)
    }
    last = NOW + 2 * DAY
    assert told == {"m0": series.Later(2, last), "m1": series.Later(1, last), "m2": None, "fair": None}


def test_an_event_counts_once_wherever_the_offer_is_counted() -> None:
    found = catalogue([*MARKET, FAIR])
    assert set(offered(found, NOW)) == {"m0", "fair"}
    assert {one.id for one in ranked(found, {}, now=NOW, locale="ja")} == {"m0", "fair"}
    told = absent(found, {}, "朝市", now=NOW, locale="ja")
    assert [one.why for one in told] == ["同じイベントの、もっと近い日が出ています。"] * 2


def test_who_put_away_one_day_wants_none_of_them() -> None:
    found = catalogue([*MARKET, FAIR])
    for day in ("m0", "m1", "m2"):
        assert listed(home(found, hidden=frozenset({day, "gone"}))) == {"fair"}
    # The zone of events is the same for everybody.
    assert events(home(found, hidden=frozenset({"m0"}))) == ["m0", "fair"]


@pytest.fixture
def hanako() -> Resident:
    return cast.hanako(opted_in=True)


def names(client: Client) -> set[str]:
    return {link.rstrip("/").split("/")[-1] for link in links(client)}


@pytest.mark.django_db(transaction=True)
def test_it_stays_away_on_the_next_day_and_comes_back_by_one_button(
    publish: Any, hanako: Resident, time_machine: Any
) -> None:
    publish([*MARKET, *NEWS])
    client = client_of(hanako)
    assert "m0" in names(client)
    client.post("/for-you/not-for-me/", {"item": "m0"})
    page = client.get("/").content.decode()
    assert "「朝市」を、おすすめから外しました。 このイベントのほかの日も出しません。" in page
    (kept,) = re.findall(r'name="item" value="(m\d)"', page)
    # What is over is in no catalogue any more.
    time_machine.move_to(NOW + DAY, tick=False)
    publish([one for one in MARKET if one.item.id != "m0"] + NEWS)
    client = client_of(hanako)
    assert not names(client) & {"m0", "m1", "m2"}
    client.post("/for-you/show-again/", {"item": kept})
    assert "m1" in names(client)


@pytest.mark.django_db(transaction=True)
def test_the_day_that_was_seen_is_the_lesson_and_an_undo_takes_it_back(
    publish: Any, hanako: Resident
) -> None:
    publish([*MARKET, *NEWS])
    say_yes(hanako)
    client = client_of(hanako)
    link = next(one for one in links(client) if one.endswith("/m0/"))
    refusals = Interaction.objects.filter(act=Interaction.Act.NOT_FOR_ME)
    client.post("/for-you/not-for-me/", {"item": "m0", "visit": token_of(link)})
    impressions.flush()
    assert [one.item_id for one in refusals] == ["m0"]
    (kept,) = dismissals.of(queries.ranking_subject(hanako.id), None)
    assert kept == "m2"
    client.post("/for-you/show-again/", {"item": kept})
    assert not refusals.all().exists()


@pytest.mark.django_db
def test_the_page_names_what_follows(publish: Any) -> None:
    publish([*MARKET, FAIR, *NEWS])
    html = cast.portal_client().get("/").content.decode()
    zone = html[html.index('id="zone-events"') :]
    assert "ほかに2回（2026年6月3日(水)まで）" in zone
    assert zone.count("朝市") == 1
    assert "2 more, the last on Wed 3 Jun 2026" in cast.portal_client().get("/en/").content.decode()
    assert (
        "ほかに 2かい あります（さいごは 2026年6月3日(水)）"
        in cast.portal_client().get("/ja-simple/").content.decode()
    )


@pytest.mark.parametrize("effect", ["pin", "hide"])
def test_a_rule_about_one_day_is_about_the_event(effect: str) -> None:
    rule = Rule(
        id=1,
        effect=effect,
        of="item",
        target="m2",
        amount=0.0,
        audience={},
        reason="市の行事",
        starts_at=NOW - HOUR,
        ends_at=NOW + 9 * DAY,
    )
    plain = catalogue([*MARKET, FAIR, *NEWS])
    found = plain.ordered_by(plain.compiled.weights, Plan(), [rule])
    for days, day in ((0, "m0"), (1, "m1"), (2, "m2")):
        view = home(found, now=NOW + days * DAY)
        first = found.entries[view.listed[0].row].item.id
        assert (first == day) if effect == "pin" else not listed(view) & {"m0", "m1", "m2"}
