"""The savepoints of a script, `db.attempt`: what failed inside of one is taken back, and the rest goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from psycopg import pq

from executors.base import Refused, StatementFailed
from executors.postgresql.effect.observer import Mark

# Each holds its own part of the server's memory, and nobody thinks in more levels.
MOST_LEVELS = 20


class Savepoints(Protocol):
    """What is needed of a session."""

    @property
    def transaction_status(self) -> pq.TransactionStatus:
        """Whether the transaction failed."""

    def set_savepoint(self, name: str) -> Mark | None:
        """Set a savepoint; what the transaction had changed by then."""

    def release_savepoint(self, name: str) -> None:
        """Keep what was done since."""

    def take_back(self, name: str, mark: Mark | None) -> None:
        """Undo what was done since."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One savepoint. `affected` and `opened`: the rows changed, and the last cursor opened, before it."""

    number: int
    affected: int | None
    opened: int
    mark: Mark | None

    @property
    def name(self) -> str:
        """What the server calls it."""
        return f"attempt_{self.number}"


@dataclass(slots=True)
class Attempts:
    """Those that are open, the innermost last."""

    session: Savepoints
    _open: list[Attempt] = field(default_factory=list)
    _begun: int = 0

    def begin(self, affected: int | None, opened: int) -> int:
        """Begin one inside of those that are open; its number."""
        if len(self._open) >= MOST_LEVELS:
            raise Refused(f"At most {MOST_LEVELS} attempts may stand inside of each other.")
        self._begun += 1
        mark = self.session.set_savepoint(f"attempt_{self._begun}")
        self._open.append(Attempt(self._begun, affected, opened, mark))
        return self._begun

    def keep(self, number: int) -> None:
        """End the innermost and keep what it did. Raises `StatementFailed` where one of its calls failed."""
        if not self._open or self._open[-1].number != number:
            raise Refused("Attempts overlap: await each db.attempt before the next one begins.")
        if self.session.transaction_status == pq.TransactionStatus.INERROR:
            raise StatementFailed(
                "A database call failed in this attempt and was caught inside of it, so all of the attempt is taken "
                "back. Catch the error around db.attempt instead."
            )
        self.session.release_savepoint(self._open.pop().name)

    def take_back(self, number: int) -> Attempt | None:
        """End one, and those inside of it, and take back what they did. None where that was done already."""
        place = next((at for at, attempt in enumerate(self._open) if attempt.number == number), None)
        if place is None:
            return None
        attempt = self._open[place]
        self.session.take_back(attempt.name, attempt.mark)
        del self._open[place:]
        return attempt
