"""An upgrade loses nobody: who is asked again keeps the version before, shares widen, a roll back needs no answer."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.markup import html_id
from gadgets import actions, queries
from gadgets.cards.fetch import wanted_for
from gadgets.errors import NotNewerError, NotPermittedError, ReasonMissingError, WrongStateError
from gadgets.metrics import recent_faults
from gadgets.models import Gadget, GadgetVersion, Membership, Placement, ReviewNote
from gadgets.operation import rollout
from gadgets.release import NOTHING, disclosable, disclosable_to_site
from gadgets.review.publication import end_waiting
from gadgets.types import FetchOutcome, GadgetInfo
from identity import actions as identity_actions
from identity import queries as identity_queries
from identity.domain.roles import SYSTEM
from identity.models import GadgetClient, Resident
from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor
from tests.gadgets.samples import claim
from tests.gadgets.upgrades import AGE, ZONE, Bins, bundle, consent_url, decide


@pytest.fixture
def bins(desk: DeskFor, careless: life.Careless, django_capture_on_commit_callbacks: Any) -> Bins:
    return Bins(careless, django_capture_on_commit_callbacks)


@pytest.fixture
def hanako(bins: Bins) -> Resident:
    """She granted the waste zone to the first version."""
    found = cast.hanako()
    decide(found, bins.info, "area.waste_zone")
    return found


def shown(resident: Resident | None, bins: Bins, days: int = 0) -> GadgetInfo:
    now = timezone.now() + timedelta(days=days)
    chosen = queries.registry().choose(bins.id, bundle(resident) if resident else None, now)
    assert chosen is not None
    return chosen.shown


def granted(resident: Resident, bins: Bins, days: int = 0) -> tuple[str, tuple[str, ...]]:
    """Version and claims of the card that the resident gets."""
    gadget = shown(resident, bins, days)
    wanted = wanted_for(gadget, bundle=bundle(resident), locale="ja", size="S", cells=None)
    return gadget.version, wanted.granted


def disclosed(resident: Resident, bins: Bins) -> tuple[str, ...]:
    """What the claims endpoint may give."""
    return disclosable_to_site(shown(resident, bins), bundle(resident)).granted


# --- asked again ------------------------------------------------------------------------------------------------


def test_the_old_version_serves_the_old_claims_until_she_answers_or_ninety_days_have_gone(
    bins: Bins, hanako: Resident
) -> None:
    bins.upgrade()
    assert granted(hanako, bins) == ("1.0.0", ("area.waste_zone",))
    assert granted(hanako, bins, days=89) == ("1.0.0", ("area.waste_zone",))
    assert granted(hanako, bins, days=91) == ("2.0.0", ())
    assert shown(None, bins).version == "2.0.0"
    assert granted(cast.taro(), bins) == ("2.0.0", ())
    decide(hanako, bins.info, "age_band")
    assert granted(hanako, bins) == ("2.0.0", ("area.waste_zone", "age_band"))


def test_a_no_to_the_new_terms_is_the_public_form_of_the_new_version(bins: Bins, hanako: Resident) -> None:
    bins.upgrade()
    decide(hanako, bins.info, "age_band", granted=False)
    assert granted(hanako, bins) == ("2.0.0", ())


@pytest.mark.parametrize(
    "changes",
    [
        {"claims": [{**ZONE, "purpose": {"ja": "調査のため"}}]},
        {"claims": [{**ZONE, "retention": "P30D"}]},
    ],
    ids=["purpose", "retention"],
)
def test_what_was_granted_is_asked_anew_when_its_terms_change(
    bins: Bins, hanako: Resident, changes: dict[str, Any]
) -> None:
    bins.upgrade(**changes)
    assert granted(hanako, bins) == ("1.0.0", ("area.waste_zone",))
    held = bundle(hanako)
    assert [one.name for one in rollout.question(bins.info, held)] == ["area.waste_zone"]
    assert len(rollout.news(bins.info, held, ("area.waste_zone",))) == 1
    decide(hanako, bins.info, "area.waste_zone")
    assert granted(hanako, bins) == ("2.0.0", ("area.waste_zone",))
    assert rollout.question(bins.info, bundle(hanako)) == ()


def test_a_higher_level_asks_again_and_serves_the_lower_one_meanwhile(
    bins: Bins, hanako: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = bins.careless.provider.origin
    endpoints = {**bins.careless.document["endpoints"], "login": f"{origin}/oidc/start"}
    bins.upgrade(identity="pairwise", endpoints=endpoints)
    assert bins.info.identity == "pairwise"
    assert granted(hanako, bins) == ("1.0.0", ("area.waste_zone",))
    assert disclosed(hanako, bins) == ()
    decide(hanako, bins.info, "area.waste_zone")
    assert shown(hanako, bins).version == "2.0.0"
    assert disclosed(hanako, bins) == ("area.waste_zone",)


def test_a_level_of_a_claim_that_is_gone_does_not_hold_the_others_back(bins: Bins, hanako: Resident) -> None:
    origin = bins.careless.provider.origin
    endpoints = {**bins.careless.document["endpoints"], "login": f"{origin}/oidc/start"}
    bins.upgrade(identity="pairwise", endpoints=endpoints, claims=[AGE])
    decide(hanako, bins.info, "age_band")
    assert granted(hanako, bins) == ("2.0.0", ("age_band",))


def test_a_grant_from_before_terms_were_kept_counts_as_given_to_the_first_version(
    bins: Bins, hanako: Resident
) -> None:
    hanako.consents.update(terms="")
    assert granted(hanako, bins) == ("1.0.0", ("area.waste_zone",))
    bins.upgrade("1.1.0", title={"ja": "ごみ箱の地図"})
    assert granted(hanako, bins) == ("1.1.0", ("area.waste_zone",))
    bins.upgrade("2.0.0", claims=[{**ZONE, "retention": "P30D"}])
    assert granted(hanako, bins) == ("1.1.0", ("area.waste_zone",))


def test_a_new_option_asks_nobody_who_has_decided(bins: Bins, hanako: Resident) -> None:
    taro = cast.taro()
    bins.upgrade(claims=[ZONE, claim("age_band", "optional")])
    assert granted(hanako, bins) == ("2.0.0", ("area.waste_zone",))
    assert rollout.question(bins.info, bundle(hanako)) == ()
    assert [one.name for one in rollout.question(bins.info, bundle(taro))] == ["area.waste_zone", "age_band"]


def test_the_page_names_what_changed_and_the_receipt_keeps_it(
    bins: Bins, hanako: Resident, desk: DeskFor
) -> None:
    bins.upgrade()
    browser = desk(hanako)
    html = browser.page(consent_url(bins.id))
    assert "前に許可をいただいたあと" in html
    assert "「年代」を新しく聞きます（必須）。" in html
    context = browser.client.get(consent_url(bins.id)).context
    assert [item.name for item in context["items"]] == ["age_band"]
    answer = browser.client.post(
        consent_url(bins.id, "_grant"), {"items": ["age_band"], "shown": context["shown"]}
    )
    assert answer.status_code == 302
    newest = hanako.receipts.order_by("-given_at").first()
    assert newest is not None
    assert newest.notice is not None
    assert "「年代」を新しく聞きます（必須）。" in newest.notice.text
    assert hanako.consents.get(recipient=bins.id, item="age_band").terms == "2.0.0"


def test_whoever_was_never_asked_is_not_told_what_changed(bins: Bins, desk: DeskFor) -> None:
    bins.upgrade()
    html = desk(cast.taro()).page(consent_url(bins.id))
    assert "前に許可をいただいたあと" not in html


def test_the_answer_to_the_old_question_is_not_taken_for_one_to_the_new(bins: Bins, desk: DeskFor) -> None:
    browser = desk(cast.taro())
    before = browser.client.get(consent_url(bins.id)).context["shown"]
    bins.upgrade(claims=[{**ZONE, "retention": "P30D"}])
    answer = browser.client.post(
        consent_url(bins.id, "_grant"), {"items": ["area.waste_zone"], "shown": before}
    )
    assert answer.status_code == 409


# --- shares -----------------------------------------------------------------------------------------------------


def test_a_share_is_stable_widens_and_reaches_guests_last(bins: Bins) -> None:
    residents = [cast.newcomer(number) for number in range(1, 60)]
    bins.upgrade(share=25, title={"ja": "ごみ箱の地図"})
    first = {one.id for one in residents if shown(one, bins).version == "2.0.0"}
    assert 3 < len(first) < 30
    assert shown(None, bins).version == "1.0.0"
    assert {one.id for one in residents if shown(one, bins).version == "2.0.0"} == first
    bins.roll_out(50)
    half = {one.id for one in residents if shown(one, bins).version == "2.0.0"}
    assert first < half
    assert len(half) < len(residents)
    bins.roll_out(100)
    assert {shown(one, bins).version for one in [*residents, None]} == {"2.0.0"}
    assert queries.registry().earlier == {}


def test_outside_of_the_share_nobody_is_asked_for_the_new_version(bins: Bins, hanako: Resident) -> None:
    # By the hash of this number Hanako is not among the first.
    bins.upgrade("2.0.1", share=5)
    chosen = queries.registry().choose(bins.id, bundle(hanako), timezone.now())
    assert chosen is not None
    assert (chosen.shown.version, chosen.asks.version) == ("1.0.0", "1.0.0")


def test_the_time_to_answer_begins_anew_with_the_whole_share(bins: Bins, hanako: Resident) -> None:
    bins.upgrade(share=50)
    Gadget.objects.update(earlier_until=timezone.now() + timedelta(days=3))
    bins.roll_out(100)
    assert granted(hanako, bins, days=89) == ("1.0.0", ("area.waste_zone",))


@pytest.mark.parametrize("share", [25, 10, 0, 101, -1])
def test_a_share_only_grows_in_its_steps(bins: Bins, share: int) -> None:
    bins.upgrade(share=25)
    with pytest.raises(WrongStateError):
        actions.roll_out(gadget_id=bins.id, share=share, by=SYSTEM)


def test_the_first_version_is_for_everybody(bins: Bins) -> None:
    GadgetVersion.objects.update(state="in_review")
    Gadget.objects.update(published=None, published_at=None, state="in_review")
    with pytest.raises(WrongStateError, match="最初の版"):
        actions.approve(gadget_id=bins.id, by=SYSTEM, share=50)


def test_no_third_version_before_the_second_is_everybodys(bins: Bins) -> None:
    bins.upgrade(share=50)
    bins.draft("3.0.0")
    with pytest.raises(WrongStateError, match="一部の住民"):
        actions.approve(gadget_id=bins.id, by=SYSTEM)


def test_while_answers_are_awaited_the_next_version_goes_to_all_and_the_old_one_stays(
    bins: Bins, hanako: Resident
) -> None:
    bins.upgrade()
    bins.draft("2.1.0", title={"ja": "ごみ箱の地図"})
    with pytest.raises(WrongStateError, match="同意の確認"):
        actions.approve(gadget_id=bins.id, by=SYSTEM, share=50)
    bins.approve()
    assert granted(hanako, bins) == ("1.0.0", ("area.waste_zone",))
    decide(hanako, bins.info, "age_band")
    assert granted(hanako, bins) == ("2.1.0", ("area.waste_zone", "age_band"))


def test_the_sweep_forgets_a_version_that_nobody_gets_any_more(bins: Bins, hanako: Resident) -> None:
    bins.upgrade()
    assert end_waiting() == 0
    assert end_waiting(now=timezone.now() + timedelta(days=91)) == 1
    assert Gadget.objects.get().earlier is None
    assert granted(hanako, bins) == ("2.0.0", ())


# --- back -------------------------------------------------------------------------------------------------------


def test_rolled_back_the_old_grants_hold_again_and_nobody_is_asked(bins: Bins, hanako: Resident) -> None:
    bins.upgrade()
    bins.roll_back()
    assert bins.info.version == "1.0.0"
    assert granted(hanako, bins) == ("1.0.0", ("area.waste_zone",))
    assert rollout.question(bins.info, bundle(hanako)) == ()
    note = ReviewNote.objects.order_by("-pk").first()
    assert note is not None
    assert (note.decision, note.reason) == ("rolled_back", "数字が誤っていたため")


def test_a_roll_back_holds_the_bytes_to_their_hash(bins: Bins) -> None:
    bins.upgrade()
    GadgetVersion.objects.filter(version="1.0.0").update(manifest=b"{}")
    with pytest.raises(WrongStateError, match="違います"):
        actions.roll_back(gadget_id=bins.id, reason="誤り", by=SYSTEM)
    assert bins.info.version == "2.0.0"


def test_there_is_one_way_back_and_a_reason_for_it(bins: Bins) -> None:
    with pytest.raises(WrongStateError, match="前の版"):
        actions.roll_back(gadget_id=bins.id, reason="誤り", by=SYSTEM)
    bins.upgrade()
    with pytest.raises(ReasonMissingError):
        actions.roll_back(gadget_id=bins.id, reason=" ", by=SYSTEM)
    bins.roll_back()
    with pytest.raises(WrongStateError):
        actions.roll_back(gadget_id=bins.id, reason="誤り", by=SYSTEM)


def test_a_number_that_was_published_once_is_never_used_again(bins: Bins) -> None:
    bins.upgrade()
    bins.roll_back()
    bins.careless.document["summary"] = {"ja": "別の説明", "en": "Another"}
    with pytest.raises(NotNewerError, match=r"2\.0\.0"):
        actions.refresh(gadget_id=bins.id, by=bins.busco)


@pytest.mark.parametrize(("previous", "accepted"), [("1.0.0", True), ("0.9.0", False)])
def test_the_version_that_a_manifest_names_as_the_one_before_is_the_published_one(
    bins: Bins, previous: str, *, accepted: bool
) -> None:
    bins.careless.document |= {"version": "2.0.0", "previous": previous}
    if accepted:
        actions.refresh(gadget_id=bins.id, by=bins.busco)
        return
    with pytest.raises(NotNewerError, match="previous"):
        actions.refresh(gadget_id=bins.id, by=bins.busco)


# --- who, and two at once ---------------------------------------------------------------------------------------

Step = Callable[[Bins, Any], None]
STEPS: dict[str, Step] = {
    "approve": lambda bins, by: actions.approve(gadget_id=bins.id, by=by),
    "roll_out": lambda bins, by: actions.roll_out(gadget_id=bins.id, share=100, by=by),
    "roll_back": lambda bins, by: actions.roll_back(gadget_id=bins.id, reason="誤り", by=by),
    "resume": lambda bins, by: actions.resume(gadget_id=bins.id, by=by),
    "refuse": lambda bins, by: actions.refuse(gadget_id=bins.id, reason="誤り", by=by),
}


@pytest.mark.parametrize("step", sorted(STEPS))
@pytest.mark.parametrize("who", ["resident", "provider", "operator who is a member"])
def test_each_of_these_takes_an_operator_who_is_no_member(bins: Bins, step: str, who: str) -> None:
    bins.upgrade(share=50)
    bins.draft("3.0.0")
    if who == "operator who is a member":
        operator = cast.operator()
        Membership.objects.create(provider_id=bins.provider, resident=operator)
        by = cast.as_actor(operator)
    else:
        by = bins.busco if who == "provider" else cast.as_actor(cast.taro())
    before = list(Gadget.objects.values_list("state", "share", "published"))
    with pytest.raises(NotPermittedError):
        STEPS[step](bins, by)
    assert list(Gadget.objects.values_list("state", "share", "published")) == before


def test_nobody_approves_what_they_handed_in_before_they_left(bins: Bins) -> None:
    operator = cast.operator()
    bins.draft()
    ReviewNote.objects.filter(decision="submitted").update(who=operator)
    with pytest.raises(NotPermittedError, match="自分が"):
        actions.approve(gadget_id=bins.id, by=cast.as_actor(operator))


@pytest.mark.parametrize("step", ["approve", "roll_out", "roll_back"])
def test_of_two_operators_at_once_one_is_told(bins: Bins, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one read the rows before the first one wrote."""
    from gadgets.review import publication

    bins.upgrade(share=50)
    if step == "approve":
        actions.roll_out(gadget_id=bins.id, share=100, by=SYSTEM)
        bins.draft("3.0.0", claims=[ZONE, AGE], title={"ja": "別の題"})
        Gadget.objects.update(earlier=None, earlier_until=None)
    row, draft = Gadget.objects.get(), GadgetVersion.objects.order_by("-pk").first()
    held = Gadget.objects.select_related("published", "earlier").get(pk=row.pk)
    STEPS[step](bins, SYSTEM)
    monkeypatch.setattr(publication, "reviewed", lambda *_: held)
    monkeypatch.setattr(publication, "draft", lambda _: draft)
    with pytest.raises(WrongStateError):
        STEPS[step](bins, SYSTEM)


