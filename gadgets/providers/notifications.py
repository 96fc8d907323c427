"""Tells a provider of each change of its gadget's state: a mail to its contact, and a signed post to its webhook.

`announce` writes the rows in the transaction of the change itself; `send_due` sends them, tries again for a day, and
gives up where the console can see it. Nothing about a resident is in either.
"""

import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from core import jobs, sweeps
from core.region.current import current_region
from core.texts import pick
from gadgets import words
from gadgets.cards import signing
from gadgets.errors import DoorError, LifeError
from gadgets.models import Gadget, GadgetVersion, Provider, ReviewNote, StateNotice
from gadgets.outbound.http import door
from gadgets.outbound.outside_transaction import give_back_connections, refuse_in_transaction
from gadgets.providers import contacts

log = logging.getLogger(__name__)

TOKEN_TYPE = "rgadget-state+jwt"  # noqa: S105  (a media type, not a secret)
TOKEN_SECONDS = 60
MEDIA_TYPE = "application/jwt"
WAITS = (60, 300, 1800, 3600, 6 * 3600, 12 * 3600)
"""Seconds from one try to the next; after the last the row is given up."""
CALL_SECONDS = 5.0
ANSWER_BYTES = 4096
JOB = "gadgets.state_notices"
AT_ONCE = 50
KEPT = timedelta(days=90)
TEST = "test"
"""What a webhook is sent when its owner asks for a trial."""

Decision = ReviewNote.Decision
State, Channel = StateNotice.State, StateNotice.Channel

TOLD = frozenset(
    {
        Decision.CHECKED, Decision.APPROVED, Decision.REFUSED, Decision.SUSPENDED, Decision.RESUMED,
        Decision.RETIRED, Decision.MESSAGE, Decision.ROLLED_BACK, Decision.SHARED, Decision.ANNOUNCED,
        Decision.WARNED,
    }
)  # fmt: skip
"""The decisions that are told. What a provider does itself it knows."""


def announce(gadget: Gadget, version: GadgetVersion | None, decision: str) -> None:
    """Queues the notices of one decision, in the caller's transaction; nothing for what is not told."""
    if decision not in TOLD:
        return
    provider = Provider.objects.get(pk=gadget.provider_id)
    _queue(provider, gadget.gadget_id, version.version if version else "", decision)


def trial(provider: Provider) -> None:
    """Queues a notice that says that it is a trial, to see whether mail and webhook arrive."""
    _queue(provider, "", "", TEST)


def _queue(provider: Provider, gadget_id: str, version: str, decision: str) -> None:
    proved = provider.contact if provider.contact_proved_at else ""
    wanted = {Channel.MAIL: proved, Channel.WEBHOOK: provider.webhook_url}
    StateNotice.objects.bulk_create(
        StateNotice(
            provider=provider, gadget_id=gadget_id, version=version, decision=decision, channel=channel
        )
        for channel, address in wanted.items()
        if address
    )
    transaction.on_commit(lambda: jobs.kick(jobs.STATE_NOTICES))


# --- sending ---------------------------------------------------------------------------------------------------


def send_due(*, now: datetime | None = None) -> int:
    """Sends what is due; returns how many arrived. Any number of workers may run it at once."""
    refuse_in_transaction()
    at = now or timezone.now()
    StateNotice.objects.exclude(state=State.WAITING).filter(created_at__lt=at - KEPT).delete()
    due = StateNotice.objects.select_related("provider").filter(state=State.WAITING, next_at__lte=at)
    rows = due.order_by("next_at", "pk")[:AT_ONCE]
    return sum(sweeps.each(JOB, rows, lambda row: _deliver(row, at), key=lambda row: row.txn.hex).results)


def _deliver(row: StateNotice, at: datetime) -> int:
    """What raises is a try like any other: after the last one the notice is given up."""
    if not _claim(row, at):
        return 0
    trouble = "not_made"
    try:
        trouble = _SENDERS[row.channel](row, at)
    finally:
        sent = _settle(row, trouble)
    return sent


def _claim(row: StateNotice, at: datetime) -> bool:
    """Plans the next try before this one, so that no worker that dies loses a notice or sends it twice at once."""
    later = at + timedelta(seconds=WAITS[min(row.tries, len(WAITS) - 1)])
    mine = StateNotice.objects.filter(pk=row.pk, state=State.WAITING, tries=row.tries)
    return bool(mine.update(tries=row.tries + 1, next_at=later))


def _settle(row: StateNotice, trouble: str) -> int:
    """`row` is as it was before the claim."""
    state = State.SENT if not trouble else State.WAITING
    if trouble and row.tries + 1 > len(WAITS):
        state = State.GIVEN_UP
        log.warning("%s about %s given up after %d tries", row.channel, row.gadget_id, row.tries + 1)
    StateNotice.objects.filter(pk=row.pk, tries=row.tries + 1).update(state=state, trouble=trouble)
    return int(not trouble)


