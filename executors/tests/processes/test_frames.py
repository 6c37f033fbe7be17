"""Frames that wait for others, so that the other side wakes once."""

from __future__ import annotations

import socket

import pytest

from executors.processes.frames import Channel, Frame, read_json


def test_calls_come_together_and_in_their_place() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender, receiver = Channel(ours), Channel(theirs)
        sender.gather_call([1])
        sender.gather_call([2])
        sender.hold_json(Frame.LOGGED, {"text": "between"})
        sender.gather_call([3])
        sender.send_rows(b"[4]\n", 1)
        sender.gather_call([5])
        sender.release()
        received = [receiver.receive() for _ in range(5)]
    kinds = [Frame.CALLED, Frame.LOGGED, Frame.CALLED, Frame.ROWS, Frame.CALLED]
    assert [kind for kind, _ in received] == kinds
    calls = [read_json(payload)["calls"] for kind, payload in received if kind is Frame.CALLED]
    assert calls == [[[1], [2]], [[3]], [[5]]]


def test_what_is_held_comes_when_released_and_in_order() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(0.05)
        sender, receiver = Channel(ours), Channel(theirs)
        for number in range(3):
            sender.hold_json(Frame.LOGGED, {"number": number})
        with pytest.raises(TimeoutError):
            receiver.receive()
        sender.release()
        sender.release()  # nothing is held any more
        assert [read_json(receiver.receive()[1]) for _ in range(3)] == [{"number": number} for number in range(3)]
        with pytest.raises(TimeoutError):
            receiver.receive()