def test_the_kill_switch_works_for_a_member_too_and_only_the_lifting_takes_another(bins: Bins) -> None:
    operator = cast.operator()
    Membership.objects.create(provider_id=bins.provider, resident=operator)
    actions.suspend(gadget_id=bins.id, reason="故障", by=cast.as_actor(operator))
    assert bins.id not in queries.registry().gadgets
    assert ReviewNote.objects.filter(decision="suspended", side="operator").exists()


def test_a_withdrawal_while_she_is_asked_ends_the_old_form(bins: Bins, hanako: Resident) -> None:
    bins.upgrade()
    identity_actions.withdraw(resident_id=hanako.id, recipient=bins.id, by=cast.as_actor(hanako))
    assert granted(hanako, bins) == ("2.0.0", ())


def test_her_data_page_says_that_an_answer_is_owed_and_what_goes_on_meanwhile(
    bins: Bins, hanako: Resident, desk: DeskFor
) -> None:
    bins.upgrade()
    browser = desk(hanako)
    until = timezone.localtime(timezone.now() + rollout.EARLIER_DAYS)
    html = browser.page("/my-data/")
    assert "「年代」を新しく聞きます（必須）。" in html
    assert f"長くて{until:%Y-%m-%d}まで" in html
    assert consent_url(bins.id) in html
    with bins.capture(execute=True):
        end_waiting(now=timezone.now() + timedelta(days=91))
    assert "だれでも見られる内容だけを表示します。" in browser.page("/my-data/")
    decide(hanako, bins.info, "age_band")
    assert "前に許可をいただいたあと" not in browser.page("/my-data/")


