"""Seals small secrets in the database (salts, tokens) with the field key: AES-256-GCM, bound to their place.

The key can be rotated: a sealed value names the key that sealed it, the newest key seals, and every key that the
settings still have opens. `identity.sealed` lists what is sealed and seals it again.
"""

import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from identity.errors import CannotUnseal

_NONCE = 12
_MARK = b"mk1:"
_KEY_ID = 8


def key_id(key: bytes) -> bytes:
    """Names a key without telling anything of it."""
    return hashlib.blake2b(key, digest_size=_KEY_ID, person=b"field-key-id").digest()


def seal(plain: bytes, *, place: str) -> bytes:
    """Mark, key id, nonce, ciphertext; `place` (such as "gadget-client:waste") must be the same when it is opened."""
    newest, nonce = settings.FIELD_KEYS[0], secrets.token_bytes(_NONCE)
    return _MARK + key_id(newest) + nonce + AESGCM(newest).encrypt(nonce, plain, place.encode())


def unseal(sealed: bytes, *, place: str) -> bytes:
    """The reverse; raises `CannotUnseal` when the key or the place is another or the bytes were changed."""
    if sealed.startswith(_MARK):
        wanted, body = sealed[len(_MARK) :][:_KEY_ID], sealed[len(_MARK) + _KEY_ID :]
        keys = [key for key in settings.FIELD_KEYS if key_id(key) == wanted]
    else:  # sealed before keys could be rotated: no mark, and only a try tells which key it was
        keys, body = list(settings.FIELD_KEYS), sealed
    for key in keys:
        try:
            return AESGCM(key).decrypt(body[:_NONCE], body[_NONCE:], place.encode())
        except (InvalidTag, ValueError):
            continue
    raise CannotUnseal


def is_newest(sealed: bytes) -> bool:
    """Whether the newest key sealed it."""
    return sealed.startswith(_MARK + key_id(settings.FIELD_KEYS[0]))


def client_place(client_id: str) -> str:
    """The place of a gadget client's salt."""
    return f"gadget-client-salt:{client_id}"


def session_place(session_key: str) -> str:
    """The place of the ID token of a portal's session."""
    return f"oidc-session:{session_key}"


def delivery_place(client_id: str, jti: str) -> str:
    """The place of a logout token that waits for a gadget."""
    return f"logout-delivery:{client_id}:{jti}"
