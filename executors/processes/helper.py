"""The web worker's end of one helper process."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from executors.base import (
    Access,
    Cancelled,
    Control,
    End,
    ExecutionError,
    Interrupted,
    Job,
    OutcomeUnknown,
    RowEncoding,
    RowSink,
    Target,
    TimedOut,
    TooLarge,
    Unreachable,
)
from executors.processes import messages
from executors.processes.frames import OUT_OF_MEMORY, Channel, Closed, Frame, read_json, split_rows_frame
from executors.processes.process import Process

# The module a helper process runs.
WORKER = "executors.processes.worker"

_TICK_SECONDS = 0.5
# Several addresses, each with its own connection timeout, and the wait for a helper just started.
_OPEN_SECONDS = 30.0
_KILL_AFTER_SECONDS = 2.0
_CANCEL_SECONDS = 4.0
_COMMIT_SECONDS = 15.0
# Once maintenance has ended, or was told to, the helper asks the catalogue what is there.
_AFTERMATH_SECONDS = 20.0
_ASK_SECONDS = 45.0
_PERHAPS = "The changes may or may not be there."


class _Abandon(Exception):
    def __init__(self, error: ExecutionError) -> None:
        self.error = error


class Helper(Process):
    """One helper process. Used by one thread at a time."""

    def __init__(self) -> None:
        super().__init__(WORKER)
        self.served: set[Target] = set()
        self.idle_since = time.monotonic()

    def run(self, job: Job, sink: RowSink, control: Control, child: int | None = None) -> End:
        """Run `job` in the helper; sink and control are called on this thread. `child` is the channel of a script's."""
        self.served.add(job.target)
        if child is not None:
            self._hand_over(child)
        return _Conversation(self.channel, self.process, job, sink, control).hold(self)

    def _hand_over(self, child: int) -> None:
        """Give the helper the channel of a confined child. Raises `Interrupted` when the helper is gone."""
        try:
            self.channel.socket.settimeout(None)
            self.channel.send_descriptor(Frame.CHILD, child)
        except Closed:
            self.kill()
            raise Interrupted("The helper that was to run this request ended early; nothing was changed.") from None

    def ask(self, question: messages.Question, target: Target, seconds: float = _ASK_SECONDS, **more: object) -> Any:
        """Put a question to the target's engine. Raises `ExecutionError`; a helper that does not answer is killed."""
        self.served.add(target)
        try:
            self.channel.send_json(Frame.ASK, {"question": question, "target": messages.from_target(target), **more})
            return self._answer(target, time.monotonic() + seconds)
        except Closed:
            self.kill()
            raise Unreachable(f"The helper that asked the target {target.key} ended early.") from None

    def _answer(self, target: Target, by: float) -> Any:
        while (left := by - time.monotonic()) > 0:
            self.channel.socket.settimeout(min(left, _TICK_SECONDS))
            with suppress(TimeoutError):
                kind, payload = self.channel.receive()
                if kind is Frame.ANSWER:
                    return read_json(payload)["answer"]
                if kind is Frame.FAILURE:
                    raise messages.to_error(read_json(payload))
        self.kill()
        message = f"The target {target.key} did not answer in time."
        raise TimedOut(message)


