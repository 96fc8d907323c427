"""Organisations: roles, invitations by a link that works once, and an owner that is never missing."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gadgets import actions
from gadgets.errors import DoorError, InvitationError, LastOwnerError, LifeError, NotPermittedError
from gadgets.models import Invitation, Membership, Provider, StateNotice
from gadgets.providers import organisations
from identity.domain.roles import SYSTEM, Actor
from identity.models import Resident
from tests import cast
from tests.gadgets import life

pytestmark = pytest.mark.django_db


def somebody(name: str) -> Actor:
    return Actor(id=Resident.objects.create(issuer="test", subject=name, username=name).pk)


@pytest.fixture
def owner(db: None) -> Actor:
    return Actor(id=cast.wasteco().pk)


@pytest.fixture
def provider_id(owner: Actor) -> int:
    number = organisations.create_organisation(
        name="見本の会社", kind="company", contact="a@b.example", by=owner
    )
    life.proven(number)
    return number


def join(provider_id: int, owner: Actor, role: str, name: str) -> Actor:
    who = somebody(name)
    organisations.accept(secret=organisations.invite(provider_id=provider_id, role=role, by=owner), by=who)
    return who


def number(who: Actor) -> int:
    return Membership.objects.get(resident_id=who.id).pk


def test_who_makes_it_owns_it(provider_id: int, owner: Actor) -> None:
    assert organisations.role_of(provider_id, owner) == "owner"
    assert organisations.role_of(provider_id, somebody("stranger")) == ""
    assert organisations.role_of(provider_id, SYSTEM) == ""


@pytest.mark.parametrize("role", ["owner", "developer", "reader"])
def test_a_link_says_where_it_leads_and_gives_its_role(provider_id: int, owner: Actor, role: str) -> None:
    secret = organisations.invite(provider_id=provider_id, role=role, by=owner)
    assert organisations.invited(secret) == organisations.Invited("見本の会社", role)
    who = somebody("new")
    assert organisations.accept(secret=secret, by=who) == provider_id
    assert organisations.role_of(provider_id, who) == role


def test_only_the_hash_of_a_link_is_kept(provider_id: int, owner: Actor) -> None:
    secret = organisations.invite(provider_id=provider_id, role="reader", by=owner)
    row = Invitation.objects.values().get()
    assert secret not in str(row)
    assert len(row["token_hash"]) == 64


def test_a_link_works_once(provider_id: int, owner: Actor) -> None:
    secret = organisations.invite(provider_id=provider_id, role="developer", by=owner)
    organisations.accept(secret=secret, by=somebody("first"))
    with pytest.raises(InvitationError):
        organisations.accept(secret=secret, by=somebody("second"))
    assert Membership.objects.filter(provider_id=provider_id).count() == 2


def test_a_link_is_over_after_a_week_or_when_it_is_taken_back(provider_id: int, owner: Actor) -> None:
    old = organisations.invite(provider_id=provider_id, role="reader", by=owner)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    back = organisations.invite(provider_id=provider_id, role="reader", by=owner)
    (shown,) = organisations.invitations(provider_id=provider_id, by=owner)
    assert timedelta(days=6) < shown.expires_at - timezone.now() <= timedelta(days=7)
    organisations.take_back(provider_id=provider_id, invitation_id=shown.id, by=owner)
    for secret in (old, back, "nonsense", ""):
        with pytest.raises(InvitationError):
            organisations.invited(secret)
    with pytest.raises(InvitationError):
        organisations.take_back(provider_id=provider_id, invitation_id=shown.id, by=owner)


def test_a_link_does_not_lower_who_is_a_member_already(provider_id: int, owner: Actor) -> None:
    secret = organisations.invite(provider_id=provider_id, role="reader", by=owner)
    organisations.accept(secret=secret, by=owner)
    assert organisations.role_of(provider_id, owner) == "owner"


def test_there_are_never_too_many_open_links(provider_id: int, owner: Actor) -> None:
    for _ in range(organisations.OPEN_AT_MOST):
        organisations.invite(provider_id=provider_id, role="reader", by=owner)
    with pytest.raises(LifeError, match="招待が多すぎます"):
        organisations.invite(provider_id=provider_id, role="reader", by=owner)


def test_the_last_owner_stays(provider_id: int, owner: Actor) -> None:
    with pytest.raises(LastOwnerError):
        organisations.set_role(provider_id=provider_id, member_id=number(owner), role="reader", by=owner)
    with pytest.raises(LastOwnerError):
        organisations.remove_member(provider_id=provider_id, member_id=number(owner), by=owner)
    second = join(provider_id, owner, "owner", "second")
    organisations.set_role(provider_id=provider_id, member_id=number(owner), role="reader", by=second)
    assert organisations.role_of(provider_id, owner) == "reader"


def test_a_member_may_leave_and_an_owner_may_remove(provider_id: int, owner: Actor) -> None:
    reader, developer = (join(provider_id, owner, role, role) for role in ("reader", "developer"))
    organisations.remove_member(provider_id=provider_id, member_id=number(reader), by=reader)
    organisations.remove_member(provider_id=provider_id, member_id=number(developer), by=owner)
    assert [one.own for one in organisations.members(provider_id=provider_id, by=owner)] == [True]


@pytest.mark.parametrize("role", ["developer", "reader", "stranger"])
def test_what_only_an_owner_may(provider_id: int, owner: Actor, role: str) -> None:
    other = join(provider_id, owner, "reader", "other")
    who = somebody("stranger") if role == "stranger" else join(provider_id, owner, role, "who")
    organisations.invite(provider_id=provider_id, role="reader", by=owner)
    invitation = Invitation.objects.filter(used_at=None).get().pk
    acts: list[Any] = [
        lambda: organisations.invite(provider_id=provider_id, role="owner", by=who),
        lambda: organisations.invitations(provider_id=provider_id, by=who),
        lambda: organisations.take_back(provider_id=provider_id, invitation_id=invitation, by=who),
        lambda: organisations.set_role(
            provider_id=provider_id, member_id=number(other), role="owner", by=who
        ),
        lambda: organisations.remove_member(provider_id=provider_id, member_id=number(other), by=who),
        lambda: organisations.set_contact(
            provider_id=provider_id, contact="x@y.example", webhook_url="", by=who
        ),
        lambda: organisations.send_trial(provider_id=provider_id, by=who),
        lambda: organisations.add_member(provider_id=provider_id, resident_id=other.id, by=who),  # type: ignore[arg-type]
    ]
    for act in acts:
        with pytest.raises(NotPermittedError):
            act()


def test_a_reader_sees_and_a_stranger_does_not(provider_id: int, owner: Actor) -> None:
    reader = join(provider_id, owner, "reader", "reader")
    assert len(organisations.members(provider_id=provider_id, by=reader)) == 2
    assert organisations.notices(provider_id=provider_id, by=reader) == ()
    stranger = somebody("stranger")
    for read in (organisations.members, organisations.notices):
        with pytest.raises(NotPermittedError):
            read(provider_id=provider_id, by=stranger)


def test_a_reader_may_not_do_what_a_developer_may(provider_id: int, owner: Actor) -> None:
    reader = join(provider_id, owner, "reader", "reader")
    developer = join(provider_id, owner, "developer", "developer")
    organisations.require(provider_id, developer)
    with pytest.raises(NotPermittedError):
        organisations.require(provider_id, reader)
    with pytest.raises(NotPermittedError):
        actions.register(url="http://nobody.localhost:9/x.json", provider_id=provider_id, by=reader)
    with pytest.raises(DoorError):
        actions.register(url="http://nobody.localhost:9/x.json", provider_id=provider_id, by=developer)


def test_a_number_of_another_organisation_is_refused(provider_id: int, owner: Actor) -> None:
    stranger = somebody("stranger")
    other = organisations.create_organisation(name="別の会社", kind="npo", contact="c@d.example", by=stranger)
    with pytest.raises(NotPermittedError):
        organisations.remove_member(provider_id=other, member_id=number(owner), by=stranger)


def test_where_notices_go(provider_id: int, owner: Actor) -> None:
    organisations.set_contact(
        provider_id=provider_id, contact=" new@b.example ", webhook_url=" https://b.example/hook ", by=owner
    )
    row = Provider.objects.get()
    assert (row.contact, row.webhook_url) == ("new@b.example", "https://b.example/hook")
    organisations.set_contact(provider_id=provider_id, contact="new@b.example", webhook_url="", by=owner)
    assert Provider.objects.get().webhook_url == ""


@pytest.mark.parametrize(
    ("contact", "webhook", "error"),
    [
        ("nonsense", "", LifeError),
        ("", "", LifeError),
        ("a@b.example", "http://b.example/hook", DoorError),
        ("a@b.example", "https://10.0.0.1/hook", DoorError),
        ("a@b.example", "https://b.example/" + "x" * 500, LifeError),
    ],
    ids=["mail", "no-mail", "http", "address", "long"],
)
def test_an_address_that_cannot_be_used_changes_nothing(
    provider_id: int, owner: Actor, contact: str, webhook: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        organisations.set_contact(provider_id=provider_id, contact=contact, webhook_url=webhook, by=owner)
    assert (Provider.objects.get().contact, Provider.objects.get().webhook_url) == ("a@b.example", "")


@pytest.mark.parametrize("role", ["", "boss"])
def test_a_role_that_is_none_is_refused(provider_id: int, owner: Actor, role: str) -> None:
    with pytest.raises(LifeError, match="役割"):
        organisations.invite(provider_id=provider_id, role=role, by=owner)


def test_an_invitation_needs_somebody(provider_id: int, owner: Actor) -> None:
    secret = organisations.invite(provider_id=provider_id, role="reader", by=owner)
    with pytest.raises(NotPermittedError):
        organisations.accept(secret=secret, by=SYSTEM)


def test_a_trial_goes_where_notices_go(provider_id: int, owner: Actor) -> None:
    organisations.send_trial(provider_id=provider_id, by=owner)
    assert list(StateNotice.objects.values_list("channel", "decision")) == [("mail", "test")]
