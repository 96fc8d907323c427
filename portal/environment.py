"""Reads typed settings from the environment and says in one sentence what is wrong with them."""

import os
import secrets
import ssl
from base64 import urlsafe_b64decode
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str | None = None) -> str:
    """The value of `name`; `ImproperlyConfigured` when it is missing and has no default."""
    value = os.environ.get(name, default)
    if value is None or (value == "" and default is None):
        raise ImproperlyConfigured(f"{name} is not set. See .env.example for what it means.")
    return value


def flag(name: str) -> bool:
    """True for 1, False for 0 or nothing; anything else stops the start."""
    value = os.environ.get(name, "0")
    if value not in {"0", "1"}:
        raise ImproperlyConfigured(f"{name} must be 0 or 1, not {value!r}.")
    return value == "1"


def choice(name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
    """One of `allowed`."""
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}, not {value!r}.")
    return value


def number(name: str, default: int) -> int:
    """A whole number, not negative."""
    value = os.environ.get(name, str(default))
    if not value.isascii() or not value.isdigit():
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.")
    return int(value)


def url(name: str, default: str | None = None) -> str:
    """An origin or URL with scheme and host, without a slash at its end."""
    value = text(name, default).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ImproperlyConfigured(
            f"{name} must be a full URL such as https://portal.example, not {value!r}."
        )
    return value


def issuer(name: str, default: str | None = None) -> str:
    """As `url`, but letter by letter: an issuer is compared with what tokens say, and may end in a slash."""
    url(name, default)
    return text(name, default)


def certificates(name: str) -> str:
    """The path of a PEM file with certificates of authorities, or "" for none."""
    path = os.environ.get(name, "")
    if path:
        try:
            ssl.create_default_context(cafile=path)
        except (OSError, ssl.SSLError) as error:
            raise ImproperlyConfigured(
                f"{name} names {path}, which holds no certificates in PEM form."
            ) from error
    return path


def key(name: str, *, demo: bool, default: bytes | None = None) -> bytes:
    """32 bytes in URL-safe base64; the demo without one gets a key that lasts for this process."""
    value = os.environ.get(name)
    if not value and default is not None:
        return default
    if value is None and demo:
        return secrets.token_bytes(32)
    return _bytes_of(name, text(name))


def keys(name: str, *, demo: bool) -> tuple[bytes, ...]:
    """One key or several with blanks between them, the newest first."""
    if os.environ.get(name) is None and demo:
        return (secrets.token_bytes(32),)
    found = tuple(_bytes_of(name, value) for value in text(name).split())
    if not found:
        raise ImproperlyConfigured(f"{name} is not set. See .env.example for what it means.")
    return found


def _bytes_of(name: str, value: str) -> bytes:
    try:
        raw = urlsafe_b64decode(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is not URL-safe base64.") from error
    if len(raw) != 32:
        raise ImproperlyConfigured(f"{name} must hold 32 bytes in URL-safe base64; it holds {len(raw)}.")
    return raw


def pem(name: str) -> str:
    """A private key in PEM form, given as text or as `@path`."""
    value = text(name)
    if value.startswith("@"):
        path = Path(value[1:])
        if not path.is_file():
            raise ImproperlyConfigured(f"{name} names {path}, which is not a file.")
        value = path.read_text()
    value = value.replace("\\n", "\n")
    if "PRIVATE KEY" not in value:
        raise ImproperlyConfigured(f"{name} is not a private key in PEM form.")
    return value


def database(name: str, default: str) -> dict[str, object]:
    """`sqlite:///path` or `postgres://user:password@host:port/name`, as Django's DATABASES entry."""
    value = os.environ.get(name) or default
    parts = urlsplit(value)
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": parts.path[1:] or ":memory:",
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
            # Threads of a live test server see what the test wrote: a named file, not private memory.
            "TEST": {"NAME": None},
        }
    if parts.scheme in {"postgres", "postgresql"}:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": parts.path[1:],
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": 600,
            "CONN_HEALTH_CHECKS": False,
            "OPTIONS": {"connect_timeout": 2},
        }
    raise ImproperlyConfigured(f"{name} must begin with sqlite:/// or postgres://.")
