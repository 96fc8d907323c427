"""Whatever is quoted of foreign input can be written everywhere, and shows what it holds."""

import io
import json
import logging
import unicodedata

import pytest
from django.template import Context, Engine
from hypothesis import given
from hypothesis import strategies as st

from core.quoting import escaped
from gadgets.errors import Problem, UrlRefusedError
from gadgets.protocol.conformance_lines import fix
from gadgets.protocol.wire import problem
from portal.web.logs import Escaped

EVERYTHING = st.text(
    st.characters(exclude_categories=()) | st.sampled_from("\ud800\udfff\u202e\u200b\0\x1b\n\r")
)


def harmless(text: str, *, lines: bool = False) -> None:
    assert text.encode()
    for letter in text:
        if lines and letter in "\t\n":
            continue
        assert unicodedata.category(letter) not in ("Cc", "Cs"), ascii(letter)
        assert unicodedata.bidirectional(letter) not in (
            "LRE",
            "RLE",
            "LRO",
            "RLO",
            "PDF",
            "LRI",
            "RLI",
            "FSI",
            "PDI",
        )
        assert letter not in "\u200b\u200e\u200f\u061c\u2060\u00ad\ufeff\u2028\u2029"


@given(EVERYTHING)
def test_a_quote_can_be_written_as_utf_8_and_steers_nothing(text: str) -> None:
    harmless("." + escaped(text))
    harmless("." + escaped(text, lines=True), lines=True)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("x\ud800", "x\\ud800"),
        ("\u202eabc", "\\u202eabc"),
        ("a\u200bb", "a\\u200bb"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\U000e0041", "\\U000e0041"),
        ("窓口 👩‍👩‍👧 e\u0301", "窓口 👩‍👩‍👧 e\u0301"),
    ],
)
def test_what_cannot_be_seen_is_written_as_its_number(text: str, quoted: str) -> None:
    assert escaped(text) == quoted


@given(EVERYTHING)
def test_a_problem_a_line_of_a_report_and_an_error_of_a_call_are_quotes(text: str) -> None:
    found: list[Problem] = [problem(f"$.{text}", text, text, text, text)]
    for one in found:
        harmless(f".{one.path}{one.message['ja']}{one.remedy['en']}{one.in_words('en')}")
    line = fix(1, {"ja": text, "en": text}, {"ja": text}, {"ja": text})
    harmless(f".{line.title['ja']}{line.message['ja']}{line.remedy['ja']}", lines=True)
    error = UrlRefusedError(f"https://{text}", text, text)
    harmless(f".{error}{error.provider_message}")


@given(EVERYTHING)
def test_logs_pages_and_json_can_hold_a_quote(text: str) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(Escaped())
    handler.handle(logging.LogRecord("x", logging.INFO, "x.py", 1, "said: %s", (text,), None))
    written = stream.getvalue()
    assert written.endswith("\n")
    harmless(f".{written[:-1]}")
    assert written.count("\n") == 1, "one message is one line"
    told = problem("$", text, text, "", "").message["ja"]
    assert json.dumps(told, ensure_ascii=False).encode()
    assert Engine().from_string("{{ told }}").render(Context({"told": told})).encode() is not None
