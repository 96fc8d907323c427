"""A form of a card: drawn by the portal, sent once and signed; what goes wrong is said, and nothing typed is lost."""

import json
import re
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from examples.lunch.provider import build as build_lunch
from gadgets import queries
from gadgets.cards import fetch, signing
from gadgets.errors import (
    AnswerTooLargeError,
    CardError,
    ConnectError,
    DoorError,
    FormChangedError,
    FormGoneError,
    FormRefusedError,
    MaintenanceError,
    NotGrantedError,
    TooManySubmitsError,
)
from gadgets.forms import submission
from gadgets.forms.views import error_words, may_have_arrived
from identity import actions as identity_actions
from identity import queries as identity_queries
from identity.domain.consent import Notice
from identity.household import authority, guardianships
from identity.models import Resident
from identity.sessions.portal_sessions import AUTH_TIME
from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor
from tests.gadgets.life import Careless
from tests.gadgets.providers import card_bytes, card_document, reply
from tests.gadgets.test_card import BLOCKS, SUBMIT
from tests.gadgets.test_refusals_in_words import kinds, made

FORM = BLOCKS["form"]
TYPED = {"f-dish": "カレー", "f-people": "3", "f-when": "pm", "f-agree": "on", "f-day": "2026-04-10"}
VALUES = {"dish": "カレー", "people": 3, "when": "pm", "agree": True, "day": "2026-04-10"}
THANKS = card_document(blocks=[{"type": "text", "text": "受け付けました。"}], summary="受け付けました。")


