"""Fewer than 20 residents like you: the gadget is told less, and you read why."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.disclosure import SMALL_CELL
from core.jobs import Job
from gadgets import queries, tasks
from gadgets.cards import fetch, prefetch, signing
from gadgets.metrics import small_cells
from gadgets.models import CellCount
from gadgets.types import GadgetInfo, StoredCard
from identity import actions
from identity.models import Resident
from identity.queries import bundle
from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor
from tests.gadgets.held import add, hold
from tests.gadgets.providers import Provider, card_bytes, reply
from tests.gadgets.samples import claim, info
from tests.gadgets.test_fetch import agree

ROOT = Path(__file__).resolve().parents[2]
BOTH = ("age_band", "area.waste_zone")

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean")]


def gadget(origin: str = "https://waste.example") -> GadgetInfo:
    return info(origin, claims=[claim("area.waste_zone"), claim("age_band", "optional")])


def people(number: int, **values: Any) -> None:
    """So many residents with these attributes, who granted nothing."""
    stored = {name.replace("__", "."): value for name, value in values.items()}
    first = Resident.objects.count()
    Resident.objects.bulk_create(
        Resident(issuer="crowd", subject=str(first + n), attributes=stored) for n in range(number)
    )


def counted(wanted: frozenset[tuple[str, ...]] = frozenset({("area.waste_zone",), BOTH})) -> dict[str, int]:
    small_cells.count(wanted)
    cache.delete(queries.VERSION_KEY)  # what follows the commit; a test has none
    return dict(CellCount.objects.values_list("key", "count"))


ZONE_7 = '{"area.waste_zone":"7"}'
ZONE_7_OLD = '{"age_band":"75+","area.waste_zone":"7"}'


def test_each_combination_that_may_be_told_is_counted() -> None:
    asking = [
        gadget(),
        info(claims=[claim("language", "optional"), claim("age_band", "optional")]),
        info(identity="none", claims=[]),
        info(identity="pairwise", claims=[claim("household.school_years", "optional")]),
    ]
    assert small_cells.combinations(asking) == {
        ("area.waste_zone",),
        BOTH,
        ("language",),
        ("age_band",),
        ("age_band", "language"),
    }


def test_only_what_twenty_share_is_kept() -> None:
    people(SMALL_CELL - 1, area__district="busshozan", age_band="75+")
    assert counted() == {}
    people(1, area__district="busshozan", age_band="18-24")
    assert counted() == {ZONE_7: SMALL_CELL}
    people(1, area__district="busshozan", age_band="75+")
    assert counted() == {ZONE_7: SMALL_CELL + 1, ZONE_7_OLD: SMALL_CELL}


@pytest.mark.parametrize(
    "hidden", [{"confidential": True}, {"is_active": False}, {"erase_at": "2030-01-01T00:00:00Z"}]
)
def test_who_is_protected_or_leaving_counts_for_nobody(hidden: dict[str, Any]) -> None:
    people(SMALL_CELL, area__district="busshozan")
    assert counted() == {ZONE_7: SMALL_CELL}
    Resident.objects.filter(pk=Resident.objects.order_by("subject").first().pk).update(**hidden)  # type: ignore[union-attr]
    assert counted() == {}


def test_the_registry_changes_only_when_a_cell_appears_or_goes() -> None:
    people(SMALL_CELL, area__district="busshozan")
    counted()
    known = queries.registry()
    assert known.cells == {ZONE_7: SMALL_CELL}
    people(1, area__district="busshozan")
    counted()
    with CaptureQueriesContext(connection) as asked:
        cache.delete(queries.VERSION_KEY)
        assert queries.registry() is known
    assert len(asked) == 1
    Resident.objects.filter(issuer="crowd").delete()
    counted()
    cache.delete(queries.VERSION_KEY)
    assert queries.registry().cells == {}


def test_a_row_below_the_threshold_counts_for_nothing_whoever_wrote_it() -> None:
    CellCount.objects.create(key=ZONE_7, count=SMALL_CELL - 1)
    assert queries.registry().cells == {}


def test_the_sweep_counts_anew_when_something_else_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Job("gadgets.count_cells", 30, small_cells.count_due) in tasks.JOBS
    people(SMALL_CELL, area__district="busshozan")
    hold(monkeypatch, queries.Registry(1, {}))
    assert small_cells.count_due()
    assert not small_cells.count_due()
    hold(monkeypatch, queries.Registry(2, {"example.waste.calendar": gadget()}))
    assert small_cells.count_due()
    assert dict(CellCount.objects.values_list("key", "count")) == {ZONE_7: SMALL_CELL}


class TestFetched:
    """What leaves, with cells as they are counted."""

    @pytest.fixture
    def provider(self, settings: Any) -> Iterator[Provider]:
        settings.LOOPBACK_NAMES = True
        with Provider.running(reply(card_bytes())) as running:
            yield running

    def claims_sent(self, provider: Provider) -> dict[str, Any]:
        return dict(provider.seen[-1].token(signing.jwks()).claims["claims"])

    def test_optional_claims_go_first_and_she_is_told_which(self, provider: Provider) -> None:
        waste, hanako = gadget(provider.origin), cast.hanako()
        agree(hanako, waste, "area.waste_zone", "age_band")
        wanted = fetch.wanted_for(
            waste, bundle=bundle(hanako.id), locale="ja", size="S", cells={ZONE_7: SMALL_CELL}
        )
        add(waste)
        assert (wanted.granted, wanted.too_few) == (("area.waste_zone",), ("age_band",))
        assert isinstance(fetch.refresh(wanted), StoredCard)
        assert self.claims_sent(provider) == {"area.waste_zone": "7"}

    def test_what_she_changed_meanwhile_is_measured_by_the_same_cells(self, provider: Provider) -> None:
        """The page wanted the card of a large zone; before it is fetched she moves to a small one."""
        waste, hanako = gadget(provider.origin), cast.hanako()
        agree(hanako, waste, "area.waste_zone")
        wanted = fetch.wanted_for(waste, bundle=bundle(hanako.id), locale="ja", size="S", cells={ZONE_7: 500})
        actions.set_attributes(
            resident_id=hanako.id, values={"area.district": "yashima"}, by=cast.as_actor(hanako)
        )
        assert isinstance(fetch.refresh(wanted), StoredCard)
        assert self.claims_sent(provider) == {}

    def test_the_background_keeps_to_it_too(
        self, provider: Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waste, hanako = gadget(provider.origin), cast.hanako()
        agree(hanako, waste, "area.waste_zone")
        large = queries.Registry(1, {waste.id: waste}, {ZONE_7: SMALL_CELL})
        prefetch.note(
            fetch.wanted_for(waste, bundle=bundle(hanako.id), locale="ja", size="S", cells=large.cells)
        )
        hold(monkeypatch, queries.Registry(2, {waste.id: waste}))
        assert prefetch.refresh_read() == 0
        hold(monkeypatch, large)
        assert prefetch.refresh_read() == 1


REASON = "同じ条件の方が少ないため、あなたの情報を使わずに表示しています。"


def test_a_page_says_why_it_is_the_public_form(desk: DeskFor, published: str, waste: Any) -> None:
    hanako = cast.hanako()
    seat = desk(hanako)
    agree(hanako, queries.registry().gadgets[published], "area.waste_zone")
    fragment = reverse("gadgets_wire:card", args=[published])
    pages = (reverse("gadgets:page", args=[published]), fragment)
    for address in pages:
        assert REASON not in seat.page(address)
    assert waste.seen.as_json()["last"]["claims"] == {"area.waste_zone": "7"}
    counted(frozenset())
    for address in pages:
        assert REASON in seat.page(address)
    assert waste.seen.as_json()["last"]["claims"] == {}


def test_the_home_says_why_and_asks_no_table_for_it(desk: DeskFor, published: str) -> None:
    hanako = cast.hanako()
    seat = desk(hanako)
    agree(hanako, queries.registry().gadgets[published], "area.waste_zone")
    seat.post(reverse("gadgets:add", args=[published]))
    seat.page(reverse("gadgets_wire:card", args=[published]))
    assert REASON not in seat.page("/")
    counted(frozenset())
    seat.page(reverse("gadgets_wire:card", args=[published]))
    assert REASON in seat.page("/")
    with CaptureQueriesContext(connection) as asked:
        seat.page("/")
    assert len(asked) <= 3
    assert not [query for query in asked if "cellcount" in query["sql"]]


def test_a_claim_that_is_left_out_is_named(
    desk: DeskFor, careless: life.Careless, django_capture_on_commit_callbacks: Any
) -> None:
    careless.document |= {
        "identity": "audience",
        "claims": [claim("area.waste_zone"), claim("age_band", "optional")],
    }
    gadget_id = life.publish(careless.url, django_capture_on_commit_callbacks)
    hanako = cast.hanako()
    agree(hanako, queries.registry().gadgets[gadget_id], "area.waste_zone", "age_band")
    people(SMALL_CELL, area__district="busshozan")
    counted()
    shown = desk(hanako).page(reverse("gadgets_wire:card", args=[gadget_id]))
    assert "同じ条件の方が少ないため、次の項目は伝えていません: 年代" in shown


def test_every_caller_says_by_which_cells() -> None:
    """Who forgets them would tell small cells: no call of `wanted_for` outside the tests leaves them out."""
    found = []
    for path in [*ROOT.glob("gadgets/**/*.py"), *ROOT.glob("portal/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                if name == "wanted_for":
                    found.append((path.name, {word.arg for word in node.keywords}))
    assert len(found) >= 6
    assert [name for name, words in found if "cells" not in words] == []


def test_the_demo_has_enough_people_for_every_collection_zone() -> None:
    """Hanako's card stays hers: of the made-up residents each zone has many more than SMALL_CELL."""
    from demo.seed import make_synthetic

    make_synthetic(2000)
    found = counted(frozenset({("area.waste_zone",)}))
    assert set(found) == {f'{{"area.waste_zone":"{zone}"}}' for zone in range(1, 9)}
