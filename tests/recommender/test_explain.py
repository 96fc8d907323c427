"""Each reason names what the reader told that caused it, whether that was learnt or is expected, and nothing else."""

from dataclasses import replace
from datetime import timedelta

import pytest

from recommender.domain.explain import Reason, factor, lowered, reasons
from recommender.domain.item_matrix import Catalogue
from recommender.domain.ranking import AttributeRanker, NewestRanker
from recommender.domain.sentences import SENTENCES, WHO, sentence
from recommender.domain.types import Profile
from recommender.domain.weights import Prior, Weights
from tests.recommender.samples import GUEST, HANAKO, LINH, NOW, TARO, item

NAMES = {
    "busshozan": "仏生山",
    "music": "音楽",
    "school": "学校",
    "elderly": "介護",
    "e3": "小学3年",
    "75+": "75歳以上",
    "ja-simple": "やさしい日本語",
}
LEARNT = {
    "attribute:age_band": {"75+|health": 0.47, "75+|music": -0.69, "75+|food": 0.02, "35-44|school": 3.1},
    "attribute:household.has_child": {"true|school": 0.06},
}


def label(_key, value, _locale):
    return NAMES.get(value, value)


def ranked_in(catalogue, profile):
    return AttributeRanker(catalogue).rank(profile, now=NOW)[0]


def why(profile, locale="ja", weights=None, say=reasons, **options):
    catalogue = Catalogue.compile([item("a", **options)], weights)
    return [sentence(one, locale, label) for one in say(ranked_in(catalogue, profile), profile, catalogue)]


def test_a_reason_names_the_district_the_topic_and_the_school_year():
    assert why(HANAKO, places=("busshozan",)) == ["お住まいの地区（仏生山）のお知らせ"]
    assert why(HANAKO, topics=("music",)) == ["選んだテーマ: 音楽"]
    assert why(HANAKO, topics=("school",)) == [
        "お子さまの学年（小学3年）が同じご家庭には「学校」が役に立つと、市の担当者が見込んでいます",
        "お子さまのいるご家庭には「学校」が役に立つと、市の担当者が見込んでいます",
    ]
    assert why(TARO, topics=("elderly",)) == [
        "同じ年代（75歳以上）の方には「介護」が役に立つと、市の担当者が見込んでいます"
    ]
    assert why(LINH, language="ja-simple") == ["お使いの言語で読めます"]
    assert why(HANAKO, audience_keys=("household.has_child",)) == ["お子さまのいるご家庭へのお知らせ"]


def test_what_was_learnt_says_how_many_times_as_often_and_from_what():
    learnt = Weights(learnt=LEARNT)
    assert why(TARO, weights=learnt, topics=("health",)) == [
        "同じ年代（75歳以上）の方は「health」をよく開きます（全体の約1.6倍。利用の記録から）"
    ]
    assert why(TARO, "en", learnt, topics=("health",)) == [
        "People of your age group (75歳以上) open “health” about 1.6 times as often as others (from records of use)"
    ]
    # What nobody has learnt has no number, also beside what was learnt.
    assert "見込んでいます" in why(TARO, weights=learnt, topics=("elderly",))[0]


def test_a_factor_that_rounds_to_one_is_told_without_a_number():
    told = why(HANAKO, weights=Weights(Prior(attribute_topic={}), LEARNT), topics=("school",))
    assert told == [
        "同じ年代（35-44）の方は「学校」をよく開きます（全体の約22.2倍。利用の記録から）",
        "お子さまのいるご家庭は「学校」を少しよく開きます（利用の記録から）",
    ]


def test_of_several_topics_the_one_that_carries_it_is_named():
    told = why(TARO, weights=Weights(learnt=LEARNT), topics=("music", "food", "health"))
    assert [text for text in told if "年代" in text] == []
    (told,) = why(TARO, weights=Weights(learnt=LEARNT), topics=("food", "health"))
    assert "「health」" in told


def test_the_strongest_reason_comes_first_and_there_are_at_most_three():
    told = why(
        HANAKO,
        places=("busshozan",),
        topics=("music", "school"),
        audience_keys=("household.has_child", "age_band"),
        language="ja",
    )
    assert told == [
        "お子さまのいるご家庭へのお知らせ",
        "お住まいの地区（仏生山）のお知らせ",
        "同じ年代（35-44）の方へのお知らせ",
    ]


