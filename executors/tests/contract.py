"""What every engine promises, run against a live server through real helper processes.

An engine's test class inherits `EngineContract` and fills in `Dialect`: the statements of its language.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest

from executors import processes
from executors.base import (
    Access,
    Cancelled,
    EngineKind,
    ExecutionError,
    Job,
    Language,
    Limits,
    Outcome,
    ReadOutcome,
    Refused,
    StatementFailed,
    Target,
    TimedOut,
    TooLarge,
    Unreachable,
    WriteOutcome,
)
from executors.tests.recording import Recorder

# Far below what the slow statement takes, far above what stopping it does on a machine that is busy.
SOON = 15.0
LIMITS = Limits(seconds=10, rows=100_000, bytes=64 * 1024 * 1024)


@dataclass(frozen=True)
class Dialect:
    """The same few acts in the words of one language. `rows` returns the numbers 1…1000, one a row."""

    language: Language
    rows: str
    slow: str
    failing: str
    failing_at: tuple[str, str]
    count: str
    insert: str
    leave_residue: str
    find_residue: str
    no_residue: str


class EngineContract(ABC):
    """Tests that hold for every engine."""

    engine: EngineKind
    dialect: Dialect

    @pytest.fixture
    @abstractmethod
    def reading(self) -> Target:
        """A target with its read credential."""

    @pytest.fixture
    @abstractmethod
    def writing(self) -> Target:
        """The same target with its write credential."""

    @abstractmethod
    def unreachable(self, target: Target) -> Target:
        """The target at an address where nothing listens."""

    @abstractmethod
    def secrets(self, target: Target) -> list[str]:
        """Words no message may hold: host, user, password."""

    def run(
        self, target: Target, statement: str, recorder: Recorder | None = None, limits: Limits = LIMITS
    ) -> tuple[Outcome, Recorder]:
        """Run one statement in a helper."""
        recorder = recorder or Recorder()
        job = Job("contract", target, self.dialect.language, statement, limits)
        return processes.run(job, recorder, recorder), recorder

    def test_read_returns_every_row(self, reading: Target) -> None:
        outcome, seen = self.run(reading, self.dialect.rows)
        assert outcome == ReadOutcome(1000)
        assert len(seen.decoded) == seen.count == 1000

    def test_row_limit_truncates_and_says_so(self, reading: Target) -> None:
        outcome, seen = self.run(reading, self.dialect.rows, limits=replace(LIMITS, rows=10))
        assert outcome == ReadOutcome(10, "rows")
        assert len(seen.decoded) == 10

    def test_byte_limit_truncates_and_says_so(self, reading: Target) -> None:
        outcome, seen = self.run(reading, self.dialect.rows, limits=replace(LIMITS, bytes=500))
        assert isinstance(outcome, ReadOutcome)
        assert outcome.truncated == "bytes"
        assert sum(len(data) for data, _ in seen.blocks) <= 500

    def test_first_row_larger_than_the_result_may_be_is_a_failure(self, reading: Target) -> None:
        with pytest.raises(TooLarge, match="One row is more than the 1 bytes"):
            self.run(reading, self.dialect.rows, limits=replace(LIMITS, bytes=1))

    def test_time_limit_stops_the_statement(self, reading: Target) -> None:
        began = time.monotonic()
        with pytest.raises(TimedOut, match="time limit"):
            self.run(reading, self.dialect.slow, limits=replace(LIMITS, seconds=1))
        assert time.monotonic() - began < SOON

    def test_cancel_stops_the_statement(self, reading: Target) -> None:
        recorder = Recorder()
        threading.Timer(0.5, lambda: setattr(recorder, "stop", True)).start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            self.run(reading, self.dialect.slow, recorder)
        assert time.monotonic() - began < SOON

    def test_error_keeps_its_place(self, reading: Target) -> None:
        with pytest.raises(StatementFailed) as caught:
            self.run(reading, self.dialect.failing)
        assert (caught.value.detail["line"], caught.value.detail["column"]) == self.dialect.failing_at

    def test_read_cannot_write(self, reading: Target) -> None:
        _, before = self.run(reading, self.dialect.count)
        with pytest.raises(Refused):
            self.run(reading, self.dialect.insert)
        assert self.run(reading, self.dialect.count)[1].decoded == before.decoded

    def test_write_commits_once(self, reading: Target, writing: Target) -> None:
        _, before = self.run(reading, self.dialect.count)
        outcome, seen = self.run(writing, self.dialect.insert)
        assert isinstance(outcome, WriteOutcome)
        assert outcome.rows_affected == 1
        assert len(seen.transactions) == 1
        assert self.run(reading, self.dialect.count)[1].decoded != before.decoded

    def test_forbidden_commit_rolls_back(self, reading: Target, writing: Target) -> None:
        _, before = self.run(reading, self.dialect.count)
        with pytest.raises(PermissionError):
            self.run(writing, self.dialect.insert, Recorder(veto=True))
        assert self.run(reading, self.dialect.count)[1].decoded == before.decoded

    def test_backend_is_told_before_the_rows(self, reading: Target) -> None:
        _, seen = self.run(reading, self.dialect.rows)
        assert len(seen.backends) == 1

    def test_nothing_is_left_for_the_next_run(self, reading: Target) -> None:
        with suppress(ExecutionError):  # refusing to leave any is as good
            self.run(reading, self.dialect.leave_residue)
        _, seen = self.run(reading, self.dialect.find_residue)
        assert seen.decoded == [(self.dialect.no_residue,)]

    def test_unreachable_is_told_in_seconds_and_without_secrets(self, reading: Target) -> None:
        began = time.monotonic()
        with pytest.raises(Unreachable) as caught:
            self.run(self.unreachable(reading), self.dialect.rows)
        assert time.monotonic() - began < SOON
        assert reading.key in caught.value.public_message
        assert not [word for word in self.secrets(reading) if word in caught.value.public_message]

    def test_repr_of_a_target_shows_no_secret(self, reading: Target) -> None:
        assert not [word for word in self.secrets(reading) if word in repr(reading)]
        assert reading.access is Access.READ
