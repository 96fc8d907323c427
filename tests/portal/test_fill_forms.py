"""A page's form is filled in again with what was typed, the right one of several, and nothing else is touched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.forms import fill_forms

PAGE = """<!doctype html><html><body><p>5 &lt; 6</p>
<form method="get" action="/a/"><input name="text" value="search"></form>
<form method="post" action="/a/"><input type="hidden" name="provider" value="1"><input type="url" name="url" required value=""></form>
<form method="post" action="/a/"><input type="hidden" name="provider" value="2"><input type="url" name="url" value="">
<textarea name="text" rows=3></textarea><input type="checkbox" name="ok" value="1" checked><input type=checkbox name=ok value=2>
<select name="kind"><option value="a" selected>A</option><option>b</option></select>
<input type="password" name="word"><input type="file" name="paper"><button name="step" value="go">x</button></form>
</body></html>"""


def filled(**values: list[str]) -> tuple[str, str, int]:
    return fill_forms.fill(PAGE, path="/a/", action="/a/", values=values, mark=("kept", "m"))


def test_the_form_that_holds_the_same_hidden_values_is_filled() -> None:
    page, name, count = filled(
        provider=["2"], url=['https://x.example/?a=1&b="2'], text=["<b>\nline"], ok=["2"], kind=["b"]
    )
    first, second = page.split("</form>")[1:3]
    assert "https" not in first
    assert 'value="https://x.example/?a=1&amp;b=&quot;2"' in second
    assert "\n&lt;b&gt;\nline</textarea>" in second
    assert '<input type="checkbox" name="ok" value="1">' in second
    assert '<input type="checkbox" name="ok" value="2" checked>' in second
    assert '<option value="a">A' in second
    assert "<option selected>b" in second
    assert (
        f'<form method="post" action="/a/" id="{name}"><input type="hidden" name="kept" value="m">' in second
    )
    assert count == 4
    assert page.startswith(PAGE[:60])
    assert "5 &lt; 6" in page


def test_passwords_files_and_hidden_fields_are_left_alone() -> None:
    page, _, count = filled(provider=["9"], word=["secret-word"], paper=["x"], step=["go"])
    assert "secret-word" not in page
    assert 'value="9"' not in page
    assert count == 0


@pytest.mark.parametrize("action", ["/b/", "", "/a/?x=1"])
def test_a_page_without_this_form_stays_as_it_is(action: str) -> None:
    values = {"text": ["typed"]}
    assert fill_forms.fill(PAGE, path="/p/", action=action, values=values, mark=("kept", "m")) == (
        PAGE,
        "",
        0,
    )


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",), exclude_characters="\r\0"), min_size=1))
def test_whatever_was_typed_comes_back_and_opens_no_tag(typed: str) -> None:
    page, _, _ = filled(provider=["2"], text=[typed], url=[typed])
    again = fill_forms._Reader(page)
    assert len(again.forms) == 3
    found = {one.name: one for one in again.forms[2].fields}
    assert found["url"].value == typed
    area = page[found["text"].end : found["text"].text_end]
    assert "<" not in area
