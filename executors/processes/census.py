"""How many processes of the sandbox this replica has, whichever of its workers started them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
SPAWNER = b"executors.sandbox.spawner"
SERVER = b"gunicorn"


def sandbox_children() -> int:
    """The children of the spawners below this process, or below the server that it is a worker of."""
    return sum(len([*_children(spawner)]) for spawner in _below(_root()) if SPAWNER in _command(spawner))


def _root() -> int:
    parent = os.getppid()
    return parent if SERVER in _command(parent) and SERVER in _command(os.getpid()) else os.getpid()


def _below(pid: int) -> Iterator[int]:
    for child in _children(pid):
        yield child
        yield from _below(child)


def _children(pid: int) -> Iterator[int]:
    """A child belongs to the thread that started it. One that ends meanwhile has none."""
    with suppress(OSError):
        for task in (PROC / str(pid) / "task").iterdir():
            with suppress(OSError):
                yield from map(int, (task / "children").read_text().split())


def _command(pid: int) -> bytes:
    with suppress(OSError):
        return (PROC / str(pid) / "cmdline").read_bytes()
    return b""
