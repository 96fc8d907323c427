"""A guest's cookie holds only what is in the vocabulary, in one form for equal choices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.domain.attributes import DISTRICTS, TOPICS
from portal.home.errors import ChoicesError
from portal.home.guest import Choices, choose, read


def test_equal_choices_make_equal_cookies():
    assert choose("busshozan", ["music", "food", "music"]).cookie == "1.busshozan.food-music"
    assert choose("busshozan", ["food", "music"]) == choose("busshozan", ["music", "food"])


@given(district=st.sampled_from(["", *DISTRICTS]), topics=st.sets(st.sampled_from(sorted(TOPICS))))
def test_what_is_chosen_is_read_back(district, topics):
    choices = choose(district, topics)
    assert read(choices.cookie) == choices


@pytest.mark.parametrize(
    "cookie",
    [
        None,
        "",
        "1",
        "1.",
        "2.busshozan.",
        "1.atlantis.music",
        "1.busshozan.opera",
        "1.busshozan.music-",
        "x" * 500,
    ],
)
def test_a_broken_or_forged_cookie_is_no_choice(cookie):
    assert read(cookie) == Choices()
    assert not read(cookie)


@given(cookie=st.text(max_size=60))
def test_no_cookie_breaks_the_page(cookie):
    assert read(cookie).district in {None, *DISTRICTS}


def test_a_form_with_something_unknown_is_refused():
    with pytest.raises(ChoicesError):
        choose("atlantis", [])
    with pytest.raises(ChoicesError):
        choose("", ["opera"])


def test_choices_become_attributes_with_what_follows():
    attributes = choose("busshozan", ["music"]).attributes
    assert attributes == {"area.district": "busshozan", "area.waste_zone": "7", "interests": ("music",)}
    assert Choices().attributes == {}