def _mail(row: StateNotice, _at: datetime) -> str:
    """One mail in Japanese and English; returns the code of what went wrong, or nothing."""
    address = row.provider.contact
    if not address:
        return "no_address"
    if row.decision != contacts.PROOF and row.provider.contact_proved_at is None:
        return "not_proved"
    subject, body = letter(row)
    give_back_connections()
    try:
        send_mail(subject, body, settings.DEFAULT_FROM_EMAIL, [address])
    except (SMTPException, OSError) as error:
        log.info("mail about %s waits: %s", row.gadget_id, type(error).__name__)
        return "mail_failed"
    return ""


def letter(row: StateNotice) -> tuple[str, str]:
    """Subject and text in two languages: the decision in words, and where to read more; the reason is in the console.

    The subject holds nothing that a stranger chose, the text no more than the organisation's name, without addresses
    and markup. What asks for a proof of the address holds not even that: whoever gets it may know of nothing.
    """
    proof = row.decision == contacts.PROOF
    path = reverse("gadgets:provider_gadget", args=[row.gadget_id]) if row.gadget_id else ""
    parts = []
    for locale in ("ja", "en"):
        with translation.override(locale):
            context = {
                "decision": decision_words(row.decision),
                "version": row.version,
                "address": contacts.link(row.provider)
                if proof
                else settings.PORTAL_URL + (path or reverse("gadgets:console")),
                "organisation": contacts.plain_name(row.provider.name),
                "region": pick(current_region().portal_name, locale),
                "days": contacts.HOLDS.days,
            }
            template = "gadgets/contact_proof.txt" if proof else "gadgets/state_notice.txt"
            parts.append((str(context["decision"]), render_to_string(template, context)))
    subject = f"{parts[0][0]} / {parts[1][0]}"
    return " ".join(subject.split()), "\n\n".join(text.strip() for _, text in parts) + "\n"


def decision_words(decision: str) -> str:
    """The decision in the active language."""
    if decision == contacts.PROOF:
        return _("連絡先の確認")
    return _("お知らせの試し送り") if decision == TEST else str(words.DECISIONS.get(decision, decision))


def claims(row: StateNotice, *, now: datetime) -> Mapping[str, object]:
    """The claims of the token for one try; `txn` is the same in every try."""
    issued = int(now.timestamp())
    gadget = Gadget.objects.filter(gadget_id=row.gadget_id).first()
    return {
        "iss": settings.PORTAL_URL.rstrip("/"),
        "aud": row.provider.webhook_url,
        "iat": issued,
        "exp": issued + TOKEN_SECONDS,
        "jti": uuid.uuid4().hex,
        "txn": row.txn.hex,
        "decision": row.decision,
        "gadget": row.gadget_id,
        "version": row.version,
        "state": gadget.state if gadget else "",
        "at": row.created_at.isoformat(timespec="seconds"),
    }


def _webhook(row: StateNotice, at: datetime) -> str:
    url = row.provider.webhook_url
    if not url:
        return "no_address"
    token = signing.sign(claims(row, now=at), token_type=TOKEN_TYPE)
    give_back_connections()
    try:
        door().fetch(
            url,
            method="POST",
            headers={"Content-Type": MEDIA_TYPE},
            body=token.encode(),
            deadline=CALL_SECONDS,
            max_bytes=ANSWER_BYTES,
            accept=(200, 202, 204),
        )
    except DoorError as error:
        log.info("webhook about %s: %s", row.gadget_id, error.code)
        return error.code
    return ""


_SENDERS: Mapping[str, Callable[[StateNotice, datetime], str]] = {
    Channel.MAIL: _mail,
    Channel.WEBHOOK: _webhook,
}


# --- what the console shows ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NoticeView:
    """One notice and how it went."""

    decision: str
    gadget_id: str
    channel: str
    state: str
    trouble: str
    created_at: datetime
    tries: int

    @property
    def words(self) -> str:
        return decision_words(self.decision)


def recent(provider_id: int, limit: int = 20) -> tuple[NoticeView, ...]:
    """The newest notices of an organisation; the caller has checked who asks."""
    rows = StateNotice.objects.filter(provider_id=provider_id).order_by("-created_at", "-pk")[:limit]
    return tuple(
        NoticeView(
            row.decision, row.gadget_id, row.channel, row.state, row.trouble, row.created_at, row.tries
        )
        for row in rows
    )


def check_webhook(url: str) -> str:
    """The address as it is kept; raises DoorError for one that the door would not open. Empty means no webhook."""
    found = url.strip()
    if found:
        if len(found) > 500:
            raise LifeError(gettext_noop("アドレスが長すぎます（500文字まで）。"))
        door().check(found)
    return found
