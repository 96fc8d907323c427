"""What stands on a home: pinned alerts, a list for this reader, events and news that hold at this moment."""

from datetime import timedelta

import pytest

from gadgets.layout.layout import Arranged
from portal.home.guest import choose
from portal.home.page.cards import CardView
from portal.home.page.compose import Reader, compose
from tests.portal.home.samples import HANAKO, NOW, TARO, catalogue, entry, gadget

DAY = timedelta(days=1)


def home(found, attributes=None, *, now=NOW, **reader):
    return compose(
        found.layout,
        Reader(mode="resident", locale="ja", attributes=attributes or {}, **reader),
        now,
        catalogue=found,
    )


def names(view, rows):
    return [view.catalogue.entries[row].item.id for row in rows]


def listed(view):
    return names(view, [line.row for line in view.listed])


PARENTS = {"area.district": ["busshozan"], "household.has_child": [True]}


def test_news_for_parents_of_a_district_stands_on_hanakos_home_only():
    found = catalogue([entry("parents", audience=PARENTS, places=("busshozan",)), entry("all")])
    hanako, taro = home(found, HANAKO), home(found, TARO)
    assert listed(hanako) == ["parents", "all"]
    assert listed(taro) == ["all"]
    assert names(taro, taro.news) == ["all"]
    reason = hanako.listed[0].reasons[0]
    assert (reason.code, reason.change_key) == ("district", "area.district")


def test_two_residents_get_different_orders():
    found = catalogue(
        [entry(topic, topics=(topic,), age=DAY) for topic in ("elderly", "school", "music", "waste")]
        + [entry(place, places=(place,), age=DAY) for place in ("busshozan", "yashima")]
    )
    assert listed(home(found, HANAKO)) == ["school", "busshozan", "music", "elderly", "waste", "yashima"]
    assert listed(home(found, TARO)) == ["elderly", "yashima", "music", "school", "waste", "busshozan"]


def test_without_personalisation_the_list_is_chronological_and_says_so():
    found = catalogue(
        [
            entry("old", age=3 * DAY, places=("busshozan",)),
            entry("new", age=DAY, topics=("elderly",)),
            entry("fair", kind="event", starts=DAY, age=timedelta(minutes=1)),
        ]
    )
    view = home(found, {}, personalised=False)
    assert listed(view) == ["new", "old"]
    assert {line.reasons[0].code for line in view.listed} == {"newest"}


def test_what_has_expired_is_gone_on_the_next_request_without_a_rebuild():
    found = catalogue(
        [
            entry("ends", left=timedelta(seconds=5)),
            entry("alert", kind="alert", urgent=True, left=timedelta(seconds=5)),
            entry("fair", kind="event", starts=-DAY, left=timedelta(seconds=5)),
        ]
    )
    before, after = home(found, HANAKO), home(found, HANAKO, now=NOW + timedelta(seconds=5))
    assert listed(before) == ["ends", "fair"]
    assert (names(before, before.alerts), names(before, before.events), names(before, before.news)) == (
        ["alert"],
        ["fair"],
        ["ends"],
    )
    assert (after.alerts, after.listed, after.events, after.news) == ((), (), (), ())


def test_a_lesser_alert_never_displaces_an_urgent_one():
    lesser = [entry(f"lesser{n}", kind="alert", level=5, age=timedelta(minutes=n)) for n in range(9)]
    urgent = [entry(f"urgent{n}", kind="alert", urgent=True, level=n, age=30 * DAY) for n in range(1, 6)]
    view = home(catalogue(lesser + urgent), TARO)
    shown = names(view, view.alerts)
    assert shown[:5] == ["urgent5", "urgent4", "urgent3", "urgent2", "urgent1"]
    assert shown[5:] == ["lesser0", "lesser1", "lesser2"]


def test_an_urgent_alert_reaches_people_outside_of_its_audience_and_is_not_listed_twice():
    found = catalogue([entry("flood", kind="alert", urgent=True, audience={"area.district": ["busshozan"]})])
    for attributes in (HANAKO, TARO, {}):
        view = home(found, attributes)
        assert (names(view, view.alerts), listed(view)) == (["flood"], [])


def test_the_next_events_come_first_then_those_that_go_on():
    found = catalogue(
        [entry(f"e{n:02}", kind="event", starts=n * DAY, left=(n + 1) * DAY) for n in (3, 1, 2)]
        + [entry("exhibition", kind="event", starts=-9 * DAY, left=9 * DAY)]
        + [entry("over", kind="event", starts=-9 * DAY, left=-DAY)]
        + [entry("today", kind="event", starts=-timedelta(hours=3), left=timedelta(hours=3))]
    )
    view = home(found, {})
    assert names(view, view.events) == ["today", "e01", "e02", "e03", "exhibition"]


def test_the_list_holds_twelve_without_repetition_and_no_gadget_that_is_on_the_page():
    waste = gadget()
    found = catalogue([entry(f"n{n}", age=30 * DAY) for n in range(40)], gadgets=[waste])
    on_page = [CardView(Arranged(waste.id, "S", hidden=False, locked=False, own=False), waste, None)]
    reader = Reader(mode="resident", locale="ja", attributes={"interests": ("waste",)})
    without = compose(found.layout, reader, NOW, catalogue=found)
    with_card = compose(found.layout, reader, NOW, catalogue=found, cards=on_page)
    assert f"gadget:{waste.id}" in listed(without)
    assert f"gadget:{waste.id}" not in listed(with_card)
    assert len(set(listed(with_card))) == 12


@pytest.mark.parametrize("attributes", [HANAKO, TARO, {}])
def test_an_empty_catalogue_gives_an_empty_home(attributes):
    view = home(catalogue(), attributes)
    assert (view.alerts, view.listed, view.events, view.news, view.cards) == ((), (), (), (), ())


def test_a_guests_choices_order_the_guests_home():
    found = catalogue([entry("all"), entry("near", places=("yashima",)), entry("song", topics=("music",))])
    choices = choose("yashima", ["music"])
    view = compose(
        found.layout,
        Reader(mode="guest", locale="ja", attributes=choices.attributes, choices=choices),
        NOW,
        catalogue=found,
    )
    assert listed(view) == ["near", "song", "all"]
    assert {line.reasons[0].code for line in view.listed} == {"district", "topic", "recent"}


def test_preferences_are_features_of_their_own_and_access_needs_are_none():
    given = {
        **HANAKO,
        "avoids": ("sports",),
        "area.followed": ("aji", "yashima"),
        "access_needs": ("visual",),
    }
    profile = Reader(mode="resident", locale="ja", attributes=given).profile
    assert (profile.district, profile.declared) == ("busshozan", ("food", "music"))
    assert (profile.avoided, profile.followed) == (("sports",), ("aji", "yashima"))
    assert {"interests", "avoids", "area.followed", "access_needs"}.isdisjoint(profile.attributes)
