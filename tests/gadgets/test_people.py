"""How many use a gadget: rounded, and nothing where they are few."""

import pytest

from core.disclosure import SMALL_CELL
from gadgets.metrics import usage
from gadgets.models import Placement
from identity.models import ConsentReceipt, ConsentState, Resident

GADGET = "example.waste.calendar"
pytestmark = pytest.mark.django_db


def residents(number: int) -> list[Resident]:
    return Resident.objects.bulk_create(Resident(issuer="crowd", subject=str(n)) for n in range(number))


def place(some: list[Resident], *, hidden: int = 0) -> None:
    Placement.objects.bulk_create(
        Placement(resident=one, gadget_id=GADGET, position=0, hidden=number < hidden)
        for number, one in enumerate(some)
    )


def answer(some: list[Resident], *, granted: int) -> None:
    """Two items each: a resident counts once."""
    receipts = ConsentReceipt.objects.bulk_create(
        ConsentReceipt(
            resident=one, kind="granted", controller="見本", recipient=GADGET, purpose="card",
            items=["area.waste_zone", "age_band"], level="audience",
        )
        for one in some
    )  # fmt: skip
    ConsentState.objects.bulk_create(
        ConsentState(
            resident=one,
            receipt=receipts[number],
            recipient=GADGET,
            purpose="card",
            item=item,
            status="granted" if number < granted else "refused",
            level="audience",
        )
        for number, one in enumerate(some)
        for item in ("area.waste_zone", "age_band")
    )


def test_nobody_and_a_few_are_not_told_apart() -> None:
    nobody = usage.of(GADGET)
    some = residents(SMALL_CELL - 1)
    place(some)
    answer(some, granted=5)
    assert usage.of(GADGET) == nobody == usage.People(None, None, None)


def test_from_twenty_on_they_are_told_in_steps() -> None:
    some = residents(67)
    place(some, hidden=21)
    answer(some, granted=44)
    assert usage.of(GADGET) == usage.People(installs=50, hidden_percent=30, consent_percent=65)


def test_a_side_of_a_few_is_not_told_by_its_share() -> None:
    some = residents(60)
    place(some, hidden=5)
    answer(some, granted=55)
    assert usage.of(GADGET) == usage.People(installs=60, hidden_percent=None, consent_percent=None)


def test_nobody_and_everybody_are_told() -> None:
    some = residents(30)
    place(some)
    answer(some, granted=30)
    assert usage.of(GADGET) == usage.People(installs=30, hidden_percent=0, consent_percent=100)


def test_installs_are_counted_without_those_who_hid_it() -> None:
    place(residents(38), hidden=19)
    assert usage.of(GADGET) == usage.People(installs=None, hidden_percent=None, consent_percent=None)


def test_another_gadget_is_not_concerned() -> None:
    place(residents(30))
    assert usage.of("example.bus.stops") == usage.People(None, None, None)
