"""Sorting records of bytes that may be more than memory holds: sorted runs are put aside in a file, and merged.

A record holds what a value was, so nothing of a run is written in the clear: its blocks are sealed with a key that
never leaves this process, in a file without a name.
"""

from __future__ import annotations

import heapq
import os
import struct
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# Bytes of the records that are sorted in memory at a time; each takes some forty more as a value of Python's.
RUN_BYTES = 16 * 1024 * 1024
RUN_RECORDS = 250_000
BLOCK_BYTES = 64 * 1024

_LENGTH = struct.Struct("!I")


class Sorter:
    """Takes records in any order and gives them back in theirs. Records of the same bytes are alike."""

    def __init__(self) -> None:
        self._records: list[bytes] = []
        self._size = 0
        self._runs: list[_Run] = []
        self._cipher = AESGCM(AESGCM.generate_key(256))

    def add(self, record: bytes) -> None:
        """Take a record."""
        self._records.append(record)
        self._size += len(record)
        if self._size >= RUN_BYTES or len(self._records) >= RUN_RECORDS:
            self._put_aside()

    def sorted(self) -> Iterator[bytes]:
        """All of them, the smallest first. Nothing can be added afterwards."""
        self._records.sort()
        if not self._runs:
            return iter(self._records)
        return heapq.merge(*(run.records() for run in self._runs), self._records)

    def _put_aside(self) -> None:
        self._records.sort()
        self._runs.append(_Run(self._cipher, self._records))
        self._records, self._size = [], 0


class _Run:
    """Sorted records in a file, sealed block by block."""

    def __init__(self, cipher: AESGCM, records: Iterable[bytes]) -> None:
        self._cipher = cipher
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="portal-sorting-")  # noqa: SIM115 -- kept until merged
        block = bytearray()
        for record in records:
            block += _LENGTH.pack(len(record)) + record
            if len(block) >= BLOCK_BYTES:
                self._write(bytes(block))
                block.clear()
        self._write(bytes(block))
        self._file.seek(0)

    def records(self) -> Iterator[bytes]:
        while head := self._file.read(_LENGTH.size):
            sealed = self._file.read(_LENGTH.unpack(head)[0])
            block, at = self._cipher.decrypt(sealed[:12], sealed[12:], None), 0
            while at < len(block):
                (length,) = _LENGTH.unpack_from(block, at)
                at += _LENGTH.size + length
                yield block[at - length : at]
        self._file.close()

    def _write(self, block: bytes) -> None:
        nonce = os.urandom(12)
        sealed = nonce + self._cipher.encrypt(nonce, block, None)
        self._file.write(_LENGTH.pack(len(sealed)) + sealed)
