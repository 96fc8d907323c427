"""The vocabularies of attributes: what is accepted, what follows, and what is refused with a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.domain import attributes
from identity.errors import DerivedAttribute, UnknownAttribute, UnknownValue


def test_the_region_has_every_district_of_the_waste_table_with_its_zone() -> None:
    assert len(attributes.DISTRICTS) == 42
    assert attributes.DISTRICTS["busshozan"].waste_zone == "7"
    assert attributes.DISTRICTS["yashima"].waste_zone == "8"
    assert attributes.DISTRICTS["ritsurin"].waste_zone == "3"
    assert {d.waste_zone for d in attributes.DISTRICTS.values()} == set("12345678")
    for district in attributes.DISTRICTS.values():
        assert set(district.name) == set(attributes.LOCALES)
        assert district.middle is not None
        assert 34.0 < district.middle[0] < 34.5
        assert 133.9 < district.middle[1] < 134.3


def test_every_text_is_there_in_three_languages() -> None:
    for known in attributes.DEFINITIONS.values():
        for texts in (known.label, *known.options.values()):
            assert all(texts[locale] for locale in attributes.LOCALES)


def test_several_values_come_out_in_the_order_of_the_vocabulary_each_once() -> None:
    assert attributes.validate("household.school_years", ["e3", "preschool", "e3"]) == ("preschool", "e3")


@pytest.mark.parametrize(("raw", "value"), [("true", True), ("false", False), (True, True), (False, False)])
def test_yes_and_no_are_taken_from_forms_and_from_json(raw: object, value: bool) -> None:
    assert attributes.validate("household.has_child", raw) is value


@pytest.mark.parametrize(
    ("key", "raw", "said"),
    [
        ("area.district", "atlantis", "お住まいの地区に「atlantis」という選択肢はありません。"),
        ("area.district", None, "お住まいの地区に「None」という選択肢はありません。"),
        ("area.district", ["busshozan"], "お住まいの地区"),
        ("age_band", "30", "年代に「30」という選択肢はありません。"),
        ("household.has_child", "maybe", "「はい」か「いいえ」で答えてください。"),
        ("household.has_child", 1, "「はい」か「いいえ」で答えてください。"),
        ("interests", "music", "関心のある話題は、選択肢の一覧で答えてください。"),
        ("interests", 5, "選択肢の一覧で答えてください。"),
        ("interests", ["music", "knitting"], "「knitting」という選択肢はありません。"),
    ],
)
def test_a_value_outside_the_vocabulary_is_refused_and_named(key: str, raw: object, said: str) -> None:
    with pytest.raises(UnknownValue) as caught:
        attributes.validate(key, raw)
    assert caught.value.key == key
    assert said in str(caught.value)
    assert caught.value.retry is False


def test_an_attribute_that_does_not_exist_is_refused_and_named() -> None:
    with pytest.raises(UnknownAttribute) as caught:
        attributes.validate("household.lives_alone", True)
    assert caught.value.key == "household.lives_alone"
    assert "household.lives_alone" in str(caught.value)


def test_what_is_derived_cannot_be_set() -> None:
    with pytest.raises(DerivedAttribute) as caught:
        attributes.validate_settable("area.waste_zone", "3")
    assert caught.value.key == "area.waste_zone"
    assert attributes.validate("area.waste_zone", "3") == "3"


def test_the_waste_zone_follows_the_district_and_children_follow_school_years() -> None:
    derived = attributes.derive({"area.district": "busshozan", "household.school_years": ("e3",)})
    assert derived["area.waste_zone"] == "7"
    assert derived["household.has_child"] is True


def test_nothing_is_derived_from_nothing_and_a_stale_zone_is_dropped() -> None:
    assert attributes.derive({}) == {}
    assert attributes.derive({"area.waste_zone": "3"}) == {}
    assert attributes.derive({"household.has_child": False}) == {"household.has_child": False}


@given(st.sampled_from(list(attributes.DISTRICTS)), st.sets(st.sampled_from(list(attributes.SCHOOL_YEARS))))
def test_values_survive_the_database(district: str, years: set[str]) -> None:
    values = {
        "area.district": attributes.validate("area.district", district),
        "household.school_years": attributes.validate("household.school_years", years),
    }
    assert attributes.from_json(attributes.to_json(values)) == values
    assert attributes.derive(attributes.derive(values)) == attributes.derive(values)


@pytest.mark.parametrize(
    ("locale", "label", "value"),
    [
        ("ja", "お子さんの学年", "就学前、小学3年"),
        ("en", "Children's school years", "Before school, Elementary year 3"),
        ("fr", "お子さんの学年", "就学前、小学3年"),
    ],
)
def test_labels_speak_the_readers_language(locale: str, label: str, value: str) -> None:
    key = "household.school_years"
    assert attributes.label(key, locale) == label
    assert attributes.value_label(key, ("preschool", "e3"), locale) == value


def test_labels_of_yes_and_of_an_old_code() -> None:
    assert attributes.value_label("household.has_child", True, "en") == "Yes"
    assert attributes.value_label("area.district", "gone", "ja") == "gone"


def test_no_provider_may_ask_for_preferences() -> None:
    assert {"interests", "avoids", "area.followed"}.isdisjoint(attributes.CLAIMS)
    assert "area.waste_zone" in attributes.CLAIMS
