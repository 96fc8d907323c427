"""Editors' rules on a list: first, up, down, away, for a time, never on what is urgent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.domain.explain import lowered, reasons
from recommender.domain.item_matrix import Catalogue
from recommender.domain.ranking import AttributeRanker, NewestRanker
from recommender.domain.rules import LONGEST, MOST_PINNED, Rule, Ruling, compiled, ruling
from recommender.domain.sentences import SENTENCES
from recommender.domain.types import Item, Profile, Ranked
from recommender.errors import RuleRefusedError
from tests.recommender.samples import NOW, item

ITEMS = [
    *(item(f"n{number}", topics=("school",), provider="bus" if number < 3 else "") for number in range(8)),
    item("old", topics=("music",), age=timedelta(days=60)),
    item("urgent", urgent=True, topics=("school",)),
]


def rule(**more: Any) -> Rule:
    given_: dict[str, Any] = {
        "id": 7, "effect": "boost", "of": "item", "target": "old", "amount": 1.0, "audience": {},
        "reason": "締切が近いため", "starts_at": NOW - timedelta(hours=1), "ends_at": NOW + timedelta(days=7),
    }  # fmt: skip
    return Rule(**{**given_, **more})


def made(*rules: Rule) -> tuple[Catalogue, Ruling | None]:
    catalogue = Catalogue.compile(ITEMS)
    return catalogue, ruling(compiled(rules, catalogue.items), len(catalogue.items))


def listed(*rules: Rule, limit: int = 20) -> list[Ranked]:
    catalogue, found = made(*rules)
    return AttributeRanker(catalogue).rank(Profile(), now=NOW, limit=limit, ruling=found)


def ids(ranked: list[Ranked]) -> list[str]:
    return [one.item_id for one in ranked]


def test_without_a_rule_nothing_is_ruled() -> None:
    assert made()[1] is None
    assert ids(listed())[0] == "n0"


def test_a_pinned_item_stands_first_with_its_own_score_and_says_so() -> None:
    before = {one.item_id: one.score for one in listed()}
    found = listed(rule(effect="pin", amount=0.0))
    assert ids(found)[0] == "old"
    assert found[0].pinned
    assert found[0].score == pytest.approx(before["old"])
    catalogue, _ = made()
    assert reasons(found[0], Profile(), catalogue)[0].code == "pinned"
    assert not any(one.pinned for one in found[1:])
    assert [reasons(one, Profile(), catalogue)[0].code for one in found[1:]] == ["recent"] * len(found[1:])


def test_two_stand_first_at_most_those_that_began_last() -> None:
    pins = [
        rule(id=n, effect="pin", target=f"n{n}", starts_at=NOW - timedelta(hours=5 - n)) for n in range(3, 6)
    ]
    found = listed(*pins)
    assert MOST_PINNED == 2
    assert ids(found)[:2] == ["n5", "n4"]
    assert [one.pinned for one in found[:3]] == [True, True, False]


def test_what_is_pinned_counts_for_the_caps() -> None:
    catalogue, found = made(rule(effect="pin", target="n0"), rule(id=8, effect="pin", target="n1"))
    ranked = AttributeRanker(catalogue).rank(Profile(), now=NOW, limit=4, ruling=found)
    providers = [catalogue.items[catalogue.index[one]].provider for one in ids(ranked)]
    assert providers.count("bus") == 2


def test_a_boost_adds_its_amount_to_the_score_as_a_term_of_its_own() -> None:
    before = {one.item_id: one for one in listed()}
    after = {one.item_id: one for one in listed(rule(amount=1.5))}
    assert after["old"].score - before["old"].score == pytest.approx(1.5, abs=1e-5)
    assert [(t.family, t.key, t.weight) for t in after["old"].terms if t.family == "rule"] == [
        ("rule", "7", 1.5)
    ]
    for one in after.values():
        assert sum(term.weight for term in one.terms) == pytest.approx(one.score, abs=1e-5)
    catalogue, _ = made()
    assert reasons(after["old"], Profile(), catalogue)[0].code == "ruled_up"
    assert reasons(after["n5"], Profile(), catalogue)[0].code == "recent"


def test_what_is_lowered_says_so_where_it_is_asked() -> None:
    catalogue, _ = made()
    ranked = {one.item_id: one for one in listed(rule(amount=-1.0, target="n5"))}
    assert "n5" not in ids(listed(rule(amount=-3.0, target="n5"), limit=6))
    assert lowered(ranked["n5"], Profile(), catalogue)[0].code == "ruled_down"
    assert lowered(ranked["n4"], Profile(), catalogue)[0].code == "others"


@pytest.mark.parametrize(
    ("of", "target", "gone"),
    [
        ("item", "n3", {"n3"}),
        ("topic", "music", {"old"}),
        ("provider", "bus", {"n0", "n1", "n2"}),
        ("kind", "news", {one.id for one in ITEMS} - {"urgent"}),
        ("item", "nothing of that name", set()),
    ],
)
def test_what_is_hidden_is_on_neither_list(of: str, target: str, gone: set[str]) -> None:
    catalogue, found = made(rule(effect="hide", of=of, target=target, amount=0.0))
    everything = {one.id for one in ITEMS}
    for ranker in (AttributeRanker(catalogue), NewestRanker(catalogue)):
        ranked = ranker.rank(Profile(), now=NOW, limit=20, ruling=found)
        assert set(ids(ranked)) == everything - gone


def test_the_order_of_time_heeds_no_pin_and_no_boost() -> None:
    catalogue, found = made(rule(effect="pin"), rule(id=8, amount=3.0))
    newest = NewestRanker(catalogue)
    assert newest.rank(Profile(), now=NOW, ruling=found) == newest.rank(Profile(), now=NOW)


def test_what_is_urgent_is_never_ruled() -> None:
    for effect in ("hide", "pin", "boost"):
        _, found = made(
            rule(effect=effect, target="urgent"), rule(id=8, effect=effect, of="topic", target="school")
        )
        assert found is not None
        row = Catalogue.compile(ITEMS).index["urgent"]
        assert not any(one.rows[row] for one in found.ruled)


def test_a_rule_holds_from_its_beginning_until_just_before_its_end() -> None:
    one = rule()
    assert one.holds(one.starts_at)
    assert not one.holds(one.starts_at - timedelta(microseconds=1))
    assert one.holds(one.ends_at - timedelta(microseconds=1))
    assert not one.holds(one.ends_at)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("effect", {"effect": "explode"}),
        ("target", {"of": "weather"}),
        ("target", {"target": ""}),
        ("target", {"effect": "pin", "of": "topic", "target": "school"}),
        ("amount", {"amount": 0.0}),
        ("amount", {"amount": 3.5}),
        ("amount", {"amount": float("nan")}),
        ("amount", {"effect": "hide", "amount": float("inf")}),
        ("reason", {"reason": "  "}),
        ("ends_at", {"ends_at": NOW}),
        ("ends_at", {"starts_at": NOW + timedelta(days=9)}),
        ("ends_at", {"ends_at": NOW + LONGEST}),
        ("ends_at", {"ends_at": datetime.max.replace(tzinfo=UTC)}),
    ],
)
def test_what_may_not_be_made_names_its_field(field: str, wrong: dict[str, Any]) -> None:
    rule().check(NOW)
    with pytest.raises(RuleRefusedError) as refused:
        rule(**wrong).check(NOW)
    assert refused.value.field == field


def test_every_reason_of_a_rule_has_three_languages() -> None:
    for code in ("pinned", "ruled_up", "ruled_down"):
        assert set(SENTENCES[code]) == {"ja", "en", "ja-simple"}


targets = st.sampled_from(
    [("item", "n1"), ("item", "old"), ("topic", "school"), ("provider", "bus"), ("kind", "news")]
)


@given(
    st.lists(
        st.tuples(st.sampled_from(["pin", "boost", "hide"]), targets, st.floats(-3, 3)),
        min_size=1,
        max_size=6,
    ),
    st.integers(0, 12),
)
def test_any_rules_make_a_complete_list_without_repetition(
    chosen: list[tuple[str, tuple[str, str], float]], limit: int
) -> None:
    rules = [
        rule(id=n, effect=effect, of=of, target=target, amount=amount)
        for n, (effect, (of, target), amount) in enumerate(chosen)
    ]
    catalogue, found = made(*rules)
    assert found is not None
    ranked = AttributeRanker(catalogue).rank(Profile(), now=NOW, limit=limit, ruling=found)
    shown: list[Item] = [catalogue.items[catalogue.index[one.item_id]] for one in ranked]
    assert len(shown) == len(set(shown)) == min(limit, int(np.count_nonzero(~found.hidden)))
    for one in ranked:
        assert sum(term.weight for term in one.terms) == pytest.approx(one.score, abs=1e-5)
