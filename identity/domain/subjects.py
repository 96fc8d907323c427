"""Pairwise subjects: the pseudonym under which one provider, and no other, knows a resident.

Pure. The algorithm is that of Keycloak's SHA256PairwiseSubMapper (services/src/main/java/org/keycloak/
protocol/oidc/mappers): SHA-256 over sector identifier, local user id and salt, in this order and in UTF-8;
then Java's `UUID.nameUUIDFromBytes` of that digest.
"""

import hashlib
import uuid


def name_uuid(name: bytes) -> uuid.UUID:
    """Java's `UUID.nameUUIDFromBytes`: MD5 of the bytes alone (no namespace), marked as version 3."""
    return uuid.UUID(bytes=hashlib.md5(name, usedforsecurity=False).digest(), version=3)


def pairwise(sector_host: str, local_user_id: str, salt: bytes) -> str:
    """The subject that clients of `sector_host` (a host without port) see for the ID's user `local_user_id`.

    `salt` is the UTF-8 form of the mapper's salt.
    """
    digest = hashlib.sha256(sector_host.encode() + local_user_id.encode() + salt).digest()
    return str(name_uuid(digest))
