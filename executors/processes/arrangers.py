"""Sorting, searching and comparing stored rows outside the web worker: what it costs is the choice of who looks.

Each is done by a process of its own, started for it and ended with it; a few at a time.
"""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from executors.arranging import Arrangement
from executors.arranging.differing import Difference
from executors.base import Column, RowEncoding
from executors.processes.frames import Closed, Frame, read_json
from executors.processes.process import Process

# The module such a process runs.
ARRANGER = "executors.processes.arranger"
SECONDS = 20.0
AT_ONCE = 2
_PATIENCE_SECONDS = 3.0

Answer = TypeVar("Answer")


class Unarranged(Exception):
    """Rows that were not arranged: a sentence that says why, and whether trying again may help."""

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.passing = passing


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a stored result. `blocks` are read while they are sent."""

    encoding: RowEncoding
    columns: Sequence[Column]
    blocks: Iterable[bytes]

    def as_json(self) -> dict[str, Any]:
        """All but the rows."""
        return {"encoding": self.encoding, "columns": [[column.name, column.type] for column in self.columns]}


def arrange(arrangement: Arrangement, rows: Rows, seconds: float = SECONDS) -> array[int]:
    """The numbers of the rows asked for, in the order asked for. Raises `Unarranged`, and what `blocks` raise."""
    order = {"arrangement": arrangement.as_json(), "result": rows.as_json(), "seconds": seconds}
    with _arranger(seconds) as arranger:
        arranger.order(Frame.ARRANGE, order)
        arranger.feed(rows.blocks)
        return arranger.numbers()


def compare(left: Rows, right: Rows, keys: tuple[Sequence[int], Sequence[int]], seconds: float = SECONDS) -> Difference:
    """What became of the rows of `left` in `right`; `keys` are the columns of either that tell a row.

    Raises likewise.
    """
    sides = [{**rows.as_json(), "key": list(key)} for rows, key in zip((left, right), keys, strict=True)]
    with _arranger(seconds) as arranger:
        arranger.order(Frame.COMPARE, {"left": sides[0], "right": sides[1], "seconds": seconds})
        for rows in (left, right):
            arranger.feed(rows.blocks)
        added, removed, changed = (arranger.numbers() for _ in range(3))
        counts = arranger.answer()
    return Difference(added, removed, changed, counts["same"], counts["repeated"])


class _Arranger(Process):
    """One process, for one order."""

    def __init__(self, seconds: float) -> None:
        super().__init__(ARRANGER)
        self._seconds = seconds
        self._by = time.monotonic() + seconds

    def order(self, kind: Frame, order: Mapping[str, Any]) -> None:
        """Say what is wanted."""
        self._in_time(lambda: self.channel.send_json(kind, order))

    def feed(self, blocks: Iterable[bytes]) -> None:
        """Send a result."""
        for block in blocks:
            self._in_time(lambda sent=block: self.channel.send(Frame.BLOCK, sent))  # type: ignore[misc]
        self._in_time(lambda: self.channel.send(Frame.END))

    def numbers(self) -> array[int]:
        """The next list of row numbers."""
        numbers = array("I")
        numbers.frombytes(self._next())
        return numbers

    def answer(self) -> Mapping[str, Any]:
        """What is told beside the lists."""
        return read_json(self._next())

    def _next(self) -> bytes:
        kind, payload = self._in_time(self.channel.receive)
        if kind is Frame.FAILURE:
            raise _failed(str(read_json(payload)["type"]))
        return payload

    def _in_time(self, act: Callable[[], Answer]) -> Answer:
        # A timeout of nothing would be none at all.
        self.channel.socket.settimeout(max(self._by - time.monotonic(), 0.001))
        try:
            return act()
        except (TimeoutError, Closed) as error:
            # A socket that timed out in the midst of sending is told as closed.
            if isinstance(error, TimeoutError) or time.monotonic() >= self._by:
                raise Unarranged(f"That was not done within {self._seconds:g} s. {_LESS}") from None
            raise self._ended() from None

    def _ended(self) -> Unarranged:
        """Why the process is gone: what it said before, if it did."""
        try:
            kind, payload = self.channel.receive()
        except (Closed, TimeoutError):
            return _failed("")
        return _failed(str(read_json(payload)["type"]) if kind is Frame.FAILURE else "")


_LESS = "Download the result, or ask again for fewer rows."


def _failed(name: str) -> Unarranged:
    if name == "MemoryError" or not name:
        return Unarranged(f"That takes more memory than the portal gives it. {_LESS}")
    return Unarranged(f"The portal failed to do that ({name}). Tell an admin.")


_places = threading.BoundedSemaphore(AT_ONCE)


@contextmanager
def _arranger(seconds: float) -> Iterator[_Arranger]:
    if not _places.acquire(timeout=_PATIENCE_SECONDS):
        raise Unarranged("The portal is busy sorting other results. Try again in a moment.", passing=True)
    try:
        arranger = _Arranger(seconds)
        try:
            yield arranger
        finally:
            arranger.kill()
    finally:
        _places.release()
