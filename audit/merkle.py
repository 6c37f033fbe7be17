"""The Merkle tree over the hashes of entries, shaped as RFC 6962 has it.

A leaf is the hash of an entry, whose own input begins with 0x00; a node is `sha256(0x01 || left || right)`, and the
root of nothing `sha256("")`.
"""

import hashlib
from collections.abc import Sequence


def node(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The root over leaves as they come, in memory for as many hashes as the tree is high."""

    def __init__(self) -> None:
        self.count = 0
        self._whole: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """One more leaf, to the right of the others."""
        rest = self.count
        while rest & 1:
            leaf = node(self._whole.pop(), leaf)
            rest >>= 1
        self._whole.append(leaf)
        self.count += 1

    def root(self) -> bytes:
        """Over all so far."""
        if not self._whole:
            return hashlib.sha256(b"").digest()
        found = self._whole[-1]
        for left in reversed(self._whole[:-1]):
            found = node(left, found)
        return found


def paths(leaves: Sequence[bytes], places: Sequence[int]) -> list[list[bytes]]:
    """For each place, counted from 0, the hashes beside the way from its leaf to the root, the lowest first."""
    found: list[list[bytes]] = [[] for _ in places]
    level, at = list(leaves), list(places)
    while len(level) > 1:
        for path, place in zip(found, at, strict=True):
            if place ^ 1 < len(level):
                path.append(level[place ^ 1])
        pairs = [node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) & ~1 :]
        at = [place >> 1 for place in at]
    return found
