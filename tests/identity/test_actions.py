"""Attributes, roles and accounts: what an action changes, and whom it refuses."""

import pytest
from django.contrib.auth.models import Group

from identity import actions, queries
from identity.domain.roles import SYSTEM, Actor
from identity.errors import (
    DerivedAttribute,
    NoSuchResident,
    NotAllowed,
    UnknownAttribute,
    UnknownRole,
    UnknownValue,
)
from identity.models import ConsentEvent, Resident
from tests import cast

pytestmark = pytest.mark.django_db


def test_setting_the_district_moves_the_waste_zone_and_raises_the_version() -> None:
    hanako = cast.hanako()
    actions.set_attributes(
        resident_id=hanako.id, values={"area.district": "yashima"}, by=cast.as_actor(hanako)
    )
    after = queries.bundle(hanako.id)
    assert after is not None
    assert after.attributes["area.district"] == "yashima"
    assert after.attributes["area.waste_zone"] == "8"
    assert after.attributes["age_band"] == "35-44"
    assert after.consent_version == hanako.consent_version + 1
    assert ConsentEvent.objects.filter(resident_id=hanako.id, kind="attributes").count() == 2


@pytest.mark.parametrize("nothing", [None, "", [], ()])
def test_an_empty_value_clears_an_attribute(nothing: object) -> None:
    hanako = cast.hanako()
    values = {"household.school_years": nothing}
    actions.set_attributes(resident_id=hanako.id, values=values, by=cast.as_actor(hanako))
    after = queries.bundle(hanako.id)
    assert after is not None
    assert "household.school_years" not in after.attributes
    assert "household.has_child" not in after.attributes


def test_the_language_is_also_the_locale_of_the_account() -> None:
    hanako = cast.hanako()
    actions.set_attributes(resident_id=hanako.id, values={"language": "en"}, by=cast.as_actor(hanako))
    assert Resident.objects.get(id=hanako.id).locale == "en"


@pytest.mark.parametrize(
    ("values", "error", "key"),
    [
        ({"age_band": "25-34", "area.district": "mars"}, UnknownValue, "area.district"),
        ({"age_band": "25-34", "shoe_size": "42"}, UnknownAttribute, "shoe_size"),
        ({"age_band": "25-34", "shoe_size": ""}, UnknownAttribute, "shoe_size"),
        ({"age_band": "25-34", "area.waste_zone": "1"}, DerivedAttribute, "area.waste_zone"),
        ({"age_band": "25-34", "area.waste_zone": None}, DerivedAttribute, "area.waste_zone"),
    ],
)
def test_one_wrong_value_leaves_everything_as_it_was(
    values: dict[str, object], error: type[UnknownValue], key: str
) -> None:
    hanako = cast.hanako()
    with pytest.raises(error) as caught:
        actions.set_attributes(resident_id=hanako.id, values=values, by=cast.as_actor(hanako))
    assert caught.value.key == key
    after = Resident.objects.get(id=hanako.id)
    assert (after.attributes, after.consent_version) == (hanako.attributes, hanako.consent_version)


def test_nobody_sets_the_attributes_of_another_not_even_an_operator() -> None:
    hanako = cast.hanako()
    for other in (cast.as_actor(cast.taro()), cast.as_actor(cast.operator()), SYSTEM):
        with pytest.raises(NotAllowed):
            actions.set_attributes(resident_id=hanako.id, values={"age_band": "75+"}, by=other)


def test_a_closed_account_is_not_changed() -> None:
    hanako = cast.hanako()
    Resident.objects.filter(id=hanako.id).update(is_active=False)
    with pytest.raises(NoSuchResident):
        actions.set_attributes(resident_id=hanako.id, values={"age_band": "75+"}, by=cast.as_actor(hanako))


def test_roles_are_mirrored_into_the_admins_groups_and_taken_back() -> None:
    person = cast.editor()
    assert person.groups.get().name == "編集者"
    assert person.has_perm("wagtailadmin.access_admin")
    actions.set_roles(resident_id=person.id, roles=["provider"], by=SYSTEM)
    after = Resident.objects.get(id=person.id)
    assert [group.name for group in after.groups.all()] == ["事業者"]
    assert not after.has_perm("wagtailadmin.access_admin")
    assert queries.actor(person.id) == Actor(id=person.id, roles=frozenset({"provider"}))


def test_a_group_that_an_editor_was_given_by_hand_stays() -> None:
    person = cast.editor()
    person.groups.add(Group.objects.create(name="写真係"))
    actions.set_roles(resident_id=person.id, roles=[], by=cast.as_actor(cast.operator()))
    assert [group.name for group in person.groups.all()] == ["写真係"]


def test_only_an_operator_gives_roles_and_only_known_ones() -> None:
    hanako = cast.hanako()
    with pytest.raises(NotAllowed):
        actions.set_roles(resident_id=hanako.id, roles=["operator"], by=cast.as_actor(hanako))
    with pytest.raises(NotAllowed):
        actions.set_roles(resident_id=hanako.id, roles=["editor"], by=cast.as_actor(cast.editor()))
    with pytest.raises(UnknownRole) as caught:
        actions.set_roles(resident_id=hanako.id, roles=["mayor"], by=SYSTEM)
    assert "mayor" in str(caught.value)
    assert Resident.objects.get(id=hanako.id).roles == []


def test_a_seed_may_run_twice_and_keeps_what_the_resident_did() -> None:
    first = cast.hanako()
    actions.set_attributes(resident_id=first.id, values={"age_band": "45-54"}, by=cast.as_actor(first))
    actions.create_resident(resident_id=first.id, username="hanako", display_name="高松 花子", by=SYSTEM)
    after = Resident.objects.get(id=first.id)
    assert after.attributes["age_band"] == "45-54"
    assert after.password == first.password


def test_only_the_portals_own_commands_make_residents() -> None:
    by = cast.as_actor(cast.operator())
    with pytest.raises(NotAllowed):
        actions.create_resident(display_name="x", by=by)
    with pytest.raises(NotAllowed):
        actions.create_synthetic(people=[{}], notice=cast.NOTICE, controller="x", by=by)


def test_synthetic_residents_are_opted_in_and_cannot_sign_in() -> None:
    people = [{"area.district": "busshozan", "age_band": "75+"}, {"area.district": "ritsurin"}]
    made = actions.create_synthetic(people=people, notice=cast.NOTICE, controller=cast.CONTROLLER, by=SYSTEM)
    assert made == 2
    for resident in Resident.objects.filter(issuer="synthetic"):
        assert not resident.has_usable_password()
        bundle = queries.bundle(resident.id)
        assert bundle is not None
        assert bundle.personalised
        assert "area.waste_zone" in bundle.released


def test_synthetic_residents_with_a_wrong_value_are_not_made_at_all() -> None:
    with pytest.raises(UnknownValue):
        actions.create_synthetic(
            people=[{"age_band": "75+"}, {"age_band": "old"}],
            notice=cast.NOTICE,
            controller="x",
            by=SYSTEM,
        )
    assert not Resident.objects.exists()
