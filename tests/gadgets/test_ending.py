"""The end of a gadget: announced to residents, then over: consents end, pseudonyms are erased, its page says so."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from gadgets import actions, queries
from gadgets.errors import LifeError, NotPermittedError, ReasonMissingError, WrongStateError
from gadgets.models import EventDelivery, Gadget, Placement, ReviewNote
from gadgets.operation import retirement
from identity import queries as identity_queries
from identity.consent.ledger import end_grants
from identity.domain.roles import SYSTEM
from identity.errors import NotAllowed
from identity.models import AuditEntry, ConsentReceipt, GadgetClient, Resident
from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor
from tests.gadgets.upgrades import AGE, ZONE, Bins, bundle, decide

SENTENCE = "新しい「ごみカレンダー」をお使いください。"


@pytest.fixture
def bins(desk: DeskFor, careless: life.Careless, django_capture_on_commit_callbacks: Any) -> Bins:
    return Bins(careless, django_capture_on_commit_callbacks)


def announce(bins: Bins, days: int = 30, by: Any = None, sentence: str = SENTENCE) -> None:
    with bins.capture(execute=True):
        actions.announce_retirement(
            gadget_id=bins.id,
            at=timezone.now() + timedelta(days=days),
            sentence=sentence,
            by=by or bins.busco,
        )


def swept(bins: Bins, days: int = 0) -> int:
    with bins.capture(execute=True):
        return retirement.sweep(now=timezone.now() + timedelta(days=days))


def test_residents_read_the_day_and_the_reason_wherever_the_gadget_is(bins: Bins, desk: DeskFor) -> None:
    hanako = cast.hanako()
    decide(hanako, bins.info, "area.waste_zone")
    Placement.objects.create(resident=hanako, gadget_id=bins.id, position=0)
    announce(bins)
    browser = desk(hanako)
    for url in (reverse("gadgets:page", args=[bins.id]), reverse("gadgets:catalogue"), "/my-data/", "/"):
        html = browser.page(url)
        assert "に終わります。" in html, url
        assert SENTENCE in html, url


def test_the_announced_end_comes_by_itself_and_not_before(bins: Bins) -> None:
    announce(bins)
    assert swept(bins, days=29) == 0
    assert swept(bins, days=31) == 1
    assert Gadget.objects.get().state == "retired"
    note = ReviewNote.objects.order_by("-pk").first()
    assert note is not None
    assert (note.decision, note.side, note.who) == ("retired", "machine", None)
    assert swept(bins, days=32) == 0


def test_an_announcement_can_be_moved_and_taken_back(bins: Bins) -> None:
    announce(bins)
    announce(bins, days=60)
    assert swept(bins, days=31) == 0
    with bins.capture(execute=True):
        actions.cancel_retirement(gadget_id=bins.id, by=bins.busco)
    assert bins.info.retires_at is None
    assert swept(bins, days=61) == 0
    with pytest.raises(WrongStateError, match="予告"):
        actions.cancel_retirement(gadget_id=bins.id, by=bins.busco)
    decisions = list(ReviewNote.objects.filter(decision="announced").values_list("side", flat=True))
    assert decisions == ["provider"] * 3


@pytest.mark.parametrize("days", [-1, 0, 13, 367])
def test_a_day_too_soon_or_too_late_is_refused(bins: Bins, days: int) -> None:
    with pytest.raises(LifeError, match="14日後から"):
        announce(bins, days=days)


def test_an_announcement_says_why(bins: Bins) -> None:
    with pytest.raises(ReasonMissingError):
        announce(bins, sentence=" ")


@pytest.mark.parametrize(
    "step",
    [
        lambda bins, by: announce(bins, by=by),
        lambda bins, by: actions.cancel_retirement(gadget_id=bins.id, by=by),
        lambda bins, by: actions.retire(gadget_id=bins.id, reason="終わり", by=by),
    ],
    ids=["announce", "cancel", "retire"],
)
def test_a_resident_ends_nothing(bins: Bins, step: Callable[[Bins, Any], None]) -> None:
    with pytest.raises(NotPermittedError):
        step(bins, cast.as_actor(cast.taro()))
    assert Gadget.objects.get().state == "published"


def test_what_is_over_or_was_never_there_is_not_announced(bins: Bins) -> None:
    actions.retire(gadget_id=bins.id, reason="危険なため", by=SYSTEM)
    with pytest.raises(WrongStateError):
        announce(bins)


def test_a_provider_takes_back_at_once_what_nobody_has_seen(
    desk: DeskFor, careless: life.Careless, django_capture_on_commit_callbacks: Any
) -> None:
    busco = cast.as_actor(cast.busco())
    provider = actions.create_organisation(name="BusCo", kind="company", contact="a@bus.example", by=busco)
    actions.register(url=careless.url, provider_id=provider, by=busco)
    actions.retire(gadget_id=careless.id, by=busco)
    assert Gadget.objects.get().state == "retired"
    assert desk(None).get(reverse("gadgets:page", args=[careless.id])).status_code == 404


def test_at_the_end_consents_places_and_sign_in_go(bins: Bins) -> None:
    hanako, taro = cast.hanako(), cast.taro()
    for resident in (hanako, taro):
        decide(resident, bins.info, "area.waste_zone")
        Placement.objects.create(resident=resident, gadget_id=bins.id, position=0)
    with bins.capture(execute=True):
        actions.retire(gadget_id=bins.id, reason="危険なため", by=SYSTEM)
    assert not Placement.objects.exists()
    assert identity_queries.still_granted([bins.id]) == (bins.id,)
    assert swept(bins) == 2
    for resident in (hanako, taro):
        assert bins.id not in bundle(resident).grants
    receipts = ConsentReceipt.objects.filter(kind="withdrawn", method="recipient_ended")
    assert receipts.count() == 2
    taken_back = AuditEntry.objects.filter(kind="withdrawn", by="portal")
    assert taken_back.count() == 2
    assert swept(bins) == 0


@pytest.mark.django_db
def test_only_the_portal_itself_ends_the_grants_of_all() -> None:
    with pytest.raises(NotAllowed):
        end_grants(recipient="localhost.waste.bins", most=10, by=cast.as_actor(cast.operator()))


def test_a_grant_that_cannot_end_does_not_stop_the_others(bins: Bins) -> None:
    hanako, taro = cast.hanako(), cast.taro()
    for resident in (hanako, taro):
        decide(resident, bins.info, "area.waste_zone")
    hanako.erase_at = timezone.now() + timedelta(days=14)
    hanako.save(update_fields=["erase_at"])
    actions.retire(gadget_id=bins.id, reason="危険なため", by=SYSTEM)
    assert swept(bins) == 1
    assert bins.id not in bundle(taro).grants
    assert swept(bins) == 0


def test_a_provider_that_knew_pseudonyms_is_told_to_forget_each(bins: Bins) -> None:
    origin = bins.careless.provider.origin
    bins.upgrade(
        identity="pairwise",
        claims=[ZONE, AGE],
        endpoints={
            **bins.careless.document["endpoints"],
            "login": f"{origin}/oidc/start",
            "events": f"{origin}/events",
        },
    )
    assert bins.info.client_id
    hanako = cast.hanako()
    decide(hanako, bins.info, "area.waste_zone", "age_band")
    sub = identity_queries.subject_for(hanako.id, bins.info.client_id)
    with bins.capture(execute=True):
        actions.retire(gadget_id=bins.id, reason="危険なため", by=SYSTEM)
    assert GadgetClient.objects.get(gadget_id=bins.id).suspended
    queued = EventDelivery.objects.get(kind=EventDelivery.Kind.ERASURE)
    assert (queued.gadget_id, queued.sub, queued.resident_id) == (bins.id, sub, None)


def test_its_page_says_that_it_ended_and_when(bins: Bins, desk: DeskFor) -> None:
    hanako = cast.hanako()
    decide(hanako, bins.info, "area.waste_zone")
    announce(bins)
    swept(bins, days=31)
    browser = desk(hanako)
    answer = browser.get(reverse("gadgets:page", args=[bins.id]))
    assert answer.status_code == 410
    html = answer.content.decode()
    day = timezone.localtime(timezone.now() + timedelta(days=31))
    assert f"{day:%Y-%m-%d}に終わりました。" in html
    assert SENTENCE in html
    mine = browser.page("/my-data/")
    assert "ごみ箱" in mine
    assert "に終わりました" in mine
    assert bins.id not in queries.registry().gadgets


def test_the_operator_does_all_of_it_at_the_desk(bins: Bins, desk: DeskFor) -> None:
    desk_url = reverse("city_review_decide", args=[bins.id])
    operator = desk(cast.operator())
    day = timezone.localtime(timezone.now() + timedelta(days=40))
    assert operator.post(desk_url, decision="announce", day="", sentence=SENTENCE).status_code == 422
    assert operator.post(desk_url, decision="announce", day="2026-13-41", sentence="x").status_code == 422
    html = operator.post(
        desk_url, decision="announce", day=f"{day:%Y-%m-%d}", sentence=SENTENCE
    ).content.decode()
    assert f"{day:%Y-%m-%d} に終わると予告しています。" in html
    assert "予告を取り消しました" in operator.post(desk_url, decision="keep").content.decode()
    refused = operator.post(desk_url, decision="retire")
    assert refused.status_code == 422
    assert operator.post(desk_url, decision="retire", reason="危険なため").status_code == 200
    assert Gadget.objects.get().state == "retired"


def test_the_provider_does_it_at_its_own_desk(bins: Bins, desk: DeskFor) -> None:
    url, page = reverse("gadgets:provider_life", args=[bins.id]), [bins.id]
    busco = desk(Resident.objects.get(username="busco"))
    day = timezone.localtime(timezone.now() + timedelta(days=40))
    html = busco.post(url, decision="announce", day=f"{day:%Y-%m-%d}", sentence=SENTENCE).content.decode()
    assert f"{day:%Y-%m-%d} に終わると予告しています。" in html
    assert "版 1.0.0 を、住民の 100% に公開しています。" in html
    busco.post(url, decision="keep")
    assert bins.info.retires_at is None
    start, end = f"{day:%Y-%m-%d}T01:00", f"{day:%Y-%m-%d}T03:00"
    html = busco.post(url, decision="plan", starts_at=start, ends_at=end).content.decode()
    assert "点検の予定を入れました" in html
    again = busco.post(url, decision="plan", starts_at=start, ends_at=end, sentence="点検です")
    assert again.status_code == 422
    for part in ("重なって", 'id="pause-problem" role="alert"', f'value="{start}"', 'value="点検です"'):
        assert part in again.content.decode()
    assert f"{day:%Y-%m-%d} 01:00" in busco.page(reverse("gadgets:provider_gadget", args=page))


@pytest.mark.parametrize("decision", ["approve", "suspend", "retire", "roll_back", ""])
def test_the_providers_desk_has_none_of_the_operators_decisions(
    bins: Bins, desk: DeskFor, decision: str
) -> None:
    busco = desk(Resident.objects.get(username="busco"))
    answer = busco.post(reverse("gadgets:provider_life", args=[bins.id]), decision=decision, reason="終わり")
    assert answer.status_code == 404


def test_a_stranger_has_no_desk_there(bins: Bins, desk: DeskFor) -> None:
    url = reverse("gadgets:provider_life", args=[bins.id])
    assert desk(cast.taro()).post(url, decision="keep").status_code == 404
