"""Who speaks on a card: a verified name, danger by permission, links that say where they lead, reports of residents."""

from typing import Any

import pytest
from django.apps import apps
from django.core.cache import cache
from django.db import connection
from django.urls import reverse

from gadgets import actions, queries
from gadgets.errors import LifeError, NotPermittedError
from gadgets.models import CardReport, Membership, Provider
from gadgets.protocol.text import inline_html
from gadgets.webhooks.recipients import addressee
from identity.domain.roles import SYSTEM
from identity.models import AuditEntry, Resident
from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor
from tests.gadgets.providers import card_document

DANGER = card_document(blocks=[{"type": "notice", "level": "danger", "text": "川があふれています。"}])


@pytest.fixture
def waiting(desk: DeskFor, careless: life.Careless) -> str:
    """Handed in by an organisation that calls itself the city; its manifest names yet another provider."""
    careless.document["provider"]["name"] = "気象庁"
    careless.document["title"] = {"ja": "【緊急】避難指示（警戒レベル4）", "en": "Bins"}
    seat = desk(cast.busco())
    seat.register(careless.url, seat.organisation("髙松巿"))
    life.passed(careless.id)
    seat.step(careless.id, "submit")
    return careless.id


@pytest.fixture
def bins(clean: None, db: None, careless: life.Careless, django_capture_on_commit_callbacks: Any) -> str:
    return life.publish(careless.url, django_capture_on_commit_callbacks)


def card(desk: DeskFor, gadget_id: str) -> str:
    return desk(None).page(reverse("gadgets_wire:card", args=[gadget_id]))


# --- the name ------------------------------------------------------------------------------------------------


def test_the_review_flags_what_passes_for_the_city_or_an_alert(waiting: str, desk: DeskFor) -> None:
    page = desk(cast.operator()).page(reverse("city_review_gadget", args=[waiting]))
    for words in ("高松市", "緊急", "避難", "警戒レベル", "気象庁", "まだ確かめられていません"):
        assert f"<strong>{words}" in page or words in page
    assert "「髙松巿」 → <strong>高松市</strong>（地域や窓口の名前）" in page


def test_nobody_is_published_under_a_name_that_nobody_verified(waiting: str, desk: DeskFor) -> None:
    operator = desk(cast.operator())
    url = reverse("city_review_decide", args=[waiting])
    answer = operator.post(url, decision="approve", share="100")
    assert answer.status_code == 422
    assert "提供者の名前が、まだ確かめられていません" in answer.content.decode()
    assert waiting not in queries.registry().gadgets
    operator.post(url, decision="approve", share="100", verified="on")
    assert queries.registry().gadgets[waiting].provider_name == "髙松巿"
    row = Provider.objects.get()
    assert (row.verified_name, row.verified_by.username) == ("髙松巿", "operator")
    assert AuditEntry.objects.filter(kind="organisation_verified").count() == 1


def test_residents_read_the_verified_name_and_not_the_manifests(bins: str, desk: DeskFor) -> None:
    page = desk(cast.hanako()).page(reverse("gadgets:page", args=[bins]))
    assert '<p class="card__provider">WasteCo</p>' in page
    assert "BusCo" not in page
    assert queries.registry().gadgets[bins].provider_name == "WasteCo"


def test_reports_and_events_name_it_so_too(
    clean: None, db: None, careless: life.Careless, django_capture_on_commit_callbacks: Any
) -> None:
    careless.pairwise()
    gadget_id = life.publish(careless.url, django_capture_on_commit_callbacks)
    found = addressee(gadget_id)
    assert found is not None
    assert found.provider_name == "WasteCo"
    actions.retire(gadget_id=gadget_id, reason="終わり", by=SYSTEM)
    assert queries.ended([gadget_id])[gadget_id].provider_name == "WasteCo"


def test_another_name_is_verified_again(bins: str) -> None:
    Provider.objects.update(name="別の名前")
    view = queries.gadget_for_operator(bins)
    assert view is not None
    assert not view.provider.verified


def test_the_migration_keeps_the_names_that_operators_have_read(waiting: str, bins_of_another: None) -> None:
    Provider.objects.update(verified_name="", verified_at=None)
    from importlib import import_module

    import_module("gadgets.migrations.0008_who_speaks").keep_names(apps, connection.schema_editor())
    assert set(Provider.objects.values_list("name", "verified_name")) == {
        ("髙松巿", ""),
        ("川の事業者", "川の事業者"),
    }


@pytest.fixture
def bins_of_another(db: None, django_capture_on_commit_callbacks: Any) -> Any:
    from examples.river.provider import build

    with life.example(build, "river") as provider:
        life.publish(
            provider.config.url("/gadget.json"), django_capture_on_commit_callbacks, name="川の事業者"
        )
        yield


# --- danger --------------------------------------------------------------------------------------------------


def test_danger_is_for_organisations_that_an_operator_lets_use_it(
    bins: str, careless: life.Careless, desk: DeskFor
) -> None:
    careless.card = DANGER
    operator = desk(cast.operator())
    url = reverse("city_review_decide", args=[bins])
    assert "rc-notice--warning" in card(desk, bins)
    assert operator.post(url, decision="let_alert", reason="").status_code == 422
    operator.post(url, decision="let_alert", reason="川を測る部署だから")
    drawn = card(desk, bins)
    assert "rc-notice--danger" in drawn
    assert "川があふれています。" in drawn
    operator.post(url, decision="stop_alerts", reason="誤報が続いたため")
    # At once, and not only when the cached card is over.
    assert "rc-notice--danger" not in card(desk, bins)
    kinds = (
        AuditEntry.objects.filter(kind__startswith="alerts_").order_by("seq").values_list("kind", flat=True)
    )
    assert list(kinds) == ["alerts_allowed", "alerts_stopped"]


