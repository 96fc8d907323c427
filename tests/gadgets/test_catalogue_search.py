"""Finding a service: kana, width and case do not matter, every word must be somewhere, categories count."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gadgets.layout.catalogue import Sought, categories, fold, search
from gadgets.types import ClaimSpec, GadgetInfo
from tests.gadgets.samples import info

WASTE = info()
LUNCH = replace(
    WASTE,
    id="example.lunch.menu",
    title={"ja": "給食の献立", "en": "School lunch"},
    summary={"ja": "今日の給食と、ゴミの分別の豆知識", "en": "What is for lunch today"},
    provider_name="給食センター",
    category="education",
    identity="none",
    claims=(),
)
ALL = (WASTE, LUNCH)


def ids(text: str = "", **more: object) -> list[str]:
    return [gadget.id for gadget in search(ALL, Sought(text, **more))]  # type: ignore[arg-type]


@pytest.mark.parametrize("typed", ["ごみ", "ゴミ", "ｺﾞﾐ"])
def test_kana_and_width_do_not_matter(typed: str) -> None:
    assert ids(typed) == [WASTE.id, LUNCH.id]


def test_a_title_stands_before_a_summary() -> None:
    assert [gadget.id for gadget in search((LUNCH, WASTE), Sought("ごみ"))] == [WASTE.id, LUNCH.id]


def test_every_word_must_be_somewhere() -> None:
    assert ids("ごみ 給食") == [LUNCH.id]
    assert ids("ごみ　給食センター") == [LUNCH.id]
    assert ids("ごみ 図書館") == []


def test_case_does_not_matter_and_english_is_found_on_every_page() -> None:
    assert ids("SCHOOL lunch") == [LUNCH.id]


def test_the_provider_the_category_and_what_is_asked_are_found() -> None:
    assert ids("給食センター") == [LUNCH.id]
    assert ids("Education") == ids("学校・教育") == [LUNCH.id]
    asks = replace(
        LUNCH, claims=(ClaimSpec("age_band", "optional", {"ja": "食べる量をお知らせするため"}, "P0D"),)
    )
    assert search((asks,), Sought("食べる量")) == [asks]


def test_a_category_and_what_learns_nothing() -> None:
    assert ids(category="education") == [LUNCH.id]
    assert ids(anonymous=True) == [LUNCH.id]
    assert ids("ごみ", category="environment", anonymous=True) == []


def test_categories_count_what_there_is() -> None:
    assert categories(ALL) == (("environment", 1), ("education", 1))
    assert categories(()) == ()


def test_what_is_not_understood_counts_as_not_given() -> None:
    assert Sought.read({"q": " ごみ\0 ", "category": "nonsense", "anonymous": "yes"}) == Sought("ごみ")
    assert not Sought.read({})
    assert len(Sought.read({"q": "あ" * 5000}).text) == 100


@given(st.text(max_size=40))
def test_whatever_is_typed_nothing_raises(typed: str) -> None:
    found: list[GadgetInfo] = search(ALL, Sought(typed))
    assert {gadget.id for gadget in found} <= {WASTE.id, LUNCH.id}


@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=30))
def test_a_service_is_found_by_its_own_title(title: str) -> None:
    named = replace(LUNCH, title={"ja": title})
    assert search((named,), Sought(title)) == [named]
    assert fold(title) in fold(f"-{title}-")
