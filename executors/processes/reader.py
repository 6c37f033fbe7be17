"""A reader process: `python -m executors.processes.reader FD`. Reads statements, each in bounded memory and time.

No target, no credential and no value of anybody's result is ever here: what a text can harm is this process, which is
there to be lost.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from executors import registry
from executors.analysis import analyse
from executors.base import Access, EngineKind, Language
from executors.processes import messages
from executors.processes.frames import Channel, Closed, Frame, read_json

# Below what an execution may use, which reads the statement again: what was submitted can be run.
MEMORY_BYTES = 448 * 1024 * 1024
# The parent's deadline comes first; ours ends a reading whose parent is gone.
_GRACE_SECONDS = 1.0


def serve(channel: Channel) -> None:
    """Read until the socket ends."""
    channel.send(Frame.READY)
    while True:
        _, payload = channel.receive()
        order = read_json(payload)
        # Nobody handles the signal: it ends the process also inside a parser that never comes back to Python.
        signal.setitimer(signal.ITIMER_REAL, order["seconds"] + _GRACE_SECONDS)
        channel.send_json(Frame.ANSWER, messages.from_analysis(_read(order)))
        signal.setitimer(signal.ITIMER_REAL, 0)
        gc.collect()


def _read(order: Mapping[str, Any]) -> Any:
    language, engine = Language(order["language"]), EngineKind(order["engine"])
    parameters = messages.to_parameters(order["parameters"])
    return analyse(language, engine, order["statement"], parameters, Access(order["access"]))


def main(descriptor: int) -> None:
    """Serve the parent on an inherited socket. An error says its type only: its words may hold the statement."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    registry.analyser(Language.SQL, EngineKind.POSTGRESQL)  # the common case is ready before the first order

    gc.collect()
    gc.freeze()
    gc.disable()  # trees of a million nodes would be looked through again and again
    channel = Channel(socket.socket(fileno=descriptor))
    try:
        serve(channel)
    except Closed:
        os._exit(0)
    except Exception as error:  # noqa: BLE001  the parent must be told, whatever it was
        with suppress(Closed):
            channel.send_json(Frame.FAILURE, {"type": type(error).__name__})
        os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
