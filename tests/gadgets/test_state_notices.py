"""Notices of a gadget's state: written with the change, sent by mail and webhook, tried again, given up at last."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import KeySet

from gadgets import actions
from gadgets.cards import signing
from gadgets.models import Gadget, Provider, StateNotice
from gadgets.providers import notifications
from gadgets.review.transitions import Decision, Side, note
from identity.domain.roles import OPERATOR, SYSTEM, Actor
from tests import cast
from tests.gadgets.conftest import DeskFor
from tests.gadgets.providers import Handler, reply
from tests.gadgets.providers import Provider as Listener

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _post(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener.running(lambda handler: reply(b"", status=204)(handler)) as running:
        yield running


@pytest.fixture
def gadget(desk: DeskFor, published: str) -> Gadget:
    StateNotice.objects.all().delete()
    return Gadget.objects.get(gadget_id=published)


def operator() -> Actor:
    return Actor(id=cast.operator().pk, roles=frozenset({OPERATOR}))


def hook(gadget: Gadget, listener: Listener) -> None:
    Provider.objects.filter(pk=gadget.provider_id).update(webhook_url=f"{listener.origin}/hook")


def suspend(gadget: Gadget) -> None:
    actions.suspend(gadget_id=gadget.gadget_id, reason="秘密の理由", by=operator())


def test_a_suspension_is_told_by_mail_and_webhook(gadget: Gadget, listener: Listener) -> None:
    hook(gadget, listener)
    suspend(gadget)
    assert sorted(StateNotice.objects.values_list("channel", "state")) == [
        ("mail", "waiting"),
        ("webhook", "waiting"),
    ]
    assert notifications.send_due() == 2
    (letter,) = mail.outbox
    assert letter.to == [gadget.provider.contact]
    assert letter.subject.startswith("停止されました / Suspended")
    assert gadget.gadget_id in letter.body
    assert f"{settings.PORTAL_URL}/provider/gadgets/{gadget.gadget_id}/" in letter.body
    assert "秘密の理由" not in letter.body
    (seen,) = listener.seen
    assert (seen.path, seen.headers["content-type"]) == ("/hook", "application/jwt")
    token = jwt.decode(seen.body.decode(), KeySet.import_key_set(signing.jwks()), algorithms=["ES256"])
    assert token.header["typ"] == "rgadget-state+jwt"
    claims = token.claims
    assert claims["aud"] == f"{listener.origin}/hook"
    assert claims["iss"] == settings.PORTAL_URL
    assert (claims["decision"], claims["gadget"], claims["state"]) == (
        "suspended",
        gadget.gadget_id,
        "suspended",
    )
    assert claims["exp"] - claims["iat"] == 60
    assert abs(claims["iat"] - time.time()) < 60
    assert "秘密" not in json.dumps(claims, ensure_ascii=False)
    assert notifications.send_due() == 0


def test_what_is_undone_tells_nobody(gadget: Gadget) -> None:
    from django.db import transaction

    with pytest.raises(RuntimeError), transaction.atomic():
        suspend(gadget)
        raise RuntimeError
    assert not StateNotice.objects.exists()


@pytest.mark.parametrize(
    ("decision", "side", "told"),
    [
        ("approved", Side.OPERATOR, True),
        ("refused", Side.OPERATOR, True),
        ("warned", Side.MACHINE, True),
        ("checked", Side.MACHINE, True),
        ("message", Side.OPERATOR, True),
        ("message", Side.PROVIDER, False),
        ("submitted", Side.PROVIDER, False),
        ("rotated", Side.PROVIDER, False),
    ],
)
def test_what_is_told_and_what_a_provider_knows(gadget: Gadget, decision: str, side: str, told: bool) -> None:
    by = None if side == Side.MACHINE else operator()
    note(gadget, gadget.published, by, decision, "理由", side=side)
    assert StateNotice.objects.exists() is told


def test_without_an_address_nothing_waits(gadget: Gadget) -> None:
    Provider.objects.update(contact="", webhook_url="")
    note(gadget, None, None, Decision.WARNED, "理由", side=Side.MACHINE)
    assert not StateNotice.objects.exists()


def test_a_webhook_that_fails_is_tried_again_with_the_same_number(gadget: Gadget) -> None:
    answers = [reply(b"", status=500), reply(b"", status=202)]

    def answer(handler: Handler) -> None:
        answers.pop(0)(handler)

    with Listener.running(answer) as listener:
        hook(gadget, listener)
        suspend(gadget)
        StateNotice.objects.filter(channel="mail").delete()
        now = timezone.now()
        assert notifications.send_due(now=now) == 0
        row = StateNotice.objects.get()
        assert (row.state, row.trouble, row.tries) == ("waiting", "bad_status", 1)
        assert notifications.send_due(now=now + timedelta(seconds=30)) == 0
        assert len(listener.seen) == 1
        assert notifications.send_due(now=now + timedelta(seconds=61)) == 1
        numbers = {
            jwt.decode(
                seen.body.decode(), KeySet.import_key_set(signing.jwks()), algorithms=["ES256"]
            ).claims["txn"]
            for seen in listener.seen
        }
        assert numbers == {row.txn.hex}
        assert StateNotice.objects.get().state == "sent"


def test_after_the_last_try_it_is_given_up_and_the_console_says_so(gadget: Gadget) -> None:
    Provider.objects.update(contact="", webhook_url="http://nobody.localhost:9/hook")
    suspend(gadget)
    now = timezone.now()
    for _ in range(len(notifications.WAITS) + 1):
        assert notifications.send_due(now=now) == 0
        now += timedelta(seconds=max(notifications.WAITS))
    (shown,) = notifications.recent(gadget.provider_id)
    assert (shown.state, shown.trouble, shown.words) == ("given_up", "connect_failed", "停止されました")
    assert notifications.send_due(now=now) == 0
    assert StateNotice.objects.get().tries == len(notifications.WAITS) + 1


def test_a_mail_that_cannot_be_sent_waits(gadget: Gadget, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 9, 1
    suspend(gadget)
    assert notifications.send_due() == 0
    assert StateNotice.objects.get().trouble == "mail_failed"


def test_an_address_that_was_taken_away_meanwhile_is_not_called(gadget: Gadget, listener: Listener) -> None:
    hook(gadget, listener)
    suspend(gadget)
    Provider.objects.update(contact="", webhook_url="")
    assert notifications.send_due() == 0
    assert {row.trouble for row in StateNotice.objects.all()} == {"no_address"}
    assert listener.seen == []


def test_what_is_settled_is_forgotten_after_ninety_days(gadget: Gadget) -> None:
    suspend(gadget)
    notifications.send_due()
    StateNotice.objects.update(created_at=timezone.now() - timedelta(days=91))
    notifications.send_due()
    assert not StateNotice.objects.exists()


def test_a_trial_names_no_gadget(gadget: Gadget, listener: Listener) -> None:
    hook(gadget, listener)
    notifications.trial(Provider.objects.get(pk=gadget.provider_id))
    assert notifications.send_due() == 2
    assert "試し送り" in mail.outbox[0].subject
    claims = jwt.decode(
        listener.seen[0].body.decode(), KeySet.import_key_set(signing.jwks()), algorithms=["ES256"]
    ).claims
    assert (claims["decision"], claims["gadget"], claims["state"]) == ("test", "", "")


def test_both_sides_of_a_thread_and_who_is_told(gadget: Gadget) -> None:
    from gadgets.errors import NotPermittedError, ReasonMissingError, TooOftenError
    from gadgets.models import Membership, ReviewNote
    from gadgets.review.conversation import MOST_OPEN

    developer, reader = cast.as_actor(cast.taro()), cast.as_actor(cast.linh())
    for who, role in ((developer, "developer"), (reader, "reader")):
        Membership.objects.create(provider_id=gadget.provider_id, resident_id=who.id, role=role)
    actions.say(gadget_id=gadget.gadget_id, text="いつ公開されますか。", by=developer)
    assert not StateNotice.objects.exists()
    actions.say(gadget_id=gadget.gadget_id, text="来週です。", by=operator())
    assert StateNotice.objects.get().decision == "message"
    said = ReviewNote.objects.filter(decision="message").order_by("pk")
    assert [(row.side, row.reason) for row in said] == [
        ("provider", "いつ公開されますか。"),
        ("operator", "来週です。"),
    ]
    for who in (reader, cast.as_actor(cast.hanako())):
        with pytest.raises(NotPermittedError):
            actions.say(gadget_id=gadget.gadget_id, text="x", by=who)
    with pytest.raises(ReasonMissingError):
        actions.say(gadget_id=gadget.gadget_id, text=" \0 ", by=developer)
    for _ in range(MOST_OPEN):
        actions.say(gadget_id=gadget.gadget_id, text="もしもし", by=developer)
    with pytest.raises(TooOftenError):
        actions.say(gadget_id=gadget.gadget_id, text="もしもし", by=developer)


def test_a_command_may_not_speak_for_nobody(gadget: Gadget) -> None:
    from gadgets.errors import NoSuchGadgetError

    with pytest.raises(NoSuchGadgetError):
        actions.say(gadget_id="localhost.nobody.here", text="x", by=SYSTEM)
