"""What a filled-in form means: values of the declared types, or what is wrong with each field."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gadgets.protocol import forms
from tests.gadgets.test_card import BLOCKS, SUBMIT

WISH = forms.read(BLOCKS["form"])
GOOD = {"dish": "カレー", "people": "3", "when": "am", "agree": "on", "day": "2026-04-10"}


def one(**field: Any) -> forms.FormSpec:
    return forms.read({**BLOCKS["form"], "fields": [{"name": "a", "label": "a", **field}]})


def test_texts_of_a_web_form_become_values() -> None:
    values, faults = forms.check(WISH, GOOD)
    assert faults == ()
    assert values == {"dish": "カレー", "people": 3, "when": "am", "agree": True, "day": "2026-04-10"}


def test_an_empty_field_that_is_not_required_is_null() -> None:
    values, faults = forms.check(WISH, {"dish": " うどん ", "agree": "on"})
    assert faults == ()
    assert values == {"dish": "うどん", "people": None, "when": None, "agree": True, "day": None}


def test_what_the_form_does_not_ask_for_is_not_sent() -> None:
    values, _ = forms.check(WISH, {**GOOD, "more": "x"})
    assert "more" not in values


def test_a_submit_sends_its_fixed_values() -> None:
    spec = forms.read(SUBMIT)
    assert forms.check(spec, {"id": "9"}) == ({"id": 3, "all": False}, ())
    assert (spec.button, spec.fields) == ("取り消す", ())


@pytest.mark.parametrize(
    ("changes", "name", "fault", "limit"),
    [
        ({"dish": ""}, "dish", "missing", ""),
        ({"dish": "   "}, "dish", "missing", ""),
        ({"dish": "あ" * 21}, "dish", "too_long", "20"),
        ({"dish": "a\nb"}, "dish", "bad_text", ""),
        ({"dish": "a\u202eb"}, "dish", "bad_text", ""),
        ({"dish": "a\x00b"}, "dish", "bad_text", ""),
        ({"people": "three"}, "people", "no_number", ""),
        ({"people": "1e3"}, "people", "no_number", ""),
        ({"people": "nan"}, "people", "no_number", ""),
        ({"people": "2.5"}, "people", "not_whole", ""),
        ({"people": "0"}, "people", "too_small", "1"),
        ({"people": "6"}, "people", "too_large", "5"),
        ({"when": "noon"}, "when", "no_choice", ""),
        ({"agree": ""}, "agree", "missing", ""),
        ({"day": "2026-02-30"}, "day", "no_date", ""),
        ({"day": "tomorrow"}, "day", "no_date", ""),
        ({"day": "2026-03-31"}, "day", "too_early", "2026-04-01"),
        ({"day": "2026-05-01"}, "day", "too_late", "2026-04-30"),
    ],
)
def test_each_fault_is_told_with_its_limit(
    changes: dict[str, str], name: str, fault: str, limit: str
) -> None:
    values, faults = forms.check(WISH, {**GOOD, **changes})
    assert [(found.field.name, found.fault, found.limit) for found in faults] == [(name, fault, limit)]
    assert name not in values


def test_full_width_digits_and_fractions_are_numbers() -> None:
    spec = one(type="number", minimum=-10, maximum=2000)
    for text, value in (("１２", 12), ("－３．５", -3.5), ("1,200", 1200), ("0.25", 0.25)):
        assert forms.check(spec, {"a": text}) == ({"a": value}, ())


def test_plain_text_may_hold_what_looks_like_a_tag_and_several_lines_where_asked() -> None:
    spec = one(type="text", max_length=40, multiline=True)
    assert forms.check(spec, {"a": "<b>3 < 4</b>\r\n二行目"}) == ({"a": "<b>3 < 4</b>\n二行目"}, ())


def test_the_digest_changes_with_the_form_and_not_with_its_fallback() -> None:
    changed = {**BLOCKS["form"], "label": "別の名前"}
    assert forms.read(changed).digest != WISH.digest
    assert forms.read({**BLOCKS["form"], "fallback": "代わり"}).digest == WISH.digest
    assert forms.find((BLOCKS["form"], SUBMIT), "cancel") == forms.read(SUBMIT)
    assert forms.find((BLOCKS["form"],), "cancel") is None


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), st.text(max_size=30)))
def test_whatever_is_typed_is_a_value_or_a_fault(typed: dict[str, str]) -> None:
    values, faults = forms.check(WISH, typed)
    assert {found.field.name for found in faults} | set(values) == set(GOOD)
    assert not {found.field.name for found in faults} & set(values)
