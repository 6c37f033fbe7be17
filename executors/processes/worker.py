"""A helper process: `python -m executors.processes.worker FD`. Runs one execution at a time, in bounded memory.

Whatever touches a target's rows happens here, so that a value or an error message of half a gigabyte ends this process
and not the web worker. When the web worker dies the socket ends, and so does this process, at once.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from executors import asking, registry
from executors.base import (
    Access,
    Call,
    Column,
    Engine,
    EngineKind,
    ExecutionError,
    Images,
    Interrupted,
    Language,
    OutcomeUnknown,
    Refused,
    RowEncoding,
    Target,
    TooLarge,
)
from executors.processes import messages
from executors.processes.frames import OUT_OF_MEMORY, Channel, Closed, Frame, read_json
from executors.script import handover

# One row in libpq's buffer, which doubles as it grows, next to the interpreter and the drivers.
MEMORY_BYTES = 512 * 1024 * 1024
_IDLE_SECONDS = 60.0
_TELL_SECONDS = 0.1


class _Link:
    """The socket to the parent. Read on whichever thread asks; no thread stands between an order and its start."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.was_cancelled = False
        self._frames: deque[tuple[Frame, bytes]] = deque()
        self._lock = threading.Lock()
        self._poll = select.poll()
        self._poll.register(channel.socket, select.POLLIN)

    def pump(self, seconds: float) -> None:
        """Read what has come, waiting up to `seconds` for the first of it. Ends the process when the parent is gone."""
        patience = seconds * 1000
        with self._lock:
            while self.channel.buffered() or self._poll.poll(patience):
                patience = 0
                try:
                    kind, payload = self.channel.receive()
                except Closed:
                    os._exit(0)
                if kind is Frame.CANCEL:
                    self.was_cancelled = True
                elif kind is Frame.CHILD:
                    handover.hand_over(self.channel.descriptors.pop())
                else:
                    # A cancel meant for the run before must not stop this one.
                    self.was_cancelled = self.was_cancelled and kind is not Frame.RUN
                    self._frames.append((kind, payload))

    def next_frame(self, seconds: float) -> tuple[Frame, bytes] | None:
        """The next frame that is not a cancel, or None when none came."""
        if not self._frames:
            self.pump(seconds)
        return self._frames.popleft() if self._frames else None

    def end_with_parent(self) -> None:
        """Wait for the parent to be gone, then end at once whatever the other threads do."""
        hang_up = select.poll()
        hang_up.register(self.channel.socket, 0)
        hang_up.poll()
        os._exit(0)


class _Forward:
    """The sink and the control of an execution, on the helper's side."""

    def __init__(self, link: _Link) -> None:
        self._link = link
        self._tell_again = 0.0
        self.committing_sent = False

    def columns(self, columns: Sequence[Column], encoding: RowEncoding) -> None:
        value = {"columns": [column.json() for column in columns], "encoding": encoding.value}
        self._link.channel.hold_json(Frame.COLUMNS, value)

    def all_columns(self, columns: Sequence[Column]) -> None:
        self._link.channel.hold_json(Frame.ALL_COLUMNS, {"columns": [column.json() for column in columns]})

    def rows(self, data: bytes, count: int) -> None:
        self._link.channel.send_rows(data, count)

    def started(self, backend: str) -> None:
        self._link.channel.send_json(Frame.STARTED, {"backend": backend})

    def committing(self, transaction: str) -> None:
        self._link.channel.send_json(Frame.COMMITTING, {"transaction": transaction})
        while (reply := self._link.next_frame(_IDLE_SECONDS)) is None:
            continue
        if reply[0] is not Frame.GO_AHEAD:
            message = "The portal did not allow the commit; everything was rolled back."
            raise Refused(message)
        self.committing_sent = True

    def kept(self, images: Images) -> None:
        self._link.channel.send_json(Frame.KEPT, messages.from_images(images))

    def cancelled(self) -> bool:
        # Asked several times a second, also while a statement is waited for.
        self._link.channel.release()
        self._link.pump(0)
        return self._link.was_cancelled

    def progressed(self, done: int, total: int) -> None:
        self._link.channel.send_json(Frame.PROGRESSED, {"done": done, "total": total})

    def called(self, call: Call) -> None:
        self._link.channel.gather_call(messages.from_call(call))
        self._tell()

    def logged(self, level: str, text: str) -> None:
        self._link.channel.hold_json(Frame.LOGGED, {"level": level, "text": text})
        self._tell()

    def _tell(self) -> None:
        """Send what the parent only keeps with others: waking it for each takes a processor from the script."""
        if time.monotonic() >= self._tell_again:
            self._link.channel.release()
            self._tell_again = time.monotonic() + _TELL_SECONDS


