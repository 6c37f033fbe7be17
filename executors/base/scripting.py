"""What scripts need of an engine: a session they can call, and a reader of the calls that stand in their text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from executors.base.asking import Asked
from executors.base.effects import Effect, Images
from executors.base.findings import Finding, Verified
from executors.base.outcomes import Refused
from executors.base.parameters import NamedParameter
from executors.base.statements import Access

# One reply to the child: larger ones would not fit beside the script in its memory.
MAX_REPLY_BYTES = 8 * 1024 * 1024
MAX_CURSORS = 8
_RECORDED = 20_000
_encode = json.JSONEncoder(ensure_ascii=False).encode
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Request:
    """A database call before it is run: its statement as it is recorded, its parameters as `bounded` takes them.

    They are written down once the script has its answer.
    """

    operation: str
    payload: dict[str, Any]
    statement: str
    parameters: object


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

    def structure(self, tables: Sequence[str]) -> str:
        """As `Session.structure`."""

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
    """An argument of a call as it stands in a script, at `line` and `column` (from 1).

    `source` is its JavaScript. `text` is the text it has whenever it runs and `elements` the length of an array; both
    are None when only the run can tell. `spread` marks `...more`: any number of arguments; `built` a text that is put
    together from pieces.
    """

    source: str
    line: int
    column: int
    text: str | None = None
    elements: int | None = None
    spread: bool = False
    built: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a chain: the property `.cars`, whose `arguments` are None, or the call `.find({…})`."""

    name: str
    line: int
    column: int
    arguments: tuple[Argument, ...] | None = None

    @property
    def called(self) -> bool:
        """Whether it is a call."""
        return self.arguments is not None


class Leads(Enum):
    """What a chain that begins at `db` leads to."""

    DATABASE = "what can still call the database: a collection, a method that is not called yet"
    ROWS = "rows that come when they are asked for; whoever has them can only read on"
    LAZY = "rows as well, and to await it is to have all of them as plain data"
    PROMISE = "an answer that must be awaited"
    VALUE = "plain data"
    NOTHING = "a name that does not exist"


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A chain that begins at `db` and ends with a call: `db.cars.find({})` has two steps.

    `line` and `column` are where it starts in the script, from 1.
    """

    steps: tuple[Step, ...]
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class DatabaseCall:
    """What the text of a call tells. `access` is None when only the run can tell what it needs.

    `verified` is what holds of this call; `read` says that nothing of it depends on the run but values.
    """

    kinds: tuple[str, ...]
    tables: tuple[str, ...]
    access: Access | None
    findings: tuple[Finding, ...] = ()
    verified: tuple[Verified, ...] = ()
    read: bool = True
    # What of the call a target can be asked about before it runs.
    asks: Asked | None = None


class CallReader(Protocol):
    """Knows what an engine's `db` has, and reads the calls of it."""

    def leads(self, steps: Sequence[Step]) -> Leads:
        """What a chain leads to; every shorter one led to DATABASE or ROWS."""

    def missing(self, steps: Sequence[Step]) -> tuple[str, str]:
        """A sentence and a hint for a chain that leads to NOTHING."""

    def read(self, call: WrittenCall, access: Access) -> DatabaseCall | None:
        """What `call` is in a script that asks for `access`; None for one that does not reach the database."""

    def refuses(self, parameter: NamedParameter) -> str:
        """Why the engine has no value for a parameter, in a sentence; "" where it has."""


def bounded(value: object) -> str:
    """A value as JSON text for the record, cut when it is very long."""
    text = value if isinstance(value, str) else _encode(value)
    return text if len(text) <= _RECORDED else f"{text[:_RECORDED]}… ({len(text):,} characters)"


def text_of(payload: dict[str, Any], name: str) -> str:
    """A text member of a payload. Raises `Refused`."""
    value = payload.get(name)
    if not isinstance(value, str):
        raise Refused(f"A script sent a call whose {name} is not text.")
    if not value.isascii() and _HALF.search(value):
        raise Refused(f"A script sent a call whose {name} holds half a character, which is no text.")
    return value


def number_of(payload: dict[str, Any], name: str) -> int:
    """A whole number of a payload. Raises `Refused`."""
    value = payload.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refused(f"A script sent a call whose {name} is not a number.")
    return value
