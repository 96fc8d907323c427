"""What identity costs inside one process with so many residents and gadget clients; prints JSON.

The database and the ID are those of the settings: what it adds there stays. What stands between a request and its
answer is measured, without HTTP.
"""

import json
import os
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from datetime import timedelta

import django

ITEM = "household.school_years"
REPEATS = 200


def microseconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """The median time of one call."""
    found = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return statistics.median(found) * 1e6


def main() -> None:
    """Brings residents and clients up to the numbers that the environment names, and measures."""
    _clients(int(os.environ["BENCH_CLIENTS"]))
    _residents(int(os.environ["BENCH_RESIDENTS"]))
    sys.stdout.write(json.dumps(_figures()) + "\n")


def _clients(count: int) -> None:
    """Registered at the ID too, as gadgets are."""
    from identity.idp import ClientSpec, provider
    from identity.models import GadgetClient

    for number in range(count):
        client_id = f"localhost.bench{number}"
        if GadgetClient.objects.filter(client_id=client_id).exists():
            continue
        origin = f"http://bench{number}.localhost:9"
        provider().upsert_client(
            ClientSpec(
                gadget_id=f"{client_id}.gadget", client_id=client_id, name=client_id, sector_host=f"bench{number}.localhost",
                identity_level="pairwise", claims=(ITEM,), redirect_uris=(f"{origin}/callback",),
                logout_uri=f"{origin}/logout",
            )
        )  # fmt: skip


def _residents(size: int) -> None:
    """Each with a pseudonym and two states of consent, in bulk."""
    from django.db import connection

    from identity.models import ConsentReceipt, ConsentState, GadgetClient, Resident, Subject

    client = GadgetClient.objects.get(client_id="localhost.bench0")
    for _ in range((size - Resident.objects.filter(issuer="bench").count()) // 1000):
        people = [
            Resident(
                issuer="bench",
                subject=uuid.uuid4().hex,
                password="!",  # noqa: S106  nobody can sign in with it
                attributes={ITEM: ["e3"], "language": "ja"},
            )
            for _ in range(1000)
        ]
        Resident.objects.bulk_create(people)
        receipts = ConsentReceipt.objects.bulk_create(
            ConsentReceipt(
                resident=one, kind="granted", controller="bench", recipient=client.gadget_id, purpose="card",
                items=[ITEM, "language"], level="pairwise",
            )
            for one in people
        )  # fmt: skip
        ConsentState.objects.bulk_create(
            ConsentState(
                resident=receipt.resident, recipient=client.gadget_id, purpose="card", item=item,
                status="granted", level="pairwise", receipt=receipt,
            )
            for receipt in receipts
            for item in (ITEM, "language")
        )  # fmt: skip
        Subject.objects.bulk_create(
            Subject(client=client, sub=str(uuid.uuid4()), resident=one) for one in people
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _figures() -> dict[str, float]:
    from django.utils import timezone

    from gadgets import queries as gadget_queries
    from gadgets.cards import signing
    from gadgets.types import Wanted
    from identity import actions, queries
    from identity.domain.consent import Notice
    from identity.domain.roles import Actor
    from identity.models import GadgetClient, Resident, Subject

    client = GadgetClient.objects.get(client_id="localhost.bench0")
    one = Resident.objects.filter(issuer="bench").latest("created_at")
    sub = Subject.objects.filter(resident=one).values_list("sub", flat=True)[0]
    me = Actor(id=one.id)

    def decide() -> None:
        """A grant and its withdrawal, as a resident does."""
        actions.grant(
            resident_id=one.id, recipient=client.gadget_id, purpose="card", items=[ITEM], declared=[ITEM],
            level="pairwise", notice=Notice("ja", "測定"), controller="bench", by=me,
            expires_at=timezone.now() + timedelta(days=1),
        )  # fmt: skip
        actions.withdraw(resident_id=one.id, recipient=client.gadget_id, by=me)

    def resolve() -> None:
        """What the claims endpoint reads: from the pseudonym to what is granted now."""
        resident_id, _gadget_id = queries.owner_of_subject(client.client_id, sub) or (one.id, "")
        queries.bundle(resident_id)

    gadget = next(
        one
        for one in gadget_queries.registry().gadgets.values()
        if one.identity == "audience" and one.card_url  # a query has no address of its own
    )
    wanted = Wanted(gadget, "M", "ja", granted=("area.waste_zone",), claims={"area.waste_zone": "7"})

    def mint() -> None:
        """A signed 60-second token for one card."""
        signing.mint(wanted, method="GET", url=gadget.card_url, now=timezone.now())

    return {
        "minting_us": microseconds(mint, 1000),
        "bundle_us": microseconds(lambda: queries.bundle(one.id)),
        "claims_us": microseconds(resolve),
        "subject_us": microseconds(lambda: queries.subject_for(one.id, client.client_id)),
        "grant_and_withdraw_us": microseconds(decide, 60),
        "overview_us": microseconds(lambda: queries.overview(one.id), 60),
    }


if __name__ == "__main__":
    django.setup()
    main()
