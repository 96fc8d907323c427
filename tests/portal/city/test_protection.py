"""The desk for protected persons: by their own number, after two confirmations, for operators only, with no list."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from identity import queries
from identity.models import AuditEntry, Resident
from tests import cast
from tests.consents import granted
from tests.identity.test_ledger import WASTE, ZONE, ask

pytestmark = pytest.mark.django_db
BOTH = ["person_checked", "consequences_told"]


@pytest.fixture
def desk() -> Client:
    return cast.sign_in(cast.portal_client(), cast.operator())


def decide(desk: Client, number: str, decision: str, confirmed: list[str]) -> Any:
    return desk.post(
        reverse("city_protection_decide"),
        {"number": number, "decision": decision, "confirmed": confirmed},
    )


def test_from_the_number_over_two_confirmations_to_protection_and_back(desk: Client) -> None:
    hanako = cast.hanako(opted_in=False)
    ask(hanako)
    number = queries.resident_number(hanako.id)
    assert "本人の番号" in desk.get(reverse("city_protection")).content.decode()
    shown = desk.post(reverse("city_protection"), {"number": number.replace(" ", "")}).content.decode()
    assert hanako.display_name in shown
    assert number in shown
    assert "保護していません" in shown
    assert str(hanako.id) not in shown
    assert str(hanako.handle) not in shown
    answer = decide(desk, number, "set", BOTH)
    assert (answer.status_code, answer["Location"]) == (302, reverse("city_protection"))
    assert queries.is_confidential(hanako.id)
    assert granted(hanako.id, WASTE, ZONE) == {}
    assert "保護しています" in desk.post(reverse("city_protection"), {"number": number}).content.decode()
    assert decide(desk, number, "lift", BOTH).status_code == 422
    assert decide(desk, number, "ask", BOTH).status_code == 302
    again = desk.post(reverse("city_protection"), {"number": number}).content.decode()
    assert "あなたが申請しました" in again
    assert 'value="lift"' not in again
    assert decide(desk, number, "lift", BOTH).status_code == 422
    assert queries.is_confidential(hanako.id)
    other = cast.sign_in(cast.portal_client(), cast.second_operator())
    seen = other.post(reverse("city_protection"), {"number": number}).content.decode()
    assert "ほかの運用者が申請しました" in seen
    assert decide(other, number, "lift", BOTH).status_code == 302
    assert not queries.is_confidential(hanako.id)
    kinds = AuditEntry.objects.filter(kind__startswith="confidential").order_by("seq")
    told = [row.kind for row in kinds]
    assert told[-1] == "confidential_lifted"
    assert told.count("confidential_asked") == 9


@pytest.mark.parametrize("confirmed", [[], BOTH[:1], BOTH[1:]])
def test_without_both_confirmations_nothing_happens(desk: Client, confirmed: list[str]) -> None:
    hanako = cast.hanako()
    answer = decide(desk, queries.resident_number(hanako.id), "set", confirmed)
    assert answer.status_code == 422
    assert "確認がすべて済んでいません" in answer.content.decode()
    assert not queries.is_confidential(hanako.id)


def test_a_decision_that_is_none_changes_nothing(desk: Client) -> None:
    hanako = cast.hanako()
    assert decide(desk, queries.resident_number(hanako.id), "perhaps", BOTH).status_code == 422
    assert not queries.is_confidential(hanako.id)


@pytest.mark.parametrize("page", ["city_protection", "city_protection_decide"])
def test_a_number_of_nobody_is_said_and_can_be_put_right(desk: Client, page: str) -> None:
    answer = desk.post(reverse(page), {"number": "1234 5678", "decision": "set", "confirmed": BOTH})
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "見つかりません" in text
    assert 'value="1234 5678"' in text


def test_only_operators_come_to_the_desk() -> None:
    hanako = cast.hanako()
    number = queries.resident_number(hanako.id)
    for person in (cast.editor(), hanako):
        client = cast.sign_in(cast.portal_client(), person)
        for answer in (
            client.get(reverse("city_protection")),
            client.post(reverse("city_protection"), {"number": number}),
            decide(client, number, "set", BOTH),
        ):
            assert answer.status_code in {302, 403}
            assert hanako.display_name not in answer.content.decode() or person == hanako
    assert not queries.is_confidential(hanako.id)
    assert not AuditEntry.objects.filter(kind__startswith="confidential").exists()


def test_no_page_of_the_admin_tells_who_is_protected(desk: Client) -> None:
    hanako = cast.hanako()
    Resident.objects.filter(id=hanako.id).update(confidential=True)
    page = desk.get(reverse("city_protection")).content.decode()
    assert hanako.display_name not in page
    assert queries.resident_number(hanako.id) not in page
    assert (
        desk.get(reverse("city_protection"), {"number": queries.resident_number(hanako.id)})
        .content.decode()
        .count(hanako.display_name)
        == 0
    )
    assert desk.get(reverse("city_protection_decide")).status_code == 405


def test_pages_of_the_desk_are_kept_nowhere(desk: Client) -> None:
    assert "no-store" in desk.get(reverse("city_protection"))["Cache-Control"]
