"""Forms that no page of ours sends: each is an answer with a status of its own, never a fault of the server."""

import pytest
from django.urls import reverse

from gadgets.errors import BadSettingError
from gadgets.layout.views import _typed
from gadgets.models import Provider
from gadgets.types import SettingSpec
from tests import cast
from tests.gadgets.conftest import DeskFor


@pytest.mark.parametrize(
    ("name", "contact"),
    [
        ("", "a@b.example"),
        ("B" * 101, "a@b.example"),
        ("Bus\0Co", "a@b.example"),
        ("BusCo", "nobody@"),
        ("BusCo", "a" * 300 + "@b.example"),
    ],
)
def test_an_organisation_that_no_table_can_hold(desk: DeskFor, name: str, contact: str) -> None:
    member = desk(cast.busco())
    form = {"name": name, "kind": "company", "contact": contact}
    assert member.client.post(reverse("gadgets:create_organisation"), form).status_code == 422
    assert not Provider.objects.exists()


@pytest.mark.parametrize("number", ["", "-1", "x", "٣", "9" * 18, "9" * 40, "9" * 5000])
def test_a_number_that_is_no_organisation_of_mine(desk: DeskFor, number: str) -> None:
    member = desk(cast.busco())
    form = {"url": "https://bus.example/gadget.json", "provider": number}
    assert member.client.post(reverse("gadgets:register"), form).status_code in {404, 422}


@pytest.mark.parametrize("raw", [None, "", "-", "--5", "5-", "٣", "1" * 5000])
def test_a_setting_that_is_no_number(raw: str | None) -> None:
    spec = SettingSpec("days", "integer", 3, {"ja": "日数"}, minimum=1, maximum=7)
    with pytest.raises(BadSettingError):
        _typed(spec, raw)


def test_a_setting_with_a_null_byte_is_not_taken() -> None:
    spec = SettingSpec("stop", "string", "", {"ja": "停留所"}, max_length=20)
    assert spec.accepts("仏生山")
    assert not spec.accepts("仏\0山")
