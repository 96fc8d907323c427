"""The words about keeping data, for every form that a manifest may use and for one that it may not."""

import pytest
from django.utils.translation import override

from gadgets.words import retention
from portal.mydata.overview import via_text
from portal.mydata.prompt import plain


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ("P0D", "表示に使ったあと、保存しません"),
        ("P0Y", "表示に使ったあと、保存しません"),
        ("P30D", "長くて30日間保存します"),
        ("P2W", "長くて2週間保存します"),
        ("P6M", "長くて6か月保存します"),
        ("P1Y", "長くて1年間保存します"),
        ("PT5H", "保存の期間: PT5H"),
        ("forever", "保存の期間: forever"),
    ],
)
def test_retention_is_put_in_words_and_never_hidden(declared: str, said: str) -> None:
    with override("ja"):
        assert retention(declared) == said


def test_the_plain_text_of_a_page_has_no_marks_and_one_line_for_each_block() -> None:
    html = "<p>a &amp; <strong>b</strong></p>\n\n<ul>\n<li>c   d</li>\n</ul>"
    assert plain(html) == "a & b\nc d"


def test_an_unknown_door_is_named_as_it_is() -> None:
    assert via_text("telegraph") == "telegraph"
