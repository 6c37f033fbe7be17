"""Work on one thread, and everything it tells the portal on the thread that waits for it.

The driver blocks, and the portal wants to be asked twice a second whether somebody cancelled; sinks and controls may be
used only on the thread that called `run`. So the work has a thread of its own, and hands its calls over.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar, cast

from executors.base import Control

_POLL_SECONDS: Final = 0.5
T = TypeVar("T")


@dataclass(slots=True)
class _Turn(Generic[T]):
    """One call to be made by the waiting thread, and how it ended."""

    function: Callable[[], T]
    done: threading.Event = field(default_factory=threading.Event)
    result: T | None = None
    problem: BaseException | None = None

    def make(self) -> None:
        """Make the call, on the waiting thread."""
        try:
            self.result = self.function()
        except BaseException as problem:  # noqa: BLE001 - it is raised again on the thread that asked
            self.problem = problem
        self.done.set()


class Turns:
    """Hands calls from a working thread to the one that waits for it."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[_Turn[Any] | None] = queue.SimpleQueue()

    def ask(self, function: Callable[[], T]) -> T:
        """Have `function` called by the waiting thread; its result or its exception comes back here."""
        turn = _Turn(function)
        self._queue.put(turn)
        turn.done.wait()
        if turn.problem is not None:
            raise turn.problem
        return cast("T", turn.result)

    def beside(self, work: Callable[[], T], control: Control, cancel: Callable[[], None]) -> T:
        """Run `work` on a thread of its own. `cancel` is called, again and again, once `control` says so."""
        whole = _Turn(work)

        def job() -> None:
            whole.make()
            self._queue.put(None)

        thread = threading.Thread(target=job, name="mongo-work", daemon=True)
        thread.start()
        try:
            self._serve(control, cancel)
        except BaseException:
            self._abandon(cancel, thread)
            raise
        thread.join()
        if whole.problem is not None:
            raise whole.problem
        return cast("T", whole.result)

    def _serve(self, control: Control, cancel: Callable[[], None]) -> None:
        next_poll = time.monotonic() + _POLL_SECONDS
        while True:
            try:
                turn = self._queue.get(timeout=max(0.0, next_poll - time.monotonic()))
            except queue.Empty:
                turn = _Turn(lambda: None)
            if turn is None:
                return
            turn.make()
            if time.monotonic() >= next_poll:
                next_poll = time.monotonic() + _POLL_SECONDS
                if control.cancelled():
                    cancel()

    def _abandon(self, cancel: Callable[[], None], thread: threading.Thread) -> None:
        """The waiting thread is being taken down: stop the work, and refuse whatever it still asks for."""
        while thread.is_alive():
            cancel()
            try:
                turn = self._queue.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if turn is not None:
                turn.problem = InterruptedError("The execution was abandoned.")
                turn.done.set()
