"""Fills in a form of a page with what was typed into it before; the rest of the page stays byte for byte.

Hidden fields, passwords and files are never filled in. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from urllib.parse import urlsplit

TYPED = frozenset(
    {"", "text", "email", "url", "search", "tel", "number", "date", "time", "datetime-local", "month", "week"}
)
Attributes = list[tuple[str, str | None]]
Values = Mapping[str, Sequence[str]]


@dataclass(slots=True)
class _Field:
    tag: str
    attributes: dict[str, str | None]
    begin: int
    end: int
    name: str
    text_end: int = 0
    """Of a text area: where its text ends. Of an option: unused."""
    text: str = ""

    @property
    def kind(self) -> str:
        return (self.attributes.get("type") or "").lower()

    @property
    def value(self) -> str:
        return self.attributes.get("value") or "" if "value" in self.attributes else self.text.strip()


@dataclass(slots=True)
class _Form:
    attributes: dict[str, str | None]
    begin: int
    end: int
    fields: list[_Field] = field(default_factory=list)


class _Reader(HTMLParser):
    """Where the forms of a page and their fields stand."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[_Form] = []
        self._open = False
        self._select = ""
        self._lines = [0]
        for line in page.split("\n"):  # as the parser counts them
            self._lines.append(self._lines[-1] + len(line) + 1)
        self.feed(page)
        self.close()

    def _at(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        begin, raw = self._at(), self.get_starttag_text() or ""
        known = dict(attrs)
        if tag == "form":
            self.forms.append(_Form(known, begin, begin + len(raw)))
            self._open = True
        elif self._open and tag in {"input", "button", "textarea", "select", "option"}:
            name = self._select if tag == "option" else known.get("name") or ""
            if tag == "select":
                self._select = name
            self.forms[-1].fields.append(_Field(tag, known, begin, begin + len(raw), name))

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        last = self.forms[-1].fields[-1:] if self._open else []
        if last and last[0].tag == "option" and not last[0].text_end:
            last[0].text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False
        elif self._open and tag == "select":
            self._select = ""
        elif self._open and tag in {"textarea", "option"} and self.forms[-1].fields:
            self.forms[-1].fields[-1].text_end = self._at()


def fill(
    page: str, *, path: str, action: str, values: Values, mark: tuple[str, str] | None = None
) -> tuple[str, str, int]:
    """(the page, the id of the form, how many fields were filled in); unchanged when no form fits.

    `path` is the page's own; `action` and `values` what was sent. `mark` is a hidden field to add, if any.
    """
    form = _fitting(_Reader(page).forms, path, action, values)
    if form is None:
        return page, "", 0
    edits, count = _edits(form, values)
    name = form.attributes.get("id") or "kept-form"
    hidden = f'<input type="hidden" name="{escape(mark[0])}" value="{escape(mark[1])}">' if mark else ""
    edits.append((form.begin, form.end, _tag("form", {**form.attributes, "id": name}) + hidden))
    for begin, end, new in sorted(edits, reverse=True):
        page = page[:begin] + new + page[end:]
    return page, name, count


def _fitting(forms: list[_Form], path: str, action: str, values: Values) -> _Form | None:
    fitting = [
        form
        for form in forms
        if (form.attributes.get("method") or "").lower() == "post"
        and (urlsplit(form.attributes.get("action") or "").path or path) == action
    ]
    return max(fitting, key=lambda form: _likeness(form, values), default=None)


def _likeness(form: _Form, values: Values) -> int:
    """Of several forms with one address, the one that holds the same hidden values, buttons and fields."""
    points = 0
    for one in form.fields:
        sent = values.get(one.name)
        if one.tag == "button" or one.kind == "hidden":
            points += 0 if sent is None else 4 if one.value in sent else -4 if one.kind == "hidden" else 0
        elif one.tag in {"input", "textarea", "select"}:
            points += 1 if sent is not None else 0
    return points


def _edits(form: _Form, values: Values) -> tuple[list[tuple[int, int, str]], int]:
    edits: list[tuple[int, int, str]] = []
    count = 0
    left = {name: list(given) for name, given in values.items()}
    for one in form.fields:
        if one.tag == "input" and one.kind in {"checkbox", "radio"}:
            on = (one.attributes.get("value") or "on") in values.get(one.name, ())
            edits.append((one.begin, one.end, _switched(one, "checked", on=on)))
            count += on
        elif one.tag == "option" and one.name in values:
            on = one.value in values[one.name]
            edits.append((one.begin, one.end, _switched(one, "selected", on=on)))
            count += on
        elif one.tag == "input" and one.kind in TYPED and left.get(one.name):
            edits.append(
                (one.begin, one.end, _tag("input", {**one.attributes, "value": left[one.name].pop(0)}))
            )
            count += 1
        elif one.tag == "textarea" and left.get(one.name):
            edits.append((one.end, one.text_end, "\n" + escape(left[one.name].pop(0))))
            count += 1
    return edits, count


def _switched(one: _Field, name: str, *, on: bool) -> str:
    attributes = {key: value for key, value in one.attributes.items() if key != name}
    return _tag(one.tag, {**attributes, name: None} if on else attributes)


def _tag(name: str, attributes: Mapping[str, str | None]) -> str:
    written = (
        f' {key}="{escape(value)}"' if value is not None else f" {key}" for key, value in attributes.items()
    )
    return f"<{name}{''.join(written)}>"
