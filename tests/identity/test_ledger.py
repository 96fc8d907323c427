"""The consent ledger: each decision appends, nothing is changed or taken out, and it holds at once."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from identity import actions, crypto, queries
from identity.domain import consent
from identity.domain.audience import Audience
from identity.domain.consent import Notice
from identity.domain.roles import SYSTEM
from identity.errors import (
    ConsentProblem,
    LedgerIsAppendOnly,
    NoSuchResident,
    NotAllowed,
    NothingAsked,
    UndeclaredItem,
    UnknownItem,
    UnknownLevel,
)
from identity.models import (
    ConsentEvent,
    ConsentReceipt,
    ConsentState,
    GadgetClient,
    NoticeVersion,
    Resident,
    Subject,
)
from tests import cast
from tests.consents import granted

pytestmark = pytest.mark.django_db
WASTE = "localhost.waste.calendar"
LUNCH = "localhost.lunch.menu"
ZONE = ["area.waste_zone"]
SHOWN = Notice("ja", "ごみ収集日が、ごみ収集の区域を使います。")


def ask(resident: Resident, *, decision: str = "grant", **changes: Any) -> UUID:
    """One decision of `resident`, valid unless `changes` say otherwise."""
    given: dict[str, Any] = {
        "resident_id": resident.id,
        "recipient": WASTE,
        "purpose": "card",
        "items": ZONE,
        "declared": ZONE,
        "level": "audience",
        "notice": SHOWN,
        "controller": "WasteCo",
        "by": cast.as_actor(resident),
    }
    made: UUID = getattr(actions, decision)(**{**given, **changes})
    return made


def version(resident: Resident) -> int:
    return Resident.objects.get(id=resident.id).consent_version


def test_a_grant_leaves_a_receipt_the_shown_text_a_state_an_event_and_a_new_version() -> None:
    hanako = cast.hanako(opted_in=False)
    before = version(hanako)
    receipt = ConsentReceipt.objects.get(id=ask(hanako))
    assert (receipt.kind, receipt.recipient, receipt.purpose) == ("granted", WASTE, "card")
    assert (receipt.items, receipt.level, receipt.controller) == (ZONE, "audience", "WasteCo")
    assert receipt.notice is not None
    assert (receipt.notice.language, receipt.notice.text) == (SHOWN.language, SHOWN.text)
    assert queries.shown_text(SHOWN.sha256) == SHOWN.text
    state = ConsentState.objects.get(resident=hanako)
    assert (state.item, state.status, state.receipt_id) == ("area.waste_zone", "granted", receipt.id)
    event = ConsentEvent.objects.latest("id")
    assert (event.resident_id, event.recipient, event.kind) == (hanako.id, WASTE, "granted")
    assert version(hanako) == before + 1
    assert granted(hanako.id, WASTE, ZONE) == {"area.waste_zone": "7"}


def test_a_refusal_is_remembered_and_releases_nothing() -> None:
    hanako = cast.hanako(opted_in=False)
    before = version(hanako)
    ask(hanako, decision="refuse")
    bundle = queries.bundle(hanako.id)
    assert bundle is not None
    assert bundle.decided == {WASTE: {"area.waste_zone": "refused"}}
    assert bundle.grants == {}
    assert granted(hanako.id, WASTE, ZONE) == {}
    assert version(hanako) == before + 1


def test_a_withdrawal_holds_on_the_next_read_and_points_to_what_it_takes_back() -> None:
    hanako = cast.hanako(opted_in=False)
    given = ask(hanako)
    before = version(hanako)
    assert actions.withdraw(resident_id=hanako.id, recipient=WASTE, by=cast.as_actor(hanako)) == 1
    assert granted(hanako.id, WASTE, ZONE) == {}
    latest = ConsentReceipt.objects.get(kind="withdrawn")
    assert (latest.withdraws_id, latest.controller, latest.level) == (given, "WasteCo", "audience")
    assert ConsentReceipt.objects.count() == 2
    assert version(hanako) == before + 1


def test_withdrawing_one_item_leaves_the_other_recipients_and_items() -> None:
    hanako = cast.hanako()
    ask(hanako)
    both = ["area.district", "household.school_years"]
    ask(hanako, recipient=LUNCH, items=both, declared=both, level="audience")
    by = cast.as_actor(hanako)
    actions.withdraw(resident_id=hanako.id, recipient=LUNCH, items=["area.district"], by=by)
    assert granted(hanako.id, LUNCH, both) == {"household.school_years": ("preschool", "e3")}
    assert granted(hanako.id, WASTE, ZONE) == {"area.waste_zone": "7"}
    bundle = queries.bundle(hanako.id)
    assert bundle is not None
    assert bundle.personalised


def test_withdrawing_nothing_changes_nothing() -> None:
    hanako = cast.hanako(opted_in=False)
    before = version(hanako)
    assert actions.withdraw(resident_id=hanako.id, recipient=WASTE, by=cast.as_actor(hanako)) == 0
    assert not ConsentReceipt.objects.exists()
    assert version(hanako) == before


def test_a_grant_after_a_withdrawal_holds_again() -> None:
    hanako = cast.hanako(opted_in=False)
    ask(hanako)
    actions.withdraw(resident_id=hanako.id, recipient=WASTE, by=cast.as_actor(hanako))
    ask(hanako)
    assert granted(hanako.id, WASTE, ZONE) == {"area.waste_zone": "7"}
    assert [r.kind for r in ConsentReceipt.objects.order_by("given_at")] == [
        "granted",
        "withdrawn",
        "granted",
    ]
    assert NoticeVersion.objects.count() == 1


def told(resident: Resident) -> dict[str, frozenset[str]]:
    bundle = queries.bundle(resident.id)
    assert bundle is not None
    return dict(bundle.grants)


def test_a_grant_ends_after_a_year_unless_it_says_otherwise() -> None:
    hanako = cast.hanako(opted_in=True)
    before = timezone.now()
    receipt = ConsentReceipt.objects.get(id=ask(hanako))
    assert before <= receipt.given_at <= timezone.now()
    assert receipt.expires_at == receipt.given_at + timedelta(days=consent.GRANT_DAYS)
    ends = before + timedelta(days=7)
    assert ConsentReceipt.objects.get(id=ask(hanako, expires_at=ends)).expires_at == ends
    ranking = ConsentReceipt.objects.get(recipient=consent.RECOMMENDER)
    assert ranking.expires_at == ranking.given_at + timedelta(days=consent.GRANT_DAYS)
    refusal = ConsentReceipt.objects.get(id=ask(hanako, decision="refuse"))
    assert refusal.expires_at is None


def test_at_its_last_moment_a_grant_holds_and_from_its_end_on_it_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hanako = cast.hanako(opted_in=True)
    ask(hanako)
    ends = ConsentState.objects.get(recipient=WASTE).expires_at
    assert ends is not None
    monkeypatch.setattr(timezone, "now", lambda: ends - timedelta(microseconds=1))
    assert granted(hanako.id, WASTE, ZONE)
    assert told(hanako)[WASTE] == frozenset(ZONE)
    monkeypatch.setattr(timezone, "now", lambda: ends)
    assert granted(hanako.id, WASTE, ZONE) == {}
    assert WASTE not in told(hanako)
    bundle = queries.bundle(hanako.id)
    assert bundle is not None
    assert WASTE not in bundle.decided
    row = next(row for row in queries.overview(hanako.id) if row.recipient == WASTE)
    assert [item.status for item in row.items] == ["expired"]
    assert (row.granted, row.since, row.expires_at) == ((), None, None)
    assert actions.withdraw(resident_id=hanako.id, recipient=WASTE, by=cast.as_actor(hanako)) == 0


def test_an_opt_in_that_has_expired_makes_the_order_chronological(monkeypatch: pytest.MonkeyPatch) -> None:
    hanako = cast.hanako(opted_in=True)
    ends = ConsentState.objects.filter(recipient=consent.RECOMMENDER).earliest("expires_at").expires_at
    assert ends is not None
    assert queries.count_exactly(Audience()) == 1
    monkeypatch.setattr(timezone, "now", lambda: ends)
    bundle = queries.bundle(hanako.id)
    assert bundle is not None
    assert (bundle.personalised, dict(bundle.released)) == (False, {})
    assert queries.count_exactly(Audience()) == 0


def test_granting_again_renews(monkeypatch: pytest.MonkeyPatch) -> None:
    hanako = cast.hanako(opted_in=False)
    ask(hanako)
    ends = ConsentState.objects.get().expires_at
    assert ends is not None
    monkeypatch.setattr(timezone, "now", lambda: ends + timedelta(days=1))
    ask(hanako)
    renewed = ConsentState.objects.get()
    assert renewed.expires_at == ends + timedelta(days=1 + consent.GRANT_DAYS)
    assert granted(hanako.id, WASTE, ZONE) == {"area.waste_zone": "7"}


def test_a_month_before_its_end_a_grant_is_due_to_be_renewed() -> None:
    hanako = cast.hanako(opted_in=False)
    ask(hanako)
    (row,) = queries.overview(hanako.id)
    assert row.expires_at is not None
    due = row.expires_at - timedelta(days=consent.RENEW_DAYS)
    assert not row.ends_soon(due - timedelta(microseconds=1))
    assert row.ends_soon(due)
    actions.withdraw(resident_id=hanako.id, recipient=WASTE, by=cast.as_actor(hanako))
    (row,) = queries.overview(hanako.id)
    assert not row.ends_soon(due)


def test_a_grant_at_a_lower_level_does_not_serve_a_higher_one() -> None:
    hanako = cast.hanako(opted_in=False)
    ask(hanako)
    assert granted(hanako.id, WASTE, ZONE, "pairwise") == {}
    assert granted(hanako.id, WASTE, ZONE, "audience") == {"area.waste_zone": "7"}


@pytest.mark.parametrize("decision", ["grant", "refuse"])
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"items": []}, NothingAsked),
        ({"items": ["shoe_size"], "declared": ["shoe_size"]}, UnknownItem),
        ({"items": ["area.waste_zone", "age_band"]}, UndeclaredItem),
        ({"level": "everything"}, UnknownLevel),
    ],
)
def test_a_decision_about_what_was_not_asked_is_refused(
    decision: str, changes: dict[str, Any], error: type[ConsentProblem]
) -> None:
    hanako = cast.hanako(opted_in=False)
    before = version(hanako)
    with pytest.raises(error) as caught:
        ask(hanako, decision=decision, **changes)
    assert caught.value.message
    assert not ConsentReceipt.objects.exists()
    assert version(hanako) == before


def test_nobody_decides_for_another() -> None:
    hanako = cast.hanako(opted_in=False)
    ask(hanako)
    for other in (cast.as_actor(cast.taro(opted_in=False)), cast.as_actor(cast.operator()), SYSTEM):
        for decision in ("grant", "refuse"):
            with pytest.raises(NotAllowed):
                ask(hanako, decision=decision, by=other)
        with pytest.raises(NotAllowed):
            actions.withdraw(resident_id=hanako.id, recipient=WASTE, by=other)
    assert granted(hanako.id, WASTE, ZONE)


def test_a_closed_account_decides_and_releases_nothing() -> None:
    hanako = cast.hanako(opted_in=False)
    ask(hanako)
    Resident.objects.filter(id=hanako.id).update(is_active=False)
    with pytest.raises(NoSuchResident):
        ask(hanako)
    assert granted(hanako.id, WASTE, ZONE) == {}
    assert queries.bundle(hanako.id) is None


def test_entries_are_neither_changed_nor_deleted_by_the_program() -> None:
    receipt = ConsentReceipt.objects.get(id=ask(cast.hanako(opted_in=False)))
    receipt.items = []
    with pytest.raises(LedgerIsAppendOnly):
        receipt.save()
    with pytest.raises(LedgerIsAppendOnly):
        receipt.delete()
    with pytest.raises(LedgerIsAppendOnly):
        ConsentReceipt.objects.filter(id=receipt.id).update(kind="refused")
    with pytest.raises(LedgerIsAppendOnly):
        ConsentReceipt.objects.all().delete()
    with pytest.raises(LedgerIsAppendOnly):
        ConsentReceipt.objects.bulk_update([receipt], ["items"])
    assert ConsentReceipt.objects.get(id=receipt.id).items == ZONE


def test_the_database_itself_refuses_a_change() -> None:
    ask(cast.hanako(opted_in=False))
    statements = ["UPDATE identity_consentreceipt SET kind = 'refused'"]
    if connection.vendor == "postgresql":
        statements.append("DELETE FROM identity_consentreceipt")
    for statement in statements:
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert ConsentReceipt.objects.get().kind == "granted"


def test_opting_in_is_a_grant_to_the_recommender_and_out_is_its_withdrawal() -> None:
    hanako = cast.hanako(opted_in=False)
    assert queries.bundle(hanako.id).personalised is False  # type: ignore[union-attr]
    by = cast.as_actor(hanako)
    actions.opt_in_personalisation(
        resident_id=hanako.id, notice=cast.NOTICE, controller=cast.CONTROLLER, by=by
    )
    bundle = queries.bundle(hanako.id)
    assert bundle is not None
    assert bundle.personalised
    assert bundle.released == bundle.attributes
    assert actions.opt_out(resident_id=hanako.id, by=by) == len(consent.RANKING_ITEMS)
    bundle = queries.bundle(hanako.id)
    assert bundle is not None
    assert not bundle.personalised
    assert bundle.released == {}
    assert bundle.attributes["area.district"] == "busshozan"


def _client(gadget_id: str, level: str = "pairwise") -> GadgetClient:
    return GadgetClient.objects.create(
        gadget_id=gadget_id,
        client_id=gadget_id,
        sector_host="lunch.localhost",
        salt_sealed=crypto.seal(b"a-salt", place=crypto.client_place(gadget_id)),
        identity_level=level,
    )


def test_the_way_back_from_a_pseudonym_is_written_with_the_first_pairwise_grant() -> None:
    hanako = cast.hanako()
    client = _client(LUNCH)
    years = ["household.school_years"]
    for _ in range(2):
        ask(hanako, recipient=LUNCH, items=years, declared=years, level="pairwise")
    row = Subject.objects.get()
    assert (row.client_id, row.resident_id) == (client.id, hanako.id)
    assert row.sub == queries.subject_for(hanako.id, LUNCH)


def test_a_grant_at_audience_level_leaves_no_way_back() -> None:
    _client(WASTE, "audience")
    ask(cast.hanako())
    assert not Subject.objects.exists()


def test_a_pairwise_grant_without_a_client_is_still_a_grant() -> None:
    hanako = cast.hanako()
    ask(hanako, level="pairwise")
    assert granted(hanako.id, WASTE, ZONE, "pairwise")
    assert not Subject.objects.exists()


def test_a_release_is_rolled_back_with_the_callers_transaction() -> None:
    hanako = cast.hanako()
    ask(hanako)

    def release(*items: str) -> None:
        actions.release(resident_id=hanako.id, recipient=WASTE, via="card", decide=lambda _: items)

    with pytest.raises(RuntimeError), transaction.atomic():
        release(*ZONE)
        raise RuntimeError
    assert queries.access_log(hanako.id) == ()
    release(*ZONE)
    release()
    (row,) = queries.access_log(hanako.id)
    assert (row.recipient, row.items, row.via) == (WASTE, ("area.waste_zone",), "card")


def test_a_release_of_something_unknown_is_an_error() -> None:
    with pytest.raises(UnknownItem):
        actions.release(
            resident_id=cast.hanako().id, recipient=WASTE, via="card", decide=lambda _: ["shoe_size"]
        )
