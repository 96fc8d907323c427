"""Closing an account over HTTP: the dry run, the typed word, fourteen days, the way back, and what the sweep survives."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from gadgets.models import EventDelivery
from gadgets.outbound.outside_transaction import refuse_in_transaction
from gadgets.webhooks import events
from identity import actions, idp, queries
from identity.closure import erasure
from identity.domain.roles import SYSTEM
from identity.errors import NoSuchResident, NotAllowed, NothingToUndo, ProviderUnavailable
from identity.household import authority, guardianships
from identity.models import AuditEntry, ConsentReceipt, Erasure, Resident
from identity.sessions import portal_sessions
from portal.mydata.account import erasing
from tests import cast
from tests.consents import granted
from tests.gadgets import life
from tests.gadgets.providers import reply
from tests.portal.mydata.conftest import WASTE
from tests.portal.mydata.test_overview import grant

pytestmark = pytest.mark.django_db
CONFIRM = "/my-data/close/confirm/"


@pytest.fixture
def bins(django_capture_on_commit_callbacks: Any) -> Iterator[life.Careless]:
    """A published pairwise gadget that takes events."""
    with life.careless() as made:
        made.pairwise()
        life.publish(made.url, django_capture_on_commit_callbacks)
        yield made


@pytest.fixture
def client(hanako: Resident) -> Client:
    """Hanako, who has proven just now who she is."""
    return fresh(cast.sign_in(cast.portal_client(), hanako))


def fresh(client: Client) -> Client:
    session = client.session
    session[portal_sessions.AUTH_TIME] = int(timezone.now().timestamp())
    session.save()
    return client


def closed(client: Client, word: str = "削除", path: str = CONFIRM) -> str:
    """The page after the whole way."""
    client.post(path.replace("confirm", "check"))
    return client.post(path, {"word": word}).content.decode()


def reference_in(html: str) -> str:
    found = re.search(r"<strong>([0-9A-Z]{4}(?:-[0-9A-Z]{4}){3})</strong>", html)
    assert found is not None, html
    return found[1]


def ask(resident: Resident) -> erasure.Asked:
    return erasure.ask(resident_id=resident.id, announced=[], by=cast.as_actor(resident))


# --- asking --------------------------------------------------------------------------------------------------


def test_the_page_says_what_happens_what_stays_and_who_goes_too(hanako: Resident, client: Client) -> None:
    guardianships.add_child(
        guardian=hanako.id, name="こはる", ends_on=timezone.localdate() + timedelta(days=99), values={},
        by=cast.as_actor(hanako),
    )  # fmt: skip
    html = client.get("/my-data/close/").content.decode()
    for words in ("14日のあいだは", "監査の記録", "削除の報告", "こはる"):
        assert words in html


def test_without_a_dry_run_there_is_no_confirmation(hanako: Resident, client: Client) -> None:
    html = client.post(CONFIRM, {"word": "削除"}).content.decode()
    assert "提供者にたずねる" in html
    assert not Erasure.objects.exists()
    session = client.session
    client.post("/my-data/close/check/")
    session = client.session
    session["closing_checked"] = {"at": (timezone.now() - timedelta(minutes=31)).isoformat(), "said": []}
    session.save()
    assert "提供者にたずねる" in client.post(CONFIRM, {"word": "削除"}).content.decode()
    assert not Erasure.objects.exists()


def test_the_dry_run_shows_what_each_would_erase_and_keep(bins: life.Careless, client: Client) -> None:
    kept = b'{"records": 3, "kept": [{"what": "receipts", "why": "tax law"}]}'
    bins.event = reply(kept, content_type="application/json")
    response = client.post("/my-data/close/check/")
    assert response["Location"] == CONFIRM
    html = client.get(CONFIRM).content.decode()
    assert "ごみ箱" in html
    assert "<td>3</td>" in html
    assert "receipts: tax law" in html
    assert html.count('class="button"') == 2
    assert not Erasure.objects.exists()


def test_a_provider_that_does_not_answer_the_dry_run_is_named(bins: life.Careless, client: Client) -> None:
    bins.event = reply(b"away", status=503)
    client.post("/my-data/close/check/")
    assert "返事がありませんでした" in client.get(CONFIRM).content.decode()
    assert "受付番号" in client.post(CONFIRM, {"word": "削除"}).content.decode()


@pytest.mark.parametrize("word", ["", "はい", "削 除"])
def test_another_word_closes_nothing(client: Client, word: str) -> None:
    client.post("/my-data/close/check/")
    response = client.post(CONFIRM, {"word": word})
    assert response.status_code == 422
    assert "まだ何も消していません" in response.content.decode()
    assert not Erasure.objects.exists()


@pytest.mark.parametrize("word", ["削除", "「削除」", " delete ", "ＤＥＬＥＴＥ", "けす"])
def test_the_word_may_be_typed_in_any_of_the_three_languages(client: Client, word: str) -> None:
    assert reference_in(closed(client, word))


def test_sensitive_steps_want_a_proof_of_just_now(hanako: Resident) -> None:
    stale = cast.sign_in(cast.portal_client(), hanako)
    for method, path in (("get", CONFIRM), ("post", CONFIRM), ("post", "/my-data/close/check/")):
        response = getattr(stale, method)(path)
        assert response.status_code == 302
        assert "fresh=1" in response["Location"]


def test_closing_ends_every_session_stops_every_release_and_mails_the_reference(
    hanako: Resident, client: Client
) -> None:
    grant(hanako, WASTE, ["area.waste_zone"])
    other = cast.sign_in(cast.portal_client(), hanako)
    bundle = queries.bundle(hanako.id)
    html = closed(client)
    reference = reference_in(html)
    assert bundle is not None
    assert queries.bundle(hanako.id) is None
    assert granted(hanako.id, WASTE, ["area.waste_zone"]) == {}
    for browser in (client, other):
        assert browser.get("/my-data/").status_code == 302
    with pytest.raises(NoSuchResident):
        actions.withdraw(resident_id=hanako.id, recipient=WASTE, by=cast.as_actor(hanako))
    (letter,) = mail.outbox
    assert letter.to == [hanako.email]
    assert reference in letter.body
    assert AuditEntry.objects.filter(kind="erasure_asked", who=str(hanako.handle)).count() == 1
    assert reference not in str(Erasure.objects.values().get())


def test_an_id_that_is_away_closes_all_the_same_and_is_asked_again(
    hanako: Resident, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = type(idp.provider())
    ended = driver.end_everywhere

    def away(*_: object) -> None:
        raise ProviderUnavailable

    monkeypatch.setattr(driver, "end_everywhere", away)
    assert reference_in(closed(client))
    erasing.carry_out()
    assert [person for _, person in erasure.sessions_due()] == [hanako.id]
    monkeypatch.setattr(driver, "end_everywhere", ended)
    erasing.carry_out()
    assert erasure.sessions_due() == ()


def test_only_the_person_closes_and_only_once(hanako: Resident) -> None:
    with pytest.raises(NotAllowed):
        erasure.ask(resident_id=hanako.id, announced=[], by=SYSTEM)
    ask(hanako)
    with pytest.raises(NoSuchResident):
        ask(hanako)


# --- the way back --------------------------------------------------------------------------------------------


def waiting(resident: Resident) -> Client:
    """The session that sign-in opens for a closed account."""
    client = cast.portal_client()
    session = client.session
    session[portal_sessions.CLOSING] = str(resident.id)
    session.save()
    return client


def test_a_closed_account_opens_one_page_and_can_be_taken_back(hanako: Resident) -> None:
    grant(hanako, WASTE, ["area.waste_zone"])
    before = queries.bundle(hanako.id)
    reference = ask(hanako).reference
    client = waiting(hanako)
    assert client.get("/my-data/").status_code == 302
    html = client.get("/my-data/close/undecided/").content.decode()
    assert "このまま削除を待つ" in html
    response = client.post("/my-data/close/undecided/", {"choice": "undo"})
    assert response["Location"] == "/sign-in/?next=/my-data/"
    assert portal_sessions.CLOSING not in client.session
    assert queries.bundle(hanako.id) == before
    assert erasing.carry_out(now=timezone.now() + timedelta(days=30)) == 0
    assert Resident.objects.filter(id=hanako.id).exists()
    assert "取り消されたので" in client.get(f"/erased/{reference}").content.decode()
    assert AuditEntry.objects.filter(kind="erasure_undone").count() == 1
    assert client.get("/my-data/close/undecided/")["Location"] == "/my-data/"


def test_who_undoes_in_one_window_is_sent_to_sign_in_from_the_other(hanako: Resident) -> None:
    ask(hanako)
    client = waiting(hanako)
    erasure.undo(resident_id=hanako.id)
    assert client.get("/my-data/close/undecided/")["Location"] == "/sign-in/?next=/my-data/"


def test_what_has_begun_cannot_be_undone(hanako: Resident, monkeypatch: pytest.MonkeyPatch) -> None:
    due = ask(hanako).due_at
    monkeypatch.setattr(erasing, "STEPS", erasing.STEPS[:1])
    erasing.carry_out(now=due)
    response = waiting(hanako).post("/my-data/close/undecided/", {"choice": "undo"})
    assert response.status_code == 409
    assert "戻せません" in response.content.decode()
    with pytest.raises(NothingToUndo):
        erasure.undo(resident_id=hanako.id)


# --- the sweep -----------------------------------------------------------------------------------------------


class DiedError(BaseException):
    """As if the process had been killed: no bulkhead catches it."""


def _die(*_: object, **__: object) -> None:
    raise DiedError


@pytest.mark.parametrize("survived", range(len(erasing.STEPS)))
def test_a_sweep_that_dies_after_a_step_goes_on_where_it_was(
    bins: life.Careless, hanako: Resident, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    due, steps = ask(hanako).due_at, erasing.STEPS
    monkeypatch.setattr(erasing, "STEPS", (*steps[: survived + 1], _die))
    with pytest.raises(DiedError):
        erasing.carry_out(now=due)
    assert Resident.objects.filter(id=hanako.id).exists() is (survived < len(steps) - 1)
    monkeypatch.setattr(erasing, "STEPS", steps)
    erasing.carry_out(now=due + timedelta(minutes=1))
    assert_gone(hanako)


@pytest.mark.parametrize("inside", ["forget", "finish"])
def test_a_sweep_that_dies_inside_the_last_step_leaves_all_or_nothing(
    bins: life.Careless, hanako: Resident, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    due, receipts = ask(hanako).due_at, ConsentReceipt.objects.filter(resident=hanako).count()
    with monkeypatch.context() as patch, pytest.raises(DiedError):
        patch.setattr(erasure, inside, _die)
        erasing.carry_out(now=due)
    assert ConsentReceipt.objects.filter(resident=hanako).count() == receipts > 0
    erasing.carry_out(now=due)
    assert_gone(hanako)


def assert_gone(resident: Resident) -> None:
    """Erased once, ordered once."""
    assert not Resident.objects.filter(id=resident.id).exists()
    assert EventDelivery.objects.filter(kind="erasure").count() == 1
    assert AuditEntry.objects.filter(kind="erased", who=str(resident.handle)).count() == 1
    assert Erasure.objects.get().resident_id is None


def test_an_account_that_cannot_be_erased_now_holds_up_no_other(
    hanako: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    taro = cast.taro()
    due = max(ask(hanako).due_at, ask(taro).due_at)
    driver = type(idp.provider())
    deleted: Callable[..., None] = driver.delete_account

    def away(self: object, resident_id: object) -> None:
        if resident_id == hanako.id:
            raise ProviderUnavailable
        deleted(self, resident_id)

    with monkeypatch.context() as patch:
        patch.setattr(driver, "delete_account", away)
        assert erasing.carry_out(now=due) == 1
    assert set(Resident.objects.values_list("id", flat=True)) >= {hanako.id}
    assert not Resident.objects.filter(id=taro.id).exists()
    assert erasing.carry_out(now=due) == 1
    assert not Resident.objects.filter(id=hanako.id).exists()


def test_the_id_is_never_asked_inside_a_transaction(
    hanako: Resident, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = type(idp.provider())
    asked: list[str] = []
    for name in ("email_of", "end_everywhere", "delete_account"):
        real = getattr(driver, name)

        def outside(self: object, resident_id: object, real: Any = real, name: str = name) -> Any:
            refuse_in_transaction()
            asked.append(name)
            return real(self, resident_id)

        monkeypatch.setattr(driver, name, outside)
    closed(client)
    assert erasing.carry_out(now=timezone.now() + erasure.WAIT) == 1
    assert {"email_of", "end_everywhere", "delete_account"} <= set(asked)


# --- the report ----------------------------------------------------------------------------------------------


def test_a_provider_that_never_answers_holds_up_nothing_and_is_told_of_in_the_report(
    bins: life.Careless, hanako: Resident
) -> None:
    bins.event = reply(b"away", status=503)
    asked = ask(hanako)
    assert erasing.carry_out(now=asked.due_at) == 1
    assert not Resident.objects.filter(id=hanako.id).exists()
    page = cast.portal_client()
    assert "まだ返事がありません" in page.get(f"/erased/{asked.reference}").content.decode()
    at = timezone.now()
    for _ in range(200):
        at += timedelta(days=1)
        events.deliver_due(now=at)
        if EventDelivery.objects.get().state == EventDelivery.State.NOT_CONFIRMED:
            break
    erasing.carry_out(now=asked.due_at + timedelta(days=31))
    (entry,) = [row for row in Erasure.objects.get().report if row["part"] == "provider"]
    assert entry["state"] == "not_confirmed"
    html = page.get(f"/erased/{asked.reference}").content.decode()
    assert "提供者に直接ご連絡ください" in html
    assert "mailto:help@bus.example" in html


def test_the_report_is_completed_when_a_provider_answers(bins: life.Careless, hanako: Resident) -> None:
    asked = ask(hanako)
    erasing.carry_out(now=asked.due_at)
    bins.event = reply(b'{"records": 5, "kept": []}', content_type="application/json")
    events.deliver_due()
    page = cast.portal_client()
    at_once = page.get(f"/erased/{asked.reference}").content.decode()
    assert "消したと返事がありました" in at_once
    assert "<td>5</td>" in at_once
    erasing.complete_reports(timezone.now())
    EventDelivery.objects.all().delete()
    assert "<td>5</td>" in page.get(f"/erased/{asked.reference}").content.decode()


@pytest.mark.parametrize("prefix", ["", "/en", "/ja-simple"])
def test_the_report_is_read_in_three_languages_by_whoever_holds_the_reference(
    hanako: Resident, prefix: str
) -> None:
    asked = ask(hanako)
    erasing.carry_out(now=asked.due_at)
    response = cast.portal_client().get(f"{prefix}/erased/{asked.reference}")
    assert response.status_code == 200
    assert response["X-Robots-Tag"] == "noindex"
    assert "identity_resident" in response.content.decode()
    assert "花子" not in response.content.decode()


def test_a_wrong_reference_is_not_found_and_the_form_finds_a_right_one(hanako: Resident) -> None:
    asked, page = ask(hanako), cast.portal_client()
    response = page.get("/erased/0000-0000-0000-0000")
    assert response.status_code == 404
    assert "この受付番号の報告はありません" in response.content.decode()
    assert page.get("/erased/").status_code == 200
    typed = page.get("/erased/", {"reference": f" {asked.reference.lower()} "})
    assert page.get(typed["Location"]).status_code == 200
    assert page.get("/erased/", {"reference": "/"})["Location"] == "/erased/-"


# --- wards ---------------------------------------------------------------------------------------------------


def test_a_ward_without_an_account_and_another_guardian_goes_too_and_comes_back_with_an_undo(
    hanako: Resident,
) -> None:
    ward = guardianships.add_child(
        guardian=hanako.id, name="こはる", ends_on=timezone.localdate() + timedelta(days=99), values={},
        by=cast.as_actor(hanako),
    )  # fmt: skip
    ask(hanako)
    assert queries.bundle(ward) is None
    erasure.undo(resident_id=hanako.id)
    assert queries.bundle(ward) is not None
    assert erasing.carry_out(now=ask(hanako).due_at) == 1
    assert not Resident.objects.filter(id__in=[hanako.id, ward]).exists()


def test_a_ward_whom_no_guardian_has_any_more_is_erased_without_asking_the_id(
    hanako: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward = guardianships.add_child(
        guardian=hanako.id, name="こはる", ends_on=timezone.localdate() + timedelta(days=99), values={},
        by=cast.as_actor(hanako),
    )  # fmt: skip
    (row,) = authority.wards(hanako.id, timezone.now())
    guardianships.end(guardianship_id=row.id, by=cast.as_actor(hanako))
    monkeypatch.setattr(type(idp.provider()), "delete_account", _die)
    assert erasing.carry_out() == 1
    assert not Resident.objects.filter(id=ward).exists()
    assert Resident.objects.filter(id=hanako.id, erase_at=None).exists()