def test_all_that_one_attribute_does_is_one_reason():
    assert why(HANAKO, topics=("music", "food")) == ["選んだテーマ: food、音楽"]
    district = Prior(
        attribute_topic={
            ("area.district", "busshozan"): {"music": 0.4},
            ("area.waste_zone", "7"): {"music": 0.3},
        }
    )
    profile = Profile(district="busshozan", attributes={"area.district": "busshozan", "area.waste_zone": "7"})
    (told,) = why(profile, weights=Weights(district), places=("busshozan",), topics=("music",))
    assert told == "お住まいの地区（仏生山）のお知らせ"


@pytest.mark.parametrize("locale", ["ja", "en", "ja-simple"])
def test_each_sentence_is_there_in_three_languages(locale):
    assert all(texts[locale] for texts in (*SENTENCES.values(), *WHO.values()))
    assert why(HANAKO, locale, places=("busshozan",)) == [
        SENTENCES["district"][locale].format(value="仏生山")
    ]
    # A language without sentences gets Japanese.
    assert why(HANAKO, "fr", places=("busshozan",)) == ["お住まいの地区（仏生山）のお知らせ"]


@pytest.mark.parametrize("locale", ["ja", "en", "ja-simple"])
@pytest.mark.parametrize("code", [*SENTENCES])
def test_no_number_stands_without_its_source(code, locale):
    text = SENTENCES[code][locale]
    assert ("{factor}" not in text) or any(
        source in text for source in ("利用の記録から", "from records of use", "きろくから")
    )
    assert not any(sign.isdigit() for sign in text)


def test_an_attribute_without_a_sentence_of_its_own_is_still_named():
    profile = Profile(attributes={"area.waste_zone": "7"})
    catalogue = Catalogue.compile([item("a", audience_keys=("area.waste_zone",))])
    (reason,) = reasons(ranked_in(catalogue, profile), profile, catalogue)
    assert sentence(reason, "en") == "For people who told us the same (7)"
    # The zone follows from the district, so that is what can be changed.
    assert reason.change_key == "area.district"


def test_change_keys_lead_to_the_attribute_or_preference():
    profile = replace(HANAKO, district=None, followed=("busshozan",))
    catalogue = Catalogue.compile([item("a", places=("busshozan",), topics=("music",), language="ja")])
    told = reasons(ranked_in(catalogue, profile), profile, catalogue)
    assert [(one.code, one.change_key) for one in told] == [
        ("topic", "interests"), ("followed", "area.followed"), ("language", "language"),
    ]  # fmt: skip


def test_without_personal_terms_the_reason_is_time():
    assert why(GUEST, topics=("music",)) == ["新しいお知らせ"]
    catalogue = Catalogue.compile([item("a")])
    newest = NewestRanker(catalogue).rank(HANAKO, now=NOW)[0]
    assert reasons(newest, HANAKO, catalogue) == (Reason("newest", {}),)


@pytest.mark.parametrize(
    ("days", "kind", "learnt", "says"),
    [
        (10, "news", {}, "新しいお知らせ"),
        (20, "news", {}, "あなただけの理由はありません"),
        (300, "service", {}, "あなただけの理由はありません"),
        (1500, "service", {"item": {"a": 3.0}}, "多くの方に開かれています（利用の記録から）"),
        (1500, "service", {"item": {"a": -3.0}}, "あなただけの理由はありません"),
        (20, "news", {"topic": {"music": 0.4}}, "多くの方に開かれています（利用の記録から）"),
    ],
)
def test_what_is_old_is_not_called_recent(days, kind, learnt, says):
    weights = Weights(Prior(), learnt)
    assert why(GUEST, weights=weights, kind=kind, topics=("music",), age=timedelta(days=days)) == [says]


@pytest.mark.parametrize(("ahead", "code"), [(3, "soon"), (-1, "soon"), (40, "everybody")])
def test_an_event_is_soon_and_not_recent(ahead, code):
    event = replace(item("a", kind="event"), starts_at=NOW + timedelta(days=ahead))
    catalogue = Catalogue.compile([event])
    assert [one.code for one in reasons(ranked_in(catalogue, GUEST), GUEST, catalogue)] == [code]


