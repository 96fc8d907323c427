"""The order of the home: the city's slots, the resident's changes, buttons without scripts, locks."""

import re
from typing import Any

import pytest
from django.urls import reverse
from django.utils import translation

from core.markup import html_id
from gadgets import actions, queries
from gadgets import hooks as gadget_hooks
from gadgets.errors import BadSettingError, LockedError, NoSuchGadgetError, NotPermittedError
from gadgets.layout import layout
from gadgets.layout.layout import Placement, Slot, arrange, moved
from tests import cast, hooks
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor
from tests.gadgets.life import Careless

A, B, C = Slot("a.a.a", "S"), Slot("b.b.b", "M", locked=True), Slot("c.c.c", "S")


def ids(*placements: Placement, slots: tuple[Slot, ...] = (A, B, C)) -> list[str]:
    return [it.gadget_id for it in arrange(slots, placements)]


def test_without_changes_the_citys_order_holds() -> None:
    assert ids() == ["a.a.a", "b.b.b", "c.c.c"]


def test_own_gadgets_come_behind_the_slots_and_a_new_slot_takes_its_place() -> None:
    assert ids(Placement("d.d.d", 3)) == ["a.a.a", "b.b.b", "c.c.c", "d.d.d"]
    assert ids(Placement("c.c.c", 0), Placement("a.a.a", 1)) == ["c.c.c", "b.b.b", "a.a.a"]


def test_a_lock_shows_what_was_hidden_before() -> None:
    arranged = arrange((B,), (Placement("b.b.b", 0, hidden=True),))
    assert arranged[0].locked
    assert not arranged[0].hidden


@pytest.mark.parametrize(
    ("which", "direction", "wanted"),
    [
        ("b", "up", "bac"),
        ("b", "down", "acb"),
        ("c", "first", "cab"),
        ("a", "up", "abc"),
        ("c", "down", "abc"),
    ],
)
def test_moving_one_step(which: str, direction: layout.Direction, wanted: str) -> None:
    assert "".join(moved("abc", which, direction)) == wanted


def test_the_layout_is_one_query(desk: DeskFor, published: str, django_assert_num_queries: object) -> None:
    hanako = cast.hanako()
    actions.place(resident_id=hanako.id, gadget_id=published, by=cast.as_actor(hanako))
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert [it.gadget_id for it in queries.layout(hanako.id)] == [published]


@pytest.fixture
def slots(published: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Slot, ...]:
    """The city puts the waste gadget on every home, behind one that is locked."""
    chosen = (Slot("localhost.city.clock", "S", locked=True), Slot(published, "S"))
    hooks.of_gadgets(monkeypatch, default_slots=lambda: chosen)
    return chosen


def order_of(resident_id: object) -> list[str]:
    return [
        it.gadget_id for it in arrange(gadget_hooks.registered().default_slots(), queries.layout(resident_id))
    ]  # type: ignore[arg-type]


def test_moving_by_buttons_keeps_the_whole_order_and_says_so(
    desk: DeskFor, published: str, slots: tuple[Slot, ...]
) -> None:
    hanako = cast.hanako()
    seat = desk(hanako)
    url = reverse("gadgets:move", args=[published])
    answer = seat.post(url, step="first", next=reverse("gadgets:arrange"))
    assert answer.redirect_chain[-1][0] == f"{reverse('gadgets:arrange')}#g-{html_id(published)}"
    assert "「ごみ収集日」を先頭に移動しました。" in answer.content.decode()
    assert order_of(hanako.id) == [published, "localhost.city.clock"]
    seat.post(url, step="down")
    assert order_of(hanako.id) == ["localhost.city.clock", published]


def test_hiding_and_showing_a_slot(desk: DeskFor, published: str, slots: tuple[Slot, ...]) -> None:
    hanako = cast.hanako()
    seat = desk(hanako)
    url = reverse("gadgets:move", args=[published])
    seat.post(url, step="hide")
    assert queries.placement(hanako.id, published).hidden  # type: ignore[union-attr]
    page = seat.page(reverse("gadgets:arrange"))
    assert "隠しています" in page
    assert 'value="show"' in page
    seat.post(url, step="show")
    assert not queries.placement(hanako.id, published).hidden  # type: ignore[union-attr]
    seat.post(reverse("gadgets:remove", args=[published]))
    assert queries.placement(hanako.id, published).hidden  # type: ignore[union-attr]


