"""Pairwise subjects, against values that a Java runtime gives for the same bytes."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from identity.domain.subjects import name_uuid, pairwise

USER = "5d4f5c2e-2f0c-4f0a-9f5e-0a8f1f2f3f4f"


def test_the_name_uuid_is_javas() -> None:
    # Known values of java.util.UUID.nameUUIDFromBytes.
    assert str(name_uuid(b"")) == "d41d8cd9-8f00-3204-a980-0998ecf8427e"
    assert str(name_uuid(b"hello")) == "5d41402a-bc4b-3a76-b971-9d911017c592"


def test_one_sector_user_and_salt_give_one_subject() -> None:
    first = pairwise("waste.localhost", USER, b"salt")
    assert first == pairwise("waste.localhost", USER, b"salt")
    assert uuid.UUID(first).version == 3
    assert USER not in first


def test_the_order_is_sector_user_salt() -> None:
    import hashlib

    digest = hashlib.sha256(b"waste.localhost" + USER.encode() + b"salt").digest()
    assert pairwise("waste.localhost", USER, b"salt") == str(name_uuid(digest))


@given(st.text(min_size=1), st.text(min_size=1), st.uuids(), st.binary(min_size=1), st.binary(min_size=1))
def test_another_sector_or_salt_gives_another_subject(
    sector: str, other: str, user: uuid.UUID, salt: bytes, pepper: bytes
) -> None:
    here = pairwise(sector, str(user), salt)
    assert (pairwise(other, str(user), salt) == here) is (other == sector)
    assert (pairwise(sector, str(user), pepper) == here) is (pepper == salt)
