"""The form of attributes: filled in, changed, cleared, and refused at the field that is wrong."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from identity import queries
from identity.domain.attributes import Value
from identity.models import Resident
from tests import cast

SignIn = Callable[[Resident], Client]
URL = "/my-data/attributes/"
HANAKO = {
    "area-district": "busshozan",
    "age_band": "35-44",
    "household-has_child": "true",
    "household-school_years": ["preschool", "e3"],
    "language": "ja",
    "access_needs": [],
    "interests": ["childcare", "music"],
}


def attributes(resident: Resident) -> dict[str, Value]:
    bundle = queries.bundle(resident.id)
    assert bundle is not None
    return dict(bundle.attributes)


def test_the_form_shows_what_is_known_and_who_uses_it(hanako: Resident, signed_in: SignIn) -> None:
    html = signed_in(hanako).get(URL).content.decode()
    assert '<option value="busshozan" selected>仏生山</option>' in html
    assert 'value="e3" id="field-household-school_years_3" checked' in html
    assert 'id="area-district"' in html
    assert 'for="field-area-district"' in html
    assert "使っている先:" in html
    assert "waste_zone" not in html


def test_a_move_changes_the_district_and_the_waste_zone_with_it(hanako: Resident, signed_in: SignIn) -> None:
    response = signed_in(hanako).post(URL, {**HANAKO, "area-district": "yashima"})
    assert (response.status_code, response["Location"]) == (302, "/my-data/")
    after = attributes(hanako)
    assert (after["area.district"], after["area.waste_zone"]) == ("yashima", "8")
    assert after["household.school_years"] == ("preschool", "e3")


def test_everything_may_be_cleared(hanako: Resident, signed_in: SignIn) -> None:
    lists = ("area-district", "age_band", "household-has_child", "language")
    signed_in(hanako).post(URL, dict.fromkeys(lists, ""))
    assert attributes(hanako) == {}


def test_somebody_new_fills_in_the_first_attribute(signed_in: SignIn) -> None:
    newcomer = cast.newcomer()
    signed_in(newcomer).post(URL, {"household-has_child": "false", "access_needs": ["furigana"]})
    assert attributes(newcomer) == {"household.has_child": False, "access_needs": ("furigana",)}


@pytest.mark.parametrize(
    ("wrong", "anchor"),
    [
        ({"area-district": "atlantis"}, "area-district"),
        ({"interests": ["music", "knitting"]}, "interests"),
        ({"household-has_child": "maybe"}, "household-has_child"),
    ],
)
def test_a_wrong_value_is_named_at_its_field_and_in_the_summary_and_nothing_is_saved(
    hanako: Resident, signed_in: SignIn, wrong: dict[str, Any], anchor: str
) -> None:
    before = attributes(hanako)
    response = signed_in(hanako).post(URL, {**HANAKO, "age_band": "75+", **wrong})
    html = response.content.decode()
    assert response.status_code == 422
    assert html.count("この項目は、一覧からえらんでください。") == 2
    assert f'<li><a href="#{anchor}">' in html
    assert f'id="id_{anchor}_error"' in html
    assert f'aria-describedby="id_{anchor}_error"' in html
    assert "<title>入力に誤りがあります" in html
    assert '<option value="75+" selected>' in html
    assert attributes(hanako) == before


def test_after_saving_the_resident_goes_back_to_where_she_came_from_but_never_to_another_site(
    hanako: Resident, signed_in: SignIn
) -> None:
    client = signed_in(hanako)
    assert 'name="next" value="/en/"' in client.get(URL, {"next": "/en/"}).content.decode()
    assert client.post(URL, {**HANAKO, "next": "/en/"})["Location"] == "/en/"
    for outside in (
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "x",
    ):
        assert client.post(URL, {**HANAKO, "next": outside})["Location"] == "/my-data/"
        assert 'name="next"' not in client.get(URL, {"next": outside}).content.decode()


def test_a_guest_cannot_fill_in_anything() -> None:
    response = cast.portal_client().post(URL, HANAKO)
    assert response["Location"] == "/sign-in/?next=%2Fmy-data%2Fattributes%2F%3Fkept%3D0"
    assert not Resident.objects.exists()


def test_english_shows_english_choices(hanako: Resident, signed_in: SignIn) -> None:
    html = signed_in(hanako).get(f"/en{URL}").content.decode()
    assert "Elementary year 3" in html
    assert "Busshozan" in html


def test_more_and_less_of_one_topic_is_refused_at_the_field(hanako: Resident, signed_in: SignIn) -> None:
    before = attributes(hanako)
    response = signed_in(hanako).post(URL, {**HANAKO, "avoids": ["music", "sports"]})
    assert response.status_code == 422
    assert "音楽は、関心のある話題にも入っています。" in response.content.decode()
    assert attributes(hanako) == before


def test_less_of_a_topic_and_districts_to_follow_are_kept(hanako: Resident, signed_in: SignIn) -> None:
    sent = {**HANAKO, "avoids": ["sports"], "area-followed": ["yashima", "aji"]}
    assert signed_in(hanako).post(URL, sent).status_code == 302
    after = attributes(hanako)
    assert (after["avoids"], after["area.followed"]) == (("sports",), ("aji", "yashima"))
