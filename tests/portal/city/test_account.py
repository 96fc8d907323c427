"""An editor chooses the language of the admin; nothing asks for a name that the regional ID has."""

import re
from html import unescape

import pytest
from django.urls import reverse

from identity.domain.attributes import DEFINITIONS
from tests import cast
from tests.portal.home.conftest import browser

pytestmark = pytest.mark.django_db

WASTE, CHILD = (DEFINITIONS[key].label["en"] for key in ("area.waste_zone", "household.has_child"))
ACCOUNT = "/admin/account/"


def fields(html: str) -> dict[str, str]:
    """What the form would send as it stands, but for boxes that are not ticked."""
    found = {}
    for tag in re.findall(r"<input [^>]*>", html):
        name, kind = re.search(r'name="([^"]+)"', tag), re.search(r'type="([^"]+)"', tag)
        if name and kind and (kind[1] not in {"checkbox", "radio", "submit"} or " checked" in tag):
            value = re.search(r'value="([^"]*)"', tag)
            found[name[1]] = unescape(value[1]) if value else ""
    for name, options in re.findall(r'<select name="([^"]+)".*?>(.*?)</select>', html, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return found


@pytest.mark.parametrize("who", [cast.editor, cast.operator])
def test_a_language_is_saved_without_a_name_and_the_desk_speaks_it(who) -> None:
    client = cast.sign_in(browser(), who())
    assert reverse("wagtailadmin_account") == ACCOUNT
    data = fields(client.get(ACCOUNT).content.decode())
    assert "locale-preferred_language" in data
    assert not [name for name in data if "name_email" in name or "avatar" in name]
    answer = client.post(ACCOUNT, {**data, "locale-preferred_language": "en"})
    assert (answer.status_code, answer["Location"]) == (302, ACCOUNT)
    html = client.get(reverse("city_ranking")).content.decode()
    assert '<html lang="en"' in html
    assert "おすすめ順の確認" not in html
    # Also in forms that are made once for everybody.
    rules = client.get(reverse("city_rules")).content.decode()
    for japanese, english in (
        ("ごみ収集の区域", WASTE),
        ("子どものいる世帯", CHILD),
        ("仏生山", "Busshozan"),
    ):
        assert english in rules
        assert japanese not in rules


def test_it_is_for_who_works_in_the_admin() -> None:
    assert cast.sign_in(browser(), cast.hanako()).get(ACCOUNT).status_code in {302, 403}
    assert browser().get(ACCOUNT)["Location"].startswith("/admin/login/")
