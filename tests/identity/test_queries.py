"""Reads of identity: one query for the home, figures that protect few, pseudonyms, and the overview."""

from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from identity import actions, crypto, queries
from identity.domain.audience import Audience
from identity.domain.consent import Notice
from identity.domain.roles import SYSTEM
from identity.domain.subjects import pairwise
from identity.errors import CannotUnseal, NoSuchClient, NoSuchResident
from identity.models import GadgetClient, Resident
from tests import cast
from tests.consents import granted

pytestmark = pytest.mark.django_db
ZONE = ["area.waste_zone"]


def grant_to(resident: Resident, recipient: str, items: list[str]) -> None:
    actions.grant(
        resident_id=resident.id,
        recipient=recipient,
        purpose="card",
        items=items,
        declared=items,
        level="audience",
        notice=Notice("ja", "見せる内容"),
        controller="WasteCo",
        by=cast.as_actor(resident),
    )


def test_the_bundle_is_one_query_whatever_was_decided(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    hanako = cast.hanako()
    for number in range(8):
        grant_to(hanako, f"localhost.gadget{number}", ZONE)
    with django_assert_num_queries(1):
        bundle = queries.bundle(hanako.id)
    assert bundle is not None
    assert (bundle.id, bundle.name, bundle.locale) == (hanako.id, "高松 花子", "ja")
    assert bundle.attributes["household.school_years"] == ("preschool", "e3")
    assert bundle.attributes["household.has_child"] is True
    assert bundle.released["interests"] == ("childcare", "music")
    assert bundle.grants["localhost.gadget3"] == frozenset(ZONE)
    assert bundle.decided["localhost.gadget3"] == {"area.waste_zone": "granted"}
    assert bundle.levels["localhost.gadget3"] == {"area.waste_zone": "audience"}
    assert bundle.terms["localhost.gadget3"] == {"area.waste_zone": ""}
    assert len(bundle.grants) == 9


def test_the_bundle_of_somebody_new_is_empty_and_of_nobody_is_none(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    newcomer = cast.newcomer()
    with django_assert_num_queries(1):
        bundle = queries.bundle(newcomer.id)
    assert bundle is not None
    assert (bundle.attributes, bundle.released, bundle.grants, bundle.decided) == ({}, {}, {}, {})
    assert bundle.personalised is False
    assert queries.bundle(uuid4()) is None


def test_the_bundle_of_an_officer_names_the_roles() -> None:
    bundle = queries.bundle(cast.operator().id)
    assert bundle is not None
    assert bundle.roles == {"operator"}


def test_what_may_leave_is_read_in_one_query_and_needs_the_declaration(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    hanako = cast.hanako(opted_in=False)
    grant_to(hanako, "localhost.waste.calendar", ["area.waste_zone", "age_band"])
    with django_assert_num_queries(1):
        released = granted(hanako.id, "localhost.waste.calendar", ["age_band", "language"])
    assert released == {"age_band": "35-44"}
    assert granted(hanako.id, "localhost.other.gadget", ["age_band"]) == {}
    assert granted(uuid4(), "localhost.waste.calendar", ["age_band"]) == {}


def test_the_overview_is_two_queries_with_since_last_access_and_count(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    hanako = cast.hanako()
    grant_to(hanako, "localhost.waste.calendar", ["age_band", "area.waste_zone"])
    for days in (0, 1, 40):
        cast.released(hanako, "localhost.waste.calendar", ZONE, at=timezone.now() - timedelta(days=days))
    with django_assert_num_queries(2):
        rows = queries.overview(hanako.id)
    assert [row.recipient for row in rows] == ["localhost.waste.calendar", "recommender"]
    waste = rows[0]
    assert waste.granted == ("area.waste_zone", "age_band")
    assert waste.refused == ()
    assert waste.count == 2
    assert waste.since is not None
    assert waste.last_access is not None
    assert timezone.now() - waste.last_access < timedelta(minutes=1)
    assert rows[1].last_access is None


def test_the_overview_shows_a_recipient_that_got_something_before_the_ledger_knew_it() -> None:
    hanako = cast.hanako(opted_in=False)
    cast.released(hanako, "localhost.gone", ZONE, via="card")
    (row,) = queries.overview(hanako.id)
    assert (row.recipient, row.items, row.since, row.count) == ("localhost.gone", (), None, 1)


def test_the_access_log_is_the_newest_first_and_limited() -> None:
    hanako = cast.hanako(opted_in=False)
    for via in ("card", "claims", "card"):
        cast.released(hanako, f"r-{via}", ZONE, via=via)
    assert [row.recipient for row in queries.access_log(hanako.id, limit=2)] == ["r-card", "r-claims"]


def _people(count: int) -> None:
    actions.create_synthetic(
        people=[{"area.district": "busshozan", "household.school_years": ("e3",)}] * count,
        notice=cast.NOTICE,
        controller=cast.CONTROLLER,
        by=SYSTEM,
    )


def test_a_reach_is_rounded_to_tens_and_hidden_when_small() -> None:
    zone7_parents = Audience.parse({"area.waste_zone": ["7"], "household.has_child": [True]})
    _people(29)
    assert queries.audience_counts(zone7_parents) is None
    cast.hanako()
    assert queries.count_exactly(zone7_parents) == 30
    assert queries.audience_counts(zone7_parents) == 30
    _people(6)
    assert queries.audience_counts(zone7_parents) == 40
    assert queries.audience_counts(Audience()) == 40


def test_the_reach_counts_only_those_who_opted_in() -> None:
    parents = Audience.parse({"household.has_child": [True]})
    hanako = cast.hanako()
    cast.taro()
    assert queries.count_exactly(parents) == 1
    actions.withdraw(
        resident_id=hanako.id,
        recipient="recommender",
        items=["household.has_child"],
        by=cast.as_actor(hanako),
    )
    assert queries.count_exactly(parents) == 0
    assert queries.count_exactly(Audience()) == 2


def _client(salt: bytes = b"a-salt", place: str = "localhost.waste.calendar") -> None:
    GadgetClient.objects.create(
        gadget_id="localhost.waste.calendar",
        client_id="localhost.waste.calendar",
        sector_host="waste.localhost",
        salt_sealed=crypto.seal(salt, place=crypto.client_place(place)),
        identity_level="audience",
    )


def test_the_pseudonym_is_made_of_sector_the_ids_own_user_and_the_salt() -> None:
    hanako = cast.hanako()
    _client()
    expected = pairwise("waste.localhost", hanako.subject, b"a-salt")
    assert queries.subject_for(hanako.id, "localhost.waste.calendar") == expected
    assert hanako.subject == str(hanako.id)


def test_no_pseudonym_without_client_or_resident_or_key() -> None:
    hanako = cast.hanako()
    with pytest.raises(NoSuchClient):
        queries.subject_for(hanako.id, "localhost.waste.calendar")
    _client(place="another.place")
    with pytest.raises(NoSuchResident):
        queries.subject_for(uuid4(), "localhost.waste.calendar")
    with pytest.raises(CannotUnseal):
        queries.subject_for(hanako.id, "localhost.waste.calendar")


def test_a_sealed_secret_opens_only_whole_and_in_its_place() -> None:
    sealed = crypto.seal(b"secret", place="here")
    assert crypto.unseal(sealed, place="here") == b"secret"
    assert sealed != crypto.seal(b"secret", place="here")
    for broken, place in ((sealed, "there"), (sealed[:-1], "here"), (b"", "here"), (b"x" * 40, "here")):
        with pytest.raises(CannotUnseal):
            crypto.unseal(broken, place=place)


def test_events_are_read_by_cursor() -> None:
    hanako = cast.hanako()
    first = queries.events_since(0)
    assert [event.kind for event in first] == ["attributes", "granted"]
    actions.opt_out(resident_id=hanako.id, by=cast.as_actor(hanako))
    (later,) = queries.events_since(first[-1].cursor)
    assert (later.kind, later.recipient, later.resident_id) == ("withdrawn", "recommender", hanako.id)


def test_an_actor_of_nobody_does_not_exist() -> None:
    with pytest.raises(NoSuchResident):
        queries.actor(uuid4())


def test_names_are_given_for_known_residents_only() -> None:
    hanako = cast.hanako()
    assert queries.names([hanako.id, uuid4()]) == {hanako.id: "高松 花子"}


@pytest.mark.parametrize(
    ("raw", "known"), [(None, False), ("not-a-uuid", False), ("7d4f0c52-8a55-4b0e-9b0e-0f6d5a3c2e11", True)]
)
def test_the_session_names_the_resident(raw: str | None, known: bool) -> None:
    request = SimpleNamespace(session={} if raw is None else {"_resident": raw})
    assert (queries.current_resident(request) is not None) is known  # type: ignore[arg-type]
