"""The provider's page of a gadget says how its cards were fetched: faults in words, nothing about a resident."""

from typing import Any

from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from examples.kit.provider import Provider as ExampleProvider
from gadgets.metrics import recent_faults
from gadgets.models import Provider as Organisation
from gadgets.types import FetchOutcome
from identity.domain.roles import SYSTEM
from tests import cast
from tests.gadgets.conftest import DeskFor

HEADING = "この24時間のカードの取得"


def url_of(gadget_id: str) -> str:
    return reverse("gadgets:provider_gadget", args=[gadget_id])


def told(gadget_id: str, detail: str = "") -> None:
    recent_faults.note(
        FetchOutcome(gadget_id, "1.0.0", not detail, "card" if detail else "", detail, 0.1, timezone.now())
    )


def member_of(gadget_id: str, desk: DeskFor) -> Any:
    from gadgets import actions

    busco = cast.busco()
    organisation = Organisation.objects.get(gadgets__gadget_id=gadget_id)
    actions.add_member(provider_id=organisation.pk, resident_id=busco.id, by=SYSTEM)
    return desk(busco)


def test_before_publication_there_is_nothing_to_tell(desk: DeskFor, waste: ExampleProvider) -> None:
    member = desk(cast.busco())
    member.register(waste.config.url("/gadget.json"), member.organisation())
    assert HEADING not in member.page(url_of("localhost.waste.calendar"))


def test_nobody_has_asked_for_a_card_yet(desk: DeskFor, published: str) -> None:
    cache.clear()
    page = member_of(published, desk).page(url_of(published))
    assert HEADING in page
    assert "この24時間に、カードの取得はありません。" in page


def test_rate_and_faults_stand_in_words_and_escaped(desk: DeskFor, published: str) -> None:
    cache.clear()
    for _ in range(200):
        told(published)
    told(published, "$.blocks[0].text: <b> は使えません。\nタグを除いてください。")
    page = member_of(published, desk).page(url_of(published))
    assert "<dd>201</dd>" in page
    assert "<dd>99%</dd>" in page
    assert "95%を下回っています" not in page
    assert "$.blocks[0].text: &lt;b&gt; は使えません。<br>タグを除いてください。" in page
    for _ in range(12):
        told(published, "壊れています")
    page = member_of(published, desk).page(url_of(published))
    assert "95%を下回っています" in page
    assert page.count("壊れています") == 10
