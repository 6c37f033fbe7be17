"""What travels between a web worker and a helper: length-prefixed frames, JSON for facts, raw bytes for rows.

No pickle: a helper reads rows an attacker may have written, so nothing it says is ever executed here.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

# Above any block a sink is given (the byte limit of a target plus the count) a frame is a fault, not a result.
MAX_FRAME = 1 << 30

# How a process ends that had no memory left to say so. No other end tells why it came.
OUT_OF_MEMORY = 12

_HEADER = struct.Struct("!BI")
_COUNT = struct.Struct("!I")
_RECEIVE_BYTES = 256 * 1024
_HELD_BYTES = 64 * 1024


class Frame(IntEnum):
    """Kinds of frames."""

    # parent → helper
    RUN = 1
    ASK = 2
    CANCEL = 3
    GO_AHEAD = 4
    FORBIDDEN = 5
    CHILD = 6
    READ = 7
    ARRANGE = 8
    COMPARE = 9
    BLOCK = 10
    END = 11
    # helper → parent
    READY = 20
    STARTED = 21
    COLUMNS = 22
    ROWS = 23
    COMMITTING = 24
    CALLED = 25
    LOGGED = 26
    OUTCOME = 27
    FAILURE = 28
    ANSWER = 29
    KEPT = 30
    ALL_COLUMNS = 31
    NUMBERS = 32
    PROGRESSED = 33


class Closed(Exception):
    """The other side is gone."""


class Channel:
    """One end of a socket pair."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._buffer = bytearray()
        # File descriptors that came with frames, until somebody takes them.
        self.descriptors: list[int] = []
        self._held = bytearray()
        self._gathered: list[object] = []

    def hold_json(self, kind: Frame, value: object) -> None:
        """Put a frame in front of the next one sent: a small result then wakes the other side once."""
        self._close_gathered()
        self._hold(kind, _json(value))

    def gather_call(self, value: object) -> None:
        """Hold a call with those just before it, in one frame: that costs both sides less than one for each."""
        self._gathered.append(value)

    def release(self) -> None:
        """Send what is held, if anything. Raises `Closed`."""
        if self._held or self._gathered:
            try:
                self.socket.sendall(self._release())
            except OSError as error:
                raise Closed from error

    def send(self, kind: Frame, payload: bytes = b"") -> None:
        """Send one frame. Raises `Closed`."""
        try:
            self.socket.sendall(self._release() + _HEADER.pack(kind, len(payload)) + payload)
        except OSError as error:
            raise Closed from error

    def send_json(self, kind: Frame, value: object) -> None:
        """Send one frame of JSON."""
        self.send(kind, _json(value))

    def send_descriptor(self, kind: Frame, descriptor: int) -> None:
        """Send a frame without a payload, and with it a file descriptor. Raises `Closed`."""
        try:
            socket.send_fds(self.socket, [self._release() + _HEADER.pack(kind, 0)], [descriptor])
        except OSError as error:
            raise Closed from error

    def send_rows(self, data: bytes, count: int) -> None:
        """Send a block of rows; a small one waits for the next frame, which follows at once."""
        self._close_gathered()
        header = _HEADER.pack(Frame.ROWS, len(data) + _COUNT.size) + _COUNT.pack(count)
        if len(data) + len(self._held) < _HELD_BYTES:
            self._held += header + data
            return
        try:
            self.socket.sendall(self._release() + header)
            self.socket.sendall(data)
        except OSError as error:
            raise Closed from error

    def receive(self) -> tuple[Frame, bytes]:
        """The next frame; waits for it. Raises `Closed`, or TimeoutError when the socket has a timeout.

        After a TimeoutError what had come so far is kept, and the call can be made again.
        """
        size = self._length()
        need = _HEADER.size + size
        while len(self._buffer) < need:
            self._fill(need - len(self._buffer))
        kind = Frame(self._buffer[0])
        payload = bytes(memoryview(self._buffer)[_HEADER.size : need])
        del self._buffer[:need]
        return kind, payload

    def buffered(self) -> bool:
        """Whether a whole frame has already been read from the socket."""
        return len(self._buffer) >= _HEADER.size and len(self._buffer) >= _HEADER.size + self._length()

    def close(self) -> None:
        """Close this end; the other sees the end of file."""
        self.socket.close()

    def _hold(self, kind: Frame, payload: bytes) -> None:
        self._held += _HEADER.pack(kind, len(payload)) + payload

    def _close_gathered(self) -> None:
        """What comes next comes after the calls, too."""
        if self._gathered:
            self._hold(Frame.CALLED, _json({"calls": self._gathered}))
            self._gathered.clear()

    def _release(self) -> bytes:
        self._close_gathered()
        held = bytes(self._held)
        self._held.clear()
        return held

    def _length(self) -> int:
        while len(self._buffer) < _HEADER.size:
            self._fill(_HEADER.size)
        _, size = _HEADER.unpack_from(self._buffer)
        if size > MAX_FRAME:
            raise Closed
        return int(size)

    def _fill(self, wanted: int) -> None:
        try:
            size = max(wanted, 4096) if wanted < _RECEIVE_BYTES else _RECEIVE_BYTES
            data, descriptors, _, _ = socket.recv_fds(self.socket, size, 1, socket.MSG_CMSG_CLOEXEC)
        except TimeoutError:
            raise
        except OSError as error:
            raise Closed from error
        if not data:
            raise Closed
        self._buffer += data
        self.descriptors += descriptors


# Made once: it costs as much as what it writes.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _json(value: object) -> bytes:
    return _encode(value).encode("utf-8", "surrogatepass")


def split_rows_frame(payload: bytes) -> tuple[bytes, int]:
    """The rows and their count from the payload of a ROWS frame."""
    (count,) = _COUNT.unpack_from(payload)
    return payload[_COUNT.size :], int(count)


def read_json(payload: bytes) -> Mapping[str, Any]:
    """The object in a JSON payload."""
    value = json.loads(payload)
    if not isinstance(value, dict):
        raise Closed
    return value
