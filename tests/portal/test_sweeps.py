"""Every sweep of the product: an item that raises delays no other, is listed by its id, and is tried again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.utils import timezone

from core import sweeps
from gadgets.metrics import call_metrics
from gadgets.models import EventDelivery, Gadget, GadgetHour, GadgetVersion, Provider, StateNotice
from gadgets.operation import health_watch, oidc_clients, retirement
from gadgets.providers import notifications
from gadgets.registration import nightly
from gadgets.types import FetchOutcome
from gadgets.webhooks import events
from identity.closure import retention
from identity.consent import learning, ledger
from identity.household import guardianships
from identity.models import GadgetClient, Guardianship, LogoutDelivery, OidcSession, SignInLetter
from identity.oidc import logout_relay
from identity.sessions import portal_sessions, sign_in_mail
from portal.content import actions
from portal.content import tasks as content
from portal.figures import tasks as month
from portal.jobs import jobs
from portal.mydata.account import erasing
from tests import cast
from tests.portal.content.pages import publish

pytestmark = pytest.mark.django_db
Spy = Callable[..., Any]
NOW = timezone.now


class Poison:
    """Stands in for what a sweep does with one item: raises for the first one that it sees, until it is taken out."""

    def __init__(self, answer: Any = True) -> None:
        self.bad: list[Any] = []
        self.good: list[Any] = []
        self.answer = answer
        self.active = True

    def __call__(self, item: Any, *_args: Any, **_kwargs: Any) -> Any:
        if self.active and (not self.bad or item in self.bad):
            self.bad.append(item)
            raise RuntimeError("hanako@example.test")
        self.good.append(item)
        return self.answer(item) if callable(self.answer) else self.answer


def gadgets(count: int = 3, **fields: Any) -> list[Gadget]:
    provider = Provider.objects.create(name="BusCo", kind="company", contact="bus@example.test")
    found = []
    for number in range(count):
        gadget = Gadget.objects.create(
            gadget_id=f"example.bus.g{number}", provider=provider, url="https://bus.example/"
        )
        version = GadgetVersion.objects.create(
            gadget=gadget,
            version="1.0.0",
            manifest=b"{}",
            sha256="",
            url="",
            state="approved",
            approved_at=NOW(),
        )
        Gadget.objects.filter(pk=gadget.pk).update(
            state="published", published=version, published_at=NOW(), **fields
        )
        found.append(Gadget.objects.get(pk=gadget.pk))
    return found


def scheduled_pages(patch: Any) -> Poison:
    poison = Poison()
    for number in range(3):
        page = publish("news", f"n{number}", now=NOW())
        page.save_revision(approved_go_live_at=NOW() - timedelta(minutes=1))
    patch.setattr(content, "_publish", poison)
    return poison


def alert_files(patch: Any) -> Poison:
    for number in range(3):
        publish("alert", f"a{number}", now=NOW())
    poison = Poison(answer=actions._as_alert)
    patch.setattr(actions, "_as_alert", poison)
    return poison


def sign_in_mails(patch: Any) -> Poison:
    who, at = cast.hanako(), NOW()
    for _ in range(3):
        SignInLetter.objects.create(resident=who, signed_in_at=at, next_at=at)
    poison = Poison()
    patch.setattr(sign_in_mail, "_send", poison)
    return poison


def logouts(patch: Any) -> Poison:
    for number in range(3):
        client = GadgetClient.objects.create(
            gadget_id=f"g{number}",
            client_id=f"c{number}",
            sector_host="x.example",
            salt_sealed=b"",
            identity_level="pairwise",
        )
        LogoutDelivery.objects.create(
            client=client, jti="j", token_sealed=b"", token_expires_at=NOW() + timedelta(hours=1)
        )
    poison = Poison()
    patch.setattr(logout_relay, "_post", poison)
    return poison


def old_sessions(patch: Any) -> Poison:
    long_ago = NOW() - timedelta(days=90)
    for number in range(3):
        OidcSession.objects.create(
            issuer="i", sub=str(number), session_key=f"k{number}", created_at=long_ago, seen_at=long_ago
        )
    poison = Poison()
    patch.setattr(portal_sessions, "_end_one", poison)
    return poison


def old_guardianships(patch: Any) -> Poison:
    guardian = cast.hanako()
    for number in range(3):
        Guardianship.objects.create(
            guardian=guardian, ward=cast.newcomer(number + 1), basis="child", state="active",
            ends_on=(NOW() - timedelta(days=2)).date(), decided_at=NOW(),
        )  # fmt: skip
    poison = Poison()
    patch.setattr(guardianships, "_end_due", poison)
    return poison


def ended_learning(patch: Any) -> Poison:
    found = [(uuid4(), uuid4()) for _ in range(3)]
    patch.setattr(learning, "without_the_order", lambda _now=None: found)
    poison = Poison()
    patch.setattr(ledger, "_end_learning", poison)
    return poison


def tables_to_clean(patch: Any) -> Poison:
    poison = Poison(answer=0)
    patch.setattr(retention, "_sweep", lambda rows: poison(rows.model))
    return poison


def nightly_checks(patch: Any) -> Poison:
    gadgets()
    patch.setattr(nightly, "NIGHT", range(24))
    poison = Poison()
    patch.setattr(nightly, "_queue", poison)
    return poison


def due_clients(patch: Any) -> Poison:
    gadgets(client_due=True)
    poison = Poison()
    patch.setattr(oidc_clients, "_sync", poison)
    return poison


def failing_gadgets(patch: Any) -> Poison:
    for gadget in gadgets():
        GadgetHour.objects.create(gadget_id=gadget.gadget_id, hour=NOW(), calls=2)
    poison = Poison()
    patch.setattr(health_watch, "_judge", poison)
    return poison


def ending_gadgets(patch: Any) -> Poison:
    gadgets(retires_at=NOW() - timedelta(hours=1))
    poison = Poison()
    patch.setattr(retirement, "_retire_due", poison)
    return poison


def provider_mails(patch: Any) -> Poison:
    provider = Provider.objects.create(name="BusCo", kind="company", contact="bus@example.test")
    for number in range(3):
        StateNotice.objects.create(
            provider=provider, gadget_id=f"g{number}", decision="approved", channel="mail"
        )
    poison = Poison(answer="")
    patch.setattr(notifications, "_SENDERS", {"mail": poison})
    return poison


def provider_events(patch: Any) -> Poison:
    for number in range(3):
        EventDelivery.objects.create(gadget_id=f"g{number}", sub="s", kind="erasure")
    poison = Poison(answer=lambda batch: [(row, events._Tried()) for row in batch])
    patch.setattr(events, "_tell", poison)
    return poison


def counted_hours(patch: Any) -> Poison:
    call_metrics._waiting.clear()
    for number in range(3):
        call_metrics.note(FetchOutcome(f"g{number}", "1", ok=True, code="", detail="", seconds=0.1, at=NOW()))
    poison = Poison()

    def write(names: Any, _batch: Any) -> None:
        for name in names:
            poison(name)

    patch.setattr(call_metrics, "_write", write)
    return poison


def closed_accounts(patch: Any) -> Poison:
    found = tuple(uuid4() for _ in range(3))
    patch.setattr(erasing.erasure, "due", lambda _now: found)
    poison = Poison()
    patch.setattr(erasing, "_carry_out_one", poison)
    return poison


def parts_of_the_month(patch: Any) -> Poison:
    poison = Poison()
    for name in ("note_offer", "make", "forget"):
        patch.setattr(month.monthly, name, lambda *_args, part=name, **_more: poison(part))
    return poison


SWEEPS: dict[str, Callable[[Any], Poison]] = {
    "content.publish_scheduled": scheduled_pages,
    "content.write_alerts": alert_files,
    "identity.send_letters": sign_in_mails,
    "identity.deliver_logouts": logouts,
    "identity.end_sessions_by_time": old_sessions,
    "identity.end_guardianships": old_guardianships,
    "identity.end_expired_learning": ended_learning,
    "identity.clean": tables_to_clean,
    "gadgets.nightly_checks": nightly_checks,
    "gadgets.sync_clients": due_clients,
    "gadgets.watch": failing_gadgets,
    "gadgets.end_gadgets": ending_gadgets,
    "gadgets.state_notices": provider_mails,
    "gadgets.consent_events": provider_events,
    "gadgets.write_figures": counted_hours,
    "mydata.carry_out_erasures": closed_accounts,
    "figures.make": parts_of_the_month,
}
ELSEWHERE = {
    "recommender.learn": "tests/recommender/learning/test_job.py",
    "gadgets.refresh_cards": "tests/gadgets/test_fetch_warm.py",
    "gadgets.run_checks": "tests/gadgets/test_check_runs.py",
    "gadgets.run_checks_beside": "tests/gadgets/test_check_runs.py",
    "identity.seal_accesses": "tests/identity/test_release.py",
}
ONE_STATEMENT = {
    "core.forget_faults", "gadgets.forget_checks", "gadgets.forget_figures", "gadgets.count_cells",
    "home.forget_put_away", "home.keep_floor", "identity.check_keycloak_drift",
}  # fmt: skip
"""Jobs that have no items: one statement, one count or one comparison, listed as a whole when it fails."""


def test_every_job_is_in_the_table() -> None:
    known = {*SWEEPS, *ELSEWHERE, *ONE_STATEMENT}
    assert known >= set(jobs()), set(jobs()) - known
    assert set(SWEEPS) <= set(jobs())


@pytest.mark.parametrize("name", sorted(SWEEPS))
def test_one_item_that_fails_delays_no_other_and_is_named(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, settings: Any, tmp_path: Any
) -> None:
    settings.ALERTS_DIR = tmp_path
    cache.clear()
    poison = SWEEPS[name](monkeypatch)
    jobs()[name].run()
    assert len(set(map(repr, poison.bad))) == 1
    assert len(poison.good) >= 2
    (fault,) = [one for one in sweeps.faults() if one.error == "RuntimeError"]
    assert fault.job == name
    assert fault.item
    assert f"{fault.item} failed: RuntimeError" in caplog.text
    assert "hanako" not in caplog.text


def test_a_job_without_items_is_listed_as_a_whole() -> None:
    def broken() -> None:
        raise RuntimeError

    for name in sorted(ONE_STATEMENT):
        sweeps.whole(name, broken)
    assert {one.job for one in sweeps.faults()} == ONE_STATEMENT


def test_a_page_that_cannot_be_published_keeps_its_schedule_and_both_are_told(client: Any) -> None:
    from tests.cast import portal_client, sign_in

    def at(slug: str, minutes: int) -> Any:
        page = publish("news", slug, now=NOW())
        page.unpublish()
        page.refresh_from_db()
        page.save_revision(approved_go_live_at=NOW() - timedelta(minutes=minutes))
        return page

    first, second = at("one", 9), at("two", 5)
    revision = first.get_latest_revision()
    revision.content["districts"] = ["atlantis"]  # the vocabulary changed since it was planned
    revision.save()
    jobs()["content.publish_scheduled"].run()
    for page in (first, second):
        page.refresh_from_db()
    assert (first.live, second.live) == (False, True)
    assert first.revisions.filter(approved_go_live_at__isnull=False).exists()
    editor, operator = sign_in(portal_client(), cast.editor()), sign_in(portal_client(), cast.operator())
    assert "毎分やり直します" in editor.get(f"/admin/pages/{first.pk}/edit/").content.decode()
    assert first.title in editor.get("/admin/").content.decode()
    listed = operator.get("/admin/faults/").content.decode()
    assert f"page:{first.pk}" in listed
    assert "ValidationError" in listed
    assert editor.get("/admin/faults/").status_code in {302, 403}
    revision.content["districts"] = []
    revision.save()
    jobs()["content.publish_scheduled"].run()
    first.refresh_from_db()
    assert first.live
    assert sweeps.faults() == ()
