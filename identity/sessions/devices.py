"""Devices that a resident signed in with: known by a random cookie, named in two words, never by an address."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from identity.models import KnownDevice, Resident

MAX_AGE = 400 * 24 * 3600
"""Longer than browsers keep any cookie."""
_SECRET = re.compile(r"[A-Za-z0-9_-]{32}")
_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("YaBrowser", "Yandex"),
    ("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("CrOS", "ChromeOS"), ("Windows", "Windows"),
    ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def label(user_agent: str) -> str:
    """Such as "Chrome, Android"; "" when neither is known. The first match counts: browsers name each other."""
    words = [
        next((name for mark, name in table if mark in user_agent), "") for table in (_BROWSERS, _SYSTEMS)
    ]
    return ", ".join(word for word in words if word)


def secret_of(request: HttpRequest) -> str:
    """What this browser is known by: its cookie, or a secret that it does not have yet."""
    sent = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    return sent if _SECRET.fullmatch(sent) else secrets.token_urlsafe(24)


def keep(response: HttpResponse, secret: str) -> None:
    """Gives the browser its secret, for as long as it keeps any."""
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        secret,
        max_age=MAX_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


@dataclass(frozen=True, slots=True)
class Noted:
    """A device at a sign-in: whether it is new, and the sign-in before this one (None: there was none)."""

    device: KnownDevice
    new: bool
    before: tuple[datetime, str] | None


def note(resident: Resident, *, secret: str, label: str, now: datetime) -> Noted:
    """Writes down a sign-in from this device, in the caller's transaction."""
    last = KnownDevice.objects.filter(resident=resident).order_by("-seen_at").first()
    device, new = KnownDevice.objects.update_or_create(
        resident=resident,
        secret_sha256=sha256(secret.encode()).hexdigest(),
        defaults={"label": label, "seen_at": now},
        create_defaults={"label": label, "seen_at": now, "first_seen_at": now},
    )
    return Noted(device, new, (last.seen_at, last.label) if last else None)