def test_the_desk_says_what_each_change_means_and_gives_it_to_a_share(bins: Bins, desk: DeskFor) -> None:
    bins.draft(claims=[ZONE, AGE], title={"ja": "ごみ箱の地図"})
    operator = desk(cast.operator())
    html = operator.page(reverse("city_review_gadget", args=[bins.id]))
    assert "住民にもう一度聞きます</strong> 「年代」を新しく聞きます（必須）。" in html
    assert "住民には何も聞きません</strong> 題名:" in html
    url = reverse("city_review_decide", args=[bins.id])
    assert operator.post(url, decision="approve", share="7").status_code == 422
    html = operator.post(url, decision="approve", share="5").content.decode()
    assert "版 2.0.0 を、住民の 5% に公開しています。" in html
    assert "ほかの住民には、版 1.0.0 が見えます。" in html
    # How the two do side by side, before a larger share has the new one.
    assert "版 2.0.0: この24時間に、カードの取得はありません。" in html
    for version, ok in (("1.0.0", True), ("2.0.0", True), ("2.0.0", True), ("2.0.0", False)):
        recent_faults.note(FetchOutcome(bins.id, version, ok, "" if ok else "card", "", 0.1, timezone.now()))
    html = operator.page(reverse("city_review_gadget", args=[bins.id]))
    assert "版 1.0.0: この24時間に1回取得し、100%が成功しました。" in html
    assert "版 2.0.0: この24時間に3回取得し、66%が成功しました。" in html
    html = operator.post(url, decision="share", share="50").content.decode()
    assert "住民の 50% に公開しています。" in html
    assert operator.post(url, decision="roll_back").status_code == 422
    html = operator.post(url, decision="roll_back", reason="数字が誤っていたため").content.decode()
    assert "公開中の版: 1.0.0" in html
    assert "版 2.0.0: この24時間" not in html
    assert "前の版にもどしました" in html


