"""The console's preview, figures and thread: real answers for people who do not exist, numbers of nobody, words for both."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from examples.kit.provider import Provider as ExampleProvider
from gadgets.models import Gadget, GadgetHour, Membership, ReviewNote
from gadgets.review import conversation
from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor
from tests.identity.test_sent_once import hidden


@pytest.fixture
def member(desk: DeskFor, published: str) -> life.Desk:
    gadget = Gadget.objects.get(gadget_id=published)
    Membership.objects.get_or_create(provider_id=gadget.provider_id, resident=cast.busco())
    return desk(cast.busco())


def url(name: str, gadget_id: str, query: str = "") -> str:
    return reverse(f"gadgets:{name}", args=[gadget_id]) + query


# --- preview ---


def test_the_card_for_each_person(member: life.Desk, published: str) -> None:
    page = member.page(url("provider_preview", published))
    for person in ("花子", "太郎", "リン", "サインインしていない人"):
        assert person in page
    assert "ms" in page
    assert "theme-light" in page


def test_one_person_one_size_in_the_dark_and_in_easy_japanese(member: life.Desk, published: str) -> None:
    page = member.page(
        url("provider_preview", published, "?person=hanako&size=S&locale=ja-simple&theme=dark")
    )
    assert page.count('<section class="stack" aria-label="花子') == 1
    assert "theme-dark" in page
    assert "ごみの 日" in page


def test_what_is_unknown_counts_as_not_chosen(member: life.Desk, published: str) -> None:
    page = member.page(url("provider_preview", published, "?person=x&size=9&locale=zz&theme=%3Cb%3E"))
    assert "theme-light" in page
    assert "<b>" not in page


def test_a_card_that_is_broken_is_told_with_its_place(desk: DeskFor, careless: life.Careless) -> None:
    busco = desk(cast.busco())
    busco.register(careless.url, busco.organisation())
    careless.card = {"nonsense": 1}
    page = busco.page(url("provider_preview", careless.id))
    assert "住民には、カードの代わりに" in page
    assert "$.blocks" in page or "blocks" in page


def test_the_preview_tells_no_resident(member: life.Desk, published: str, waste: ExampleProvider) -> None:
    from identity.models import AccessLog

    before = AccessLog.objects.count()
    member.page(url("provider_preview", published))
    assert AccessLog.objects.count() == before


# --- figures ---


def test_the_days_as_a_picture_a_table_and_a_file(member: life.Desk, published: str) -> None:
    for back, calls, bad in ((0, 40, 2), (1, 10, 0), (20, 999, 0)):
        GadgetHour.objects.create(
            gadget_id=published,
            hour=timezone.now() - timedelta(days=back),
            calls=calls,
            successes=calls - bad,
            hits=calls,
            times=[0] * 3 + [calls],
            faults={"bad_status": bad} if bad else {},
        )
    page = member.page(url("provider_figures", published))
    assert "<title" in page
    assert "<svg" in page
    assert "bad_status 2" in page
    assert "999" not in page
    assert "20人未満" in page
    file = member.get(url("provider_figures_csv", published))
    assert file["Content-Type"].startswith("text/csv")
    rows = file.content.decode("utf-8-sig").splitlines()
    assert rows[0].startswith("day,calls")
    assert sorted(row.split(",")[1] for row in rows[1:]) == ["10", "40"]


def test_without_any_call_it_says_so(member: life.Desk, published: str) -> None:
    assert "まだありません" in member.page(url("provider_figures", published))


# --- thread ---


def test_a_message_and_who_said_it(member: life.Desk, published: str) -> None:
    answer = member.post(url("provider_say", published), text="いつ公開されますか。")
    assert "いつ公開されますか。" in answer.content.decode()
    assert ReviewNote.objects.get(decision="message").side == "provider"
    assert "<strong>提供者</strong>" in answer.content.decode()
    assert "運用者からのことば" not in answer.content.decode()
    assert "運用者の返事を待っています。" in answer.content.decode()
    empty = member.post(url("provider_say", published), text=" ")
    assert ReviewNote.objects.filter(decision="message").count() == 1
    assert "notice--error" in empty.content.decode()


@pytest.mark.parametrize(
    "name", ["provider_preview", "provider_figures", "provider_figures_csv", "provider_say"]
)
def test_nobody_else_sees_them(desk: DeskFor, published: str, name: str) -> None:
    stranger: Any = desk(cast.hanako())
    found = (
        stranger.client.post(url(name, published), {"text": "x"})
        if name == "provider_say"
        else stranger.get(url(name, published))
    )
    assert found.status_code == 404
    assert desk(None).get(url("provider_figures", published)).status_code == 302


def test_a_reader_reads_and_does_not_write(desk: DeskFor, published: str) -> None:
    gadget = Gadget.objects.get(gadget_id=published)
    Membership.objects.create(provider_id=gadget.provider_id, resident=cast.linh(), role="reader")
    reader = desk(cast.linh())
    assert reader.get(url("provider_figures", published)).status_code == 200
    reader.post(url("provider_say", published), text="x")
    for step in ("check", "submit", "refresh", "secret"):
        reader.step(published, step)
    assert not ReviewNote.objects.filter(who=cast.linh()).exists()


def test_a_message_that_is_refused_is_not_lost(member: life.Desk, published: str) -> None:
    """The refusal stands on the page that it leads to, and the message below it, for who wrote it alone."""
    for number in range(conversation.MOST_OPEN):
        member.post(url("provider_say", published), text=f"メッセージ {number}")
    page = url("provider_gadget", published)
    form = hidden(member.client, page, url("provider_say", published))
    answer = member.post(url("provider_say", published), **form, text="長く書いた <説明>")
    shown = answer.content.decode()
    assert "返事を待っているメッセージが多すぎます" in shown
    assert "長く書いた &lt;説明&gt;</textarea>" in shown
    assert "まだ送られていません" not in shown
    assert "長く書いた" not in member.page(page)
    assert ReviewNote.objects.filter(gadget__gadget_id=published, reason__contains="長く").count() == 0
