"""The console's pages of an organisation: members, codes, keys, where notices go; nothing secret in an address."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from gadgets.models import (
    ApiToken,
    Gadget,
    GadgetVersion,
    Invitation,
    Membership,
    Provider,
    StateNotice,
)
from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor


def act(desk: life.Desk, number: int, step: str, **form: str) -> Any:
    return desk.post(reverse("gadgets:organisation_step", args=[number]), step=step, **form)


def text(answer: Any) -> str:
    return str(answer.content.decode())


def secret(answer: Any) -> str:
    found = re.search(r'<code class="secret">([^<]+)</code>', text(answer))
    assert found
    return found[1]


@pytest.fixture
def owner(desk: DeskFor) -> life.Desk:
    return desk(cast.busco())


@pytest.fixture
def number(owner: life.Desk) -> int:
    return owner.organisation()


def page(number: int) -> str:
    return reverse("gadgets:organisation", args=[number])


def test_an_invitation_goes_from_hand_to_hand(desk: DeskFor, owner: life.Desk, number: int) -> None:
    made = act(owner, number, "invite", role="developer")
    code = secret(made)
    assert code not in text(owner.get(page(number)))
    taro = desk(cast.taro())
    assert taro.get(page(number)).status_code == 404
    shown = text(taro.post(reverse("gadgets:join"), code=f" {code} "))
    assert "「BusCo」に加わります" in shown
    assert "開発者" in shown
    joined = taro.post(reverse("gadgets:join"), code=code, step="accept")
    assert joined.redirect_chain == [(page(number), 302)]
    assert "組織に加わりました" in text(joined)
    again = desk(cast.linh()).post(reverse("gadgets:join"), code=code)
    assert again.status_code == 422
    assert "この招待は使えません" in text(again)


def test_what_a_developer_and_a_reader_see(desk: DeskFor, owner: life.Desk, number: int) -> None:
    for resident, role in ((cast.taro(), "developer"), (cast.linh(), "reader")):
        Membership.objects.create(provider_id=number, resident=resident, role=role)
    developer, reader = desk(cast.taro()).page(page(number)), desk(cast.linh()).page(page(number))
    assert "招待の番号を作る" in owner.page(page(number))
    for seen in (developer, reader):
        assert "招待の番号を作る" not in seen
        assert "組織をぬける" in seen
    assert "鍵を作る" in developer
    assert "鍵を作る" not in reader


def test_roles_change_and_members_go(desk: DeskFor, owner: life.Desk, number: int) -> None:
    row = Membership.objects.create(provider_id=number, resident=cast.taro(), role="reader")
    assert "役割を変えました" in text(act(owner, number, "role", id=str(row.pk), role="owner"))
    row.refresh_from_db()
    assert row.role == "owner"
    left = act(desk(cast.taro()), number, "remove", id=str(row.pk))
    assert left.redirect_chain[-1][0] == reverse("gadgets:console")
    mine = Membership.objects.get(provider_id=number)
    assert "最後の管理者です" in text(act(owner, number, "remove", id=str(mine.pk)))


def test_a_key_is_shown_once_and_taken_back(owner: life.Desk, number: int) -> None:
    made = act(owner, number, "key", name="自動化")
    assert secret(made).startswith("rgk_")
    assert secret(made) not in text(owner.get(page(number)))
    key = ApiToken.objects.get()
    assert "鍵を取り消しました" in text(act(owner, number, "revoke", id=str(key.pk)))
    assert "取り消しました" in owner.page(page(number))
    assert act(owner, number, "key", name="  ").status_code == 422


def test_a_key_of_another_organisation_stays(desk: DeskFor, owner: life.Desk, number: int) -> None:
    act(owner, number, "key", name="自動化")
    other = desk(cast.wasteco())
    theirs = other.organisation("別の会社")
    act(other, theirs, "revoke", id=str(ApiToken.objects.get().pk))
    assert ApiToken.objects.get().revoked_at is None


def test_where_notices_go_keeps_what_was_typed_when_it_cannot_be_used(owner: life.Desk, number: int) -> None:
    answer = act(owner, number, "contact", contact="new@bus.example", webhook_url="http://bus.example/x")
    assert answer.status_code == 422
    assert "https:// で始まるアドレスだけ" in text(answer)
    assert "http://bus.example/x" in text(answer)
    assert Provider.objects.get(pk=number).contact == "a@bus.example"
    saved = act(owner, number, "contact", contact="new@bus.example", webhook_url="https://bus.example/x")
    assert "保存しました" in text(saved)
    assert Provider.objects.get(pk=number).webhook_url == "https://bus.example/x"
    assert "試しのお知らせを送ります" in text(act(owner, number, "trial"))
    assert set(StateNotice.objects.values_list("channel", flat=True)) == {"mail", "webhook"}
    assert "これから送ります" in owner.page(page(number))


def test_an_open_invitation_is_listed_and_taken_back(owner: life.Desk, number: int) -> None:
    act(owner, number, "invite", role="reader")
    assert "まだ使われていない招待" in owner.page(page(number))
    act(owner, number, "take_back", id=str(Invitation.objects.get().pk))
    assert not Invitation.objects.exists()
    assert "この招待は使えません" in text(act(owner, number, "take_back", id="12345"))


@pytest.mark.parametrize(
    "step", ["invite", "key", "role", "remove", "contact", "trial", "take_back", "revoke"]
)
def test_a_stranger_finds_nothing(desk: DeskFor, owner: life.Desk, number: int, step: str) -> None:
    mine = Membership.objects.get(provider_id=number)
    answer = act(
        desk(cast.hanako()), number, step, id=str(mine.pk), role="owner", name="x", contact="x@y.example"
    )
    assert answer.status_code == 404
    assert Membership.objects.get(provider_id=number).role == "owner"
    assert not ApiToken.objects.exists()
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    "form", [{"step": "nonsense"}, {"step": "role", "id": "x"}, {"step": "remove", "id": ""}]
)
def test_a_form_that_is_none_is_not_found(owner: life.Desk, number: int, form: dict[str, str]) -> None:
    assert owner.post(reverse("gadgets:organisation_step", args=[number]), **form).status_code == 404


def test_a_guest_is_asked_to_sign_in(desk: DeskFor, owner: life.Desk, number: int) -> None:
    for url in (page(number), reverse("gadgets:join")):
        assert desk(None).get(url).status_code == 302


def test_the_console_costs_the_same_however_many_gadgets(
    desk: DeskFor, published: str, django_assert_num_queries: Any
) -> None:
    first = Gadget.objects.get(gadget_id=published)
    Membership.objects.get_or_create(provider_id=first.provider_id, resident=cast.wasteco())
    member = desk(cast.wasteco())
    address = reverse("gadgets:console")

    def draft(name: str) -> None:
        more = Gadget.objects.create(gadget_id=name, provider_id=first.provider_id, url=first.url)
        raw = bytes(GadgetVersion.objects.get(gadget=first).manifest)
        GadgetVersion.objects.create(gadget=more, version="1.0.0", manifest=raw, sha256="x", url=first.url)

    draft("localhost.waste.two")
    member.page(address)
    with CaptureQueriesContext(connection) as one:
        member.page(address)
    for name in ("localhost.waste.three", "localhost.waste.four"):
        draft(name)
    with django_assert_num_queries(len(one)):
        assert "localhost.waste.four" in member.page(address)
