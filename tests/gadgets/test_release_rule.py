"""The rule of disclosure as a table: level × consent × terms × protection × cell × suspension × region."""

from dataclasses import replace
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from gadgets.release import NOTHING, Disclosure, claims_key, disclosable, disclosable_to_site
from gadgets.types import GadgetInfo
from identity.queries import Bundle
from tests.gadgets import samples

ZONE, AGE = "area.waste_zone", "age_band"
VALUES = {ZONE: "7", AGE: "35-44"}
LEVELS = ("none", "audience", "pairwise")
BOTH = Disclosure((ZONE, AGE), VALUES)


def gadget(level: str = "audience", **changes: Any) -> GadgetInfo:
    """It needs the waste zone since version 2, and takes the age band as an option."""
    claims = [] if level == "none" else [samples.claim(ZONE), samples.claim(AGE, "optional")]
    found = samples.info(identity=level, claims=claims)
    return replace(found, claims=tuple(replace(claim, terms="2.0.0") for claim in found.claims), **changes)


def bundle(*, level: str = "pairwise", granted: tuple[str, ...] = (ZONE, AGE), terms: str = "2.0.0", **changes: Any) -> Bundle:  # fmt: skip
    me = gadget().id
    whole: dict[str, Any] = {
        "id": UUID(int=1),
        "name": "花子",
        "locale": "ja",
        "roles": frozenset(),
        "attributes": VALUES,
        "released": {},
        "personalised": False,
        "consent_version": 1,
        "grants": {me: frozenset(granted)},
        "decided": {me: dict.fromkeys(granted, "granted")},
        "levels": {me: dict.fromkeys(granted, level)},
        "terms": {me: dict.fromkeys(granted, terms)},
    }
    return Bundle(**(whole | changes))


def cells(zone: int, both: int) -> dict[str, int]:
    return {claims_key({ZONE: "7"}): zone, claims_key(VALUES): both}


LARGE = cells(500, 20)
REGIONS = {"own": ("*", ""), "served": ("other", "other"), "elsewhere": ("third", "other")}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("given", LEVELS)
def test_everything_must_hold_at_once(level: str, given: str) -> None:
    """144 rows for each pair of levels: both claims leave where every condition holds, and nothing in all other rows."""
    rows = 0
    for consent, terms, protected, published, region, client in product(
        ("granted", "refused", "expired"), ("2.0.0", "1.0.0"), (False, True), (True, False), REGIONS, ("client", None)
    ):  # fmt: skip
        serves, home = REGIONS[region]
        shown = gadget(level, regions=(serves,), client_id=client) if published else None
        who = bundle(
            level=given,
            granted=(ZONE, AGE) if consent == "granted" else (),  # a bundle leaves out what has expired
            terms=terms,
            protected=protected,
            home_region=home,
        )
        holds = (
            level != "none"
            and LEVELS.index(given) >= LEVELS.index(level)
            and consent == "granted"
            and terms == "2.0.0"
            and not protected
            and published
            and region != "elsewhere"
            and (level == "audience" or client is not None)
        )
        found = disclosable(shown, who, cells=LARGE)
        assert found == (BOTH if holds else NOTHING), (consent, terms, protected, published, region, client)
        rows += 1
    assert rows == 144


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        (cells(20, 20), BOTH),
        (cells(20, 19), Disclosure((ZONE,), {ZONE: "7"}, (AGE,))),
        (cells(19, 19), Disclosure(too_few=(ZONE, AGE))),
        ({}, Disclosure(too_few=(ZONE, AGE))),
        (None, BOTH),
    ],
    ids=["large", "one too few for both", "too few for either", "uncounted cells", "not counted here"],
)
def test_small_cells_drop_options_first_and_then_everything(counted: Any, expected: Disclosure) -> None:
    assert disclosable(gadget(), bundle(), cells=counted) == expected


def test_a_pseudonym_tells_who_it_is_so_cells_do_not_count() -> None:
    assert disclosable(gadget("pairwise"), bundle(), cells={}) == BOTH


@pytest.mark.parametrize(
    ("level", "expected"), [("none", NOTHING), ("audience", NOTHING), ("pairwise", BOTH)]
)
def test_a_providers_site_gets_nothing_below_a_pseudonym(level: str, expected: Disclosure) -> None:
    assert disclosable_to_site(gadget(level), bundle()) == expected
    assert disclosable_to_site(None, bundle()) == NOTHING


@pytest.mark.parametrize(
    ("granted", "known", "expected"),
    [
        ((ZONE,), VALUES, Disclosure((ZONE,), {ZONE: "7"})),
        ((AGE,), VALUES, NOTHING),
        ((ZONE, AGE), {ZONE: "7"}, Disclosure((ZONE, AGE), {ZONE: "7"})),
        ((ZONE, AGE), {AGE: "35-44"}, NOTHING),
        ((ZONE, "language"), VALUES | {"language": "ja"}, Disclosure((ZONE,), {ZONE: "7"})),
        ((), VALUES, NOTHING),
    ],
    ids=[
        "option refused",
        "required refused",
        "option unknown",
        "required unknown",
        "not declared",
        "nothing",
    ],
)
def test_what_is_declared_granted_and_known_leaves(granted: Any, known: Any, expected: Disclosure) -> None:
    assert disclosable(gadget("pairwise"), bundle(granted=granted, attributes=known)) == expected


def test_a_guest_discloses_nothing() -> None:
    assert disclosable(gadget(), None) == NOTHING
