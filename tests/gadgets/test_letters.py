"""The letters of a provider's text: nothing invisible, few marks on one letter, little markup; all languages of residents pass."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gadgets.errors import CardError, ManifestError
from gadgets.protocol import card, forms, letters, text
from gadgets.protocol import manifest as manifests
from tests.gadgets.providers import card_document
from tests.gadgets.samples import URL, document
from tests.gadgets.test_card import BLOCKS, GADGET

WORDS = [
    "がぎぐげご", "か\u3099き\u3099", "ﾊﾟﾋﾟ", "葛\U000e0100城市", "１２３", "Zażółć gęślą", "Tiếng Việt", "Tie\u0302\u0301ng",
    "ประเทศไทย ที่น้ำ", "မြန်မာဘာသာ", "नमस्ते", "र्त्स्न्या", "ශ්\u200dරී ලංකා", "کتاب\u200cها", "שָׁלוֹם", "བསྒྲུབས", "한국어",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "\U0001f469\U0001f3fd\u200d\u2764\ufe0f\u200d\U0001f48b\u200d\U0001f468\U0001f3ff",
    "1\ufe0f\u20e3", "\U0001f1ef\U0001f1f5", "Привет", "αβγ", "简体中文", "😀",
]  # fmt: skip
"""What residents and providers really write."""

SENT: dict[str, tuple[str, str]] = {
    "zero width space": ("a\u200bb", "目に見えない文字（U+200B）"),
    "word joiner": ("a\u2060b", "目に見えない文字（U+2060）"),
    "soft hyphen": ("避\u00ad難", "目に見えない文字（U+00AD）"),
    "hangul filler": ("\u3164", "目に見えない文字（U+3164）"),
    "joiner of nothing": ("避\u200d難", "目に見えない文字（U+200C, U+200D）"),
    "marks": ("あ" + "\u0301" * 7, "記号が重なりすぎています"),
    "enclosing marks": ("a" + "\u20dd" * 50, "記号が重なりすぎています"),
    "spacing marks": ("क" + "\u093e" * 100, "記号が重なりすぎています"),
    "conjuncts": ("क\u094d" * 40 + "क", "記号が重なりすぎています"),
    "parts of hangul": ("\u1100" * 100, "記号が重なりすぎています"),
    "signs before": ("\u0600" * 100 + "a", "記号が重なりすぎています"),
    "families": ("\U0001f468\u200d" * 30 + "\U0001f468", "記号が重なりすぎています"),
    "half-width voicing": ("ﾊ" + "ﾟ" * 100, "記号が重なりすぎています"),
    "thai vowels": ("ก" + "\u0e33" * 100, "記号が重なりすぎています"),
}


def refused(**changes: Any) -> CardError:
    with pytest.raises(CardError) as caught:
        card.parse(json.dumps(card_document(**changes), ensure_ascii=False).encode(), manifest=GADGET)
    return caught.value


@pytest.mark.parametrize("words", WORDS)
def test_what_people_write_passes(words: str) -> None:
    assert list(text.check_text("$", words)) == []


@pytest.mark.parametrize("name", SENT)
def test_hidden_letters_and_piled_marks_are_refused_with_the_place(name: str) -> None:
    sent, says = SENT[name]
    for changes, path in (
        ({"summary": sent}, "$.summary"),
        (
            {"blocks": [{"type": "facts", "items": [{"label": "a", "value": sent}]}]},
            "$.blocks[0].items[0].value",
        ),
        ({"blocks": [{**BLOCKS["table"], "rows": [["a", sent]]}]}, "$.blocks[0].rows[0][1]"),
        ({"blocks": [{"type": "x", "fallback": sent}]}, "$.blocks[0].fallback"),
    ):
        error = refused(**changes)
        assert error.path == path
        assert says in error.detail
        assert error.problems[0].remedy["en"]
    with pytest.raises(ManifestError, match=r"\$\.title\.ja"):
        manifests.parse(document(title={"ja": f"題{sent}"}), url=URL)


def test_a_resident_may_paste_what_a_provider_may_not_write() -> None:
    field = forms.read({**BLOCKS["form"], "fields": [BLOCKS["form"]["fields"][0]]})
    values, faults = forms.check(field, {"dish": "カレー\u200bライス"})
    assert (values, faults) == ({"dish": "カレー\u200bライス"}, ())


@given(st.text(max_size=60))
def test_every_text_is_judged_and_without_its_hidden_letters_none_is_left(words: str) -> None:
    found = {
        one.message["en"].split(" ", 3)[0] for one in letters.problems("$", letters.without_invisible(words))
    }
    assert all(one.path == "$" for one in letters.problems("$", words))
    assert found <= {"holds", "too"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("*" * (text.MOST_MARKS + 1), "signs of markup"),
        ("[a](https://waste.example/)" * 51, "signs of markup"),
        ("*a **b *c **d *e **f** e* d** c* b** a*", "nested more than"),
    ],
)
def test_markup_is_bounded_in_each_text(words: str, says: str) -> None:
    for block, path in (
        ({"type": "text", "text": words}, "$.blocks[0].text"),
        ({"type": "notice", "level": "info", "text": words}, "$.blocks[0].text"),
        ({"type": "x", "fallback": words}, "$.blocks[0].fallback"),
    ):
        error = refused(blocks=[block])
        assert error.path == path
        assert says in error.problems[0].message["en"]


def test_markup_is_bounded_in_a_card() -> None:
    block = {"type": "text", "text": "*" * text.MOST_MARKS}
    assert refused(blocks=[block] * 7).path == "$.blocks"
    card.parse(json.dumps(card_document(blocks=[block] * 6)).encode(), manifest=GADGET)


def test_a_card_of_too_many_elements_is_refused() -> None:
    chart = {
        "type": "chart",
        "caption": "a",
        "kind": "line",
        "labels": ["a"] * 60,
        "series": [{"label": "a", "values": [1] * 60}] * 4,
    }
    error = refused(blocks=[chart] * 20)
    assert error.path == "$.blocks"
    assert "elements of a page" in error.problems[0].message["en"]
