"""A piece of HTML is cut at its slots once and filled by joining."""

import pytest

from portal.home.page.page_template import Shell, clean, slot


def test_slots_are_filled_wherever_they_stand():
    shell = Shell.cut(f'<p title="{slot("a")}">{slot("b")} {slot("a")}</p>')
    assert shell.fill({"a": "1", "b": "<b>2</b>"}) == '<p title="1"><b>2</b> 1</p>'


def test_what_is_filled_in_opens_no_slot_and_a_missing_value_is_an_error():
    shell = Shell.cut(f"{slot('a')}")
    assert shell.fill({"a": slot("b")}) == slot("b")
    with pytest.raises(KeyError):
        shell.fill({})


def test_text_from_outside_loses_its_marks():
    assert clean("題\ue000csrf\ue001名") == "題csrf名"
    assert len(Shell.cut(clean(slot("csrf"))).pieces) == 1


def test_a_text_that_imitates_a_mark_stays_text():
    shell = Shell.cut(f"<p>\ue000csrf\ue001 \ue000nobody_fills_this\ue001</p>{slot('csrf')}")
    assert shell.fill({"csrf": "token"}) == "<p>\ue000csrf\ue001 \ue000nobody_fills_this\ue001</p>token"
