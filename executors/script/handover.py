"""How the child of a script reaches the runner: whoever owns the spawner leaves its channel here before `run`."""

from __future__ import annotations

import os

from executors.base import Refused

_channels: list[int] = []


def hand_over(channel: int) -> None:
    """Leave the file descriptor of a fresh child for the next script run in this process (one runs at a time)."""
    while _channels:  # one left by a run that never began
        os.close(_channels.pop())
    _channels.append(channel)


def receive() -> int:
    """The descriptor left for this run. Raises `Refused` when there is none: a script never runs unconfined."""
    if not _channels:
        raise Refused("Scripts are off: no sandbox was given for this run.")
    return _channels.pop()
