"""`audit verify` derives what must hold from the chain: whatever is changed in the tables is found, a lawful end is not."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from identity import actions
from identity.audit import chain, verify
from identity.closure import erasure, retention
from identity.consent import access_log
from identity.domain.roles import GROUPS, PORTAL, SYSTEM
from identity.household import guardianships
from identity.models import AccessLog, AuditEntry, ConsentReceipt, ConsentState, Resident, SealedAccess
from identity.residents.protection import CONFIRMATIONS
from portal.mydata.account import erasing
from tests import cast
from tests.identity.test_ledger import LUNCH, WASTE, ZONE, ask

pytestmark = pytest.mark.django_db
YEARS = ["household.school_years"]
Run = Callable[..., None]


class People:
    """Hanako who decided and whose attributes left, Taro who is protected, an editor: all of it under a seal, but one."""

    def __init__(self) -> None:
        self.hanako, self.taro, self.editor = cast.hanako(opted_in=False), cast.taro(), cast.editor()
        ask(self.hanako, terms="1.0.0")
        ask(self.hanako, recipient=LUNCH, items=YEARS, declared=YEARS, level="pairwise")
        ask(self.taro)
        for person in (self.hanako, self.taro, self.hanako):
            cast.released(person, WASTE, ZONE)
        actions.withdraw(resident_id=self.hanako.id, recipient=WASTE, by=cast.as_actor(self.hanako))
        actions.set_confidential(
            resident_id=self.taro.id, on=True, by=cast.as_actor(cast.operator()), confirmed=CONFIRMATIONS
        )
        cast.released(self.hanako, LUNCH, YEARS)
        assert access_log.seal() == 4
        cast.released(self.hanako, LUNCH, YEARS)  # waits for its seal


@pytest.fixture
def people() -> People:
    made = People()
    verdict = verify.verify()
    assert verdict.holds, verdict
    assert verdict.unsealed == 1
    return made


def key(value: Any) -> str:
    return str(value.hex) if connection.vendor == "sqlite" else str(value)


def undo_a_withdrawal(people: People, run: Run) -> None:
    grant = ConsentReceipt.objects.get(resident=people.hanako, recipient=WASTE, kind="granted")
    run(
        "UPDATE identity_consentstate SET status = 'granted', receipt_id = %s, expires_at = %s, terms = '1.0.0'"
        " WHERE recipient = %s AND resident_id = %s",
        key(grant.pk), grant.expires_at, WASTE, key(people.hanako.pk),
    )  # fmt: skip
    run(
        "DELETE FROM identity_consentreceipt WHERE kind = 'withdrawn' AND resident_id = %s",
        key(people.hanako.pk),
    )


def reset_a_state(people: People, run: Run) -> None:
    grant = ConsentReceipt.objects.get(resident=people.hanako, recipient=WASTE, kind="granted")
    run(
        "UPDATE identity_consentstate SET status = 'granted', receipt_id = %s, expires_at = %s"
        " WHERE recipient = %s AND resident_id = %s",
        key(grant.pk), grant.expires_at, WASTE, key(people.hanako.pk),
    )  # fmt: skip


def swap_handles(people: People, run: Run) -> None:
    run("UPDATE identity_resident SET handle = %s WHERE id = %s", "0" * 32, key(people.hanako.pk))
    run(
        "UPDATE identity_resident SET handle = %s WHERE id = %s",
        key(people.hanako.handle),
        key(people.taro.pk),
    )
    run(
        "UPDATE identity_resident SET handle = %s WHERE id = %s",
        key(people.taro.handle),
        key(people.hanako.pk),
    )


def sealed(people: People) -> AccessLog:
    return AccessLog.objects.filter(resident=people.hanako).exclude(seal=None).earliest("id")


def give_rights(people: People, run: Run) -> None:
    group = Group.objects.get_or_create(name=GROUPS["operator"])[0]
    run(
        "INSERT INTO identity_resident_groups (resident_id, group_id) VALUES (%s, %s)",
        key(people.hanako.pk), group.pk,
    )  # fmt: skip


def drop_seal(people: People, run: Run) -> None:
    run("DELETE FROM identity_sealedaccess")
    run("DELETE FROM identity_accesslog WHERE seal IS NOT NULL")


def row_and_hash(people: People, run: Run) -> None:
    gone = sealed(people).pk
    run("DELETE FROM identity_accesslog WHERE id = %s", gone)
    run("DELETE FROM identity_sealedaccess WHERE id = %s", gone)


MANIPULATIONS: dict[str, tuple[Callable[[People, Run], object], str]] = {
    "a withdrawal undone: state set back, receipt deleted": (undo_a_withdrawal, "receipt "),
    "a withdrawal undone: state set back only": (reset_a_state, "state "),
    "a state deleted": (
        lambda people, run: run("DELETE FROM identity_consentstate WHERE resident_id = %s", key(people.taro.pk)),
        "receipt ",
    ),
    "the terms of a grant changed": (
        lambda _, run: run("UPDATE identity_consentstate SET terms = '9.0.0' WHERE status = 'granted'"), "state ",
    ),
    "the access log emptied": (lambda _, run: run("DELETE FROM identity_accesslog"), "resident "),
    "one row of the access log deleted": (
        lambda people, run: run("DELETE FROM identity_accesslog WHERE id = %s", sealed(people).pk), "access ",
    ),
    "a row of the access log that waits for its seal deleted": (
        lambda _, run: run("DELETE FROM identity_accesslog WHERE seal IS NULL"), "resident ",
    ),
    "a row of the access log and its hash deleted": (row_and_hash, "resident "),
    "all hashes deleted with their rows": (drop_seal, "resident "),
    "all hashes deleted": (lambda _, run: run("DELETE FROM identity_sealedaccess"), "seal "),
    "a row of the access log says other items": (
        lambda people, run: run(
            "UPDATE identity_accesslog SET items = %s WHERE id = %s", '["language"]', sealed(people).pk
        ),
        "access ",
    ),
    "a row of the access log says another recipient": (
        lambda people, run: run("UPDATE identity_accesslog SET recipient = 'x' WHERE id = %s", sealed(people).pk),
        "access ",
    ),
    "a row of the access log says another time": (
        lambda people, run: run("UPDATE identity_accesslog SET at = '2026-01-01' WHERE id = %s", sealed(people).pk),
        "access ",
    ),
    "a row of the access log given to somebody else": (
        lambda people, run: run(
            "UPDATE identity_accesslog SET resident_id = %s, number = 9 WHERE id = %s",
            key(people.editor.pk), sealed(people).pk,
        ),
        "resident ",
    ),
    "a row slipped into the access log": (
        lambda people, run: run(
            "INSERT INTO identity_accesslog (resident_id, recipient, items, via, at, number, version, nonce)"
            " VALUES (%s, 'x', '[]', 'card', '2026-11-01', 99, 1, '')",
            key(people.taro.pk),
        ),
        "resident ",
    ),
    "the sequence set back with the last row": (
        lambda people, run: (
            run("DELETE FROM identity_accesslog WHERE id = (SELECT max(id) FROM identity_accesslog WHERE seal > 0)"),
            run("UPDATE identity_resident SET sequence = sequence - 1 WHERE id = %s", key(people.hanako.pk)),
        ),
        "resident ",
    ),
    "a seal without an entry": (
        lambda _, run: run(
            "INSERT INTO identity_sealedaccess (id, seal, handle, number, sha256) VALUES (999, 999, %s, 1, %s)",
            "0" * 32, "0" * 64,
        ),
        "seal 999",
    ),
    "a protection lifted": (
        lambda people, run: run(
            "UPDATE identity_resident SET confidential = %s WHERE id = %s", False, key(people.taro.pk)
        ),
        "resident ",
    ),
    "a protection set": (
        lambda people, run: run(
            "UPDATE identity_resident SET confidential = %s WHERE id = %s", True, key(people.hanako.pk)
        ),
        "resident ",
    ),
    "a role given": (
        lambda people, run: run(
            "UPDATE identity_resident SET roles = %s WHERE id = %s", '["operator"]', key(people.hanako.pk)
        ),
        "resident ",
    ),
    "a role taken": (
        lambda people, run: run("UPDATE identity_resident SET roles = '[]' WHERE id = %s", key(people.editor.pk)),
        "resident ",
    ),
    "rights in the admin without a role": (give_rights, "resident "),
    "a superuser made": (
        lambda people, run: run(
            "UPDATE identity_resident SET is_superuser = %s WHERE id = %s", True, key(people.hanako.pk)
        ),
        "resident ",
    ),
    "a handle changed": (
        lambda people, run: run(
            "UPDATE identity_resident SET handle = %s WHERE id = %s", "0" * 32, key(people.editor.pk)
        ),
        "handle ",
    ),
    "two handles exchanged": (swap_handles, "receipt "),
    "a receipt of a living person deleted": (
        lambda people, run: (
            run("DELETE FROM identity_consentstate WHERE resident_id = %s", key(people.taro.pk)),
            run("DELETE FROM identity_consentreceipt WHERE resident_id = %s", key(people.taro.pk)),
        ),
        "receipt ",
    ),
}  # fmt: skip
TRIGGERS = ("identity_audit_append_only", "identity_ledger_append_only", "identity_access_unchanged",
            "identity_sealed_append_only")  # fmt: skip


def as_owner(act: Callable[[Run], object]) -> None:
    """Raw SQL with no trigger and no foreign key in the way, as somebody who owns the database could run it."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
        else:
            cursor.execute("PRAGMA defer_foreign_keys = ON")
            for trigger in TRIGGERS:
                cursor.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        act(lambda sql, *values: cursor.execute(sql, values) and None)
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = DEFAULT")