def test_what_the_caps_brought_up_says_so():
    items = [item(f"n{n}", provider="bus") for n in range(5)]
    old = [item(f"o{n}", age=timedelta(days=60)) for n in range(3)]
    catalogue = Catalogue.compile([*items, *old])
    ranked = AttributeRanker(catalogue).rank(GUEST, now=NOW)
    codes = {one.item_id: reasons(one, GUEST, catalogue)[0].code for one in ranked}
    assert [one.item_id for one in ranked][:5] == ["n0", "n1", "o0", "o1", "o2"]
    assert [codes[f"o{n}"] for n in range(3)] == ["varied"] * 3
    assert {codes[f"n{n}"] for n in range(5)} == {"recent"}


def test_of_several_values_the_one_that_is_meant_is_named():
    profile = Profile(attributes={"household.school_years": ("preschool", "e3")})
    meant = item("a", audience_keys=("household.school_years",))
    catalogue = Catalogue.compile([replace(meant, audience_values=(("household.school_years", "e3"),))])
    (reason,) = reasons(ranked_in(catalogue, profile), profile, catalogue)
    assert sentence(reason, "ja", label) == "お子さまの学年（小学3年）が同じご家庭へのお知らせ"


def test_a_followed_place_is_named_as_such():
    assert why(Profile(followed=("busshozan",)), places=("busshozan",)) == [
        "気になる地区（仏生山）のお知らせ"
    ]
    assert why(Profile(followed=("aji",)), places=("yashima",), say=lowered) == ["ほかの地区のお知らせ"]


def test_what_lowers_an_item_is_named_as_well():
    avoiding = replace(TARO, avoided=("music",))
    assert why(avoiding, topics=("music",), say=lowered) == ["減らしたい話題: 音楽"]
    assert why(TARO, places=("busshozan",), say=lowered) == ["ほかの地区のお知らせ"]
    assert why(TARO, "en", language="en", say=lowered) == ["Not in your language"]
    learnt = Weights(learnt={"attribute:age_band": {"75+|music": -0.69, "75+|food": -0.06}})
    assert why(TARO, weights=learnt, topics=("music",), say=lowered) == [
        "同じ年代（75歳以上）の方が「音楽」を開くことは少なめです（全体の約0.5倍。利用の記録から）"
    ]
    assert "少しだけ" in why(TARO, weights=learnt, topics=("food",), say=lowered)[0]
    unexpected = Weights(Prior(attribute_topic={("age_band", "75+"): {"music": -0.3}}))
    assert "後でよい" in why(TARO, weights=unexpected, topics=("music",), say=lowered)[0]
    assert why(TARO, topics=("music",), say=lowered) == ["ほかの項目が上がったため"]


def test_what_was_asked_for_less_of_is_never_a_reason_to_show_it():
    told = why(replace(TARO, avoided=("elderly",)), topics=("elderly",))
    assert not any("減らしたい" in text for text in told)


@pytest.mark.parametrize(("weight", "told"), [(0.47, "1.6"), (-0.69, "0.5"), (-4.0, "0.02"), (0.0, "1.0")])
def test_a_weight_as_a_factor(weight, told):
    assert factor(weight) == told


def test_terms_sum_to_the_score():
    items = [
        item(f"i{n}", topics=("music", "school"), places=("busshozan",), age=timedelta(days=n))
        for n in range(9)
    ]
    catalogue = Catalogue.compile(items)
    for ranker in (AttributeRanker(catalogue), NewestRanker(catalogue)):
        for ranked in ranker.rank(HANAKO, now=NOW):
            assert sum(term.weight for term in ranked.terms) == pytest.approx(ranked.score, abs=1e-5)


def test_what_stands_there_for_another_reason_than_the_reader_says_so():
    catalogue = Catalogue.compile([item("a", places=("busshozan",), topics=("music",))])
    ranked = ranked_in(catalogue, HANAKO)
    assert [one.code for one in reasons(replace(ranked, exploring=True), HANAKO, catalogue)] == ["exploring"]
    told = reasons(replace(ranked, lifted=True), HANAKO, catalogue)
    assert [one.code for one in told] == ["lifted", "district", "topic"]
