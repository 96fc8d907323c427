"""Learning is a recipient of its own: granted in person, by grown-ups, beside the personalised order, and ended at once."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from identity import actions, queries, tasks
from identity import hooks as identity_hooks
from identity.audit import verify
from identity.consent import learning
from identity.domain import attributes, consent
from identity.domain.consent import BEHAVIOUR, LEARNING, Notice
from identity.domain.roles import Actor
from identity.errors import NotLearntFrom, ProtectedPerson, UndeclaredItem
from identity.household import authority, guardianships
from identity.models import AuditEntry, ConsentReceipt, ConsentState, Resident
from identity.residents.protection import CONFIRMATIONS
from tests import cast, hooks

pytestmark = pytest.mark.django_db
SHOWN = Notice("ja", "おすすめの一覧で開いたものから学習します。")


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[UUID]]:
    """Whose yes ended, as the portal is told."""
    told: list[UUID] = []
    hooks.of_identity(monkeypatch, forget_behaviour=told.append)
    yield told


def say_yes(resident: Resident, by: Actor | None = None) -> None:
    actions.opt_in_learning(
        resident_id=resident.id, notice=SHOWN, controller=cast.CONTROLLER, by=by or cast.as_actor(resident)
    )


def learns(resident: Resident) -> bool:
    bundle = queries.bundle(resident.id)
    assert bundle is not None
    return bundle.learning


def kinds(resident: Resident) -> list[str]:
    mine = ConsentReceipt.objects.filter(resident=resident, recipient=LEARNING)
    return list(mine.order_by("given_at").values_list("kind", flat=True))


def test_it_is_off_until_it_is_asked_by_itself(ended: list[UUID]) -> None:
    hanako = cast.hanako(opted_in=True)
    assert not learns(hanako)
    say_yes(hanako)
    assert learns(hanako)
    receipt = ConsentReceipt.objects.get(recipient=LEARNING)
    assert (receipt.purpose, receipt.items, receipt.level) == ("learning", [BEHAVIOUR], "none")
    assert receipt.notice is not None
    assert receipt.notice.text == SHOWN.text
    bundle = queries.bundle(hanako.id)
    assert bundle is not None
    assert BEHAVIOUR not in bundle.released
    assert ended == []


def test_a_withdrawal_ends_it_at_once_and_tells_the_portal(ended: list[UUID]) -> None:
    hanako = cast.hanako(opted_in=True)
    say_yes(hanako)
    before = queries.hold_versions([hanako.id])[hanako.id]
    assert actions.withdraw(resident_id=hanako.id, recipient=LEARNING, by=cast.as_actor(hanako)) == 1
    assert not learns(hanako)
    assert ended == [hanako.id]
    assert queries.hold_versions([hanako.id])[hanako.id] > before
    assert kinds(hanako) == ["granted", "withdrawn"]


def test_a_no_is_kept_and_takes_back_a_yes(ended: list[UUID]) -> None:
    hanako = cast.hanako(opted_in=True)
    say_yes(hanako)
    by = cast.as_actor(hanako)
    actions.refuse_learning(resident_id=hanako.id, notice=SHOWN, controller=cast.CONTROLLER, by=by)
    assert kinds(hanako) == ["granted", "withdrawn", "refused"]
    assert not learns(hanako)
    entries = AuditEntry.objects.filter(who=str(hanako.handle), detail__recipient=LEARNING).order_by("seq")
    assert list(entries.values_list("kind", flat=True)) == ["granted", "withdrawn", "refused"]
    assert verify.verify().holds
    assert set(ended) == {hanako.id}


def test_without_the_personalised_order_nobody_is_learnt_from(ended: list[UUID]) -> None:
    hanako = cast.hanako(opted_in=False)
    with pytest.raises(NotLearntFrom):
        say_yes(hanako)
    assert kinds(hanako) == []
    actions.opt_in_personalisation(
        resident_id=hanako.id, notice=cast.NOTICE, controller=cast.CONTROLLER, by=cast.as_actor(hanako)
    )
    say_yes(hanako)
    taken = actions.opt_out(resident_id=hanako.id, by=cast.as_actor(hanako))
    assert taken == len(consent.RANKING_ITEMS)
    assert kinds(hanako) == ["granted", "withdrawn"]
    assert ended == [hanako.id]


def test_stopping_a_part_of_the_order_leaves_it(ended: list[UUID]) -> None:
    hanako = cast.hanako(opted_in=True)
    say_yes(hanako)
    by = cast.as_actor(hanako)
    actions.withdraw(resident_id=hanako.id, recipient=consent.RECOMMENDER, items=["interests"], by=by)
    assert learns(hanako)
    assert ended == []


def test_a_minor_is_not_learnt_from_also_when_that_is_said_later() -> None:
    taro = cast.taro(opted_in=True)
    say_yes(taro)
    by = cast.as_actor(taro)
    actions.set_attributes(resident_id=taro.id, values={"age_band": "0-17"}, by=by)
    assert not learns(taro)
    with pytest.raises(NotLearntFrom):
        say_yes(taro)


def test_nobody_says_yes_for_a_ward() -> None:
    hanako = cast.hanako(opted_in=True)
    by = cast.as_actor(hanako)
    child = guardianships.add_child(
        guardian=hanako.id,
        name="はな",
        ends_on=authority.end_of_school(timezone.localdate(), ("e3",)),
        values={"area.district": "busshozan"},
        by=by,
    )
    actions.opt_in_personalisation(resident_id=child, notice=cast.NOTICE, controller=cast.CONTROLLER, by=by)
    with pytest.raises(NotLearntFrom):
        say_yes(Resident.objects.get(id=child), by)
    assert not ConsentReceipt.objects.filter(recipient=LEARNING).exists()


def test_a_protected_person_is_not_learnt_from(ended: list[UUID]) -> None:
    hanako, operator = cast.hanako(opted_in=True), cast.as_actor(cast.operator())
    say_yes(hanako)
    actions.set_confidential(resident_id=hanako.id, on=True, by=operator, confirmed=CONFIRMATIONS)
    assert not learns(hanako)
    assert ended == [hanako.id]
    assert queries.hold_versions([hanako.id]) == {}
    with pytest.raises(ProtectedPerson):
        say_yes(hanako)
    actions.ask_to_lift(resident_id=hanako.id, by=operator, confirmed=CONFIRMATIONS, now=timezone.now())
    second = cast.as_actor(cast.second_operator())
    actions.lift(resident_id=hanako.id, by=second, confirmed=CONFIRMATIONS, now=timezone.now())
    assert not learns(hanako)


def test_it_ends_after_a_year_and_the_sweep_forgets_what_is_left(
    ended: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    hanako = cast.hanako(opted_in=True)
    say_yes(hanako)
    assert tasks.end_expired_learning() == 0
    later = timezone.now() + timedelta(days=consent.GRANT_DAYS, hours=1)
    assert learning.end_expired(later) == 1
    assert learning.end_expired(later) == 1  # again, until the look-back is over
    assert learning.end_expired(later + learning.LOOK_BACK) == 0
    assert ended == [hanako.id, hanako.id]
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert not learns(hanako)


def test_no_attribute_can_be_granted_to_it_and_no_provider_gets_behaviour() -> None:
    hanako = cast.hanako(opted_in=True)
    with pytest.raises(UndeclaredItem):
        actions.grant(
            resident_id=hanako.id,
            recipient=LEARNING,
            purpose=consent.PURPOSE_LEARNING,
            items=["age_band"],
            declared=consent.LEARNING_ITEMS,
            level="none",
            notice=SHOWN,
            controller=cast.CONTROLLER,
            by=cast.as_actor(hanako),
        )
    assert BEHAVIOUR not in attributes.CLAIMS
    assert {consent.item_label(BEHAVIOUR, locale) for locale in attributes.LOCALES} > {
        "おすすめの一覧で開いたもの"
    }


def test_the_pseudonym_is_the_same_each_time_of_this_resident_alone_and_takes_no_query() -> None:
    hanako, taro = cast.hanako(), cast.taro()
    with CaptureQueriesContext(connection) as captured:
        mine = queries.ranking_subject(hanako.id)
        assert mine == queries.ranking_subject(hanako.id)
        assert mine != queries.ranking_subject(taro.id)
    assert len(captured) == 0
    assert str(hanako.id) != mine != hanako.subject


def test_without_hooks_nothing_ends_unnoticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A consent that ends while nobody would forget what was learnt is an error, not a success."""
    monkeypatch.setattr(identity_hooks, "_registered", None)
    with pytest.raises(ImproperlyConfigured):
        learning.ended(cast.hanako().id)