class _Conversation:
    """What is said between RUN and its end."""

    def __init__(
        self, channel: Channel, process: subprocess.Popen[bytes], job: Job, sink: RowSink, control: Control
    ) -> None:
        self._channel = channel
        self._process = process
        self._job = job
        self._sink = sink
        self._control = control
        self._deadline = time.monotonic() + _OPEN_SECONDS
        self._maintains = job.target.access is Access.MAINTENANCE
        self._committing = False
        self._cancel_sent = False
        self._next_question = time.monotonic() + _TICK_SECONDS
        self._began = False
        self._end: End | ExecutionError | None = None
        self._handlers: Mapping[Frame, Callable[[bytes], None]] = {
            Frame.READY: lambda _: None,
            Frame.ROWS: self._rows,
            Frame.COLUMNS: self._columns,
            Frame.ALL_COLUMNS: self._all_columns,
            Frame.STARTED: self._started,
            Frame.COMMITTING: self._commit,
            Frame.CALLED: self._called,
            Frame.LOGGED: self._logged,
            Frame.PROGRESSED: lambda payload: control.progressed(**read_json(payload)),
            Frame.KEPT: lambda payload: control.kept(messages.to_images(read_json(payload))),
            Frame.OUTCOME: self._outcome,
            Frame.FAILURE: self._failure,
        }

    def hold(self, helper: Helper) -> End:
        """Send the job and serve the helper until it ends. A helper whose state is in doubt is killed."""
        try:
            self._channel.socket.settimeout(None)
            self._channel.send_json(Frame.RUN, messages.from_job(self._job))
            self._channel.socket.settimeout(_TICK_SECONDS)
            while self._end is None:
                self._step()
        except Closed:
            helper.kill()
            raise self._died() from None
        except _Abandon as stop:
            helper.kill()
            raise stop.error from None
        except BaseException:
            helper.kill()
            raise
        if isinstance(self._end, ExecutionError):
            # After these it may be about to end by itself: nobody else is to be given it.
            if isinstance(self._end, TooLarge | Interrupted | OutcomeUnknown):
                helper.kill()
            raise self._end
        return self._end

    def _step(self) -> None:
        try:
            kind, payload = self._channel.receive()
        except TimeoutError:
            self._watch()
            self._ask()
            return
        before = time.monotonic()
        self._handlers[kind](payload)
        # Time spent storing rows or recording the commit is ours, not the helper's.
        self._deadline += time.monotonic() - before
        if self._end is None:
            self._watch()
            # A run that never falls silent can be stopped too.
            if time.monotonic() >= self._next_question:
                self._ask()

    def _ask(self) -> None:
        """Whether somebody asked to stop; the helper is told once."""
        self._next_question = time.monotonic() + _TICK_SECONDS
        if not self._cancel_sent and self._control.cancelled():
            self._cancel_sent = True
            self._channel.send(Frame.CANCEL)
            if self._maintains:
                self._deadline = min(self._deadline, time.monotonic() + _CANCEL_SECONDS + _AFTERMATH_SECONDS)
            elif not self._committing:
                self._deadline = min(self._deadline, time.monotonic() + _CANCEL_SECONDS)

    def _watch(self) -> None:
        if time.monotonic() >= self._deadline:
            raise _Abandon(self._late())

    def _late(self) -> ExecutionError:
        if self._committing:
            return OutcomeUnknown(f"{self._sent} was sent, and no answer came in time. {_PERHAPS}")
        if self._cancel_sent:
            return Cancelled("The request was cancelled and stopped.")
        if not self._began:
            return Unreachable(f"The target {self._job.target.key} did not answer in time; nothing was sent.")
        seconds = self._job.limits.seconds
        return TimedOut(f"The request did not end within its time limit of {seconds:g} s and was stopped.")

    def _died(self) -> ExecutionError:
        if self._committing:
            when = "the statement ran" if self._maintains else "committing"
            return OutcomeUnknown(f"The helper ended while {when}. {_PERHAPS}")
        if self._cancel_sent:
            return Cancelled("The request was cancelled and stopped.")
        if self._process.returncode == OUT_OF_MEMORY:
            return TooLarge("The request needed more memory than an execution may use; nothing was changed.")
        return Interrupted("The helper that ran this request ended early; nothing was changed.")

    @property
    def _sent(self) -> str:
        """What cannot be taken back once it was sent."""
        return "The statement" if self._maintains else "COMMIT"

    def _rows(self, payload: bytes) -> None:
        self._sink.rows(*split_rows_frame(payload))

    def _columns(self, payload: bytes) -> None:
        data = read_json(payload)
        self._sink.columns(messages.to_columns(data["columns"]), RowEncoding(data["encoding"]))

    def _all_columns(self, payload: bytes) -> None:
        self._sink.all_columns(messages.to_columns(read_json(payload)["columns"]))

    def _started(self, payload: bytes) -> None:
        self._began = True
        self._deadline = time.monotonic() + self._job.limits.seconds + _KILL_AFTER_SECONDS
        self._control.started(str(read_json(payload)["backend"]))

    def _commit(self, payload: bytes) -> None:
        try:
            self._control.committing(str(read_json(payload)["transaction"]))
        except BaseException:
            self._forbid()
            raise
        self._committing = True
        if self._maintains:
            self._deadline += _AFTERMATH_SECONDS
        else:
            self._deadline = time.monotonic() + _COMMIT_SECONDS
        self._channel.send(Frame.GO_AHEAD)

    def _forbid(self) -> None:
        """Have the helper roll back, and see that it did, before the veto goes on to the caller."""
        with suppress(Closed, TimeoutError):
            self._channel.socket.settimeout(_KILL_AFTER_SECONDS)
            self._channel.send(Frame.FORBIDDEN)
            self._channel.receive()

    def _called(self, payload: bytes) -> None:
        for call in messages.to_calls(read_json(payload)):
            self._control.called(call)

    def _logged(self, payload: bytes) -> None:
        data = read_json(payload)
        self._control.logged(str(data["level"]), str(data["text"]))

    def _outcome(self, payload: bytes) -> None:
        self._end = messages.to_outcome(read_json(payload))

    def _failure(self, payload: bytes) -> None:
        self._end = messages.to_error(read_json(payload))
