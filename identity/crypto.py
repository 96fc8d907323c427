"""Seals small secrets in the database (salts, tokens) with the field key: AES-256-GCM, bound to their place."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from identity.errors import CannotUnseal

_NONCE = 12


def seal(plain: bytes, *, place: str) -> bytes:
    """Nonce and ciphertext; `place` (such as "gadget-client:waste") must be the same when it is opened."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(settings.FIELD_KEY).encrypt(nonce, plain, place.encode())


def unseal(sealed: bytes, *, place: str) -> bytes:
    """The reverse; raises `CannotUnseal` when the key or the place is another or the bytes were changed."""
    try:
        return AESGCM(settings.FIELD_KEY).decrypt(sealed[:_NONCE], sealed[_NONCE:], place.encode())
    except (InvalidTag, ValueError) as error:
        raise CannotUnseal from error


def client_place(client_id: str) -> str:
    """The place of a gadget client's salt."""
    return f"gadget-client-salt:{client_id}"