def said(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def grant(resident: Resident, gadget_id: str) -> None:
    identity_actions.grant(
        resident_id=resident.id,
        recipient=gadget_id,
        purpose="card",
        items=["area.waste_zone"],
        declared=["area.waste_zone", "age_band"],
        level="pairwise",
        notice=Notice(language="ja", text="試験のため"),
        controller="BusCo",
        by=cast.as_actor(resident),
    )


class Form:
    """Hanako at the page of the form."""

    def __init__(self, seat: life.Desk, gadget_id: str, name: str = "wish") -> None:
        self.seat, self.url = seat, reverse("gadgets:form", args=[gadget_id, name])
        self.page = seat.page(self.url)
        self.hidden = {
            name: re.search(rf'name="{name}" value="([^"]*)"', self.page)[1]  # type: ignore[index]
            for name in ("form", "key")
        }

    def send(self, **changes: str) -> Any:
        return self.seat.post(self.url, **{**self.hidden, **TYPED, **changes})


@pytest.fixture
def gadget(careless: Careless, desk: DeskFor, django_capture_on_commit_callbacks: Any) -> str:
    """Takes forms; its card holds one, and a button that takes something back."""
    careless.takes_forms()
    careless.card = card_document(blocks=[FORM, {"type": "actions", "items": [SUBMIT]}])
    careless.action = reply(said(THANKS))
    return life.publish(careless.url, django_capture_on_commit_callbacks)


@pytest.fixture
def hanako(gadget: str) -> Resident:
    resident = cast.hanako()
    grant(resident, gadget)
    return resident


@pytest.fixture
def form(desk: DeskFor, gadget: str, hanako: Resident) -> Form:
    return Form(desk(hanako), gadget)


def kept(page: str) -> bool:
    return (
        'value="カレー"' in page
        and 'value="3"' in page
        and '<option value="pm" selected>' in page
        and 'id="f-agree" checked' in page
        and 'value="2026-04-10"' in page
    )


def test_the_card_leads_to_the_form_and_holds_none_itself(
    desk: DeskFor, gadget: str, hanako: Resident
) -> None:
    page = desk(hanako).page(reverse("gadgets_wire:card", args=[gadget]))
    assert f'href="/gadgets/{gadget}/forms/wish/?size=S"' in page
    assert f'href="/gadgets/{gadget}/forms/cancel/?size=S"' in page
    assert "<input" not in page
    assert "csrf" not in page


def test_the_page_says_where_it_goes_and_labels_every_field(form: Form) -> None:
    assert "このポータルの外の「WasteCo」に送られます" in form.page
    assert re.search(r"いっしょに伝わること: このサービスだけで使うあなたの番号, \S+</p>", form.page)
    for name in ("dish", "people", "when", "agree", "day"):
        assert form.page.count(f'for="f-{name}"') == 1
        assert form.page.count(f'id="f-{name}"') == 1
    assert "20文字まで" in form.page
    assert "1から5まで" in form.page
    assert "maxlength" not in form.page, "nothing typed is cut in silence"


def test_what_is_sent_is_signed_bound_and_written_down(
    form: Form, careless: Careless, gadget: str, hanako: Resident
) -> None:
    answer = form.send()
    assert answer.redirect_chain[-1][0] == f"{reverse('gadgets:page', args=[gadget])}#card"
    assert "「WasteCo」に送りました。" in answer.content.decode()
    assert "受け付けました。" in answer.content.decode(), "the card that answered is on the page"
    (seen,) = careless.posted
    assert json.loads(seen.body) == {"form": "wish", "values": VALUES}
    token = seen.token(signing.jwks())
    assert token.header["typ"] == "rgadget+jwt"
    claims = token.claims
    info = queries.registry().gadgets[gadget]
    assert (claims["htm"], claims["htu"]) == ("POST", info.action_url)
    assert claims["digest"] == signing.digest(seen.body)
    assert claims["sub"] == identity_queries.subject_for(hanako.id, info.client_id or "")
    assert claims["claims"] == {"area.waste_zone": "7"}
    assert re.fullmatch(r'"[0-9a-f]{32}"', seen.headers["idempotency-key"])
    assert "cookie" not in seen.headers
    log = identity_queries.access_log(hanako.id, 1)
    assert [(row.recipient, row.items, row.via) for row in log] == [(gadget, ("area.waste_zone",), "form")]


def test_the_answered_card_takes_the_place_of_every_cached_one(
    desk: DeskFor, form: Form, careless: Careless, gadget: str, hanako: Resident
) -> None:
    seat = desk(hanako)
    fragment = reverse("gadgets_wire:card", args=[gadget])
    seat.page(fragment, locale="en")
    cards = len([seen for seen in careless.provider.seen if seen.path == "/g/card"])
    form.send()
    assert "受け付けました。" in seat.page(fragment)
    assert len([seen for seen in careless.provider.seen if seen.path == "/g/card"]) == cards
    careless.card = THANKS
    assert "受け付けました。" in seat.page(fragment, locale="en"), "also in the other language"


def test_the_lunch_example_keeps_what_is_ticked_and_shows_it_ticked(
    desk: DeskFor, django_capture_on_commit_callbacks: Any
) -> None:
    with life.example(build_lunch, "lunch") as lunch:
        gadget_id = life.publish(lunch.config.url("/gadget.json"), django_capture_on_commit_callbacks)
        hanako = cast.hanako()
        identity_actions.grant(
            resident_id=hanako.id,
            recipient=gadget_id,
            purpose="card",
            items=["household.school_years"],
            declared=["household.school_years"],
            level="pairwise",
            notice=Notice(language="ja", text="1週間分の献立を出すため"),
            controller="給食だより",
            by=cast.as_actor(hanako),
        )
        seat = desk(hanako)
        form = Form(seat, gadget_id, "ingredients")
        assert not re.search(r"checkbox[^>]* checked", form.page)
        answer = seat.post(form.url, **{**form.hidden, "f-wheat": "on"})
        assert "に送りました。" in answer.content.decode()
        again = Form(seat, gadget_id, "ingredients")
        assert re.findall(r'id="f-(\w+)" checked', again.page) == ["wheat"]


def test_a_submit_asks_and_sends_its_fixed_values(
    desk: DeskFor, gadget: str, hanako: Resident, careless: Careless
) -> None:
    question = Form(desk(hanako), gadget, "cancel")
    assert careless.posted == []
    assert '<button class="button" type="submit">取り消す</button>' in question.page
    question.send()
    assert json.loads(careless.posted[0].body) == {"form": "cancel", "values": {"id": 3, "all": False}}


def test_a_double_click_and_a_retry_are_one_submission(form: Form, careless: Careless) -> None:
    for _ in range(2):
        assert "「WasteCo」に送りました。" in form.send().content.decode(), (
            "also where the new card has no form"
        )
    assert len(careless.posted) == 1
    careless.card = card_document(blocks=[FORM])
    cache.clear()
    form.send(**{"f-dish": "うどん"})
    first, other = careless.posted
    assert first.headers["idempotency-key"] != other.headers["idempotency-key"]


def test_a_retry_after_a_failure_carries_the_same_key(form: Form, careless: Careless) -> None:
    careless.action = reply(b"", status=500)
    page = form.send()
    assert page.status_code == 502
    assert "届いたかどうか分かりません" in page.content.decode()
    assert "二重にはなりません" in page.content.decode()
    assert kept(page.content.decode())
    careless.action = reply(said(THANKS))
    again = re.search(r'name="key" value="([^"]*)"', page.content.decode())
    assert again is not None
    form.send(key=again[1])
    first, second = careless.posted
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_time_are_one_submission(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache.clear()
    posts: list[bytes] = []
    inside, go = threading.Event(), threading.Event()

    def slowly(_wanted: Any, body: bytes, _once: str, _until: float) -> None:
        posts.append(body)
        inside.set()
        go.wait(1)

    monkeypatch.setattr(submission, "_post", slowly)
    from uuid import UUID

    from gadgets.protocol import forms
    from gadgets.types import Wanted
    from tests.gadgets.test_card import PAIRWISE

    wanted = Wanted(PAIRWISE, "S", "ja", resident_id=UUID(int=1), granted=("area.waste_zone",))

    def click() -> None:
        try:
            submission.send(wanted=wanted, spec=forms.read(FORM), values={"dish": "x"}, key="k")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=click) for _ in range(2)]
    threads[0].start()
    assert inside.wait(5)
    threads[1].start()
    go.set()
    for thread in threads:
        thread.join(5)
    assert len(posts) == 1
    cache.clear()