@pytest.mark.parametrize("name", MANIPULATIONS)
def test_a_manipulation_of_the_tables_is_found(people: People, name: str) -> None:
    act, place = MANIPULATIONS[name]
    as_owner(lambda run: act(people, run))
    verdict = verify.verify()
    assert verdict.broken.startswith(place), verdict
    assert verdict.reason
    with pytest.raises(CommandError, match="broken at"):
        call_command("audit", "verify", stdout=StringIO())
    if connection.vendor == "sqlite":
        # What points nowhere now is what was to be found: the test case itself would complain of it.
        connection.check_constraints = lambda *_: None  # type: ignore[method-assign]


def test_an_entry_of_the_chain_that_was_taken_out_with_its_end_is_found_by_what_it_named(
    people: People,
) -> None:
    """Without a noted head: hashes, receipts and rights of the cut-off entries are still here."""
    seal = AuditEntry.objects.get(kind="accesses_sealed")
    as_owner(lambda run: run("DELETE FROM identity_auditentry WHERE seq >= %s", seal.seq))
    assert verify.verify().broken.startswith("seal ")


def test_an_erasure_is_told_from_what_was_taken_out(people: People) -> None:
    asked = erasure.ask(resident_id=people.hanako.id, announced=[], by=cast.as_actor(people.hanako))
    assert erasing.carry_out(now=asked.due_at) == 1
    assert not AccessLog.objects.filter(recipient=LUNCH).exists()
    verdict = verify.verify()
    assert verdict.holds, verdict
    assert (verdict.erased, verdict.expired, verdict.unsealed) == (1, 0, 0)
    assert SealedAccess.objects.filter(handle=people.hanako.handle).count() == 3  # the hashes stay
    taros = AccessLog.objects.get(resident=people.taro)
    as_owner(lambda run: run("DELETE FROM identity_accesslog WHERE id = %s", taros.pk))
    assert verify.verify().broken == f"access {taros.pk}"


