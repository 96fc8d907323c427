"""Roots of Merkle trees: those of RFC 6962, and no two lists have the same one."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.domain import merkle

ENTRIES = [
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
]  # fmt: skip
"""The test vectors of the reference implementation of Certificate Transparency."""
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize("size", ROOTS)
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert merkle.root([merkle.leaf(bytes.fromhex(one)) for one in ENTRIES[:size]]) == ROOTS[size]


def _split(leaves: list[str]) -> bytes:
    """The definition in RFC 6962: the left side is the greatest power of two below the size."""
    if len(leaves) == 1:
        return bytes.fromhex(leaves[0])
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + _split(leaves[:half]) + _split(leaves[half:])).digest()


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=20))
@settings(max_examples=40)
def test_it_is_the_tree_of_the_definition(entries: list[bytes]) -> None:
    leaves = [merkle.leaf(one) for one in entries]
    assert merkle.root(leaves) == _split(leaves).hex()


@given(
    st.lists(st.binary(max_size=2), min_size=1, max_size=9),
    st.lists(st.binary(max_size=2), min_size=1, max_size=9),
)
def test_two_lists_have_two_roots(one: list[bytes], other: list[bytes]) -> None:
    roots = [merkle.root([merkle.leaf(entry) for entry in entries]) for entries in (one, other)]
    assert (roots[0] == roots[1]) == (one == other)


def test_no_leaves_have_no_root() -> None:
    with pytest.raises(ValueError, match="leaves"):
        merkle.root([])
