"""Protected persons: nothing of them is told to any provider, whoever asks through whichever door."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import pytest
from django.utils import timezone

from identity import actions, queries
from identity.audit import verify
from identity.domain.attributes import KEYS
from identity.domain.audience import Audience
from identity.domain.consent import RECOMMENDER
from identity.domain.roles import SYSTEM, Actor
from identity.errors import (
    NoLiftAsked,
    NoSuchNumber,
    NoSuchResident,
    NotAllowed,
    NotConfirmed,
    ProtectedPerson,
    SamePerson,
)
from identity.models import AuditEntry, ConsentEvent, ConsentReceipt, ConsentState, Resident
from identity.residents import protection, resident_numbers
from identity.residents.protection import CONFIRMATIONS
from tests import cast
from tests.consents import granted
from tests.identity.test_ledger import LUNCH, WASTE, ZONE, ask

pytestmark = pytest.mark.django_db
YEARS = ["household.school_years"]


@pytest.fixture
def operator() -> Actor:
    return cast.as_actor(cast.operator())


def protect(resident: Resident, by: Actor) -> bool:
    return actions.set_confidential(resident_id=resident.id, on=True, by=by, confirmed=CONFIRMATIONS)


def ask_to_lift(resident: Resident, by: Actor, now: datetime | None = None) -> bool:
    at = now or timezone.now()
    return actions.ask_to_lift(resident_id=resident.id, by=by, confirmed=CONFIRMATIONS, now=at)


def lift(resident: Resident, by: Actor, now: datetime | None = None) -> bool:
    at = now or timezone.now()
    return actions.lift(resident_id=resident.id, by=by, confirmed=CONFIRMATIONS, now=at)


@pytest.fixture
def second() -> Actor:
    return cast.as_actor(cast.second_operator())


def with_grants() -> Resident:
    """Hanako, opted in, who told the waste gadget and the lunch gadget something."""
    hanako = cast.hanako(opted_in=True)
    ask(hanako)
    ask(hanako, recipient=LUNCH, items=YEARS, declared=YEARS, level="pairwise")
    return Resident.objects.get(id=hanako.id)


def test_from_then_on_nothing_is_granted_to_any_provider(operator: Actor) -> None:
    hanako = with_grants()
    assert granted(hanako.id, WASTE, ZONE)
    assert protect(hanako, operator) is True
    assert granted(hanako.id, WASTE, ZONE) == {}
    assert granted(hanako.id, LUNCH, YEARS, "pairwise") == {}
    bundle = queries.bundle(hanako.id)
    assert bundle is not None
    assert bundle.protected
    assert set(bundle.grants) == {RECOMMENDER}
    assert set(bundle.levels) == {RECOMMENDER}
    assert queries.is_confidential(hanako.id)


def test_the_portals_own_order_goes_on(operator: Actor) -> None:
    hanako = with_grants()
    protect(hanako, operator)
    bundle = queries.bundle(hanako.id)
    assert bundle is not None
    assert bundle.personalised
    assert granted(hanako.id, RECOMMENDER, KEYS)
    by = cast.as_actor(hanako)
    actions.opt_out(resident_id=hanako.id, by=by)
    assert actions.opt_in_personalisation(resident_id=hanako.id, notice=cast.NOTICE, controller="x", by=by)


def test_even_a_state_that_says_granted_releases_nothing(operator: Actor) -> None:
    """The flag is asked at each door of its own; it does not lean on the withdrawals alone."""
    hanako = with_grants()
    Resident.objects.filter(id=hanako.id).update(confidential=True)
    assert ConsentState.objects.filter(resident=hanako, status="granted", recipient=WASTE).exists()
    assert granted(hanako.id, WASTE, ZONE) == {}
    assert granted(hanako.id, LUNCH, YEARS, "pairwise") == {}
    bundle = queries.bundle(hanako.id)
    assert bundle is not None
    assert set(bundle.grants) == {RECOMMENDER}
    assert WASTE not in bundle.decided


def test_the_providers_are_told_by_the_usual_withdrawal_and_learn_no_reason(operator: Actor) -> None:
    hanako = with_grants()
    before = Resident.objects.get(id=hanako.id).consent_version
    cursor = ConsentEvent.objects.latest("id").id
    protect(hanako, operator)
    events = {(row.recipient, row.kind) for row in queries.events_since(cursor)}
    assert events == {(WASTE, "withdrawn"), (LUNCH, "withdrawn")}
    receipts = ConsentReceipt.objects.filter(kind="withdrawn")
    assert {(row.recipient, row.method) for row in receipts} == {(WASTE, "operator"), (LUNCH, "operator")}
    assert all(row.withdraws is not None for row in receipts)
    assert Resident.objects.get(id=hanako.id).consent_version > before


def test_what_was_cached_misses_even_where_nothing_was_granted(operator: Actor) -> None:
    taro = cast.taro(opted_in=False)
    before = Resident.objects.get(id=taro.id).consent_version
    protect(taro, operator)
    assert Resident.objects.get(id=taro.id).consent_version == before + 1


def test_a_grant_to_a_provider_is_refused_with_words(operator: Actor) -> None:
    hanako = cast.hanako(opted_in=False)
    protect(hanako, operator)
    with pytest.raises(ProtectedPerson) as caught:
        ask(hanako)
    assert "設定" in caught.value.message
    assert not ConsentReceipt.objects.exists()
    assert ask(hanako, decision="refuse")


def test_withdrawing_stays_possible(operator: Actor) -> None:
    hanako = with_grants()
    Resident.objects.filter(id=hanako.id).update(confidential=True)
    assert actions.withdraw(resident_id=hanako.id, recipient=WASTE, by=cast.as_actor(hanako)) == 1


def test_lifting_brings_nothing_back_and_lets_them_agree_anew(operator: Actor, second: Actor) -> None:
    hanako = with_grants()
    protect(hanako, operator)
    assert ask_to_lift(hanako, operator) is True
    assert lift(hanako, second) is True
    assert granted(hanako.id, WASTE, ZONE) == {}
    bundle = queries.bundle(hanako.id)
    assert bundle is not None
    assert not bundle.protected
    assert bundle.decided[WASTE] == {"area.waste_zone": "withdrawn"}
    ask(hanako)
    assert granted(hanako.id, WASTE, ZONE) == {"area.waste_zone": "7"}


def test_nobody_protected_is_counted(operator: Actor) -> None:
    hanako, taro = cast.hanako(opted_in=True), cast.taro(opted_in=True)
    everybody = queries.count_exactly(Audience())
    protect(hanako, operator)
    assert queries.count_exactly(Audience()) == everybody - 1
    here = Audience.parse({"area.district": ["busshozan"]})
    assert queries.count_exactly(here) == 0
    assert queries.bundle(taro.id) is not None


def test_the_chain_says_who_set_it_for_which_handle_and_what_was_confirmed(
    operator: Actor, second: Actor
) -> None:
    hanako = with_grants()
    protect(hanako, operator)
    ask_to_lift(hanako, operator)
    lift(hanako, second)
    rows = AuditEntry.objects.filter(kind__startswith="confidential").order_by("seq")
    own = str(Resident.objects.get(id=operator.id).handle)
    assert [(row.kind, row.who, row.by) for row in rows] == [
        ("confidential_set", str(hanako.handle), own),
        ("confidential_lift_asked", str(hanako.handle), own),
        ("confidential_lifted", str(hanako.handle), str(Resident.objects.get(id=second.id).handle)),
    ]
    assert all(row.detail == {"confirmed": list(CONFIRMATIONS)} for row in rows)
    withdrawn = AuditEntry.objects.filter(kind="withdrawn")
    assert {row.by for row in withdrawn} == {own}
    assert verify.verify().holds


def test_setting_what_is_set_writes_nothing(operator: Actor) -> None:
    hanako = cast.hanako()
    assert ask_to_lift(hanako, operator) is False
    protect(hanako, operator)
    count = AuditEntry.objects.count()
    assert protect(hanako, operator) is False
    assert AuditEntry.objects.count() == count


@pytest.mark.parametrize("confirmed", [(), CONFIRMATIONS[:1], (*CONFIRMATIONS, "more")])
def test_both_confirmations_are_needed(operator: Actor, confirmed: Collection[str]) -> None:
    hanako = cast.hanako()
    with pytest.raises(NotConfirmed):
        actions.set_confidential(resident_id=hanako.id, on=True, by=operator, confirmed=confirmed)
    assert not queries.is_confidential(hanako.id)


def test_only_an_operator_sets_lifts_or_looks_up() -> None:
    hanako = cast.hanako()
    number = queries.resident_number(hanako.id)
    for by in (cast.as_actor(hanako), cast.as_actor(cast.editor()), Actor(id=None)):
        with pytest.raises(NotAllowed):
            protect(hanako, by)
        with pytest.raises(NotAllowed):
            protection.find(number=number, by=by)
    assert not queries.is_confidential(hanako.id)


def test_a_closed_account_is_not_found(operator: Actor) -> None:
    hanako = cast.hanako()
    number = queries.resident_number(hanako.id)
    Resident.objects.filter(id=hanako.id).update(is_active=False)
    with pytest.raises(NoSuchNumber):
        protection.find(number=number, by=operator)
    with pytest.raises(NoSuchResident):
        protect(hanako, operator)


# --- lifting takes two people ---------------------------------------------------------------------------------


def test_one_person_alone_lifts_nothing(operator: Actor) -> None:
    hanako = cast.hanako()
    protect(hanako, operator)
    with pytest.raises(NotAllowed):
        actions.set_confidential(resident_id=hanako.id, on=False, by=operator, confirmed=CONFIRMATIONS)
    with pytest.raises(NoLiftAsked):
        lift(hanako, operator)
    ask_to_lift(hanako, operator)
    with pytest.raises(SamePerson):
        lift(hanako, operator)
    for program in (SYSTEM, Actor(id=None)):
        with pytest.raises(NotAllowed):
            ask_to_lift(hanako, program)
        with pytest.raises(NotAllowed):
            lift(hanako, program)
    assert queries.is_confidential(hanako.id)


def test_asking_again_does_not_take_the_place_of_the_first(operator: Actor, second: Actor) -> None:
    hanako = cast.hanako()
    protect(hanako, operator)
    ask_to_lift(hanako, operator)
    assert ask_to_lift(hanako, second) is False
    with pytest.raises(SamePerson):
        lift(hanako, operator)
    assert lift(hanako, second) is True


def test_what_was_asked_holds_for_seven_days_and_not_beyond_a_new_protection(
    operator: Actor, second: Actor
) -> None:
    hanako, now = cast.hanako(), timezone.now()
    protect(hanako, operator)
    ask_to_lift(hanako, operator, now)
    with pytest.raises(NoLiftAsked):
        lift(hanako, second, now + protection.LIFT_HOLDS)
    protect(hanako, second)  # she is asked anew, and the desk says: still
    with pytest.raises(NoLiftAsked):
        lift(hanako, second, now)
    assert queries.is_confidential(hanako.id)


def test_nobody_lifts_their_own_protection(operator: Actor, second: Actor) -> None:
    own = Resident.objects.get(id=operator.id)
    protect(own, second)
    with pytest.raises(NotAllowed):
        ask_to_lift(own, operator)
    ask_to_lift(own, second)
    with pytest.raises(NotAllowed):
        lift(own, operator)
    assert queries.is_confidential(own.id)


@pytest.mark.parametrize("confirmed", [(), CONFIRMATIONS[:1]])
def test_both_people_confirm_both_things(operator: Actor, second: Actor, confirmed: Collection[str]) -> None:
    hanako = cast.hanako()
    protect(hanako, operator)
    with pytest.raises(NotConfirmed):
        actions.ask_to_lift(resident_id=hanako.id, by=operator, confirmed=confirmed, now=timezone.now())
    ask_to_lift(hanako, operator)
    with pytest.raises(NotConfirmed):
        actions.lift(resident_id=hanako.id, by=second, confirmed=confirmed, now=timezone.now())
    assert queries.is_confidential(hanako.id)


# --- the number ----------------------------------------------------------------------------------------------


def test_a_number_finds_its_resident_however_it_is_typed(operator: Actor) -> None:
    hanako, taro = cast.hanako(), cast.taro()
    number = queries.resident_number(hanako.id)
    full_width = number.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    for typed in (number, number.replace(" ", ""), number.replace(" ", "-"), full_width, f" {number} "):
        found = protection.find(number=typed, by=operator)
        assert (found.resident_id, found.name, found.protected) == (hanako.id, hanako.display_name, False)
        assert found.number == number
    assert queries.resident_number(taro.id) != number


def test_a_look_up_is_written_down_and_a_number_of_nobody_is_not_found(operator: Actor) -> None:
    hanako = cast.hanako()
    protection.find(number=queries.resident_number(hanako.id), by=operator)
    entry = AuditEntry.objects.latest("seq")
    assert (entry.kind, entry.who, entry.detail) == ("confidential_asked", str(hanako.handle), {})
    nobody = resident_numbers.number_of(UUID(int=1))
    for wrong in (nobody, "", "1234", "花子", "x" * 16, nobody + "1"):
        with pytest.raises(NoSuchNumber):
            protection.find(number=wrong, by=operator)
    assert AuditEntry.objects.latest("seq").seq == entry.seq


def test_a_number_that_two_people_share_finds_nobody(
    operator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = queries.resident_number(cast.hanako().id)
    cast.taro()
    monkeypatch.setattr(resident_numbers, "number_of", lambda _: number)
    with pytest.raises(NoSuchNumber):
        protection.find(number=number, by=operator)


def test_one_misheard_digit_or_two_swapped_are_no_number() -> None:
    number = resident_numbers.number_of(UUID("00000000-0000-4000-8000-000000000001")).replace(" ", "")
    assert resident_numbers.tidy(number)
    for place, digit in enumerate(number):
        wrong = number[:place] + str((int(digit) + 1) % 10) + number[place + 1 :]
        assert resident_numbers.tidy(wrong) is None
    for place in range(15):
        one, two = number[place], number[place + 1]
        if {one, two} not in ({"0", "9"}, {one}):
            assert resident_numbers.tidy(number[:place] + two + one + number[place + 2 :]) is None


def test_the_number_is_no_part_of_the_handle_and_needs_the_key(settings: object) -> None:
    handle = UUID("12345678-0000-4000-8000-000000000001")
    number = resident_numbers.number_of(handle)
    assert number == resident_numbers.number_of(handle)
    settings.NUMBER_KEY = b"k" * 32  # type: ignore[attr-defined]
    assert resident_numbers.number_of(handle) != number


def test_nobody_has_no_number() -> None:
    with pytest.raises(NoSuchResident):
        queries.resident_number(UUID(int=5))


def test_the_system_itself_may_set_it_for_a_citys_own_import() -> None:
    hanako = cast.hanako()
    assert protect(hanako, SYSTEM)
    assert AuditEntry.objects.latest("seq").by == "portal"
