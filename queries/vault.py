"""Sealing what may quote data: Zstandard, then AES-256-GCM with a named key, bound to the place it belongs to.

The first key of `PORTAL_RESULT_KEYS` seals; any of them opens, so that keys can be rotated.
"""

import os
from functools import cache

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE_BYTES = 12
LEVEL = 1
# No honest chunk is larger; a forged header must not make the reader allocate more.
LARGEST_CHUNK = 2**31


class Unreadable(Exception):
    """What no key opens: the key is gone, or somebody changed it."""


def place(kind: str, *numbers: int) -> bytes:
    """What a seal is bound to: the kind of row, and what tells it from the others. It opens nowhere else."""
    return " ".join(("query-portal", kind, *map(str, numbers))).encode()


def seal(data: bytes, where: bytes) -> tuple[str, bytes]:
    """The id of the key used, and nonce, ciphertext and tag in one."""
    key_id = next(iter(settings.PORTAL_RESULT_KEYS))
    nonce = os.urandom(NONCE_BYTES)
    packed = zstandard.ZstdCompressor(level=LEVEL).compress(data)
    return key_id, nonce + _cipher(settings.PORTAL_RESULT_KEYS[key_id]).encrypt(nonce, packed, where)


def unseal(key_id: str, sealed: bytes, where: bytes) -> bytes:
    """What was sealed. Raises Unreadable."""
    key = require(key_id)
    try:
        packed = _cipher(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], where)
    except (InvalidTag, ValueError) as error:
        raise Unreadable("What is stored does not match its seal.") from error
    return zstandard.ZstdDecompressor().decompress(packed, max_output_size=LARGEST_CHUNK)


def require(key_id: str) -> bytes:
    """The key of that name. Raises Unreadable."""
    key: bytes | None = settings.PORTAL_RESULT_KEYS.get(key_id)
    if key is None:
        raise Unreadable(f"The key {key_id!r} is not among PORTAL_RESULT_KEYS.")
    return key


@cache
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)
