"""The end of a write that ran: its effect is held to its bound, kept for an undo and committed; or only told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from executors.base import (
    Control,
    Effect,
    ExecutionError,
    Images,
    Refused,
    RehearsalOutcome,
    Rehearsing,
    RowBound,
    Running,
    StatementResult,
    Structure,
)

_NAMED = 5


class Concluding(Protocol):
    """What is needed of a session to conclude a write."""

    def effect(self, sample: int, seconds: float) -> Effect:
        """What this open transaction has changed so far, by whatever means."""

    def structure(self, tables: Sequence[str]) -> str:
        """How tables are built, as a digest."""

    def images(self) -> Iterator[Images]:
        """The rows that the last `effect` found."""

    def commit(self) -> None:
        """Keep the changes, after `Control.committing` allowed it."""


def rehearsed(
    purpose: Rehearsing, session: Concluding, statements: tuple[StatementResult, ...] = ()
) -> RehearsalOutcome:
    """What the write that ran on `session` changed, to be rolled back. Raises `ExecutionError`."""
    effect = session.effect(purpose.sample, purpose.seconds)
    tables = tuple(sorted({*purpose.tables, *(table.table for table in effect.tables)}))
    try:
        digest = session.structure(tables)
    except ExecutionError:
        # What was seen is worth telling without it: that it is not known is told as well.
        digest = ""
    return RehearsalOutcome(effect, Structure(tables, digest), statements)


def conclude(purpose: Running, session: Concluding, control: Control) -> Effect:
    """The effect of the write that ran on `session`, which is committed. Raises `ExecutionError`."""
    effect = session.effect(0, purpose.seconds)
    if purpose.bound is not None:
        hold(effect, purpose.bound)
    if purpose.keep is not None and effect.reversible:
        for images in session.images():
            control.kept(images)
    session.commit()
    return effect


def hold(effect: Effect, bound: int) -> None:
    """Raise `RowBound` for an effect of more rows than `bound`, `Refused` for one that cannot be counted."""
    if effect.total > bound:
        message = (
            f"It would have changed {effect.total:,} rows ({_tables(effect)}), and was approved for at most {bound:,}. "
            "Everything was rolled back. Ask again with a higher expected number, or change fewer rows."
        )
        raise RowBound(message, detail={"changed": str(effect.total), "bound": str(bound)})
    if not effect.counted:
        message = (
            f"How many rows it changed cannot be counted ({_uncounted(effect)}), so it cannot be held to the "
            f"{bound:,} rows it was approved for. Everything was rolled back."
        )
        raise Refused(message)


def _tables(effect: Effect) -> str:
    most = sorted(effect.tables, key=lambda table: -table.total)
    named = ", ".join(f"{table.table}: {table.total:,}" for table in most[:_NAMED])
    return f"{named} …" if len(most) > _NAMED else named


def _uncounted(effect: Effect) -> str:
    names = [table.table for table in effect.tables if table.gap == "not_told"]
    return ", ".join(names) or "the server was told not to count"