def test_faults_are_listed_above_and_at_the_field_and_nothing_is_sent(form: Form, careless: Careless) -> None:
    answer = form.send(**{"f-people": "9", "f-agree": ""})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "入力に誤りがあります" in page
    assert '<a href="#f-people">人数: 5以下にしてください。</a>' in page
    assert 'id="f-people-error"' in page
    assert 'aria-describedby="f-people-hint f-people-error" aria-invalid="true"' in page
    assert 'value="カレー"' in page
    assert careless.posted == []


def test_a_refusal_is_told_in_the_providers_words(form: Form, careless: Careless) -> None:
    body = json.dumps({"detail": "満員です。"}).encode()
    careless.action = reply(body, status=422, content_type="application/problem+json")
    answer = form.send()
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "提供者からの説明: 満員です。" in page
    assert kept(page)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{}", "application/problem+json"),
        (b"no json", "application/problem+json"),
        ("[" * 60_000, "application/problem+json"),
        (json.dumps({"detail": "<b>x</b>"}), "application/problem+json"),
        (json.dumps({"detail": "a\u202eb"}), "application/problem+json"),
        (json.dumps({"detail": "x" * 301}), "application/problem+json"),
        (json.dumps({"detail": ["x"]}), "application/problem+json"),
        (json.dumps({"detail": "x"}), "application/json"),
    ],
)
def test_a_refusal_without_words_that_can_be_shown_is_still_told(
    form: Form, careless: Careless, body: str | bytes, content_type: str
) -> None:
    raw = body if isinstance(body, bytes) else body.encode()
    careless.action = reply(raw, status=409, content_type=content_type)
    page = form.send().content.decode()
    assert FormRefusedError.message in page
    assert "説明" not in page
    assert kept(page)


