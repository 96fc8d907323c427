"""The city's mail server writes to nobody whom a stranger names, and never in the stranger's words."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from gadgets import actions
from gadgets.errors import ContactLinkError, LifeError, NotPermittedError
from gadgets.models import Provider, StateNotice
from gadgets.providers import contacts, notifications, organisations
from identity.domain.roles import SYSTEM
from identity.models import Resident
from tests import cast

VICTIM = "victim@elsewhere.example"
BAIT = "【重要】https://evil.example/pay へ <b>今すぐ</b> evil．example a@b.example"


@pytest.fixture
def capture(django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(notifications, "refuse_in_transaction", lambda: None)
    monkeypatch.setattr(notifications, "give_back_connections", lambda: None)
    return django_capture_on_commit_callbacks


def made(owner: Resident, name: str = "BusCo", contact: str = VICTIM) -> int:
    return actions.create_organisation(name=name, kind="company", contact=contact, by=cast.as_actor(owner))


def link_of(letter: Any) -> str:
    return re.search(r"/provider/contact/(\S+)/", letter.body)[1]  # type: ignore[index]


@pytest.mark.django_db
def test_only_the_link_is_sent_before_somebody_opened_it(capture: Any) -> None:
    busco = cast.busco()
    number = made(busco, BAIT)
    organisations.send_trial(provider_id=number, by=cast.as_actor(busco))
    notifications.send_due()
    (letter,) = mail.outbox
    assert letter.to == [VICTIM]
    for word in ("evil", "重要", "pay", "BusCo", "<b>"):
        assert word not in letter.subject + letter.body
    page = f"/provider/contact/{link_of(letter)}/"
    guest = cast.portal_client()
    assert guest.get(page).status_code == 200
    assert Provider.objects.get().contact_proved_at is None, "a program that opens links proves nothing"
    assert "確かめました" in guest.post(page).text
    organisations.send_trial(provider_id=number, by=cast.as_actor(busco))
    notifications.send_due()
    assert len(mail.outbox) == 2
    for word in ("evil", "https://evil", "<b>", "@b.example"):
        assert word not in mail.outbox[1].body
    assert mail.outbox[1].subject == "お知らせの試し送り / Trial of a notice"


@pytest.mark.django_db
def test_another_contact_has_to_be_proved_again_and_an_old_link_proves_nothing(capture: Any) -> None:
    busco = cast.busco()
    number = made(busco)
    token = contacts.link(Provider.objects.get()).rstrip("/").rpartition("/")[2]
    contacts.prove(token)
    organisations.set_contact(
        provider_id=number, contact="new@bus.example", webhook_url="", by=cast.as_actor(busco)
    )
    assert not organisations.proved(provider_id=number)
    for wrong in (token, "x", f"{token}x", ""):
        with pytest.raises(ContactLinkError):
            contacts.prove(wrong)
    assert cast.portal_client().post(f"/provider/contact/{token}/").status_code == 404
    assert not organisations.proved(provider_id=number)


@pytest.mark.django_db
def test_few_mails_ask_for_a_proof() -> None:
    busco, hanako = cast.busco(), cast.hanako()
    number = made(busco, "One")
    made(busco, "Two", VICTIM.upper())
    made(hanako, "Three")
    with pytest.raises(LifeError):  # a fourth to one address, whoever asks and however it is written
        made(hanako, "Four")
    assert not Provider.objects.filter(name="Four").exists(), "nothing is half-written"
    by = cast.as_actor(busco)
    for contact in ("b@bus.example", "c@bus.example"):
        organisations.set_contact(provider_id=number, contact=contact, webhook_url="", by=by)
    with pytest.raises(LifeError):
        organisations.set_contact(provider_id=number, contact="d@bus.example", webhook_url="", by=by)
    assert Provider.objects.get(pk=number).contact == "c@bus.example"
    StateNotice.objects.update(created_at=timezone.now() - timedelta(days=1, seconds=1))
    organisations.ask_for_proof(provider_id=number, by=by)


@pytest.mark.django_db
def test_one_person_cannot_have_many_addresses_written_to() -> None:
    busco = cast.busco()
    for number in range(contacts.BY_ONE_PERSON):
        made(busco, f"BusCo {number}", f"a{number}@bus.example")
    with pytest.raises(LifeError):
        made(busco, "One more", "z@bus.example")


@pytest.mark.django_db
def test_a_contact_that_the_portal_itself_knows_is_not_asked(capture: Any) -> None:
    busco = cast.busco()
    for n in range(contacts.TO_ONE_ADDRESS + 2):
        actions.vouch(provider_id=made(busco, f"Same address {n}"), by=SYSTEM)
    notifications.send_due()
    assert mail.outbox == []
    assert not Provider.objects.filter(contact_proved_at=None).exists()


@pytest.mark.django_db
def test_three_trials_a_day(capture: Any) -> None:
    busco = cast.busco()
    number, by = made(busco), cast.as_actor(busco)
    actions.vouch(provider_id=number, by=SYSTEM)
    Provider.objects.update(webhook_url="https://bus.example/hook")
    for _ in range(contacts.TRIALS):
        organisations.send_trial(provider_id=number, by=by)
    with pytest.raises(LifeError):
        organisations.send_trial(provider_id=number, by=by)
    assert StateNotice.objects.filter(decision=notifications.TEST, channel="mail").count() == contacts.TRIALS
    with pytest.raises(NotPermittedError):
        actions.vouch(provider_id=number, by=by)


@given(
    st.text(max_size=200)
    | st.lists(st.sampled_from(["http://e.example", "a@b.jp", "e。example", "<i>", "窓口", " "])).map("".join)
)
def test_a_name_in_a_mail_is_one_short_line_without_addresses_and_markup(name: str) -> None:
    plain = contacts.plain_name(name)
    assert len(plain) <= 60
    assert not re.search(r"[<>@\[\]()\r\n\t/:]|\w[.。．｡]\w", plain)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("高松バス株式会社", "高松バス株式会社"),
        ("BusCo Ltd.", "BusCo Ltd"),
        ("窓口 (https://evil.example/a) 株式会社", "窓口 株式会社"),
        ("evil.example", ""),
    ],
)
def test_ordinary_names_stay(name: str, plain: str) -> None:
    assert contacts.plain_name(name) == plain
