"""A form that arrives without its fields changes nothing that it holds, at any address that takes a form."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core import serializers
from django.core.cache import cache
from django.test import Client
from wagtail.users.models import UserProfile

from gadgets import actions as gadget_actions
from gadgets.models import Placement, Provider
from identity import actions
from identity.domain.roles import SYSTEM
from identity.models import AuditEntry, Resident
from recommender.models import PriorChange, Rule
from tests import cast
from tests.portal.access import routes, table, world
from tests.portal.mydata.conftest import WASTE

pytestmark = pytest.mark.django_db
ONE_BUTTON = frozenset({"/gadgets/<gadget_id>/remove", "/gadgets/<gadget_id>/add", "/home/arrange/"})
"""What a press of such a button means needs no field."""


def held() -> str:
    """Everything that a form of many fields writes, as one text."""
    rows = (
        *Resident.objects.order_by("pk"), *Provider.objects.order_by("pk"), *PriorChange.objects.order_by("pk"),
        *Rule.objects.order_by("pk"), *UserProfile.objects.order_by("pk"), *Placement.objects.order_by("pk"),
    )  # fmt: skip
    fields = (
        "attributes", "locale", "display_name", "name", "kind", "contact", "webhook_url", "document", "settings",
        "size", "preferred_language", "current_time_zone",
    )  # fmt: skip
    return json.dumps(
        [row["fields"] for row in serializers.serialize("python", rows, fields=fields)], default=str
    )


@pytest.fixture
def everywhere(
    now: datetime, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> tuple[Client, dict[str, str]]:
    """One person who may do everything, with something in every form; and an address of each kind."""
    cache.clear()
    settings.ALERTS_DIR, settings.MEDIA_ROOT = tmp_path / "alerts", tmp_path / "media"
    made = world.make(now)
    person = made.people[table.PROVIDER]
    actions.set_roles(resident_id=person.pk, roles=["provider", "editor", "operator"], by=SYSTEM)
    person.refresh_from_db()
    values: dict[str, object] = {"area.district": "busshozan", "age_band": "35-44", "interests": ["music"]}
    actions.set_attributes(resident_id=person.pk, values=values, by=cast.as_actor(person))
    gadget_actions.place(resident_id=person.pk, gadget_id=WASTE, by=SYSTEM)
    return cast.sign_in(cast.portal_client(), person), dict(made.arguments)


def test_no_form_without_its_fields_clears_what_is_held(everywhere: tuple[Client, dict[str, str]]) -> None:
    client, arguments = everywhere
    before, found = held(), []
    for route in routes.routes("portal.urls"):
        if not route.view.startswith(("portal.", "gadgets.", "identity.")) or route.template in ONE_BUTTON:
            continue
        if route.template.startswith(("/sign-", "/oidc/", "/session", "/my-data/sessions")):
            continue
        client.post(routes.address(route, arguments))
        if held() != before:
            found.append(route.template)
            before = held()
    assert found == []


def test_the_attributes_are_refused_without_their_fields_and_named_only_when_changed() -> None:
    hanako = cast.hanako()
    client = cast.sign_in(cast.portal_client(), hanako)
    before, entries = hanako.attributes, AuditEntry.objects.filter(kind="attributes_changed")
    entries_before = entries.count()
    answer = client.post("/my-data/attributes/", {"next": "/"})
    assert answer.status_code == 422
    assert "何も変えていません" in answer.text
    hanako.refresh_from_db()
    assert (hanako.attributes, entries.count()) == (before, entries_before)
    form = client.get("/my-data/attributes/").context["form"]
    sent = {name: value for name, value in form.initial.items() if value}
    assert client.post("/my-data/attributes/", sent).status_code == 302
    assert entries.count() == entries_before, "the same values again are no change"
    client.post("/my-data/attributes/", {**sent, "age_band": ""})
    assert entries.order_by("seq").last().detail["keys"] == ["age_band"]  # type: ignore[union-attr]


def test_a_guests_choices_are_not_cleared_by_a_form_without_fields() -> None:
    client = cast.portal_client()
    client.post("/guest/", {"district": "busshozan", "topics": ["music"]})
    kept = {name: morsel.value for name, morsel in client.cookies.items()}
    answer = client.post("/guest/", {})
    assert answer.status_code == 400
    assert {name: morsel.value for name, morsel in client.cookies.items()} == kept
