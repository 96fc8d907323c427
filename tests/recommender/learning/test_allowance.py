"""What one resident may say in 30 days."""

import numpy as np
import pytest

from recommender.domain.features import Shown
from recommender.domain.types import Profile
from recommender.learning.contribution_cap import Limits, Used, allowed, shares
from recommender.learning.folding import Known
from recommender.learning.rows import Row
from tests.recommender.samples import NOW, item

LIMITS = Limits(least=1.0, by_share=8.0, overall=3.0)


def row(name: str, clicks: float, provider: str = "club", subject: str = "a") -> Row:
    return Row(Shown(Profile(), item(name, provider=provider), NOW, 0, clicks, subject), "v")


def say(rows, used=None, share=None, expected=0.1):
    kept, now = allowed(rows, np.full(len(rows), expected), used or {}, share or {}, LIMITS)
    return [one.shown.clicks for one in kept], now


def test_the_second_click_about_a_provider_is_a_view():
    clicks, used = say([row("x", 1.0), row("y", 1.0), row("z", 1.0, "hall")])
    assert clicks == [1.0, 0.0, 1.0]
    assert used["a", "provider|club"].c == 1.0
    assert used["a", "*"].c == 2.0


def test_somebody_else_has_an_allowance_of_their_own():
    assert say([row("x", 1.0), row("x", 1.0, subject="b")])[0] == [1.0, 1.0]


def test_about_who_is_opened_most_a_resident_may_say_more():
    assert say([row("x", 1.0), row("y", 1.0)], share={"club": 0.1})[0] == [1.0, pytest.approx(0.8)]


def test_altogether_there_is_an_end():
    assert say([row(str(n), 1.0, f"p{n}") for n in range(5)])[0] == [1.0, 1.0, 1.0, 0.0, 0.0]


def test_views_beyond_the_allowance_are_not_learnt_from():
    assert say([row(str(n), 0.0) for n in range(5)], expected=0.4)[0] == [0.0, 0.0]


def test_what_was_used_before_counts_and_is_not_changed():
    before = {("a", "provider|club"): Used(1.0, 0.5)}
    clicks, now = say([row("x", 1.0)], before)
    assert clicks == [0.0]
    assert before["a", "provider|club"] == Used(1.0, 0.5)
    assert now["a", "provider|club"].e == pytest.approx(0.6)


def test_an_item_counts_once_in_a_batch_the_time_it_was_opened():
    assert say([row("x", 0.0), row("x", 1.0), row("x", 0.0), row("x", 1.0)])[0] == [1.0]
    assert say([row("x", 0.0), row("x", 0.0)])[0] == [0.0]


def test_what_has_no_provider_uses_the_whole_only():
    assert set(say([row("x", 1.0, "")])[1]) == {("a", "*")}


def test_shares_of_providers():
    assert shares({}) == {}
    assert shares({"a": Known(0, 3), "b": Known(0, 1)}) == {"a": 0.75, "b": 0.25}
