"""An unsafe start is refused, and the message says what to do."""

import os
import subprocess
import sys
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

ROOT = Path(__file__).resolve().parents[2]


def city() -> dict[str, str]:
    """A complete environment of a city."""
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = urlsafe_b64encode(b"k" * 32).decode()
    return {
        "PATH": os.environ["PATH"],
        "PORTAL_URL": "https://portal.region.example",
        "ID_PROVIDER": "keycloak",
        "ID_URL": "https://id.region.example",
        "OIDC_ISSUER": "https://id.region.example/realms/region",
        "OIDC_CLIENT_SECRET": "s",
        "KEYCLOAK_ADMIN_CLIENT_SECRET": "s",
        "DATABASE_URL": "postgres://u:p@db:5432/portal",
        "REDIS_URL": "redis://redis:6379/0",
        "VAR_DIR": "var/settings-test",
        "SECRET_KEY": "z" * 60,
        "GADGET_SIGNING_KEY": pem.decode(),
        "CARD_CACHE_KEY": key,
        "FIELD_KEY": key,
        "DEFAULT_FROM_EMAIL": "no-reply@region.example",
    }


OTHER_KEY = urlsafe_b64encode(b"o" * 32).decode()


def start(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "import portal.settings"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_complete_city_starts() -> None:
    result = start(city())
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"SECRET_KEY": None}, "SECRET_KEY is not set"),
        ({"OIDC_CLIENT_SECRET": None}, "OIDC_CLIENT_SECRET is not set"),
        ({"GADGET_SIGNING_KEY": "nonsense"}, "GADGET_SIGNING_KEY is not a private key"),
        ({"GADGET_SIGNING_KEY": "@/nowhere.pem"}, "not a file"),
        ({"CARD_CACHE_KEY": "c2hvcnQ="}, "must hold 32 bytes"),
        ({"ID_PROVIDER": "ldap"}, "must be one of keycloak, embedded"),
        ({"DEMO": "yes"}, "DEMO must be 0 or 1"),
        ({"PORTAL_URL": "portal"}, "must be a full URL"),
        ({"PORTAL_URL": "http://portal.region.example"}, "must begin with https://"),
        ({"LOOPBACK_NAMES": "1"}, "must then end in .localhost"),
        ({"DATABASE_URL": "mysql://x/y"}, "must begin with sqlite:/// or postgres://"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL must be one of"),
        ({"PORT": "eighty"}, "PORT must be a whole number"),
        ({"CA_FILE": "/nowhere.pem"}, "CA_FILE names /nowhere.pem, which holds no certificates"),
        ({"CA_FILE": __file__}, "which holds no certificates"),
        ({"FIELD_KEY": ""}, "FIELD_KEY is not set"),
        ({"FIELD_KEY": f"{OTHER_KEY} c2hvcnQ="}, "FIELD_KEY must hold 32 bytes"),
        ({"FIELD_KEY": f"{OTHER_KEY} {OTHER_KEY}"}, "set NUMBER_KEY to the one"),
    ],
)
def test_an_unsafe_or_unknown_value_stops_the_start(change: dict[str, str | None], message: str) -> None:
    environment: dict[str, str] = {
        name: value for name, value in (city() | change).items() if value is not None
    }
    result = start(environment)
    assert result.returncode != 0
    assert message in result.stderr


def test_an_issuer_keeps_its_slash_and_keys_their_order() -> None:
    environment = city() | {
        "OIDC_ISSUER": "https://id.region.example/realms/region/",
        "FIELD_KEY": f"{OTHER_KEY} {city()['FIELD_KEY']}",
        "NUMBER_KEY": city()["FIELD_KEY"],
        "SECRET_KEY_FALLBACKS": "one two",
    }
    code = (
        "from portal import settings as s; "
        "print(s.OIDC_ISSUER, s.OIDC_DISCOVERY_URL, s.FIELD_KEYS[0][:1], s.NUMBER_KEY[:1], s.SECRET_KEY_FALLBACKS)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    issuer = "https://id.region.example/realms/region/"
    wanted = f"{issuer} {issuer}.well-known/openid-configuration b'o' b'k' ['one', 'two']"
    assert result.stdout.strip() == wanted, result.stderr