def test_a_provider_that_is_down_got_nothing_and_the_page_says_so(
    form: Form, careless: Careless, gadget: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(*_: Any, **__: Any) -> None:
        raise ConnectError("http://waste.localhost/", "nobody answers")

    monkeypatch.setattr(type(submission.door()), "fetch", nobody)
    answer = form.send()
    assert answer.status_code == 502
    assert "何も送っていません" in answer.content.decode()
    assert kept(answer.content.decode())


@pytest.mark.parametrize(
    "bad",
    [
        reply(card_bytes(blocks=[])),
        reply(b"{}"),
        reply(card_bytes(blocks=[{"type": "image", "src": "https://x.example/a", "alt": "a"}])),
    ],
)
def test_an_answer_that_is_no_card_arrived_but_shows_nothing(
    form: Form, careless: Careless, bad: Any
) -> None:
    careless.action = bad
    answer = form.send()
    assert answer.status_code == 502
    assert "届きましたが、返事に誤り" in answer.content.decode()
    _says_that_it_may_have_arrived(answer)
    assert CardError.message not in answer.content.decode()
    assert kept(answer.content.decode())


@pytest.mark.parametrize(
    "bad",
    [
        reply(said(THANKS), content_type="text/html"),
        reply(said(THANKS), status=302, headers={"Location": "http://waste.localhost/"}),
        reply(said(THANKS), headers={"Set-Cookie": "a=b"}),
        reply(b" " * 70_000),
    ],
)
def test_an_answer_that_breaks_the_rules_may_have_arrived(form: Form, careless: Careless, bad: Any) -> None:
    careless.action = bad
    answer = form.send()
    assert answer.status_code == 502
    assert "届いたかどうか分かりません" in answer.content.decode()
    _says_that_it_may_have_arrived(answer)
    assert kept(answer.content.decode())
    assert AnswerTooLargeError.sent


@pytest.mark.parametrize("kind", sorted(kinds(DoorError), key=str))
def test_not_sent_and_perhaps_arrived_are_told_apart_for_every_fault_of_the_way(
    kind: type[DoorError],
) -> None:
    error = made(kind)
    assert isinstance(error, DoorError)
    told = error_words(error)
    assert ("何も送っていません" in told) is not error.sent
    assert ("このサービスだけで使うあなたの番号" in told) is error.sent
    assert may_have_arrived(error) is error.sent


def _says_that_it_may_have_arrived(answer: Any) -> None:
    page = answer.content.decode()
    assert "<title>届いたか確かめられません" in page
    assert "送れませんでした" not in page
    assert "このサービスだけで使うあなたの番号が伝わっています" in page


def test_failures_open_the_breaker_and_then_nothing_is_sent(form: Form, careless: Careless) -> None:
    careless.action = reply(b"", status=500)
    for _ in range(5):
        form.send()
    count = len(careless.posted)
    answer = form.send()
    assert answer.status_code == 503
    assert len(careless.posted) == count
    assert kept(answer.content.decode())


def test_a_form_that_changed_meanwhile_is_shown_again_with_what_was_typed(
    form: Form, careless: Careless, gadget: str
) -> None:
    longer = {"name": "note", "label": "ひとこと", "type": "text", "max_length": 50}
    careless.card = card_document(blocks=[{**FORM, "fields": [*FORM["fields"], longer]}])
    cache.clear()
    answer = form.send()
    page = answer.content.decode()
    assert answer.status_code == 409
    assert FormChangedError.message in page
    assert "ひとこと" in page
    assert kept(page)
    assert careless.posted == []


def test_a_form_that_is_gone_keeps_what_was_typed_and_offers_no_button(
    form: Form, careless: Careless
) -> None:
    careless.card = THANKS
    cache.clear()
    answer = form.send()
    page = answer.content.decode()
    assert answer.status_code == 409
    assert FormGoneError.message in page
    assert kept(page)
    assert '<button class="button" type="submit">入力する' not in page
    assert careless.posted == []


def test_a_card_that_cannot_be_had_keeps_what_was_typed(form: Form, careless: Careless) -> None:
    careless.card = reply(b"", status=500)
    cache.clear()
    answer = form.send()
    assert answer.status_code == 503
    assert kept(answer.content.decode())
    assert careless.posted == []


def test_a_consent_that_was_withdrawn_meanwhile_sends_nothing(
    form: Form, careless: Careless, gadget: str, hanako: Resident
) -> None:
    identity_actions.withdraw(resident_id=hanako.id, recipient=gadget, by=cast.as_actor(hanako))
    answer = form.send()
    page = answer.content.decode()
    assert answer.status_code == 409
    assert NotGrantedError.message in page
    assert reverse("mydata:consent", args=[gadget]) in page
    assert kept(page)
    assert careless.posted == []


def test_a_consent_that_is_withdrawn_between_check_and_sending_sends_nothing(
    form: Form, careless: Careless, gadget: str, hanako: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = submission.send

    def late(**what: Any) -> None:
        identity_actions.withdraw(resident_id=hanako.id, recipient=gadget, by=cast.as_actor(hanako))
        really(**what)

    monkeypatch.setattr(submission, "send", late)
    assert NotGrantedError.message in form.send().content.decode()
    assert careless.posted == []


def test_an_announced_pause_sends_nothing(
    form: Form, careless: Careless, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gadgets.types import GadgetInfo, Pause

    now = timezone.now()
    pause = Pause(now, now + timedelta(seconds=90))
    monkeypatch.setattr(GadgetInfo, "pause", lambda *_: pause)
    answer = form.send()
    assert answer.status_code == 503
    assert 0 < int(answer["Retry-After"]) <= 90
    assert MaintenanceError.message in answer.content.decode()
    assert careless.posted == []


def test_too_many_submissions_in_a_short_time_are_refused(
    form: Form, careless: Careless, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "MOST", 2)
    careless.action = reply(card_bytes(blocks=[FORM]))
    for dish in ("a", "b"):
        form.send(**{"f-dish": dish})
    answer = form.send()
    assert answer.status_code == 503
    assert 0 < int(answer["Retry-After"]) <= submission.PERIOD
    assert TooManySubmitsError.message in answer.content.decode()
    assert kept(answer.content.decode())
    assert len(careless.posted) == 2


def test_a_form_of_another_gadget_or_resident_is_not_taken(form: Form, careless: Careless) -> None:
    for foreign in ("", "x", form.hidden["form"][:-2]):
        answer = form.send(form=foreign)
        assert "もう一度入力してください" in answer.content.decode()
    taro = cast.taro()
    sealed = submission.seal("localhost.waste.bins", taro.id, FORM)
    assert "もう一度入力してください" in form.send(form=sealed).content.decode()
    assert careless.posted == []


def test_the_page_needs_a_resident_a_grant_and_a_gadget_that_takes_forms(
    desk: DeskFor, gadget: str, careless: Careless
) -> None:
    url = reverse("gadgets:form", args=[gadget, "wish"])
    answer = desk(None).get(url)
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("identity:signin"))
    page = desk(cast.taro()).page(url)
    assert NotGrantedError.message in page
    assert "<form method" not in page.partition("<main")[2]
    assert desk(cast.taro()).get(reverse("gadgets:form", args=["a.b.c", "wish"])).status_code == 404


def test_an_unknown_form_is_told(desk: DeskFor, gadget: str, hanako: Resident) -> None:
    page = desk(hanako).page(reverse("gadgets:form", args=[gadget, "other"]))
    assert FormGoneError.message in page


def test_a_post_without_the_portals_own_token_is_refused(
    form: Form, careless: Careless, hanako: Resident
) -> None:
    strict = Client(enforce_csrf_checks=True, headers={"host": settings.PORTAL_URL.partition("//")[2]})
    cast.sign_in(strict, hanako)
    assert strict.post(form.url, {**form.hidden, **TYPED}).status_code == 403
    assert careless.posted == []


def test_a_gadget_without_an_action_has_no_forms(desk: DeskFor, published: str) -> None:
    assert desk(cast.hanako()).get(reverse("gadgets:form", args=[published, "wish"])).status_code == 404


def test_the_stored_card_keeps_its_forms_sealed(
    form: Form, gadget: str, hanako: Resident, careless: Careless
) -> None:
    info = queries.registry().gadgets[gadget]
    bundle = identity_queries.bundle(hanako.id)
    wanted = fetch.wanted_for(info, bundle=bundle, locale="ja", size="S")
    held = fetch.cached(wanted)
    assert held is not None
    assert held.inputs == (FORM, SUBMIT)
    raw = cache.get(fetch.cache_key(wanted))
    assert "希望を送る".encode() not in raw


def test_who_acts_for_a_child_sends_for_the_child_and_reads_so(
    desk: DeskFor, gadget: str, hanako: Resident, careless: Careless
) -> None:
    child = guardianships.add_child(
        guardian=hanako.id,
        name="はな",
        ends_on=authority.end_of_school(timezone.localdate(), ("e3",)),
        values={"area.district": "busshozan", "household.school_years": ("e3",)},
        by=cast.as_actor(hanako),
    )
    identity_actions.grant(
        resident_id=child,
        recipient=gadget,
        purpose="card",
        items=["area.waste_zone"],
        declared=["area.waste_zone"],
        level="pairwise",
        notice=Notice(language="ja", text="試験のため"),
        controller="BusCo",
        by=cast.as_actor(hanako),
    )
    seat = desk(hanako)
    own = Form(seat, gadget)
    session = seat.client.session
    session[AUTH_TIME] = int(time.time())
    session.save()
    seat.client.post("/my-data/household/act/", {"ward": str(child)})
    answer = own.send()
    assert "もう一度入力してください" in answer.content.decode(), (
        "what was drawn for her is not sent for the child"
    )
    assert careless.posted == []
    form = Form(seat, gadget)
    assert "はなさんの分として送ります。" in form.page
    form.send()
    (seen,) = careless.posted
    info = queries.registry().gadgets[gadget]
    assert seen.token(signing.jwks()).claims["sub"] == identity_queries.subject_for(
        child, info.client_id or ""
    )
    assert [row.via for row in identity_queries.access_log(child, 1)] == ["form"]
