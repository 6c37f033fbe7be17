"""What scripts need of an engine: a session they can call, and a reader of the calls that stand in their text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from executors.base.asking import Asked
from executors.base.effects import Effect, Images
from executors.base.findings import Finding
from executors.base.outcomes import Refused
from executors.base.statements import Access

# One reply to the child: larger ones would not fit beside the script in its memory.
MAX_REPLY_BYTES = 8 * 1024 * 1024
MAX_CURSORS = 8
_RECORDED = 20_000


@dataclass(frozen=True, slots=True)
class Request:
    """A database call as it is recorded: the statement and its parameters as text, before it is run."""

    operation: str
    payload: dict[str, Any]
    statement: str
    parameters: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the script (any JSON value), and how many rows the call returned or changed."""

    value: Any
    rows: int


class ScriptDatabase(Protocol):
    """The session of one execution, as a script sees it: one transaction, calls one after the other."""

    @property
    def rows_affected(self) -> int | None:
        """Rows changed so far by all calls; None when none changes any."""

    @property
    def affected_known(self) -> bool:
        """Whether `rows_affected` is all of it: False once a call changed rows that nobody counted."""

    @property
    def settings(self) -> Mapping[str, str]:
        """What the session holds that decides how text is read as a value, as in the outcomes."""

    def describe(self, operation: str, payload: dict[str, Any]) -> Request:
        """The call a child asks for, checked in shape only. Raises `Refused`."""

    def call(self, request: Request) -> Answer:
        """Run it under the guards of its language. Raises `ExecutionError`, which the script may catch."""

    def effect(self, sample: int, seconds: float) -> Effect:
        """What all calls together have changed (`Session.effect`). Raises where a failed call forbids to commit."""

    def images(self) -> Iterator[Images]:
        """Every row that `effect` found (`Session.images`)."""

    def commit(self) -> None:
        """Keep the changes: after `Control.committing` for write access, nothing for read. Raises `ExecutionError`."""

    def close(self, *, clean: bool) -> None:
        """Roll back what is open and end the session."""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a call as it stands in a script.

    `literal` is the value of a text that is written out and `elements` the length of an array that is; both are None
    when only the run can tell. `built` marks a text that is put together from pieces.
    """

    literal: str | None = None
    elements: int | None = None
    built: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a chain: `.find({…})`."""

    method: str
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A chain of calls that begins at `db`, up to one of them: `db.collection("a").find({})` has two steps.

    `line` and `column` are where it starts in the script, from 1.
    """

    steps: tuple[Step, ...]
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class DatabaseCall:
    """What the text of a call tells. `access` is None when only the run can tell what it needs."""

    kinds: tuple[str, ...]
    tables: tuple[str, ...]
    access: Access | None
    findings: tuple[Finding, ...] = ()
    # What of the call a target can be asked about before it runs.
    asks: Asked | None = None


class CallReader(Protocol):
    """Reads the calls of an engine's `db`."""

    def __call__(self, call: WrittenCall, access: Access) -> DatabaseCall | None:
        """What `call` is in a script that asks for `access`; None for a step that does not reach the database."""


def bounded(value: object) -> str:
    """A value as JSON text for the record, cut when it is very long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _RECORDED else f"{text[:_RECORDED]}… ({len(text):,} characters)"


def text_of(payload: dict[str, Any], name: str) -> str:
    """A text member of a payload. Raises `Refused`."""
    value = payload.get(name)
    if not isinstance(value, str):
        raise Refused(f"A script sent a call whose {name} is not text.")
    return value


def number_of(payload: dict[str, Any], name: str) -> int:
    """A whole number of a payload. Raises `Refused`."""
    value = payload.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refused(f"A script sent a call whose {name} is not a number.")
    return value
