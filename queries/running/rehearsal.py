"""A rehearsal: the write is really run, looked at and rolled back, under short limits of its own."""

import time
from dataclasses import dataclass

from executors import processes
from executors.base import Call, Effect, ExecutionError, Images, Refused, Rehearsing, Structure, Unreachable
from queries import vault
from queries.models import QueryRequest

# Of the time a rehearsal may take, what is left for looking at what it did.
LOOKING_SECONDS = 5.0
NO_STRUCTURE = Structure((), "")


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came of a rehearsal: an effect, or the error it ended with."""

    duration_ms: float
    effect: Effect | None = None
    structure: Structure = NO_STRUCTURE
    error: ExecutionError | None = None


def rehearse(query: QueryRequest) -> Rehearsed:
    """Run a write and roll it back, whatever happens. Nothing of the portal's own is locked or written meanwhile."""
    target, started = query.target, time.monotonic()
    try:
        undoes = query.undoes_id is not None
        purpose = Rehearsing(target.rehearsal_rows, LOOKING_SECONDS, all_or_nothing=undoes, tables=tuple(query.tables))
        job = query.job(purpose, target.rehearsal_limits)
        outcome = processes.rehearse(job, _Unheard(), _Unheard())
    except vault.Unreadable as error:
        return Rehearsed(_since(started), error=Refused(f"{error} Nothing was sent."))
    except KeyError as error:
        message = f"The variable {error.args[0]} is not set; nothing was sent. Tell an admin."
        return Rehearsed(_since(started), error=Unreachable(message))
    except ExecutionError as error:
        return Rehearsed(_since(started), error=error)
    return Rehearsed(_since(started), outcome.effect, outcome.structure)


def _since(started: float) -> float:
    return (time.monotonic() - started) * 1000


class _Unheard:
    """Sink and control of a rehearsal: what it returns, logs and calls is nobody's, and it never commits."""

    def columns(self, columns: object, encoding: object) -> None:
        """Rows follow."""

    def all_columns(self, columns: object) -> None:
        """More columns than were known."""

    def rows(self, data: bytes, count: int) -> None:
        """Rows that nobody asked for."""

    def started(self, backend: str) -> None:
        """It runs."""

    def committing(self, transaction: str) -> None:  # noqa: ARG002 -- a control's signature
        """Forbid it: a write that lasts without a commit of its own (`$out`) is refused here, too."""
        raise Refused("It cannot be rehearsed: what it does cannot be rolled back.")

    def kept(self, images: Images) -> None:
        """Nothing is kept."""

    def cancelled(self) -> bool:
        """Its time limit is short."""
        return False

    def progressed(self, done: int, total: int) -> None:
        """Its time limit is short."""

    def called(self, call: Call) -> None:
        """A script's call."""

    def logged(self, level: str, text: str) -> None:
        """A script's line."""