def serve(link: _Link) -> None:
    """Take orders until the socket ends."""
    link.channel.send(Frame.READY)
    while True:
        order = link.next_frame(_IDLE_SECONDS)
        if order is None:
            _expire()
            continue
        kind, data = order[0], read_json(order[1])
        if kind is Frame.RUN:
            _run(link, data)
        else:
            _ask(link, data)


def _run(link: _Link, data: dict[str, Any] | Any) -> None:
    forward = _Forward(link)
    try:
        job = messages.to_job(data)
        asked = (job.language, job.target.engine, job.target.access)
        if not registry.offers(*asked):
            message = f"A {asked[1].value} target cannot run {asked[0].value} as {asked[2].value}."
            raise Refused(message)  # noqa: TRY301  one place answers for every failure
        outcome = registry.runner(*asked).run(job, forward, forward)
    except Closed:
        raise
    except BaseException as error:  # noqa: BLE001  the parent must be told, whatever it was
        link.channel.send_json(Frame.FAILURE, messages.from_error(_public(error, sent=forward.committing_sent)))
        if not isinstance(error, ExecutionError) or isinstance(error, TooLarge):
            os._exit(1)
    else:
        link.channel.send_json(Frame.OUTCOME, messages.from_outcome(outcome))


def _ask(link: _Link, data: dict[str, Any] | Any) -> None:
    target = messages.to_target(data["target"])
    try:
        answer = _ANSWERS[data["question"]](registry.engine(target.engine), target, data)
    except Closed:
        raise
    except BaseException as error:  # noqa: BLE001  the parent must be told, whatever it was
        link.channel.send_json(Frame.FAILURE, messages.from_error(_public(error, sent=False)))
        if not isinstance(error, ExecutionError):
            os._exit(1)
    else:
        link.channel.send_json(Frame.ANSWER, {"answer": answer})


def _word(_engine: Engine, target: Target, data: dict[str, Any]) -> object:
    language, access = Language(data["language"]), Access(data["access"])
    parameters = messages.to_parameters(data["parameters"])
    return messages.from_word(asking.ask(target, language, data["statement"], parameters, data["tables"], access))


def _plan(_engine: Engine, target: Target, data: dict[str, Any]) -> object:
    parameters = messages.to_parameters(data["parameters"])
    return messages.from_plan(asking.plan(target, Language(data["language"]), data["statement"], parameters))


_ANSWERS: dict[messages.Question, Callable[[Engine, Target, dict[str, Any]], object]] = {
    "introspect": lambda engine, target, _: messages.from_tables(engine.introspect(target)),
    "commit_status": lambda engine, target, data: engine.commit_status(target, data["transaction"]).value,
    "aftermath": lambda _, target, data: messages.from_aftermath(
        registry.maintenance(target.engine).aftermath(target, data["transaction"])
    ),
    "activity": lambda engine, target, data: messages.from_activity(
        engine.activity(target, data["backend"], data["name"])
    ),
    "word": _word,
    "plan": _plan,
    "structure": lambda engine, target, data: engine.structure(target, data["tables"]),
    "connection_limit": lambda engine, target, _: messages.from_limit(engine.connection_limit(target)),
    "examine": lambda engine, target, _: messages.from_examined(engine.examine(target)),
    "server_version": lambda engine, target, _: engine.server_version(target),
}


def _public(error: BaseException, *, sent: bool) -> ExecutionError:
    """What may be told of an error. One that is not ours says only its type: its words may hold a secret."""
    if isinstance(error, ExecutionError):
        return error
    if sent:
        return OutcomeUnknown("The helper failed while committing; the changes may or may not be there.")
    if isinstance(error, MemoryError):
        return TooLarge("One value or message is too large for the memory an execution may use; nothing was changed.")
    return Interrupted(f"The portal failed to run this request ({type(error).__name__}); nothing was changed.")


def _expire() -> None:
    for engine in registry.engines_in_use():
        engine.expire()


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(descriptor: int) -> None:
    """Serve the parent on an inherited socket."""
    _limit_memory()
    # Whoever was started in the background has its interrupts ignored, and so would we.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    link = _Link(Channel(socket.socket(fileno=descriptor)))
    threading.Thread(target=link.end_with_parent, daemon=True).start()
    registry.runner(Language.SQL, EngineKind.POSTGRESQL)  # the common case is ready before the first order
    try:
        serve(link)
    except Closed:
        os._exit(0)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


if __name__ == "__main__":
    main(int(sys.argv[1]))
