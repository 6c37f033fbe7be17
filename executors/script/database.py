"""What the script runner needs of an engine: one narrow seam, one implementation per product."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from executors.base import Refused

_HERE = Path(__file__).parent

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

    def commit(self) -> None:
        """Keep the changes: after `Control.committing` for write access, nothing for read. Raises `ExecutionError`."""

    def close(self, *, clean: bool) -> None:
        """Roll back what is open and end the session."""


def prelude(product: str) -> str:
    """The JavaScript that makes a script's `db` for one product."""
    return (_HERE.parent / product / "prelude.js").read_text("utf-8")


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