def test_what_retention_takes_is_told_from_what_was_taken_out(people: People) -> None:
    cast.released(people.hanako, WASTE, ZONE, at=timezone.now() + timedelta(days=30))
    later = timezone.now() + retention.ACCESSES + timedelta(days=1)
    assert retention.clean(now=later)["accesses"] == 5
    verdict = verify.verify()
    assert verdict.holds, verdict
    assert verdict.expired == 5
    entry = AuditEntry.objects.get(kind="accesses_expired")
    assert (entry.detail["rows"], entry.by) == (5, "portal")
    (left,) = AccessLog.objects.all()
    as_owner(lambda run: run("DELETE FROM identity_accesslog WHERE id = %s", left.pk))
    assert verify.verify().broken == f"access {left.pk}"


def test_somebody_who_is_here_was_not_erased(people: People) -> None:
    """An entry alone, without the erasure, excuses nothing."""
    chain.record("erased", who=people.hanako.id, by=SYSTEM)
    assert "who is here" in verify.verify().reason


def test_a_protected_guardians_new_ward_is_protected_by_their_entry(people: People) -> None:
    for person in (people.taro, people.hanako):
        guardianships.add_child(
            guardian=person.id, name="ゆい", ends_on=timezone.localdate() + timedelta(days=300), values={},
            by=cast.as_actor(person),
        )  # fmt: skip
    assert sorted(Resident.objects.filter(issuer="household").values_list("confidential", flat=True)) == [
        False,
        True,
    ]
    assert verify.verify().holds
    Resident.objects.filter(issuer="household").update(confidential=False)
    assert verify.verify().broken.startswith("resident ")


# --- a database of the release before ------------------------------------------------------------------------


def of_the_release_before(person: Resident, count: int = 3) -> None:
    """Rows as that program wrote them: an entry for each release, receipts and rows without a number."""
    for _ in range(count):
        AccessLog.objects.create(resident=person, recipient=WASTE, items=ZONE, via="card")
        chain.record("released", who=person.id, by=PORTAL, recipient=WASTE, items=ZONE, via="card")


@pytest.mark.parametrize("swept", [False, True])
def test_entries_of_releases_in_the_chain_stay_verifiable(people: People, swept: bool) -> None:
    of_the_release_before(people.editor)
    if swept:
        access_log.seal()
    verdict = verify.verify()
    assert verdict.holds, verdict
    first = AccessLog.objects.filter(resident=people.editor).earliest("id")
    as_owner(lambda run: run("DELETE FROM identity_accesslog WHERE id = %s", first.pk))
    assert verify.verify().broken == (f"access {first.pk}" if swept else f"handle {people.editor.handle}")


def test_rows_of_the_release_before_leave_by_retention_too(people: People) -> None:
    of_the_release_before(people.editor)
    retention.clean(now=timezone.now() + retention.ACCESSES + timedelta(days=1))
    assert not AccessLog.objects.exists()
    verdict = verify.verify()
    assert verdict.holds, verdict
    assert verdict.expired == 8


def test_the_command_names_the_tail_that_is_under_no_seal(people: People) -> None:
    out = StringIO()
    call_command("audit", "verify", stdout=out)
    assert "rows of the access log under no seal yet: 1, the oldest of 20" in out.getvalue()
    access_log.seal()
    call_command("audit", "verify", stdout=(out := StringIO()))
    assert "rows of the access log under no seal yet: 0\n" in out.getvalue()
    assert ConsentState.objects.exists()
