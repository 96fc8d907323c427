"""The audience predicate: who matches, why, and how a wrong one is refused by its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.disclosure import SMALL_CELL
from demo.cast import HANAKO, LINH, TARO
from identity.domain import attributes
from identity.domain.audience import K_REACH, Audience, AudienceError, matched, matches

PARENTS_OF_BUSSHOZAN = Audience.parse({"area.district": ["busshozan"], "household.has_child": [True]})


def test_an_empty_audience_is_everybody() -> None:
    everybody = Audience.parse({})
    assert not everybody
    assert matches(everybody, {})
    assert matched(everybody, {"age_band": "75+"}) == ()


def test_keys_are_joined_by_and() -> None:
    assert matches(PARENTS_OF_BUSSHOZAN, attributes.derive(HANAKO.attributes))
    assert not matches(PARENTS_OF_BUSSHOZAN, attributes.derive(TARO.attributes))
    assert not matches(PARENTS_OF_BUSSHOZAN, {"area.district": "busshozan"})


def test_values_of_a_key_are_joined_by_or_and_meet_multiple_values() -> None:
    school = Audience.parse({"household.school_years": ["e3", "e4"]})
    assert matches(school, attributes.derive(HANAKO.attributes))
    assert not matches(school, {"household.school_years": ("preschool",)})


def test_what_is_not_known_never_matches_not_even_no() -> None:
    without = Audience.parse({"household.has_child": [False]})
    assert matches(without, attributes.derive(TARO.attributes))
    assert not matches(without, attributes.derive(LINH.attributes))


def test_the_keys_that_made_it_match_are_named() -> None:
    assert matched(PARENTS_OF_BUSSHOZAN, attributes.derive(HANAKO.attributes)) == (
        "area.district",
        "household.has_child",
    )
    assert matched(PARENTS_OF_BUSSHOZAN, {}) == ()


@pytest.mark.parametrize(
    ("raw", "place", "said"),
    [
        ([], "", "組で書いてください"),
        ("all", "", "組で書いてください"),
        ({"area.street": ["x"]}, "/area.street", "「area.street」という属性はありません"),
        ({1: ["x"]}, "/1", "という属性はありません"),
        ({"area.district": "busshozan"}, "/area.district", "一覧で書いてください"),
        ({"area.district": []}, "/area.district", "一つ以上"),
        ({"area.district": ["busshozan", "mars"]}, "/area.district/1", "「mars」"),
        ({"household.has_child": [1]}, "/household.has_child/0", "「はい」か「いいえ」"),
        ({"interests": [["music"]]}, "/interests/0", "選択肢はありません"),
    ],
)
def test_a_wrong_audience_is_refused_by_its_place(raw: object, place: str, said: str) -> None:
    with pytest.raises(AudienceError) as caught:
        Audience.parse(raw)
    assert caught.value.place == place
    assert said in str(caught.value)


def _audiences() -> st.SearchStrategy[dict[str, list[str | bool]]]:
    parts = {
        key: st.lists(
            st.booleans() if known.kind == "bool" else st.sampled_from(list(known.options)),
            min_size=1,
            unique=True,
        )
        for key, known in attributes.DEFINITIONS.items()
    }
    return st.fixed_dictionaries({}, optional=parts)


@given(_audiences())
def test_the_json_form_is_stable(raw: dict[str, list[str | bool]]) -> None:
    audience = Audience.parse(raw)
    assert Audience.parse(audience.to_json()) == audience
    assert {key: set(values) for key, values in audience.to_json().items()} == {
        key: set(values) for key, values in raw.items()
    }
    assert hash(audience) == hash(Audience.parse(raw))


def test_small_numbers_are_protected_by_the_designs_constants() -> None:
    assert (SMALL_CELL, K_REACH) == (20, 30)
