"""What an erased resident leaves in organisations: no address of theirs, and an owner where a member is left."""

import pytest

from gadgets import actions
from gadgets.models import ApiToken, Invitation, Membership, Provider
from gadgets.providers import organisations
from gadgets.webhooks.forgetting import forget_resident
from identity.models import Resident
from tests import cast
from tests.portal.mydata.conftest import publish

pytestmark = pytest.mark.django_db
ADDRESS = "busco@region.localhost"


def organisation(owner: Resident, name: str = "BusCo") -> int:
    return actions.create_organisation(name=name, kind="company", contact=ADDRESS, by=cast.as_actor(owner))


def test_a_member_becomes_owner_and_the_address_goes() -> None:
    busco, hanako, taro = cast.busco(), cast.hanako(), cast.taro()
    number, by = organisation(busco), cast.as_actor(busco)
    organisations.add_member(provider_id=number, resident_id=taro.id, by=by, role="reader")
    organisations.add_member(provider_id=number, resident_id=hanako.id, by=by, role="developer")
    assert organisations.sole_owned(busco.id) == (("BusCo", True),)
    assert forget_resident(busco.id)["memberships"] == 1
    assert Provider.objects.get(pk=number).contact == ""
    roles = dict(Membership.objects.values_list("resident_id", "role"))
    assert roles == {hanako.id: "owner", taro.id: "reader"}


def test_an_organisation_that_nobody_is_left_in_goes_or_keeps_its_name_only() -> None:
    busco = cast.busco()
    empty, offering = organisation(busco, "Nothing"), organisation(busco, "Waste Ltd")
    gadget = publish()
    gadget.provider_id = offering
    gadget.save()
    by = cast.as_actor(busco)
    organisations.invite(provider_id=offering, role="developer", by=by)
    Provider.objects.filter(pk=offering).update(webhook_url="https://bus.example/hook")
    assert organisations.sole_owned(busco.id) == (("Nothing", False), ("Waste Ltd", False))
    forget_resident(busco.id)
    assert not Provider.objects.filter(pk=empty).exists()
    left = Provider.objects.get(pk=offering)
    assert (left.contact, left.webhook_url) == ("", "")
    assert not Membership.objects.filter(provider=left).exists()
    assert not Invitation.objects.exists()
    assert not ApiToken.objects.exists()


def test_one_of_two_owners_changes_nothing_for_the_other() -> None:
    busco, hanako = cast.busco(), cast.hanako()
    number = organisation(busco)
    organisations.add_member(provider_id=number, resident_id=hanako.id, by=cast.as_actor(busco), role="owner")
    assert organisations.sole_owned(busco.id) == ()
    forget_resident(busco.id)
    assert Provider.objects.get(pk=number).contact == ADDRESS
    assert Membership.objects.get().resident_id == hanako.id


def test_the_closing_warns_of_an_organisation_that_loses_its_only_owner() -> None:
    busco = cast.busco()
    organisation(busco)
    page = cast.sign_in(cast.portal_client(), busco).get("/my-data/close/").text
    assert "あなたしかいない組織です" in page
    assert "BusCo" in page
