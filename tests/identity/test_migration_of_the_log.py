"""The access log of the release before, brought to this one and back: no row is lost, and all of it can be verified."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from identity import actions
from identity.audit import chain, verify
from identity.consent import access_log
from identity.domain.roles import Actor
from identity.models import Resident
from tests.identity.test_ledger import SHOWN, WASTE, ZONE
from tests.migrations import Migrations

pytestmark = [pytest.mark.full, pytest.mark.django_db(transaction=True)]
BEFORE, AFTER = ("identity", "0008_consent_terms"), ("identity", "0009_access_log_sequence")


def triggers() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal" if connection.vendor == "postgresql"
            else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        )  # fmt: skip
        return {name for (name,) in cursor.fetchall() if name.startswith("identity_")}


def the_release_before(old: Any) -> Any:
    """A resident who granted something, and two releases, each with its entry in the chain."""
    make = {name: old.get_model("identity", name).objects.create for name in (
        "Resident", "NoticeVersion", "ConsentReceipt", "ConsentState", "AccessLog",
    )}  # fmt: skip
    person = make["Resident"](id=uuid4(), issuer="i", subject="s", username="before", handle=uuid4())
    shown = make["NoticeVersion"](sha256=SHOWN.sha256, language=SHOWN.language, text=SHOWN.text)
    same = {"recipient": WASTE, "purpose": "card", "level": "audience", "resident": person}
    receipt = make["ConsentReceipt"](
        id=uuid4(), kind="granted", controller="x", items=ZONE, notice=shown, given_at=timezone.now(), **same
    )
    make["ConsentState"](item=ZONE[0], status="granted", receipt=receipt, **same)
    own = str(person.handle)
    granted = {"recipient": WASTE, "purpose": "card", "items": ZONE, "level": "audience",
               "receipt": str(receipt.pk), "content": chain.receipt_digest(receipt)}  # fmt: skip
    chain._write([("registered", own, own, {}), ("granted", own, own, granted)])
    for _ in range(2):
        make["AccessLog"](resident=person, recipient=WASTE, items=ZONE, via="card", at=timezone.now())
        chain._write([("released", own, "portal", {"recipient": WASTE, "items": ZONE, "via": "card"})])
    return person


def test_what_the_release_before_wrote_is_there_and_verifiable_on_the_way_there_and_back(
    migrations: Migrations,
) -> None:
    held = triggers()
    old = migrations.to(BEFORE)
    assert triggers() == {"identity_ledger_append_only", "identity_audit_append_only"}
    person = the_release_before(old)
    migrations.to(AFTER)
    assert triggers() == held
    verdict = verify.verify()
    assert verdict.holds, verdict
    assert verdict.unsealed == 2
    assert access_log.seal() == 2
    hanako = Resident.objects.get(pk=person.pk)
    assert hanako.sequence == 2
    actions.withdraw(resident_id=hanako.pk, recipient=WASTE, by=Actor(id=hanako.pk))
    verdict = verify.verify()
    assert verdict.holds, verdict
    assert verdict.unsealed == 0
    back = migrations.to(BEFORE)
    assert back.get_model("identity", "AccessLog").objects.count() == 2
    assert back.get_model("identity", "ConsentReceipt").objects.count() == 2
