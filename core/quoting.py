"""How foreign input is quoted: in a finding, a log line, a page or JSON; one place for all of them; pure.

What cannot be seen, or changes what stands around it, is written as its number: half a surrogate pair (which no UTF-8
can hold), control characters, marks that turn the direction of writing, and letters without a shape. So whoever reads
the quote sees what was sent, and writing it down never fails.
"""

import re

INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f"
)
"""For a class of a regular expression: letters without a shape, and marks of direction."""
_UNSEEN = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff{INVISIBLE}]")
_LINES = re.compile("[\t\n]")


def _number(found: re.Match[str]) -> str:
    code = ord(found.group())
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def escaped(text: str, *, lines: bool = False) -> str:
    """The text as it may be quoted; line breaks and tabs stay only with `lines`."""
    seen = _UNSEEN.sub(_number, text)
    return seen if lines else _LINES.sub(lambda found: {"\t": "\\t", "\n": "\\n"}[found.group()], seen)