def test_who_turns_out_to_be_a_child_is_no_longer_learnt_from_at_once(ended: list[UUID]) -> None:
    hanako = cast.hanako(opted_in=True)
    say_yes(hanako)
    by = cast.as_actor(hanako)
    actions.set_attributes(resident_id=hanako.id, values={"age_band": "25-34"}, by=by)
    assert ended == []
    actions.set_attributes(resident_id=hanako.id, values={"age_band": "0-17"}, by=by)
    assert ended == [hanako.id]
    assert [one.kind for one in ConsentReceipt.objects.filter(recipient=LEARNING).order_by("given_at")] == [
        "granted",
        "withdrawn",
    ]
    actions.set_attributes(resident_id=hanako.id, values={"age_band": "18-24"}, by=by)
    assert not learns(hanako)  # a new yes is needed
    assert verify.verify().holds


def test_learning_ends_with_the_order_that_runs_out_and_does_not_come_back_with_it(
    ended: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    hanako = cast.hanako(opted_in=True)
    by = cast.as_actor(hanako)
    began = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: began + timedelta(days=100))
    say_yes(hanako)
    later = began + timedelta(days=consent.GRANT_DAYS, hours=1)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert not learns(hanako)
    assert tasks.end_expired_learning() == 1
    assert tasks.end_expired_learning() == 0
    assert ended == [hanako.id]
    actions.opt_in_personalisation(
        resident_id=hanako.id, notice=cast.NOTICE, controller=cast.CONTROLLER, by=by
    )
    assert not learns(hanako)


