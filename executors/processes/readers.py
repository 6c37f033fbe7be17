"""Reading statements outside the web worker: what a text costs to read is its author's choice.

Readers are apart from the helpers that run statements: reading needs no target, and never waits behind an execution.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from executors.base import Access, Analysis, EngineKind, Finding, FindingCode, Language, Parameter, Severity
from executors.processes import messages
from executors.processes.frames import Closed, Frame, read_json
from executors.processes.process import Process

# The module a reader process runs.
READER = "executors.processes.reader"

READING_SECONDS = 2.0
# A text longer than `SHORT_CHARACTERS` may take longer.
LONG_READING_SECONDS = 10.0
SHORT_CHARACTERS = 100_000

_MOST_READERS = 8
_KEPT_IDLE = 2
_START_SECONDS = 10.0
# A reading that takes longer gives way to everybody else on the machine.
_PROMPT_SECONDS = 0.5
_LOWER_PRIORITY = 10

_SPLIT = "Shorten it, or split it into smaller requests."
_REASONS = {
    "MemoryError": ("The statement takes more memory to read than the portal gives it.", _SPLIT),
    "RecursionError": ("The statement is nested too deeply to be read.", "Write it with less nesting, or split it."),
}


class Unread(Exception):
    """A statement that was not read, and what to say of it."""

    def __init__(self, code: FindingCode, message: str, hint: str = _SPLIT) -> None:
        super().__init__(message)
        self.finding = Finding(code, Severity.ERROR, message, hint=hint)


class Reader(Process):
    """One reader process. Used by one thread at a time."""

    def __init__(self) -> None:
        super().__init__(READER)
        self._started = False

    def read(self, order: dict[str, object], seconds: float) -> Analysis:
        """What the statement in `order` is. Raises `Unread`, and is not usable afterwards."""
        try:
            return self._ask(order, seconds)
        except Closed:
            self.kill()
            raise self._ended() from None
        except BaseException:
            self.kill()
            raise

    def _ask(self, order: dict[str, object], seconds: float) -> Analysis:
        began = time.monotonic()
        if not self._started:
            self._await(began + _START_SECONDS, _START_SECONDS)
            self._started = True
            began = time.monotonic()
        self.channel.socket.settimeout(seconds)
        self.channel.send_json(Frame.READ, {**order, "seconds": seconds})
        kind, payload = self._await(began + seconds, seconds)
        if kind is Frame.FAILURE:
            raise self._failed(str(read_json(payload)["type"]))
        return messages.to_analysis(read_json(payload))

    def _await(self, by: float, seconds: float) -> tuple[Frame, bytes]:
        """The next frame, by the time given; one that does not come soon is waited for at a lower priority."""
        patience = min(seconds, _PROMPT_SECONDS)
        while patience > 0:
            self.channel.socket.settimeout(patience)
            with suppress(TimeoutError):
                return self.channel.receive()
            self._give_way()
            patience = by - time.monotonic()
        raise Unread(FindingCode.TOO_SLOW_TO_READ, f"The statement could not be read within {seconds:g} s.")

    def _give_way(self) -> None:
        """Lower the priority for good: nobody but root may raise it again."""
        if self._started:
            self.usable = False
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self.pid, _LOWER_PRIORITY)

    def _failed(self, name: str) -> Unread:
        message, hint = _REASONS.get(name, (f"The portal failed to read the statement ({name}).", "Tell an admin."))
        return Unread(FindingCode.UNREADABLE, message, hint)

    def _ended(self) -> Unread:
        """What the end of a process in the midst of reading tells: a full stack, or no more memory."""
        message = (
            "The statement cannot be read: it is nested too deeply, or has too many parts for the memory there is."
        )
        return Unread(FindingCode.UNREADABLE, message, "Write it with less nesting, or split it.")


class Readers:
    """The readers of this process. Safe to use from many threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._idle: list[Reader] = []
        self._busy: set[Reader] = set()
        self._closed = False

    def read(
        self, language: Language, engine: EngineKind, statement: str, parameters: Sequence[Parameter], access: Access
    ) -> Analysis:
        """What `statement` is, within two seconds, or ten for a long one. That it cannot be read is a finding."""
        is_long = len(statement) > SHORT_CHARACTERS
        order: dict[str, object] = {
            "language": language,
            "engine": engine,
            "statement": statement,
            "parameters": messages.from_parameters(parameters),
            "access": access,
        }
        try:
            with self._reader(keep=not is_long) as reader:
                return reader.read(order, LONG_READING_SECONDS if is_long else READING_SECONDS)
        except Unread as unread:
            return Analysis(access, findings=(unread.finding,))

    def close(self) -> None:
        """End every reader."""
        with self._changed:
            self._closed = True
            readers = [*self._idle, *self._busy]
            self._idle.clear()
            self._changed.notify_all()
        for reader in readers:
            reader.kill()

    def forget(self) -> None:
        """Let go of readers inherited over a fork."""
        for reader in [*self._idle, *self._busy]:
            reader.forget()

    def start_ahead(self) -> None:
        """Have one reader waiting."""
        with self._changed:
            if not (self._idle or self._closed):
                self._idle.append(Reader())

    @contextmanager
    def _reader(self, *, keep: bool) -> Iterator[Reader]:
        """A reader; with `keep` it is used again if it answered promptly. A long text leaves much memory behind."""
        reader = self._acquire()
        try:
            yield reader
        finally:
            self._release(reader, keep=keep)
            self.start_ahead()

    def _acquire(self) -> Reader:
        by = time.monotonic() + READING_SECONDS
        with self._changed:
            while len(self._busy) >= _MOST_READERS:
                if not self._changed.wait(by - time.monotonic()):
                    message = "The portal is busy reading other statements, and did not read this one."
                    raise Unread(FindingCode.TOO_SLOW_TO_READ, message, "Try again in a moment.")
            reader = self._pick() or Reader()
            self._busy.add(reader)
            return reader

    def _pick(self) -> Reader | None:
        while self._idle:
            reader = self._idle.pop()
            if reader.alive():
                return reader
            reader.kill()
        return None

    def _release(self, reader: Reader, *, keep: bool) -> None:
        with self._changed:
            self._busy.discard(reader)
            stays = keep and reader.alive() and not self._closed and len(self._idle) < _KEPT_IDLE
            if stays:
                self._idle.append(reader)
            self._changed.notify()
        if not stays:
            reader.kill()
