"""Editors keep the made-up people of previews and dry runs; a region without any has the guest alone."""

import re
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from identity.domain.attributes import SETTABLE
from portal.city import trial
from portal.content.editing.persona_form import MOST, PersonaForm, field_name
from portal.content.models import HomePage, Persona
from portal.content.queries import personas
from tests import cast
from tests.portal.content.pages import publish

pytestmark = pytest.mark.django_db
ADD = "/admin/content_personas/new/"
KEN = {
    "key": "ken",
    "name": "ケンさん",
    "name_simple": "",
    "name_en": "Ken",
    "order": "5",
    "attribute_area-district": "yashima",
    "attribute_household-school_years": ["e3"],
    "attribute_language": "en",
}


@pytest.fixture
def editor(client: Client) -> Client:
    return cast.sign_in(client, cast.editor())


def a_persona(key: str = "ken", **attributes: Any) -> Persona:
    return Persona.objects.create(key=key, name=f"{key}さん", attributes=attributes)


def test_an_editor_makes_a_persona_and_previews_the_home_with_it(editor: Client, now: datetime) -> None:
    publish(
        "news", "hiroba", now=now, title="ひろば", title_en="Plaza", audience={"area.district": ["yashima"]}
    )
    answer = editor.post(ADD, KEN)
    assert answer.status_code == 302, answer.context["form"].errors
    found = personas()["ken"]
    assert (found.called("en"), found.locale) == ("Ken", "en")
    assert found.attributes["household.has_child"] is True
    assert found.attributes["area.waste_zone"] == "8"
    home = HomePage.objects.get()
    assert [key for key, _name in home.preview_modes] == ["guest", "ken"]
    assert "Plaza" in home.make_preview_request(preview_mode="ken").content.decode()


def test_a_persona_is_changed_and_deleted(editor: Client) -> None:
    made = a_persona(**{"area.district": "yashima"})
    edit = f"/admin/content_personas/edit/{made.pk}/"
    assert 'value="yashima" selected' in editor.get(edit).content.decode()
    assert (
        editor.post(edit, {**KEN, "key": "other", "attribute_area-district": "ritsurin"}).status_code == 302
    )
    assert personas()["ken"].attributes["area.district"] == "ritsurin"
    assert editor.post(f"/admin/content_personas/delete/{made.pk}/").status_code == 302
    assert personas() == {}


@pytest.mark.parametrize("who", ["operator", "hanako"])
def test_who_may_not_edit_content_may_not_edit_personas(client: Client, who: str) -> None:
    cast.sign_in(client, getattr(cast, who)())
    assert client.post(ADD, KEN).status_code in {302, 403}
    assert not Persona.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"key": "guest"}, "key"),
        ({"key": "高松"}, "key"),
        ({"name": ""}, "name"),
        ({"attribute_area-district": "atlantis"}, "attribute_area-district"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(
    editor: Client, wrong: dict[str, str], field: str
) -> None:
    answer = editor.post(ADD, KEN | wrong)
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]
    assert not Persona.objects.exists()


def test_there_are_no_more_than_a_dry_run_can_show() -> None:
    Persona.objects.bulk_create([Persona(key=f"p{number}", name="人") for number in range(MOST)])
    assert not PersonaForm(data=KEN).is_valid()


def test_the_form_asks_for_everything_that_a_resident_may_set() -> None:
    assert {field_name(key) for key in SETTABLE} <= set(PersonaForm().fields)


def test_what_the_region_no_longer_knows_is_left_out() -> None:
    a_persona(
        **{"area.district": "atlantis", "interests": ["music", "alchemy"], "age_band": "75+", "shoe": "44"}
    )
    assert personas()["ken"].attributes == {"interests": ("music",), "age_band": "75+"}


def test_without_personas_the_guest_is_shown_and_a_sentence_says_how_to_make_some(editor: Client) -> None:
    assert [key for key, _name in HomePage.objects.get().preview_modes] == ["guest"]
    assert [persona.key for persona, _name in trial.people("ja")] == ["guest"]
    page = editor.get(reverse("city_ranking")).content.decode()
    assert "架空の人がまだいません" in page
    assert re.findall(r'<option value="(\w+)"', page) == ["guest"]
    a_persona()
    assert "架空の人がまだいません" not in editor.get(reverse("city_ranking")).content.decode()
