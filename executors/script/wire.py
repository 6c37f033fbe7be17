"""The frames between the portal and a script's child. Everything the child sends is treated as hostile.

A frame is 4 bytes of length (big-endian) and that many bytes. Ours hold JSON. The child's hold the secret of the job,
which only the trusted bootstrap knows, and then JSON: a frame without it was forged by the author's code.
"""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Callable
from functools import cache
from hmac import compare_digest
from typing import Any, NoReturn, cast

_HEADER = 4
_CHUNK = 65536
# What a child may send in one frame, and may have sent while we are still writing to it.
MAX_FRAME_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 100
_WATCH_SECONDS = 0.1

Message = dict[str, Any]
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


class ProtocolError(Exception):
    """The child sent what the bootstrap never sends."""


class TooDeep(ProtocolError):
    """JSON nested more than `MAX_DEPTH` levels deep."""


class ChildEnded(Exception):
    """The child closed its end: it finished, crashed, or was killed."""


def strict_json(text: bytes | str, parse_int: Callable[[str], Any] = int) -> Any:
    """A JSON value without NaN or infinities, at most `MAX_DEPTH` deep. Raises `ProtocolError`."""
    try:
        value = _decoder(parse_int).decode(text.decode("utf-8", "surrogatepass") if isinstance(text, bytes) else text)
    except RecursionError as error:
        raise TooDeep("nested too deeply") from error
    except ValueError as error:
        raise ProtocolError("not JSON") from error
    if _may_be_deep(text) and _depth(value) > MAX_DEPTH:
        raise TooDeep("nested too deeply")
    return value


@cache
def _decoder(parse_int: Callable[[str], Any]) -> json.JSONDecoder:
    """Made once: it costs as much as what it reads."""
    return json.JSONDecoder(parse_constant=_refuse_constant, parse_int=parse_int)


def _may_be_deep(text: bytes | str) -> bool:
    if isinstance(text, bytes):
        return text.count(b"[") + text.count(b"{") > MAX_DEPTH
    return text.count("[") + text.count("{") > MAX_DEPTH


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _depth(value: object) -> int:
    """How many containers deep a value is."""
    deepest = 0
    waiting = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        children = item.values() if isinstance(item, dict) else item if isinstance(item, list) else None
        if children is not None:
            deepest = max(deepest, depth)
            waiting.extend((child, depth + 1) for child in children)
    return deepest


class Channel:
    """Our end of a child's socket. `watch` is called ten times a second; what it raises comes out.

    Also where the child never lets us wait: one that calls, logs or trickles without end must be stopped as well.
    """

    def __init__(self, connection: socket.socket, secret: bytes, watch: Callable[[], None]) -> None:
        connection.settimeout(0)
        self._socket = connection
        self._secret = secret
        self._watch = watch
        self._watched = time.monotonic()
        self._received = bytearray()
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)

    def close(self) -> None:
        """Close our end, which ends the child's next read."""
        self._socket.close()

    def send(self, message: Message) -> None:
        """Send one frame. Raises `ChildEnded`."""
        body = _encode(message).encode()
        rest = memoryview(len(body).to_bytes(_HEADER, "big") + body)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                self._make_room()
            except OSError as error:
                raise ChildEnded from error

    def receive(self) -> Message:
        """The next frame that carries the secret, as a JSON object. Raises `ChildEnded` and `ProtocolError`."""
        self._keep_watch()
        self._wait_for(_HEADER)
        length = int.from_bytes(self._received[:_HEADER], "big")
        begin, end = _HEADER + len(self._secret), _HEADER + length
        if not begin < end <= _HEADER + MAX_FRAME_BYTES:
            raise ProtocolError("a frame of a wrong size")
        self._wait_for(end)
        if not compare_digest(self._received[_HEADER:begin], self._secret):
            raise ProtocolError("a frame without the secret")
        text = bytes(memoryview(self._received)[begin:end])
        del self._received[:end]
        message = strict_json(text)
        if not isinstance(message, dict):
            raise ProtocolError("a frame that is no object")
        return cast("Message", message)

    def _wait_for(self, count: int) -> None:
        """Until `count` bytes were received."""
        while len(self._received) < count:
            self._wait_and_read()

    def _wait_and_read(self) -> None:
        if self._poll.poll(_WATCH_SECONDS * 1000):
            self._read()
        self._keep_watch()

    def _keep_watch(self) -> None:
        if time.monotonic() - self._watched >= _WATCH_SECONDS:
            self._watched = time.monotonic()
            self._watch()

    def _read(self) -> None:
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            raise ChildEnded from error
        if not data:
            raise ChildEnded
        self._received += data

    def _make_room(self) -> None:
        """The child does not read: perhaps because it is writing, so take what it writes, up to one frame."""
        if len(self._received) > MAX_FRAME_BYTES:
            raise ProtocolError("too much at once")
        writable = select.poll()
        writable.register(self._socket, select.POLLIN | select.POLLOUT)
        events = writable.poll(_WATCH_SECONDS * 1000)
        if any(event & select.POLLIN for _, event in events):
            self._read()
        self._keep_watch()
