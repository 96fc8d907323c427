"""Contacts of organisations: nothing is sent to an address before somebody opened the link that was sent there.

Otherwise the city's mail server would write to anybody whom a stranger names. The mail with the link holds nothing that
the stranger wrote, and few of them go to one address, out of one organisation, or at one person's wish.
"""

import hashlib
import hmac
import re
import unicodedata
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_noop

from core import jobs
from gadgets.errors import ContactLinkError, LifeError, NotPermittedError
from gadgets.models import Membership, Provider, StateNotice
from identity.domain.roles import OPERATOR, Actor

PROOF = "contact_proof"
HOLDS = timedelta(days=3)
DAY = timedelta(days=1)
TO_ONE_ADDRESS, FROM_ONE_ORGANISATION, BY_ONE_PERSON = 3, 3, 10
TRIALS = 3
_SALT = "gadgets.contact"
_NAME = 60
_DOTS = ".\u3002\uff0e\uff61\u2024"
_ADDRESS = re.compile(rf"(?i)\S*:\s*/\s*/\S*|\S*[@\uff20]\S*|[\w-]+(?:[{_DOTS}][\w-]+)+[^\s]*")
_MARKUP = re.compile(r"[<>\[\](){}*_`|\\\"'#~^=/:;]|&\w*;?")


def plain_name(name: str) -> str:
    """A stranger's name as it may stand in the text of a mail: no address, no markup, one short line."""
    text = "".join(
        " " if unicodedata.category(char)[0] in "CZ" else char for char in unicodedata.normalize("NFKC", name)
    )
    text = _MARKUP.sub(" ", _ADDRESS.sub(" ", text))
    return " ".join(text.split())[:_NAME].strip(f"- {_DOTS},")


def link(provider: Provider) -> str:
    """The address in the mail; it proves this very contact and no later one."""
    token = signing.dumps([provider.pk, provider.contact], salt=_SALT)
    return settings.PORTAL_URL + reverse("gadgets:contact", args=[token])


def asked(token: str) -> Provider:
    """Whose contact a link proves; raises ContactLinkError for one that is over, foreign, or of an older contact."""
    try:
        number, contact = signing.loads(token, salt=_SALT, max_age=HOLDS)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise ContactLinkError from error
    found = Provider.objects.filter(pk=number, contact=contact).first()
    if found is None:
        raise ContactLinkError
    return found


def prove(token: str) -> Provider:
    """Whoever holds the link reads the mails that go to the address; raises ContactLinkError."""
    found = asked(token)
    if not Provider.objects.filter(pk=found.pk, contact=found.contact).update(
        contact_proved_at=timezone.now()
    ):
        raise ContactLinkError
    return found


@transaction.atomic
def vouch(*, provider_id: int, by: Actor) -> None:
    """The portal's own commands say that a contact is right, as the seed of the demo does: no mail needs to ask."""
    if by.id is not None or not by.has(OPERATOR):
        raise NotPermittedError
    StateNotice.objects.filter(provider=provider_id, decision=PROOF, state=StateNotice.State.WAITING).delete()
    Provider.objects.filter(pk=provider_id).update(contact_proved_at=timezone.now())


def ask(provider: Provider, *, by: UUID | None) -> None:
    """Queues the mail with the link, in the caller's transaction; raises LifeError when it would be too many."""
    digest = _digest(provider.contact)
    since = timezone.now() - DAY
    sent = StateNotice.objects.filter(decision=PROOF, created_at__gt=since)
    owned = Membership.objects.filter(role=Membership.Role.OWNER)
    mine = (owned.filter(resident_id=by) if by is not None else owned.none()).values("provider_id")
    if (
        sent.filter(sent_to=digest).count() >= TO_ONE_ADDRESS
        or sent.filter(provider=provider).count() >= FROM_ONE_ORGANISATION
        or sent.filter(provider_id__in=mine).count() >= BY_ONE_PERSON
    ):
        raise LifeError(
            gettext_noop("確認のメールは、きょうはもう送れません。あしたもう一度お試しください。")
        )
    StateNotice.objects.create(
        provider=provider, gadget_id="", decision=PROOF, channel=StateNotice.Channel.MAIL, sent_to=digest
    )
    transaction.on_commit(lambda: jobs.kick(jobs.STATE_NOTICES))


def may_try(provider: Provider, trial: str) -> None:
    """Raises LifeError for a trial of notices that would be one too many today."""
    rows = StateNotice.objects.filter(provider=provider, decision=trial, created_at__gt=timezone.now() - DAY)
    channels = list(rows.values_list("channel", flat=True))
    if max((channels.count(one) for one in set(channels)), default=0) >= TRIALS:
        raise LifeError(gettext_noop("試し送りは、1日に3回までです。"))


def _digest(address: str) -> str:
    """Of an address as mail servers compare it; keyed, because addresses can be guessed."""
    plain = address.strip().casefold()
    return hmac.new(settings.NUMBER_KEY, b"contact|" + plain.encode(), hashlib.sha256).hexdigest()
