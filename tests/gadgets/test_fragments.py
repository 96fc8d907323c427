"""One card as a fragment: the public form for guests, the personal one after consent, words when there is none."""

import re
from dataclasses import replace
from typing import Any

import pytest
from django.urls import reverse

from examples.kit.provider import Provider as ExampleProvider
from gadgets.cards import fetch
from identity import actions as identity_actions
from identity import queries as identity_queries
from identity.domain.consent import Notice
from identity.models import Resident
from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor
from tests.gadgets.providers import reply


def url_of(gadget_id: str) -> str:
    return reverse("gadgets_wire:card", args=[gadget_id])


def grant(resident: Resident, gadget_id: str) -> None:
    identity_actions.grant(
        resident_id=resident.id,
        recipient=gadget_id,
        purpose="card",
        items=["area.waste_zone"],
        declared=["area.waste_zone"],
        level="audience",
        notice=Notice(language="ja", text="収集日を調べるため"),
        controller="くらしの窓口",
        by=cast.as_actor(resident),
    )


def test_a_guest_gets_the_public_form_and_nothing_leaves(
    desk: DeskFor, published: str, waste: ExampleProvider
) -> None:
    answer = desk(None).get(url_of(published))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert text.lstrip().startswith('<div class="card__body" data-status="current">')
    assert re.search(r"現在<br>出典: .*（", text)
    assert "<html" not in text
    assert "no-store" in answer["Cache-Control"]
    assert waste.seen.as_json()["last"] == {"granted": [], "claims": {}, "has_sub": False}


def test_a_resident_gets_the_personal_card_only_after_consent(
    desk: DeskFor, published: str, waste: ExampleProvider
) -> None:
    hanako = cast.hanako()
    seat = desk(hanako)
    counted = waste.seen.as_json()["counts"]
    before = seat.page(url_of(published))
    assert waste.seen.as_json()["counts"] == counted
    grant(hanako, published)
    after = seat.page(url_of(published))
    assert waste.seen.as_json()["last"]["claims"] == {"area.waste_zone": "7"}
    assert before != after
    log = identity_queries.access_log(hanako.id, 5)
    assert [(row.recipient, row.items) for row in log] == [(published, ("area.waste_zone",))]


def test_after_withdrawal_the_public_form_is_back_and_no_zone_leaves(
    desk: DeskFor, published: str, waste: ExampleProvider
) -> None:
    hanako = cast.hanako()
    seat = desk(hanako)
    public = seat.page(url_of(published))
    grant(hanako, published)
    assert seat.page(url_of(published)) != public
    counted = waste.seen.as_json()["counts"]
    identity_actions.withdraw(resident_id=hanako.id, recipient=published, by=cast.as_actor(hanako))
    assert seat.page(url_of(published)) == public
    assert waste.seen.as_json()["counts"] == counted


def test_the_language_and_size_are_the_pages(desk: DeskFor, published: str, waste: ExampleProvider) -> None:
    answer = desk(None).get(url_of(published), locale="en", size="M")
    assert answer["Content-Language"] == "en"
    assert "Source:" in answer.content.decode()
    assert desk(None).get(url_of(published), locale="xx", size="XXL").status_code == 200


def test_the_residents_own_settings_reach_the_provider(
    desk: DeskFor, published: str, waste: ExampleProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanako = cast.hanako()
    seat = desk(hanako)
    seat.post(reverse("gadgets:add", args=[published]))
    seat.post(reverse("gadgets:settings", args=[published]), **{"size": "M", "setting-bins": "recycling"})
    asked: list[Any] = []
    refresh = fetch.refresh
    monkeypatch.setattr(
        fetch, "refresh", lambda wanted, **more: asked.append(wanted) or refresh(wanted, **more)
    )
    seat.page(url_of(published))
    assert (asked[0].size, asked[0].settings) == ("M", {"bins": "recycling"})


def test_a_provider_that_answers_nonsense_is_told_in_words(
    desk: DeskFor, careless: life.Careless, django_capture_on_commit_callbacks: Any
) -> None:
    gadget_id = life.publish(careless.url, django_capture_on_commit_callbacks)
    careless.card = reply(b"not a card")
    answer = desk(None).get(url_of(gadget_id))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert 'data-status="not_available"' in text
    assert "取得できません" in text
    assert "not a card" not in text


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("ja", "いまは内容を取得できません。"),
        ("en", "The content is not available right now."),
        ("ja-simple", "いまは 見られません。"),
    ],
)
def test_a_missing_card_is_told_in_the_readers_language(
    desk: DeskFor,
    careless: life.Careless,
    django_capture_on_commit_callbacks: Any,
    locale: str,
    words: str,
) -> None:
    gadget_id = life.publish(careless.url, django_capture_on_commit_callbacks)
    careless.card = reply(b"not a card")
    text = desk(None).get(url_of(gadget_id), locale=locale).content.decode()
    assert f'<p class="notice notice--warning">{words}</p>' in text


def test_a_gadget_that_is_only_a_link_has_no_status_line(
    desk: DeskFor, careless: life.Careless, django_capture_on_commit_callbacks: Any
) -> None:
    careless.document["kind"] = "link"
    careless.document["endpoints"] = {"login": f"{careless.provider.origin}/oidc/start"}
    gadget_id = life.publish(careless.url, django_capture_on_commit_callbacks)
    text = desk(None).page(url_of(gadget_id))
    assert "ごみ箱の場所" in text
    assert "card__status" not in text


def test_when_the_residents_own_card_cannot_be_had_the_form_for_everybody_is_shown(
    desk: DeskFor, published: str, waste: ExampleProvider
) -> None:
    """The provider hangs just when the first card of her own is asked for."""
    hanako = cast.hanako()
    seat = desk(hanako)
    public = seat.page(url_of(published))
    grant(hanako, published)
    waste.config = replace(waste.config, fault="hang:5")
    page = seat.page(url_of(published))
    waste.config = replace(waste.config, fault="")
    assert public.partition('class="card__status"')[0] in page
    assert "あなた向けの内容は、いま取得できません。だれでも見られる内容を表示しています。" in page
    assert "いまは内容を取得できません" not in page
