"""Plain text of providers: refuses HTML, bidi controls and look-alike names; draws emphasis and links; pure."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from gadgets.errors import Problem
from gadgets.protocol import letters

_TAG = re.compile(r"<[a-zA-Z/!?]")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2064\u3164\uffa0]"
)
_WORD = re.compile(r"[^\W\d_]+")

_JAPANESE = frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"})
_TOGETHER = (_JAPANESE, frozenset({"LATIN", "CJK", "HANGUL"}), frozenset({"LATIN", "CJK", "BOPOMOFO"}))
# Letters of Cyrillic and Greek that most fonts draw like Latin ones (after Unicode's confusables.txt).
_LIKE_LATIN = frozenset("абԁеһіјӏոорԛѕսѵԝхуАВЕЅІЈКМНОРСТУХԜѴՕαινορυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧсԍɡ")


def _script(letter: str) -> str:
    """The script of a letter by its Unicode name; empty for letters of no script of their own."""
    name = unicodedata.name(letter, "")
    first = name.split(" ", 1)[0]
    if first in ("FULLWIDTH", "HALFWIDTH"):
        return name.split(" ")[1]
    if first == "KATAKANA-HIRAGANA":
        return ""
    if first == "IDEOGRAPHIC":
        return "CJK"
    return first


def is_look_alike(name: str) -> bool:
    """Whether a name could pass for another: invisible or styled letters, mixed scripts, all letters Latin-like."""
    if _INVISIBLE.search(name) or unicodedata.normalize("NFC", name) != name:
        return True
    for word in _WORD.findall(name):
        scripts = {_script(letter) for letter in word} - {""}
        if scripts & {"MATHEMATICAL", "DOUBLE-STRUCK", "SCRIPT", "BLACK-LETTER", "CIRCLED", "NEGATIVE"}:
            return True
        if len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER):
            return True
        if scripts & {"CYRILLIC", "GREEK", "ARMENIAN"} and all(letter in _LIKE_LATIN for letter in word):
            return True
    return False


def _problem(path: str, ja: str, en: str, remedy_ja: str, remedy_en: str) -> Problem:
    return Problem(path, {"ja": ja, "en": en}, {"ja": remedy_ja, "en": remedy_en})


def check_text(path: str, text: str) -> Iterator[Problem]:
    """What no text of a provider may hold: tags, and all that `check_letters` says."""
    if _TAG.search(text):
        yield _problem(
            path,
            "HTML のタグが含まれています。",
            "holds an HTML tag.",
            "タグを除き、文字だけにしてください（強調は **文字**、リンクは [文字](アドレス)）。",
            "Send plain text (**emphasis** and [links](https://…) are the only marks).",
        )
    yield from check_letters(path, text)
    yield from letters.problems(path, text)


def check_letters(path: str, text: str) -> Iterator[Problem]:
    """What no text of anybody may hold, that of residents included: marks of direction, control characters."""
    if _BIDI.search(text):
        yield _problem(
            path,
            "文字の向きを変える制御文字が含まれています。",
            "holds a control character that changes the direction of the text.",
            "その文字を除いてください。",
            "Remove it.",
        )
    if _CONTROL.search(text):
        yield _problem(
            path,
            "制御文字が含まれています。",
            "holds a control character.",
            "その文字を除いてください（改行は使えます）。",
            "Remove it (line breaks are allowed).",
        )


def walk_texts(value: Any, path: str = "$") -> list[Problem]:
    """Every string of a document, keys included, against the rules of text. The depth was limited before."""
    problems: list[Problem] = []
    if isinstance(value, str):
        problems.extend(check_text(path, value))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            problems.extend(check_text(path, key))
            problems.extend(walk_texts(inner, f"{path}.{key}"))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            problems.extend(walk_texts(inner, f"{path}[{index}]"))
    return problems


MOST_MARKS = 100
"""Signs of markup in one text: what they cost to read grows faster than their number."""
MOST_MARKS_OF_A_CARD = 600
MOST_NESTED = 4
_MARKS = re.compile(r"[*_\[\]\\]")


def marks_in(text: str) -> int:
    """How many signs of markup a text holds, whether or not they mark anything."""
    return len(_MARKS.findall(text))


def check_markup(path: str, text: str) -> Iterator[Problem]:
    """Few signs of markup in one text, and few of them inside each other."""
    count = marks_in(text)
    if count > MOST_MARKS:
        yield _problem(
            path,
            f"強調とリンクの記号（* _ [ ] \\）が {count} 個あり、上限の {MOST_MARKS} 個を超えています。",
            f"holds {count} signs of markup (* _ [ ] \\); at most {MOST_MARKS} are allowed.",
            "強調を減らすか、文を分けてください。",
            "Mark less, or part the text.",
        )
    elif nested_in(text) > MOST_NESTED:
        yield _problem(
            path,
            f"強調やリンクの入れ子が、上限の {MOST_NESTED} 段を超えています。",
            f"emphasis and links are nested more than {MOST_NESTED} deep.",
            "入れ子を浅くしてください。",
            "Nest them less deeply.",
        )


def nested_in(text: str) -> int:
    """The deepest nesting of emphasis and links."""
    depth = deepest = 0
    for block in _MARKDOWN.parseInline(text):
        for token in block.children or ():
            depth += token.nesting
            deepest = max(deepest, depth)
    return deepest


_MARKDOWN = MarkdownIt("zero", {"html": False, "linkify": False, "breaks": True}).enable(
    ["emphasis", "link", "escape", "newline"]
)


def links_in(text: str) -> list[str]:
    """The targets of the links in a text with inline marks."""
    return [
        str(token.attrs.get("href", ""))
        for block in _MARKDOWN.parseInline(text)
        for token in block.children or ()
        if token.type == "link_open"
    ]


def _hosts_shown(tokens: list[Token]) -> list[Token]:
    """After each link its host, so that its words alone do not say where it leads."""
    for block in tokens:
        told: list[Token] = []
        host = ""
        for token in block.children or ():
            told.append(token)
            if token.type == "link_open":
                host = urlsplit(str(token.attrs.get("href", ""))).netloc.rpartition("@")[2]
            elif token.type == "link_close" and host:
                told.append(Token("text", "", 0, content=f"（{host}）"))
        block.children = told
    return tokens


def inline_html(text: str) -> str:
    """Emphasis and links as HTML, each link with its host; everything else escaped; cleaned again by an allow list."""
    drawn = _MARKDOWN.renderer.render(_hosts_shown(_MARKDOWN.parseInline(text)), _MARKDOWN.options, {})
    return nh3.clean(
        drawn,
        tags={"em", "strong", "a", "br"},
        attributes={"a": {"href"}},
        url_schemes={"https", "http"},
        link_rel="noopener noreferrer",
        strip_comments=True,
    )


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text (parted by empty lines), each as inline HTML."""
    return [inline_html(part.strip()) for part in re.split(r"\n[ \t]*\n", text) if part.strip()]
