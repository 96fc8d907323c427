"""Each reason names the attribute or the choice that caused it, and the terms sum to the score."""

from datetime import timedelta

import pytest

from recommender.catalogue import Catalogue
from recommender.explain import SENTENCES, reasons, sentence
from recommender.ranking import AttributeRanker, NewestRanker
from tests.recommender.samples import GUEST, HANAKO, LINH, NOW, TARO, item

NAMES = {
    "busshozan": "仏生山",
    "music": "音楽",
    "e3": "小学3年",
    "75+": "75歳以上",
    "ja-simple": "やさしい日本語",
}


def label(_key, value, _locale):
    return NAMES.get(value, value)


def why(profile, locale="ja", **options):
    ranked = AttributeRanker(Catalogue.compile([item("a", **options)])).rank(profile, now=NOW)[0]
    return [sentence(reason, locale, label) for reason in reasons(ranked, profile)]


def test_a_reason_names_the_district_the_topic_and_the_school_year():
    assert why(HANAKO, places=("busshozan",)) == ["お住まいの地区（仏生山）のお知らせ"]
    assert why(HANAKO, topics=("music",)) == ["選んだテーマ: 音楽"]
    assert why(HANAKO, topics=("school",)) == ["お子さまの学年（小学3年）", "お子さまのいるご家庭"]
    assert why(TARO, topics=("elderly",)) == ["年代（75歳以上）"]
    assert why(LINH, topics=("foreigners",)) == ["お使いの言語（やさしい日本語）"]
    assert why(LINH, language="ja-simple") == ["お使いの言語で読めます"]
    assert why(HANAKO, audience_keys=("household.has_child",)) == ["お子さまのいるご家庭"]


def test_the_strongest_reason_comes_first_and_there_are_at_most_three():
    told = why(
        HANAKO,
        places=("busshozan",),
        topics=("music", "school"),
        audience_keys=("household.has_child", "age_band"),
    )
    assert told == ["お住まいの地区（仏生山）のお知らせ", "お子さまのいるご家庭", "年代（35-44）"]


@pytest.mark.parametrize("locale", ["ja", "en", "ja-simple"])
def test_each_sentence_is_there_in_three_languages(locale):
    assert all(texts[locale] for texts in SENTENCES.values())
    assert why(HANAKO, locale, places=("busshozan",)) == [
        SENTENCES["district"][locale].format(value="仏生山")
    ]


def test_an_attribute_without_a_sentence_of_its_own_is_still_named():
    ranked = AttributeRanker(Catalogue.compile([item("a", audience_keys=("area.waste_zone",))])).rank(
        type(HANAKO)(attributes={"area.waste_zone": "7"}), now=NOW
    )[0]
    (reason,) = reasons(ranked, type(HANAKO)(attributes={"area.waste_zone": "7"}))
    assert (reason.change_key, sentence(reason, "en")) == ("area.waste_zone", "What you told us (7)")


def test_change_keys_lead_to_the_attribute():
    ranked = AttributeRanker(Catalogue.compile([item("a", places=("busshozan",), topics=("music",))])).rank(
        HANAKO, now=NOW
    )[0]
    assert [reason.change_key for reason in reasons(ranked, HANAKO)] == ["area.district", "interests"]


def test_without_personal_terms_the_reason_is_time():
    assert why(GUEST, topics=("music",)) == ["新しいお知らせ"]
    newest = NewestRanker(Catalogue.compile([item("a")])).rank(HANAKO, now=NOW)[0]
    assert [sentence(reason, "ja") for reason in reasons(newest, HANAKO)] == ["新しい順"]


def test_a_followed_place_is_named_as_such():
    profile = type(HANAKO)(followed=("busshozan",))
    assert why(profile, places=("busshozan",)) == ["フォローしている地区（仏生山）のお知らせ"]


def test_terms_sum_to_the_score():
    items = [
        item(f"i{n}", topics=("music", "school"), places=("busshozan",), age=timedelta(days=n))
        for n in range(9)
    ]
    catalogue = Catalogue.compile(items)
    for ranker in (AttributeRanker(catalogue), NewestRanker(catalogue)):
        for ranked in ranker.rank(HANAKO, now=NOW):
            assert sum(term.weight for term in ranked.terms) == pytest.approx(ranked.score, abs=1e-5)
