"""A process that sorts, searches and compares stored rows: `python -m executors.processes.arranger FD`.

It is given rows block by block and answers with their numbers; it serves once, in bounded memory and time. No target
and no credential is ever here.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
from array import array
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from executors.arranging import Arrangement
from executors.arranging.arranger import arranged
from executors.arranging.differing import Side, difference
from executors.base import Column, RowEncoding
from executors.processes.frames import Channel, Closed, Frame, read_json

MEMORY_BYTES = 448 * 1024 * 1024
# The parent's deadline comes first; ours ends a sorting whose parent is gone.
_GRACE_SECONDS = 1.0


def serve(channel: Channel) -> None:
    """Take one order, its blocks, and answer."""
    kind, payload = channel.receive()
    order = read_json(payload)
    # Nobody handles the signal: it ends the process wherever it is.
    signal.setitimer(signal.ITIMER_REAL, order["seconds"] + _GRACE_SECONDS)
    if kind is Frame.ARRANGE:
        arrangement = Arrangement.of_json(order["arrangement"])
        numbers = arranged(arrangement, *_result(order["result"]), _blocks(channel))
        _send(channel, numbers)
        channel.send_json(Frame.ANSWER, {})
    else:
        found = difference(_side(channel, order["left"]), _side(channel, order["right"]))
        _send(channel, found.added, found.removed, found.changed)
        channel.send_json(Frame.ANSWER, {"same": found.same, "repeated": found.repeated})


def _result(given: Mapping[str, Any]) -> tuple[RowEncoding, list[Column]]:
    return RowEncoding(given["encoding"]), [Column(name, kind) for name, kind in given["columns"]]


def _side(channel: Channel, given: Mapping[str, Any]) -> Side:
    return Side(*_result(given), given["key"], _blocks(channel))


def _blocks(channel: Channel) -> Iterator[bytes]:
    """The blocks of one result, as they come."""
    while True:
        kind, payload = channel.receive()
        if kind is not Frame.BLOCK:
            return
        yield payload


def _send(channel: Channel, *lists: array[int]) -> None:
    for numbers in lists:
        channel.send(Frame.NUMBERS, numbers.tobytes())


def main(descriptor: int) -> None:
    """Serve the parent on an inherited socket. An error says its type only: its words may hold a value."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    channel = Channel(socket.socket(fileno=descriptor))
    with suppress(Closed):
        try:
            serve(channel)
        except Closed:
            raise
        except Exception as error:  # noqa: BLE001  the parent must be told, whatever it was
            channel.send_json(Frame.FAILURE, {"type": type(error).__name__})
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
