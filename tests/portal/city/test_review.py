"""The operator's desk in Wagtail's admin: the queue, the manifest in words, decisions, and who may take them."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse

from gadgets import actions
from gadgets.errors import NotPermittedError, ReasonMissingError
from gadgets.models import Gadget, Membership, ReviewNote
from identity.models import Resident
from tests import cast
from tests.gadgets import life


@pytest.fixture
def careless() -> Iterator[life.Careless]:
    cache.clear()
    with life.careless() as provider:
        yield provider


@pytest.fixture
def seat(db: None, django_capture_on_commit_callbacks: Any) -> Any:
    return lambda resident: life.Desk(resident, django_capture_on_commit_callbacks)


@pytest.fixture
def waiting(careless: life.Careless, seat: Any) -> str:
    """BusCo's gadget, checked and handed in; its id."""
    busco = seat(cast.busco())
    careless.document["claims"] = [
        {
            "name": "area.district",
            "need": "optional",
            "retention": "P30D",
            "purpose": {"ja": "近くの場所を出すため", "en": "To show what is near"},
        }
    ]
    careless.document["identity"] = "audience"
    busco.register(careless.url, busco.organisation())
    life.passed(careless.id)
    busco.step(careless.id, "submit")
    return careless.id


def url_of(gadget_id: str) -> str:
    return reverse("city_review_gadget", args=[gadget_id])


def test_the_queue_shows_what_waits(seat: Any, waiting: str) -> None:
    operator = seat(cast.operator())
    assert reverse("city_review") in operator.page(reverse("wagtailadmin_home"))
    page = operator.page(reverse("city_review"))
    assert "審査を待っているサービス（1）" in page.replace("\n", "")
    assert url_of(waiting) in page


def test_the_manifest_is_told_in_words(seat: Any, waiting: str) -> None:
    page = seat(cast.operator()).page(url_of(waiting))
    for words in (
        "近くの場所を出すため",
        "30日間保存します",
        "任意",
        "誰のものかは伝わりません",
        "/g/card",
        "SHA-256",
    ):
        assert words in page
    assert "✔ 合格" in page


def test_approving_publishes_on_the_next_request(seat: Any, waiting: str) -> None:
    operator = seat(cast.operator())
    guest = seat(None)
    assert "ごみ箱" not in guest.page("/gadgets/")
    answer = operator.decide(waiting, "approve")
    assert "承認し、公開しました。" in answer.content.decode()
    assert "ごみ箱" in guest.page("/gadgets/")
    note = ReviewNote.objects.get(decision="approved")
    assert note.who == operator.resident


def test_refusing_needs_words_and_the_provider_reads_them(seat: Any, waiting: str) -> None:
    operator = seat(cast.operator())
    answer = operator.decide(waiting, "refuse", "  ")
    assert answer.status_code == 422
    assert ReasonMissingError.message in answer.content.decode()
    operator.decide(waiting, "refuse", "目的をもっとくわしく書いてください。")
    member = seat(Resident.objects.get(username="busco"))
    page = member.page(reverse("gadgets:provider_gadget", args=[waiting]))
    assert "目的をもっとくわしく書いてください。" in page
    assert "差し戻されました" in page


def test_suspension_is_effective_on_the_next_request_and_taken_back(seat: Any, waiting: str) -> None:
    operator = seat(cast.operator())
    guest = seat(None)
    operator.decide(waiting, "approve")
    assert operator.decide(waiting, "suspend").status_code == 422
    operator.decide(waiting, "suspend", "場所が間違っているため")
    assert "ごみ箱" not in guest.page("/gadgets/")
    assert guest.get(f"/gadgets/{waiting}/").status_code == 404
    assert guest.get(f"/fragments/card/{waiting}").status_code == 404
    member = seat(Resident.objects.get(username="busco"))
    assert "場所が間違っているため" in member.page(reverse("gadgets:provider_gadget", args=[waiting]))
    operator.decide(waiting, "resume")
    assert "ごみ箱" in guest.page("/gadgets/")


def test_two_decisions_on_one_version_leave_the_first(seat: Any, waiting: str) -> None:
    operator = seat(cast.operator())
    operator.decide(waiting, "refuse", "だめな理由")
    answer = operator.decide(waiting, "approve")
    assert answer.status_code == 422
    assert Gadget.objects.get(gadget_id=waiting).published is None


def test_a_reviewer_is_never_a_member_of_the_provider(seat: Any, waiting: str) -> None:
    operator = seat(cast.operator())
    provider = Gadget.objects.get(gadget_id=waiting).provider
    Membership.objects.create(provider=provider, resident=operator.resident)
    page = operator.page(url_of(waiting))
    assert "審査は別の運用者が行います" in page
    assert 'value="approve"' not in page
    answer = operator.decide(waiting, "approve")
    assert answer.status_code == 422
    assert "別の運用者に頼んでください" in answer.content.decode()
    assert Gadget.objects.get(gadget_id=waiting).published is None


def test_nobody_else_decides(seat: Any, waiting: str) -> None:
    editor = seat(cast.editor())
    for url in (reverse("city_review"), url_of(waiting)):
        assert editor.get(url).status_code in {302, 403}
    assert reverse("city_review") not in editor.page(reverse("wagtailadmin_home"))
    editor.decide(waiting, "approve")
    seat(Resident.objects.get(username="busco")).decide(waiting, "approve")
    seat(None).decide(waiting, "approve")
    assert Gadget.objects.get(gadget_id=waiting).published is None
    for person in (editor.resident, Resident.objects.get(username="busco")):
        for step in (
            lambda by: actions.approve(gadget_id=waiting, by=by),
            lambda by: actions.refuse(gadget_id=waiting, reason="x", by=by),
            lambda by: actions.suspend(gadget_id=waiting, reason="x", by=by),
            lambda by: actions.resume(gadget_id=waiting, by=by),
        ):
            with pytest.raises(NotPermittedError):
                step(cast.as_actor(person))


def test_an_unknown_gadget_or_decision_is_not_found(seat: Any, waiting: str) -> None:
    operator = seat(cast.operator())
    assert operator.get(url_of("localhost.nobody.here")).status_code == 404
    assert operator.decide(waiting, "celebrate").status_code == 404