def test_no_member_gives_the_right_to_the_own_organisation(bins: str) -> None:
    member = Resident.objects.get(username="wasteco")
    with pytest.raises(NotPermittedError):
        actions.let_alert(gadget_id=bins, allowed=True, reason="x", by=cast.as_actor(member))
    operator = cast.operator()
    Membership.objects.create(provider=Provider.objects.get(), resident=operator)
    with pytest.raises(NotPermittedError):
        actions.let_alert(gadget_id=bins, allowed=True, reason="x", by=cast.as_actor(operator))
    assert not Provider.objects.get().may_alert


# --- how a card is drawn -------------------------------------------------------------------------------------


def test_each_link_says_where_it_leads(bins: str, careless: life.Careless, desk: DeskFor) -> None:
    origin = careless.provider.origin
    host = origin.partition("://")[2]
    href = f"{origin}/x"
    careless.card = card_document(
        blocks=[
            {"type": "text", "text": f"[市のサイト]({href}) を見てください。"},
            {"type": "list", "items": [{"text": "市のサイト", "href": href}]},
            {"type": "actions", "items": [{"type": "open", "label": "市のサイト", "href": href}]},
        ]
    )
    drawn = card(desk, bins)
    assert drawn.count(host + "）") == 3
    assert drawn.count(f'href="{href}"') == 3


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("[市](https://waste.example/a)", '<a href="https://waste.example/a" rel="noopener noreferrer">市</a>（waste.example）'),
        ("[**市**](https://city.example@evil.example/)", "evil.example）"),
        ("リンクなし", "リンクなし"),
    ],
)  # fmt: skip
def test_the_host_of_a_link_in_a_text_is_shown(text: str, drawn: str) -> None:
    assert drawn in inline_html(text)


def test_a_card_looks_like_no_question_and_no_alert_of_the_portal(
    bins: str, careless: life.Careless, desk: DeskFor
) -> None:
    careless.card = DANGER
    drawn = card(desk, bins)
    assert "（提供者から）" in drawn
    for portal in ('class="notice', 'class="alert', 'class="button'):
        assert portal not in drawn


# --- reports -------------------------------------------------------------------------------------------------


class TestReport:
    @pytest.fixture(autouse=True)
    def _published(self, bins: str) -> None:
        self.bins = bins
        self.url = reverse("gadgets:report", args=[bins])

    def test_a_resident_reports_and_an_operator_reads_it(self, desk: DeskFor) -> None:
        hanako = desk(cast.hanako())
        assert self.url in hanako.page(reverse("gadgets:page", args=[self.bins]))
        hanako.page(self.url)
        answer = hanako.post(self.url, reason="pretends", words="市からだと言っています")
        assert "知らせを受け取りました" in answer.content.decode()
        operator = desk(cast.operator())
        queue = operator.page(reverse("city_review"))
        assert "住民から知らせのあったサービス" in queue
        page = operator.page(reverse("city_review_gadget", args=[self.bins]))
        assert "市や、ほかの組織のふりをしている" in page
        assert "市からだと言っています" in page
        operator.decide(self.bins, "settle_reports")
        assert "住民から知らせのあったサービス" not in operator.page(reverse("city_review"))

    def test_the_provider_learns_nothing_of_it(self, desk: DeskFor) -> None:
        desk(cast.hanako()).post(self.url, reason="asks", words="パスワードを聞かれた")
        member = desk(Resident.objects.get(username="wasteco"))
        page = member.page(reverse("gadgets:provider_gadget", args=[self.bins]))
        assert "パスワードを聞かれた" not in page

    def test_the_audit_names_gadget_and_reason_and_no_words(self, desk: DeskFor) -> None:
        desk(cast.hanako()).post(self.url, reason="alarms", words="にせの警報")
        entry = AuditEntry.objects.get(kind="card_reported")
        assert entry.detail == {"gadget": self.bins, "reason": "alarms"}

    @pytest.mark.parametrize(
        ("form", "told"),
        [
            ({"words": "何か"}, "どのようなことかを選んでください。"),
            ({"reason": "nonsense", "words": "何か"}, "どのようなことかを選んでください。"),
            ({"reason": "wrong", "words": "あ" * 301}, "300文字までにしてください。"),
        ],
    )
    def test_what_cannot_be_taken_stays_in_the_form(
        self, desk: DeskFor, form: dict[str, str], told: str
    ) -> None:
        answer = desk(cast.hanako()).post(self.url, **form)
        page = answer.content.decode()
        assert answer.status_code == 422
        assert told in page
        assert form["words"] in page
        assert not CardReport.objects.exists()

    def test_five_a_day(self, desk: DeskFor) -> None:
        hanako = desk(cast.hanako())
        for number in range(5):
            hanako.post(self.url, reason="other", words=str(number))
        answer = hanako.post(self.url, reason="other", words="六つ目")
        assert answer.status_code == 429
        assert 0 < int(answer["Retry-After"]) <= 86400
        assert "六つ目" in answer.content.decode()
        assert CardReport.objects.count() == 5
        cache.clear()

    def test_a_guest_signs_in_first_and_a_gadget_that_is_not_there_is_404(self, desk: DeskFor) -> None:
        answer = desk(None).get(self.url)
        assert answer.status_code == 302
        assert "/sign-in/" in answer["Location"]
        assert desk(cast.taro()).get(reverse("gadgets:report", args=["example.no.thing"])).status_code == 404
        with pytest.raises(LifeError):
            actions.report_card(gadget_id="example.no.thing", reason="other", text="", by=SYSTEM)
