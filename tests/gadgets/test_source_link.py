"""`source.url`: a card that names a page about its data shows it as a link with its host, wherever it is drawn."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.template.loader import render_to_string

from examples.fourth import provider as fourth
from examples.lunch import card as lunch
from examples.river import card as river
from examples.waste import card as waste
from gadgets.types import Source, StoredCard

URL = "https://data.waste.example/one?a=1&b=2"
LINK = '<a href="https://data.waste.example/one?a=1&amp;b=2" rel="noreferrer">出典のページ（data.waste.example）</a>'
NOW = datetime(2026, 4, 1, tzinfo=UTC)


def on_a_page(url: str | None) -> str:
    stored = StoredCard(
        "<p>x</p>", "x", NOW, NOW + timedelta(1), NOW + timedelta(2), NOW, Source("市", "CC BY 4.0", url)
    )
    gadget = {"has_card": True, "summary": {"ja": "x"}}
    view: dict[str, Any] = {"gadget": gadget, "stored": stored, "status": "current", "source": "出典: 市"}
    return render_to_string("gadgets/frame.html", {"view": view})


def on_the_home(url: str | None) -> str:
    return render_to_string(
        "home/_status.html", {"state": "current", "as_of": "", "source": "出典: 市", "source_url": url}
    )


@pytest.mark.parametrize("drawn", [on_a_page, on_the_home])
def test_the_page_about_the_data_is_a_link_with_its_host(drawn: Any) -> None:
    assert f"出典: 市 {LINK}" in drawn(URL)
    assert "<a " not in drawn(None)


@pytest.mark.parametrize("module", [fourth, lunch, river, waste])
def test_the_examples_name_where_their_data_are_from(module: Any) -> None:
    assert module.SOURCE.url.startswith("https://github.com/")