def test_a_locked_gadget_cannot_be_hidden(
    desk: DeskFor, published: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks.of_gadgets(monkeypatch, default_slots=lambda: (Slot(published, "S", locked=True),))
    hanako = cast.hanako()
    seat = desk(hanako)
    page = seat.page(reverse("gadgets:arrange"))
    assert 'value="hide"' not in page
    answer = seat.post(reverse("gadgets:move", args=[published]), step="hide")
    assert LockedError.message in answer.content.decode()
    assert queries.layout(hanako.id) == ()


def test_every_button_is_named_and_typed(desk: DeskFor, published: str, slots: tuple[Slot, ...]) -> None:
    page = desk(cast.hanako()).page(reverse("gadgets:arrange"))
    buttons = re.findall(r"<button[^>]*name=\"step\"[^>]*>.*?</button>", page, re.DOTALL)
    assert len(buttons) == 4
    assert all('type="submit"' in button and "ごみ収集日" in button for button in buttons)


def test_adding_and_removing_an_own_gadget(desk: DeskFor, published: str) -> None:
    hanako = cast.hanako()
    seat = desk(hanako)
    answer = seat.post(reverse("gadgets:add", args=[published]), next=reverse("gadgets:catalogue"))
    assert "ホームに追加しました" in answer.content.decode()
    assert order_of(hanako.id) == [published]
    seat.post(reverse("gadgets:add", args=[published]))
    assert order_of(hanako.id) == [published]
    seat.post(reverse("gadgets:remove", args=[published]))
    assert queries.layout(hanako.id) == ()


def test_settings_and_size_that_are_not_declared_are_refused(desk: DeskFor, published: str) -> None:
    hanako = cast.hanako()
    seat = desk(hanako)
    seat.post(reverse("gadgets:add", args=[published]))
    url = reverse("gadgets:settings", args=[published])
    seat.post(url, **{"size": "M", "setting-bins": "recycling"})
    kept = queries.placement(hanako.id, published)
    assert kept is not None
    assert (kept.size, kept.settings) == ("M", {"bins": "recycling"})
    for form in ({"size": "L", "setting-bins": "all"}, {"size": "S", "setting-bins": "everything"}):
        answer = seat.post(url, **form)
        assert BadSettingError.message in answer.content.decode()
    assert queries.placement(hanako.id, published) == kept


SETTINGS = {
    "type": "object",
    "properties": {
        "bins": {
            "enum": ["all", "recycling"],
            "labels": {"all": {"ja": "全部", "en": "All"}, "recycling": {"ja": "資源だけ"}},
            "title": {"ja": "表示するごみ"},
            "default": "recycling",
        },
        "weeks": {"type": "integer", "minimum": 1, "maximum": 4, "default": 2, "title": {"ja": "何週分"}},
        "compact": {"type": "boolean", "title": {"ja": "短く表示"}},
        "exact": {"enum": [True, False]},
        "bare": {"enum": ["x1", "x2"]},
    },
}


def test_the_settings_form_shows_words_and_takes_what_it_shows(
    desk: DeskFor, careless: Careless, django_capture_on_commit_callbacks: Any
) -> None:
    careless.document["settings"] = SETTINGS
    published = life.publish(careless.url, django_capture_on_commit_callbacks)
    hanako = cast.hanako()
    seat = desk(hanako)
    seat.post(reverse("gadgets:add", args=[published]))
    page = seat.get(reverse("gadgets:page", args=[published])).content.decode()
    assert '<option value="all">全部</option>' in page
    assert '<option value="recycling" selected>資源だけ</option>' in page
    assert '<option value="true" selected>はい</option>' in page
    assert '<option value="x1" selected>x1</option>' in page, "a code only where nothing else is known"
    assert 'type="number" name="setting-weeks" id="setting-weeks" min="1" max="4" value="2"' in page
    assert 'type="checkbox" name="setting-compact" id="setting-compact">' in page
    english = seat.get("/en" + reverse("gadgets:page", args=[published])).content.decode()
    assert '<option value="all">All</option>' in english
    assert ">資源だけ</option>" in english, "Japanese where there is no English"
    with translation.override("ja"):  # the page before was English
        url = reverse("gadgets:settings", args=[published])
    form = {"size": "S", "setting-bins": "all", "setting-weeks": "4", "setting-compact": "on"}
    seat.post(url, **form, **{"setting-exact": "false", "setting-bare": "x2"})
    kept = queries.placement(hanako.id, published)
    assert kept is not None
    assert kept.settings == {"bins": "all", "weeks": 4, "compact": True, "exact": False, "bare": "x2"}
    for wrong in ({"setting-weeks": "5"}, {"setting-weeks": "two"}, {"setting-exact": "False"}):
        answer = seat.post(url, **{**form, "setting-exact": "false", "setting-bare": "x2", **wrong})
        assert BadSettingError.message in answer.content.decode()
    assert queries.placement(hanako.id, published) == kept


def test_nobody_changes_anothers_home(desk: DeskFor, published: str) -> None:
    hanako, taro = cast.hanako(), cast.taro()
    with pytest.raises(NotPermittedError):
        actions.place(resident_id=hanako.id, gadget_id=published, by=cast.as_actor(taro))
    assert queries.layout(hanako.id) == ()


def test_what_is_not_on_the_home_cannot_be_moved(desk: DeskFor, published: str) -> None:
    hanako = cast.hanako()
    by = cast.as_actor(hanako)
    with pytest.raises(NoSuchGadgetError):
        actions.move(resident_id=hanako.id, gadget_id=published, direction="up", by=by)
    with pytest.raises(NoSuchGadgetError):
        actions.place(resident_id=hanako.id, gadget_id="localhost.nobody.here", by=by)
    assert queries.layout(hanako.id) == ()


def test_a_form_never_leads_to_another_site(desk: DeskFor, published: str) -> None:
    answer = desk(cast.hanako()).client.post(
        reverse("gadgets:add", args=[published]), {"next": "//evil.example/"}
    )
    assert answer["Location"].startswith(reverse("gadgets:page", args=[published]))


def test_a_guest_is_asked_to_sign_in(desk: DeskFor, published: str) -> None:
    answer = desk(None).client.post(reverse("gadgets:add", args=[published]))
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("identity:signin"))
