"""Frames that wait for others, so that the other side wakes once."""

from __future__ import annotations

import socket

import pytest

from executors.processes.frames import Channel, Frame, read_json


def test_what_is_held_comes_when_released_and_in_order() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(0.05)
        sender, receiver = Channel(ours), Channel(theirs)
        for number in range(3):
            sender.hold_json(Frame.CALLED, {"number": number})
        with pytest.raises(TimeoutError):
            receiver.receive()
        sender.release()
        sender.release()  # nothing is held any more
        assert [read_json(receiver.receive()[1]) for _ in range(3)] == [{"number": number} for number in range(3)]
        with pytest.raises(TimeoutError):
            receiver.receive()
