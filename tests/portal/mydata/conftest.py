"""Three published gadgets, and residents who have signed in."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone, translation

from core.models import Version
from gadgets import queries as gadget_queries
from gadgets.models import Gadget, GadgetVersion, Provider
from identity.models import Resident
from portal.mydata import prompt
from tests import cast
from tests.gadgets import samples

WASTE = "example.waste.calendar"
LUNCH = "example.waste.lunch"
RIVER = "example.waste.river"
YEARS = {
    "name": "household.school_years",
    "need": "optional",
    "retention": "P30D",
    "purpose": {"ja": "学校の献立をえらぶため", "en": "To choose the school's menu"},
}


def publish(**changes: Any) -> Gadget:
    """A published gadget with the manifest of the samples, changed."""
    document = samples.document(**changes)
    name = document["provider"]["name"]
    provider, _ = Provider.objects.get_or_create(name=name, kind="company", contact="help@waste.example")
    gadget = Gadget.objects.create(gadget_id=document["id"], provider=provider, url=samples.URL)
    version = GadgetVersion.objects.create(
        gadget=gadget,
        version=document["version"],
        manifest=samples.raw(**changes),
        sha256="0" * 64,
        url=samples.URL,
        state="approved",
        approved_at=timezone.now(),
    )
    gadget.published, gadget.published_at, gadget.state = version, timezone.now(), "published"
    gadget.save()
    return gadget


def fill_registry() -> None:
    """The waste gadget at `audience`, the lunch gadget at `pairwise`, the river gadget that asks nothing."""
    publish()
    publish(
        id=LUNCH,
        title={"ja": "給食", "en": "School lunch"},
        identity="pairwise",
        claims=[YEARS, samples.claim("age_band")],
        settings=None,
    )
    publish(
        id=RIVER, title={"ja": "川の水位", "en": "River level"}, identity="none", claims=[], settings=None
    )
    Version.objects.update_or_create(key=gadget_queries.VERSION_KEY, defaults={"number": 4711})


@pytest.fixture(autouse=True)
def registry(db: None) -> None:
    """The three are published, and no gadget of another test is remembered."""
    cache.clear()
    fill_registry()


def answer(gadget: str, *items: str, locale: str = "ja") -> dict[str, Any]:
    """What the form of the question about `items` sends."""
    with translation.override(locale):
        notice = prompt.gadget_notice(gadget_queries.registry().gadgets[gadget], items, locale)
    return {"items": list(items), "shown": notice.sha256}


@pytest.fixture
def hanako() -> Resident:
    return cast.hanako()


@pytest.fixture
def signed_in() -> Callable[[Resident], Client]:
    """A client in which the resident has signed in, and which checks the form token."""
    return lambda resident: cast.sign_in(cast.portal_client(), resident)
