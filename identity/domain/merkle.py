"""A Merkle tree over hashes, as in RFC 6962: one root stands for all of them, and none can be changed unnoticed.

Pure.
"""

import hashlib
from collections.abc import Sequence


def leaf(content: bytes) -> str:
    """The hash of one entry; marked, so that no entry can be passed off as a node."""
    return hashlib.sha256(b"\x00" + content).hexdigest()


def root(leaves: Sequence[str]) -> str:
    """The root over leaves in this order; raises `ValueError` for none."""
    if not leaves:
        raise ValueError("a tree has leaves")
    level = [bytes.fromhex(one) for one in leaves]
    while len(level) > 1:
        # The last one of an odd level goes up as it is: for leaves in order this is the tree of RFC 6962.
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in pairs]
        level = above + level[len(above) * 2 :]
    return level[0].hex()
