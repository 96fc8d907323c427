"""What gadgets cost inside one process with so many of them registered; grows the registry first and prints JSON.

The database and the cache are those of the settings. Nothing is asked of a provider.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import django

CARD = {
    "lang": "ja",
    "summary": "次の収集は、あす（燃えるごみ）です。",
    "updated": "2026-04-01T00:00:00+09:00",
    "valid_until": "2099-04-02T00:00:00+09:00",
    "source": {"publisher": "高松市", "licence": "CC BY 4.0"},
    "blocks": [
        {"type": "text", "text": "あすは **燃えるごみ** の日です。"},
        {
            "type": "dates",
            "items": [{"date": f"2026-04-{day:02}", "label": "燃えるごみ"} for day in range(2, 12)],
        },
        {"type": "facts", "items": [{"label": f"項目{n}", "value": f"値{n}"} for n in range(5)]},
        {
            "type": "table",
            "caption": "収集日",
            "columns": [{"label": "日"}, {"label": "種類"}],
            "rows": [[f"{n}日", "びん"] for n in range(10)],
            "row_headers": True,
        },
    ],
}


def microseconds(work: Callable[[], object], repeats: int = 200) -> float:
    """The median time of one call."""
    found = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return statistics.median(found) * 1e6


def main() -> None:
    """Brings the registry to the number that the environment names, and measures."""
    from django.utils import timezone

    from bench import rows
    from gadgets.models import Gadget

    rows.gadgets(int(os.environ["BENCH_GADGETS"]), now=timezone.now(), first=Gadget.objects.count())
    sys.stdout.write(json.dumps(_figures()) + "\n")


def _figures() -> dict[str, float]:
    from django.core.cache import cache
    from django.utils import timezone

    from bench import rows
    from gadgets import queries, registry
    from gadgets.cards import fetch
    from gadgets.cards.render import render
    from gadgets.protocol.card import parse
    from identity import queries as identity_queries
    from portal.home.index import content_index
    from portal.home.page import cards

    started = time.perf_counter()
    published = queries.registry()
    first_load = time.perf_counter() - started

    def reload() -> None:
        registry._held = None
        queries.registry()

    reloaded = microseconds(reload, 5)
    rows.cards(list(published.gadgets)[:8], now=timezone.now())
    bundle = identity_queries.bundle(rows.RESIDENT)
    some = [
        gadget
        for name, gadget in published.gadgets.items()
        if name in {f"localhost.bench{n}.card" for n in range(8)}
    ]
    wanted = [
        fetch.wanted_for(gadget, bundle=bundle, locale="ja", size="S", cells=published.cells)
        for gadget in some
    ]
    keys = [fetch.cache_key(one) for one in wanted]
    now = timezone.now()

    def eight() -> int:
        """Eight cards of a page: one multi-get, each opened."""
        found = cache.get_many(keys)
        return sum(
            fetch.decode(found.get(key), one, now) is not None for key, one in zip(keys, wanted, strict=True)
        )

    assert eight() == 8  # noqa: S101  what is measured must be there
    raw = json.dumps(CARD, ensure_ascii=False).encode()
    gadget, parsed = some[0], parse(raw, manifest=some[0])
    stored = cache.get(keys[0])
    compiled = content_index.current()
    wishes = cards.wishes(compiled, (), queries.layout(rows.RESIDENT), bundle=bundle, locale="ja")
    return {
        "first_load_ms": first_load * 1e3,
        "reload_ms": reloaded / 1e3,
        "eight_us": microseconds(eight, 500),
        "decode_us": microseconds(lambda: fetch.decode(stored, wanted[0], now), 1000),
        "check_us": microseconds(lambda: parse(raw, manifest=gadget)),
        "draw_us": microseconds(lambda: render(parsed, locale="ja")),
        **_dearest(gadget),
        "wishes_us": microseconds(
            lambda: cards.wishes(compiled, (), queries.layout(rows.RESIDENT), bundle=bundle, locale="ja")
        ),
        "on_the_home": len(wishes),
        "registered": len(published.gadgets),
    }


def _dearest(gadget: Any) -> dict[str, float]:
    """The cards that cost most of those that keep the rules: full charts, full tables, many entries with links."""
    from gadgets.cards.render import render
    from gadgets.protocol.card import parse

    chart = {
        "type": "chart",
        "caption": "a",
        "kind": "bar",
        "labels": ["a"] * 60,
        "series": [{"label": "a", "values": [1.5] * 60}] * 4,
    }
    table = {
        "type": "table",
        "caption": "a",
        "columns": [{"label": "a"}] * 8,
        "rows": [["a"] * 8] * 100,
        "row_headers": True,
    }
    entries = {"type": "list", "items": ["**a**"] * 4 + ["あ"] * 56}
    check = draw = 0.0
    for blocks in ([chart] * 4, [table] * 5, [entries] * 25):
        raw = json.dumps({**CARD, "blocks": blocks}, ensure_ascii=False).encode()
        card = parse(raw, manifest=gadget)
        check = max(check, microseconds(lambda raw=raw: parse(raw, manifest=gadget), 5))
        draw = max(draw, microseconds(lambda card=card: render(card, locale="ja", size="S"), 5))
    return {"dearest_check_ms": check / 1e3, "dearest_draw_ms": draw / 1e3}


if __name__ == "__main__":
    django.setup()
    main()
