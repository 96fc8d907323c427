"""Seals what belongs to one browser: with the field key, and with a secret that only the browser holds.

The database alone, with the field key, opens none of it.
"""

import secrets
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from identity import crypto
from identity.errors import CannotUnseal

_NONCE = 12


def _key(secret: str) -> bytes:
    return sha256(b"browser:" + secret.encode()).digest()


def seal(plain: bytes, *, secret: str, place: str) -> bytes:
    """`secret` must be random, with 128 bits or more."""
    nonce = secrets.token_bytes(_NONCE)
    return crypto.seal(nonce + AESGCM(_key(secret)).encrypt(nonce, plain, None), place=place)


def unseal(sealed: bytes, *, secret: str, place: str) -> bytes:
    """Raises `CannotUnseal` for another secret, key or place, and for changed bytes."""
    inner = crypto.unseal(sealed, place=place)
    try:
        return AESGCM(_key(secret)).decrypt(inner[:_NONCE], inner[_NONCE:], None)
    except (InvalidTag, ValueError) as error:
        raise CannotUnseal from error
