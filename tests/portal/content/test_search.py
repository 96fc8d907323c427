"""A word inside a title is found: at the desk, and by the function that residents' search will use."""

from datetime import datetime

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from portal.content.pages import search
from tests import cast
from tests.portal.content.pages import publish

pytestmark = pytest.mark.django_db
TITLE = "第12回　秋のジャズ音楽会（Brass ＢＡＮＤ）"


@pytest.mark.parametrize(
    "query", ["音楽会", "ジャズ", "楽", "秋の", "第12回", "brass", "BAND", "band", "音楽 ジャズ", "ｼﾞｬｽﾞ"]
)
def test_a_word_is_found_wherever_in_the_title_it_stands(now: datetime, query: str) -> None:
    publish("news", "one", now=now, title=TITLE)
    publish("news", "two", now=now, title="図書館の休み")
    assert [page.slug for page in search.pages(query)] == ["one"]


def test_a_title_in_another_language_counts_too(now: datetime) -> None:
    publish(
        "event", "one", now=now, title="音楽会", title_en="Autumn concert", title_simple="おんがくを きく 会"
    )
    for query in ("concert", "おんがく", "きく"):
        assert [page.slug for page in search.pages(query)] == ["one"]


@pytest.mark.parametrize("query", ["", "  ", "（）", "ない言葉", "%", "'", '"*', "a:* | b"])
def test_what_is_in_no_title_finds_nothing(now: datetime, query: str) -> None:
    publish("news", "one", now=now, title=TITLE)
    assert search.pages(query) == []


@pytest.mark.parametrize("address", ["/admin/pages/search/?q=音楽会", "/admin/pages/{parent}/?q=音楽会"])
def test_the_desk_finds_a_word_inside_a_title(client: Client, now: datetime, address: str) -> None:
    page = publish("news", "one", now=now, title=TITLE)
    publish("news", "two", now=now, title="図書館の休み")
    editor = cast.sign_in(client, cast.editor())
    html = editor.get(address.format(parent=page.get_parent().pk)).content.decode()
    assert TITLE in html
    assert "図書館の休み" not in html


@given(st.text(alphabet="春夏秋冬の会祭りカナabc 12（）", max_size=40), st.data())
def test_every_run_of_japanese_signs_begins_an_entry_of_the_index(title: str, data: st.DataObject) -> None:
    entries = search.endings(title).split()
    for word in search._LETTERS.findall(search.folded(title)):
        start = data.draw(st.integers(0, len(word) - 1))
        if start == 0 or ord(word[start]) > 0x24F:
            assert any(entry.startswith(word[start:][: search.LONGEST]) for entry in entries)
