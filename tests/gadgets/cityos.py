"""A City OS on a port, and the life of a query on top of it: owner, consumer, contract."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from examples.cityos.provider import CityOs
from examples.cityos.provider import build as build_city_os
from examples.kit.config import read
from examples.kit.web import Server, Site
from examples.river.provider import build as build_river
from gadgets import actions, queries
from gadgets.cityos import contracts
from gadgets.models import Contract
from identity import actions as identity_actions
from identity.domain.consent import Notice
from identity.domain.roles import SYSTEM
from identity.models import Resident
from tests import cast
from tests.gadgets import life
from tests.gadgets.crowd import gather

RIVER, GAUGE, LIBRARY = "localhost.river.level", "localhost.cityos.river", "localhost.cityos.library"


@contextmanager
def city_os(**env: str) -> Iterator[CityOs]:
    """The example, whole; its broker is at `.config.public_origin` too."""
    probe = Server(Site(), 0)
    port = probe.port
    probe.server_close()
    running = build_city_os(read({"PORT": str(port)} | env, default_port=port, name="cityos"))
    server = Server(running.site, port)
    thread = server.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def file(url: str, capture: Any) -> str:
    """Registers, passes the checks and hands in; the member is BusCo's."""
    member = Resident.objects.filter(username="busco").first() or cast.busco()
    by = cast.as_actor(member)
    with capture(execute=True):
        known = [one.id for one in queries.organisations(member.pk)]
        number = known[0] if known else actions.create_organisation(
            name="BusCo", kind="npo", contact="a@bus.example", by=by
        )  # fmt: skip
        gadget_id = actions.register(url=url, provider_id=number, by=by)
        life.passed(gadget_id)
        actions.submit(gadget_id=gadget_id, by=by)
    return gadget_id


def asked(gadget_id: str = GAUGE) -> Contract:
    """The newest contract of a gadget."""
    return Contract.objects.filter(consumer__gadget_id=gadget_id).latest("pk")


def owner() -> Resident:
    """Who may agree for the river's provider."""
    return Resident.objects.get(username="wasteco")


def approve(gadget_id: str, capture: Any) -> None:
    """The operator's approval, and enough residents for its claims."""
    with capture(execute=True):
        actions.approve(gadget_id=gadget_id, by=SYSTEM)
    with capture(execute=True):
        gather(queries.registry().gadgets[gadget_id])


@contextmanager
def river(capture: Any) -> Iterator[str]:
    """The river's gadget, published: its provider owns WaterLevelObserved."""
    with life.example(build_river, "river") as provider:
        gadget_id = life.publish(provider.config.url("/gadget.json"), capture, name="川の事業者")
        actions.give_data(
            gadget_id=gadget_id, entity_type="WaterLevelObserved", reason="記録はこの事業者のもの", by=SYSTEM
        )
        yield gadget_id


def whole(running: CityOs, capture: Any) -> str:
    """The gauge's gadget, published under a contract; the river must be published before."""
    gadget_id = file(running.config.url("/river-near-you.json"), capture)
    contracts.agree(contract_id=asked().pk, by=cast.as_actor(owner()))
    approve(gadget_id, capture)
    return gadget_id


def grants(resident: Resident, gadget_id: str) -> None:
    """The district, granted to a gadget."""
    identity_actions.grant(
        resident_id=resident.pk,
        recipient=gadget_id,
        purpose="card",
        items=["area.district"],
        declared=["area.district"],
        level="audience",
        notice=Notice("ja", "最寄りを選ぶため"),
        controller="BusCo",
        by=cast.as_actor(resident),
    )


def withdraws(resident: Resident, gadget_id: str) -> None:
    identity_actions.withdraw(resident_id=resident.pk, recipient=gadget_id, by=cast.as_actor(resident))
