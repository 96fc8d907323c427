"""A gadget in two versions for tests: BusCo's bins, first by waste zone, then with the age band besides."""

from typing import Any

from django.urls import reverse

from gadgets import actions, queries
from gadgets.types import GadgetInfo
from identity import actions as identity_actions
from identity import queries as identity_queries
from identity.domain.consent import Notice
from identity.domain.roles import SYSTEM, Actor
from identity.models import Resident
from identity.queries import Bundle
from tests import cast
from tests.gadgets import life
from tests.gadgets.samples import claim

ZONE = claim("area.waste_zone")
AGE = claim("age_band")


class Bins:
    """The gadget `localhost.waste.bins` of BusCo, which needs the waste zone; `upgrade` asks for more."""

    def __init__(self, careless: life.Careless, capture: Any) -> None:
        self.careless, self.capture, self.id = careless, capture, careless.id
        careless.document |= {"identity": "audience", "claims": [ZONE]}
        self.busco = cast.as_actor(cast.busco())
        with capture(execute=True):
            self.provider = actions.create_organisation(
                name="BusCo", kind="company", contact="a@bus.example", by=self.busco
            )
            actions.register(url=careless.url, provider_id=self.provider, by=self.busco)
        self.handed_in()
        self.approve()

    def handed_in(self) -> None:
        with self.capture(execute=True):
            life.passed(self.id)
            actions.submit(gadget_id=self.id, by=self.busco)

    def approve(self, share: int = 100, by: Actor = SYSTEM) -> None:
        with self.capture(execute=True):
            actions.approve(gadget_id=self.id, by=by, share=share)

    def draft(self, version: str = "2.0.0", **changes: Any) -> None:
        """The provider's next version, handed in."""
        self.careless.document |= {"version": version, **changes}
        with self.capture(execute=True):
            actions.refresh(gadget_id=self.id, by=self.busco)
        self.handed_in()

    def upgrade(self, version: str = "2.0.0", share: int = 100, **changes: Any) -> None:
        """The next version, approved; unless said otherwise it needs the age band besides."""
        self.draft(version, **(changes or {"claims": [ZONE, AGE]}))
        self.approve(share)

    def roll_out(self, share: int) -> None:
        with self.capture(execute=True):
            actions.roll_out(gadget_id=self.id, share=share, by=SYSTEM)

    def roll_back(self) -> None:
        with self.capture(execute=True):
            actions.roll_back(gadget_id=self.id, reason="数字が誤っていたため", by=SYSTEM)

    @property
    def info(self) -> GadgetInfo:
        return queries.registry().gadgets[self.id]


def bundle(resident: Resident) -> Bundle:
    found = identity_queries.bundle(resident.id)
    assert found is not None
    return found


def decide(resident: Resident, gadget: GadgetInfo, *items: str, granted: bool = True) -> None:
    """As the form does: under the terms of the version that asks."""
    kept: Any = identity_actions.grant if granted else identity_actions.refuse
    if not granted and bundle(resident).grants.get(gadget.id):
        identity_actions.withdraw(
            resident_id=resident.id, recipient=gadget.id, items=items, by=Actor(id=resident.id)
        )
    kept(
        resident_id=resident.id,
        recipient=gadget.id,
        purpose="card",
        items=items,
        declared=gadget.declared,
        level=gadget.identity,
        notice=Notice("ja", "試験"),
        controller="BusCo",
        by=Actor(id=resident.id),
        terms=gadget.version,
    )


def consent_url(gadget_id: str, step: str = "") -> str:
    return reverse(f"mydata:consent{step}", args=[gadget_id])