def test_a_yes_to_the_order_before_the_sweep_does_not_bring_learning_back(
    ended: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    hanako = cast.hanako(opted_in=True)
    began = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: began + timedelta(days=100))
    say_yes(hanako)
    later = began + timedelta(days=consent.GRANT_DAYS, hours=1)
    monkeypatch.setattr(timezone, "now", lambda: later)
    actions.opt_in_personalisation(
        resident_id=hanako.id, notice=cast.NOTICE, controller=cast.CONTROLLER, by=cast.as_actor(hanako)
    )
    assert not learns(hanako)
    assert ended == [hanako.id]
    assert verify.verify().holds


def test_what_is_added_to_the_order_ends_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    hanako = cast.hanako(opted_in=True)
    began = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: began + timedelta(days=100))
    for items in (["avoids"], list(consent.RANKING_ITEMS)):
        actions.grant(
            resident_id=hanako.id,
            recipient=consent.RECOMMENDER,
            purpose=consent.PURPOSE_RANKING,
            items=items,
            declared=consent.RANKING_ITEMS,
            level="none",
            notice=SHOWN,
            controller=cast.CONTROLLER,
            by=cast.as_actor(hanako),
        )
        ends = set(ConsentState.objects.filter(resident=hanako).values_list("expires_at", flat=True))
        # Added, it ends with the first yes; a yes to all of it is a new year.
        assert len(ends) == 1
        fresh = items != ["avoids"]
        assert (ends.pop() > began + timedelta(days=consent.GRANT_DAYS, hours=1)) is fresh


def test_stopping_and_beginning_again_and_again_is_paused(
    ended: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    hanako = cast.hanako(opted_in=True)
    by = cast.as_actor(hanako)
    for _ in range(2):
        say_yes(hanako)
        actions.refuse_learning(resident_id=hanako.id, notice=SHOWN, controller=cast.CONTROLLER, by=by)
    with pytest.raises(NotLearntFrom, match="30日"):
        say_yes(hanako)
    later = timezone.now() + timedelta(days=31)
    monkeypatch.setattr(timezone, "now", lambda: later)
    say_yes(hanako)
    assert learns(hanako)