def warm_home(browser: life.Desk) -> tuple[str, int]:
    """The home at the second visit, and how many queries it took."""
    browser.page("/")
    with CaptureQueriesContext(connection) as captured:
        html = browser.page("/")
    return html, len(captured)


def test_the_home_asks_her_again_beside_the_card_that_she_has(
    bins: Bins, hanako: Resident, desk: DeskFor
) -> None:
    Placement.objects.create(resident=hanako, gadget_id=bins.id, position=0)
    browser = desk(hanako)
    _, before = warm_home(browser)
    bins.upgrade(title={"ja": "ごみ箱の地図"}, claims=[ZONE, AGE])
    html, after = warm_home(browser)
    assert after == before
    card = html[html.index(f'id="gadget-{html_id(bins.id)}"') :]
    card = card[: card.index("</article>")]
    assert ">ごみ箱</a>" in card
    assert "ごみ箱の地図に、次のことを伝えてよいですか" in card
    assert "「年代」を新しく聞きます（必須）。" in card
    assert card.count('name="items"') == 2
    assert card.count('value="age_band"') == 2


def test_while_two_versions_live_both_sites_sign_in_and_the_claims_endpoint_follows_the_resident(
    bins: Bins, hanako: Resident
) -> None:
    origin = bins.careless.provider.origin
    endpoints = bins.careless.document["endpoints"]
    bins.upgrade(
        "2.0.0", identity="pairwise", endpoints={**endpoints, "login": f"{origin}/old/start"}, claims=[ZONE]
    )
    decide(hanako, bins.info, "area.waste_zone")
    bins.upgrade(
        "3.0.0",
        identity="pairwise",
        endpoints={**endpoints, "login": f"{origin}/new/start"},
        claims=[{**ZONE, "retention": "P30D"}, claim("language", "optional")],
    )
    client = GadgetClient.objects.get(gadget_id=bins.id)
    assert client.redirect_uris == [f"{origin}/new/callback", f"{origin}/old/callback"]
    assert set(client.claims) == {"area.waste_zone", "language"}
    assert disclosed(hanako, bins) == ("area.waste_zone",)
    assert shown(hanako, bins).version == "2.0.0"
    with bins.capture(execute=True):
        end_waiting(now=timezone.now() + timedelta(days=91))
    assert disclosed(hanako, bins) == ()
    client.refresh_from_db()
    assert client.redirect_uris == [f"{origin}/new/callback"]


def test_nothing_is_disclosed_of_whoever_is_gone_and_to_an_unknown_gadget(bins: Bins) -> None:
    taro = cast.taro()
    choice = queries.registry().choose("localhost.nobody.here", bundle(taro), timezone.now())
    assert choice is None
    assert disclosable(choice, bundle(taro)) == NOTHING
    Resident.objects.filter(pk=taro.pk).update(is_active=False)
    assert disclosable(bins.info, identity_queries.bundle(taro.pk)) == NOTHING
