"""Sign-ins at the embedded ID as its sessions hold them: by what they were proved, and on which device."""

from datetime import datetime
from importlib import import_module
from typing import Any

from django.conf import settings

from identity import idp
from identity.domain import lifetimes
from identity.models import ProviderSession

CODE_TIME = "_id_code_time"
"""When the person at this browser last typed a one-time code."""


def stored(key: str | None) -> Any:
    """A session at the ID; looking at it is no use of it."""
    store = import_module(settings.SESSION_ENGINE).SessionStore(key)
    store.peeking = True
    return store


def is_remembered(row: ProviderSession) -> bool:
    """Whether this part belongs to a sign-in on a remembered device."""
    return bool(stored(row.session_key).get(lifetimes.REMEMBERED))


def assurance(row: ProviderSession, *, now: datetime) -> str:
    """The `acr` of this sign-in: whether a one-time code is a part of it. It counts no longer than a session."""
    at = stored(row.session_key).get(CODE_TIME)
    recent = at is not None and now.timestamp() - at <= settings.SESSION_SECONDS
    return idp.Acr.SECOND_FACTOR if recent else idp.Acr.PASSWORD
