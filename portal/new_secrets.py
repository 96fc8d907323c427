"""Makes the keys of one installation; `python -m portal.new_secrets` prints those of a city. Imports no Django."""

import secrets
import sys
from base64 import urlsafe_b64encode

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

CITY = ("SECRET_KEY", "OIDC_CLIENT_SECRET", "GADGET_SIGNING_KEY", "CARD_CACHE_KEY", "FIELD_KEY")
"""A city's ID signs with a key of its own."""


def new_secrets() -> dict[str, str]:
    """Fresh keys for one installation, as settings; a PEM has its line ends escaped."""

    def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
        raw = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return raw.decode().replace("\n", "\\n")

    def key() -> str:
        return urlsafe_b64encode(secrets.token_bytes(32)).decode()

    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "OIDC_CLIENT_SECRET": secrets.token_urlsafe(32),
        "GADGET_SIGNING_KEY": pem(ec.generate_private_key(ec.SECP256R1())),
        "OIDC_SIGNING_KEY": pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        "CARD_CACHE_KEY": key(),
        "FIELD_KEY": key(),
    }


if __name__ == "__main__":
    made = new_secrets()
    sys.stdout.write("".join(f"{name}={made[name]}\n" for name in CITY))
