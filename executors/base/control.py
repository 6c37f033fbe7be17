"""What a running execution asks of the portal, and tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from executors.base.effects import Images


@dataclass(frozen=True, slots=True)
class Call:
    """One database call made by a script, as it really happened. `failure` is empty when it succeeded."""

    number: int
    statement: str
    parameters: str
    rows: int
    milliseconds: float
    failure: str = ""


class Control(Protocol):
    """What a running execution asks of, and tells, the portal. Called on the thread that called `run`."""

    def started(self, backend: str) -> None:
        """The session is open, nothing of the author's was sent yet; `backend` names it on the server (a pid)."""

    def committing(self, transaction: str) -> None:
        """COMMIT comes next, or a statement that no COMMIT holds back. Must be durable when it returns; an exception
        forbids it.

        `transaction` is what the engine can be asked about afterwards (`Engine.commit_status`; of maintenance
        `MaintenanceEngine.aftermath`), or "": a name for people, and after a space whatever the engine itself needs to
        tell this transaction from another one's.
        """

    def kept(self, images: Images) -> None:
        """Rows that an undo of this write needs, told before `committing`; void unless the write commits."""

    def cancelled(self) -> bool:
        """Whether somebody asked to stop; asked several times a second while waiting."""

    def progressed(self, done: int, total: int) -> None:
        """Of a text of several statements `done` have run. Told a few times a second at most, the last not always."""

    def called(self, call: Call) -> None:
        """A script made a database call."""

    def logged(self, level: str, text: str) -> None:
        """A script wrote to its console."""
