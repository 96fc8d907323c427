"""A gadget names the regions whose residents it serves; a neighbour's resident gets no other one."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.urls import reverse

from gadgets import actions, fetch, queries
from gadgets.errors import LocalOnlyError
from gadgets.models import GadgetVersion, bump_registry
from gadgets.types import GadgetInfo
from identity.models import Resident
from identity.queries import bundle
from tests import cast
from tests.gadgets import samples
from tests.gadgets.conftest import DeskFor
from tests.gadgets.test_fetch import agree

pytestmark = pytest.mark.django_db
SENTENCE = "このサービスは、この地域にお住まいの方のものです。"


@pytest.fixture
def local(published: str, django_capture_on_commit_callbacks: Any) -> Iterator[str]:
    """The waste gadget, for this region only."""
    with django_capture_on_commit_callbacks(execute=True):
        row = GadgetVersion.objects.get()
        GadgetVersion.objects.update(manifest=bytes(row.manifest).replace(b'["*"]', b'["372013"]'))
        bump_registry()
    assert queries.registry().gadgets[published].regions == ("372013",)
    yield published


@pytest.fixture
def visitor(db: None) -> Resident:
    """Like Hanako, with the ID of the neighbouring region."""
    resident = cast.hanako()
    resident.home_region = "neighbour"
    resident.save(update_fields=["home_region"])
    return resident


@pytest.mark.parametrize(
    ("regions", "home", "serves"),
    [
        (("*",), "", True), (("*",), "neighbour", True), (("372013",), "", True), (("372013",), "neighbour", False),
        (("372013", "neighbour"), "neighbour", True), (("372013", "neighbour"), "other", False),
    ],
)  # fmt: skip
def test_whom_a_gadget_serves(regions: tuple[str, ...], home: str, serves: bool) -> None:
    gadget: GadgetInfo = replace(samples.info(), regions=regions)
    assert gadget.serves(home) is serves


def test_a_visitor_is_told_whom_it_is_for_and_offered_nothing(
    desk: DeskFor, local: str, visitor: Resident
) -> None:
    seat = desk(visitor)
    catalogue = seat.page(reverse("gadgets:catalogue"))
    assert SENTENCE in catalogue
    assert reverse("gadgets:add", args=[local]) not in catalogue
    page = seat.page(reverse("gadgets:page", args=[local]))
    assert SENTENCE in page
    for offered in (reverse("gadgets:add", args=[local]), reverse("mydata:consent", args=[local])):
        assert offered not in page


def test_a_resident_of_the_region_reads_no_such_sentence(desk: DeskFor, local: str) -> None:
    seat = desk(cast.hanako())
    assert SENTENCE not in seat.page(reverse("gadgets:catalogue"))
    assert reverse("gadgets:add", args=[local]) in seat.page(reverse("gadgets:page", args=[local]))


def test_a_visitor_cannot_put_it_on_the_home(local: str, visitor: Resident) -> None:
    with pytest.raises(LocalOnlyError):
        actions.place(resident_id=visitor.id, gadget_id=local, by=cast.as_actor(visitor))
    assert queries.layout(visitor.id) == ()


def test_what_was_granted_before_does_not_reach_it(local: str, visitor: Resident) -> None:
    gadget = queries.registry().gadgets[local]
    agree(visitor, gadget, *gadget.declared)
    found = bundle(visitor.id)
    assert found is not None
    assert found.grants[local]
    wanted = fetch.wanted_for(gadget, bundle=found, locale="ja", size="S")
    assert (wanted.public_form, wanted.claims) == (True, {})


def test_the_question_for_it_is_not_there(desk: DeskFor, local: str, visitor: Resident) -> None:
    client = cast.sign_in(cast.portal_client(), visitor)
    assert client.get(reverse("mydata:consent", args=[local])).status_code == 404
    answer = client.post(reverse("mydata:consent_grant", args=[local]), {"items": ["area.waste_zone"]})
    assert answer.status_code == 404
