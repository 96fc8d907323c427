"""Mails to a resident about sign-ins from devices that are new; a mail that cannot be sent is tried again for days.

The address is asked of the ID at that moment and kept nowhere. No mail holds an address of a network.
"""

import logging
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from core import sweeps
from core.region.current import current_region
from core.region_time import region_local
from core.texts import pick
from identity.errors import ProviderProblem
from identity.idp import provider
from identity.models import SignInLetter

log = logging.getLogger(__name__)

JOB = "identity.send_letters"
DELAYS = (60, 300, 900, 3600)
"""Seconds until the next try; the last one again and again."""
GIVE_UP = timedelta(days=3)


def send_due(*, now: datetime | None = None) -> int:
    """Sends what is due; returns how many were sent. Any number of workers may run it at once."""
    at = now or timezone.now()
    due = SignInLetter.objects.select_related("resident").filter(next_at__lte=at).order_by("next_at")[:50]
    return sum(sweeps.each(JOB, due, lambda row: _deliver(row, at), key=lambda row: row.pk).results)


def _deliver(row: SignInLetter, at: datetime) -> bool:
    sent = False
    try:
        sent = _claim(row, now=at) and _send(row)
    finally:  # a letter whose text cannot be made is given up in time as well
        if sent:
            SignInLetter.objects.filter(pk=row.pk).delete()
        elif at - row.signed_in_at > GIVE_UP:
            SignInLetter.objects.filter(pk=row.pk).delete()
            log.error("a mail about a sign-in was given up after %d tries", row.tries + 1)
    return sent


def _claim(row: SignInLetter, *, now: datetime) -> bool:
    """Plans the next try before this one, so that no worker that dies loses a mail or sends it twice at once."""
    later = now + timedelta(seconds=DELAYS[min(row.tries, len(DELAYS) - 1)])
    mine = SignInLetter.objects.filter(pk=row.pk, tries=row.tries)
    return bool(mine.update(tries=row.tries + 1, next_at=later))


def _send(row: SignInLetter) -> bool:
    """True when there is nothing more to do: it was sent, or the account has no address."""
    try:
        address = provider().email_of(row.resident_id)
        if address:
            with translation.override(row.resident.locale):
                send_mail(_("新しい端末からのサインイン"), _text(row), settings.DEFAULT_FROM_EMAIL, [address])
    except (ProviderProblem, SMTPException, OSError) as error:
        log.warning("a mail about a sign-in waits: %s", type(error).__name__)
        return False
    return True


def _text(row: SignInLetter) -> str:
    locale = translation.get_language() or "ja"
    context = {
        "region": pick(current_region().portal_name, locale),
        "at": region_local(row.signed_in_at),
        "label": row.label,
        "url": settings.PORTAL_URL + reverse("mydata:sessions", urlconf=settings.ROOT_URLCONF),
    }
    return render_to_string("identity/mail/new_device.txt", context)
