"""From `rgadget init` to a resident's home: an attribute by card, form and events, without a login address anywhere."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from gadgets.rgadget.out import Exit
from gadgets.webhooks import events
from identity.models import AccessLog, GadgetClient
from tests import cast
from tests.gadgets.conftest import DeskFor
from tests.gadgets.road import written
from tests.gadgets.test_rgadget import Said
from tests.gadgets.test_rgadget_portal import portal, tool  # noqa: F401  fixtures
from tests.gadgets.test_submitting import Form

DISTRICT = "busshozan 地区の公園"


def hidden(page: str, action: str) -> dict[str, list[str]]:
    """The hidden fields of the form that posts to `action`."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', page, re.DOTALL)
    assert form is not None, action
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[1]):
        found.setdefault(name, []).append(value)
    return found


def test_an_attribute_reaches_a_provider_without_a_login_address(
    desk: DeskFor,
    tmp_path: Path,
    tool: Callable[..., Said],  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    django_capture_on_commit_callbacks: Any,
) -> None:
    with written(tmp_path / "parks", "--personal") as (url, program):
        manifest = json.loads((tmp_path / "parks" / "gadget.json").read_text())
        assert "login" not in manifest["endpoints"]
        capsys.readouterr()

        # registered, checked and handed in by the tool, approved at the desk
        code, out, _ = tool("submit", url)
        assert code == Exit.GOOD, out
        assert "in review" in out
        gadget_id = manifest["id"]
        answer = desk(cast.operator()).decide(gadget_id, "approve")
        assert "承認し、公開しました" in answer.content.decode()

        # Hanako adds it and allows it to see her district
        hanako = cast.hanako()
        seat = desk(hanako)
        seat.post(reverse("gadgets:add", args=[gadget_id]))
        grant = reverse("mydata:consent_grant", args=[gadget_id])
        with django_capture_on_commit_callbacks(execute=True):
            seat.client.post(grant, hidden(seat.page(reverse("mydata:consent", args=[gadget_id])), grant))
        assert DISTRICT in seat.page(reverse("gadgets_wire:card", args=[gadget_id]))
        home = seat.page("/")
        assert DISTRICT in home
        assert "提供: BusCo" in home
        assert AccessLog.objects.filter(resident=hanako, recipient=gadget_id, via="card").exists()

        # what she types arrives once, under her pseudonym
        form = Form(seat, gadget_id, "word")
        for _ in range(2):
            assert form.send(**{"f-words": "ベンチがほしい"}).status_code == 200
        ((subject, words),) = program.WORDS.items()
        assert words == ["ベンチがほしい"]
        assert "あなたの一言: 1 件" in seat.page("/")

        # a withdrawal is told, and the home shows the public card again
        seat.post(reverse("mydata:withdraw", args=[gadget_id]))
        assert events.sweep() == 1
        assert program.WORDS == {}
        assert subject
        assert DISTRICT not in seat.page(reverse("gadgets_wire:card", args=[gadget_id]))
        assert DISTRICT not in seat.page("/")
        row = GadgetClient.objects.get(gadget_id=gadget_id)
        assert (row.redirect_uris, row.logout_uri) == ([], "")
