"""How far a text of several statements is, told while it runs, and which of them it was that failed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from executors.base import Control, ExecutionError
from executors.postgresql.reading.parse import Statement
from executors.text import position

# Nobody looks more often.
_TELL_SECONDS = 0.25
_SHOWN_CHARACTERS = 200


class Progress:
    """Of the statements of `text`, as they are run one after the other. A single one is told nothing of."""

    def __init__(self, text: str, statements: Sequence[Statement], control: Control) -> None:
        self._text = text
        self._total = len(statements)
        self._control = control
        self._done = 0
        self._tell_at = time.monotonic() + _TELL_SECONDS

    @contextmanager
    def running(self, item: Statement) -> Iterator[None]:
        """The next statement runs; what fails in it says which it was: `statement`, `statements`, `text`, `line`."""
        try:
            yield
        except ExecutionError as error:
            if self._total > 1:
                error.detail = {**self._named(item), **error.detail}
            raise
        self._done += 1
        if self._total > 1 and time.monotonic() >= self._tell_at:
            self._tell_at = time.monotonic() + _TELL_SECONDS
            self._control.progressed(self._done, self._total)

    def _named(self, item: Statement) -> dict[str, str]:
        line, column = position(self._text, item.begins)
        number = {"statement": str(self._done + 1), "statements": str(self._total)}
        return {**number, "text": _beginning(item.text.strip()), "line": str(line), "column": str(column)}


def _beginning(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
