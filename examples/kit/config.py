"""Settings of one provider, read from the environment; an unusable value stops the start."""

import os
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlsplit

JST = timezone(timedelta(hours=9), "JST")
FAULTS = ("500", "huge", "html", "not-json")


class ConfigError(Exception):
    """A setting is missing or unusable; the message names it."""


@dataclass(frozen=True)
class Config:
    """What a provider must know of itself, of the portal and of the regional ID."""

    port: int
    public_origin: str
    portal_url: str
    portal_jwks_url: str
    oidc_issuer: str = ""
    oidc_discovery_url: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    claims_url: str = ""
    var_dir: Path | None = None
    now: datetime | None = None
    fault: str = ""
    debug_claims: bool = False

    @property
    def has_sign_in(self) -> bool:
        """Whether this provider was given a client of the regional ID."""
        return bool(self.oidc_issuer and self.oidc_client_id and self.oidc_client_secret)

    def gadget_id(self, name: str) -> str:
        """The host reversed, and the gadget's name: `localhost.waste.calendar`."""
        host = urlsplit(self.public_origin).hostname or ""
        return ".".join([*reversed(host.split(".")), name])

    def url(self, path: str) -> str:
        """A public URL of this provider."""
        return self.public_origin + path


def read(env: Mapping[str, str], *, default_port: int, name: str) -> Config:
    """Builds the settings; raises ConfigError naming the setting that cannot be used."""
    port = _port(env.get("PORT") or str(default_port))
    portal = _url("PORTAL_URL", env.get("PORTAL_URL") or "http://portal.region.localhost:8000")
    issuer = env.get("OIDC_ISSUER", "")
    var_dir = env.get("VAR_DIR", "")
    return Config(
        port=port,
        public_origin=_url("PUBLIC_ORIGIN", env.get("PUBLIC_ORIGIN") or f"http://{name}.localhost:{port}"),
        portal_url=portal,
        portal_jwks_url=_url(
            "PORTAL_JWKS_URL", env.get("PORTAL_JWKS_URL") or portal + "/.well-known/jwks.json"
        ),
        oidc_issuer=issuer,
        oidc_discovery_url=env.get("OIDC_DISCOVERY_URL") or issuer,
        oidc_client_id=env.get("OIDC_CLIENT_ID", ""),
        oidc_client_secret=env.get("OIDC_CLIENT_SECRET", ""),
        claims_url=env.get("CLAIMS_URL", ""),
        var_dir=Path(var_dir) if var_dir else None,
        now=_now(env.get("NOW", "")),
        fault=_fault(env.get("FAULT", "")),
        debug_claims=env.get("DEBUG_CLAIMS", "") == "1",
    )


def from_command_line(name: str, default_port: int, argv: Sequence[str] | None = None) -> Config:
    """The settings of the environment, with `--port` on top."""
    parser = ArgumentParser(prog=f"python -m examples.{name}", description=f"Example provider: {name}")
    parser.add_argument("--port", type=int, help=f"port on 127.0.0.1 (PORT, else {default_port})")
    given = parser.parse_args(argv)
    env = dict(os.environ)
    if given.port is not None:
        env["PORT"] = str(given.port)
    try:
        return read(env, default_port=default_port, name=name)
    except ConfigError as error:
        parser.error(str(error))


def _port(raw: str) -> int:
    if not raw.isdecimal() or not 0 < int(raw) < 65536:
        raise ConfigError(f"PORT must be a number from 1 to 65535, not {raw!r}")
    return int(raw)


def _url(name: str, raw: str) -> str:
    parts = urlsplit(raw)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(f"{name} must be an http or https URL, not {raw!r}")
    return raw.rstrip("/")


def _now(raw: str) -> datetime | None:
    if not raw:
        return None
    try:
        value = datetime.fromisoformat(raw)
    except ValueError as error:
        raise ConfigError(f"NOW must be an ISO 8601 time, not {raw!r}") from error
    if value.tzinfo is None:
        raise ConfigError("NOW must have an offset, for example +09:00")
    return value


def _fault(raw: str) -> str:
    if not raw or raw in FAULTS:
        return raw
    kind, _, seconds = raw.partition(":")
    if kind == "hang" and seconds.isdecimal():
        return raw
    raise ConfigError(f"FAULT must be hang:SECONDS or one of {', '.join(FAULTS)}, not {raw!r}")
