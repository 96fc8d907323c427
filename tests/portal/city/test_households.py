"""The operator's desk for households: what waits, decisions with reasons, an end by reference, and who may not."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from identity.domain.roles import Actor
from identity.household import authority, guardianships
from identity.models import AuditEntry, Guardianship, Resident
from tests import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked() -> Guardianship:
    """Hanako wants to represent Taro, who showed her the code."""
    hanako, taro = cast.hanako(), cast.taro()
    code = guardianships.make_code(ward=taro.id, by=Actor(id=taro.id))
    guardianships.redeem(guardian=hanako.id, code=code, by=Actor(id=hanako.id))
    return Guardianship.objects.get()


def at_the_desk(person: Resident | None = None) -> Client:
    return cast.sign_in(cast.portal_client(), person or cast.operator())


def decide(row: Guardianship, client: Client | None = None, **form: str) -> Any:
    client = client or at_the_desk()
    return client.post(reverse("city_household_decide", args=[row.id]), form, follow=True)


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def test_the_desk_shows_what_waits_and_stands_in_the_menu(asked: Guardianship) -> None:
    client = at_the_desk()
    assert reverse("city_household") in client.get(reverse("wagtailadmin_home")).content.decode()
    page = text(client.get(reverse("city_household")))
    assert "確認を待っている申し込み（1）" in page.replace(" ", "")
    assert "高松 花子さんが、屋島 太郎さんの代わりになりたい" in page
    assert "本人はまだ答えていない" in page


def test_approved_by_papers_it_waits_for_the_persons_own_yes(asked: Guardianship) -> None:
    answer = decide(asked, decision="approve", reason="power_of_attorney")
    assert "本人の返事を待ちます" in text(answer)
    asked.refresh_from_db()
    assert (asked.state, asked.reason, authority.waiting()) == ("asked", "power_of_attorney", ())
    entry = AuditEntry.objects.get(kind="guardianship_approved")
    assert entry.by == str(cast.operator().handle)


def test_a_court_order_begins_it(asked: Guardianship) -> None:
    assert "認めました。" in text(decide(asked, decision="approve", reason="court_order"))
    asked.refresh_from_db()
    assert asked.state == "active"


def test_refused_with_a_reason(asked: Guardianship) -> None:
    assert "認めませんでした" in text(decide(asked, decision="refuse", reason="papers_missing"))
    asked.refresh_from_db()
    assert (asked.state, asked.reason) == ("refused", "papers_missing")


@pytest.mark.parametrize(
    "form",
    [
        {"decision": "approve"},
        {"decision": "approve", "reason": "papers_missing"},
        {"decision": "refuse", "reason": "court_order"},
        {"decision": "approve", "reason": "court_order", "ends_on": "tomorrow"},
    ],
)
def test_a_decision_that_cannot_be_is_said_and_changes_nothing(
    asked: Guardianship, form: dict[str, str]
) -> None:
    answer = decide(asked, None, **form)
    assert answer.status_code == 422
    assert 'role="alert"' in text(answer)
    asked.refresh_from_db()
    assert (asked.state, asked.decided_at) == ("asked", None)


def test_an_unknown_decision_is_none(asked: Guardianship) -> None:
    assert decide(asked, decision="approve-all").status_code == 404


def test_a_child_with_an_account_is_given_its_day() -> None:
    hanako, child = cast.hanako(), cast.newcomer()
    Resident.objects.filter(id=child.id).update(attributes={"age_band": "0-17"})
    code = guardianships.make_code(ward=child.id, by=Actor(id=child.id))
    guardianships.redeem(guardian=hanako.id, code=code, by=Actor(id=hanako.id))
    row = Guardianship.objects.get()
    assert 'name="ends_on"' in text(at_the_desk().get(reverse("city_household")))
    assert decide(row, decision="approve", reason="register_checked").status_code == 422
    day = authority.latest_end(row.asked_at.date()).replace(month=1, day=1).isoformat()
    assert decide(row, decision="approve", reason="register_checked", ends_on=day).status_code == 200
    row.refresh_from_db()
    assert (row.state, str(row.ends_on)) == ("active", day)


def test_it_is_found_by_its_reference_and_ended(asked: Guardianship) -> None:
    client = at_the_desk()
    decide(asked, client, decision="approve", reason="court_order")
    found = text(client.get(reverse("city_household"), {"reference": asked.reference}))
    assert "高松 花子 → 屋島 太郎: 有効（家庭裁判所の決定" in found
    assert "この受付番号のものはありません" in text(
        client.get(reverse("city_household"), {"reference": "NOTHERE1"})
    )
    decide(asked, client, decision="end")
    asked.refresh_from_db()
    assert asked.state == "ended"


def test_an_operators_own_request_is_decided_by_another() -> None:
    operator = cast.operator()
    guardianships.ask_to_represent(guardian=operator.id, name="祖父", by=Actor(id=operator.id))
    row = Guardianship.objects.get()
    client = at_the_desk(operator)
    assert "別の運用者が決めます" in text(client.get(reverse("city_household")))
    assert decide(row, client, decision="approve", reason="court_order").status_code == 422
    row.refresh_from_db()
    assert row.state == "asked"


@pytest.mark.parametrize("who", ["hanako", "editor"])
def test_nobody_else_comes_in(asked: Guardianship, who: str) -> None:
    client = at_the_desk(getattr(cast, who)())
    assert client.get(reverse("city_household")).status_code in {302, 403}
    answer = client.post(
        reverse("city_household_decide", args=[asked.id]), {"decision": "approve", "reason": "court_order"}
    )
    assert answer.status_code in {302, 403}
    asked.refresh_from_db()
    assert asked.state == "asked"
