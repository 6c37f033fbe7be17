"""V8's own word on the text of a script: a confined child parses it, and runs nothing of it.

The grammar that reviewers' findings are made with takes more than V8 does: names declared twice, `await` in a plain
function, a line end after `throw`. What V8 refuses is refused when it is written, where it stands.
"""

from __future__ import annotations

import re
import socket
import time

from executors.base import Finding, FindingCode, Severity, TimedOut
from executors.script.wire import Channel, ProtocolError

# What stands before the script in the text that V8 parses: `new AsyncFunction` has two lines, the bootstrap one more,
# and its directive at the start of the script's first.
_LINES_BEFORE = 3
_FIRST_COLUMN = len('"use strict";')
_MOST_MESSAGE = 300
_STACK = "Maximum call stack size exceeded"
# V8 stops at the word, or behind it where it takes it for a name.
_AWAIT_BEFORE, _AWAIT_HERE = re.compile(r"\bawait\s+\Z"), re.compile(r"await\b")


class Parser:
    """A confined child that parses one text after the other. Used by one thread at a time."""

    def __init__(self, connection: socket.socket) -> None:
        self._by = 0.0
        self._channel = Channel(connection, b"", self._watch)

    def parse(self, text: str, seconds: float) -> Finding | None:
        """What V8 refuses in `text`, None when it takes it. Raises `TimedOut`, `ChildEnded` and `ProtocolError`."""
        self._by = time.monotonic() + seconds
        self._channel.send({"parse": text})
        answer = self._channel.receive()
        message, line, column = (answer.get(name) for name in ("message", "line", "column"))
        if message is None:
            return None
        if not isinstance(message, str) or not isinstance(line, int) or not isinstance(column, int):
            raise ProtocolError("an answer without a place")
        return _finding(text, message, line, column)

    def close(self) -> None:
        """Let go of the child, which ends."""
        self._channel.close()

    def _watch(self) -> None:
        if time.monotonic() >= self._by:
            raise TimedOut("The script could not be parsed in time.")


def _finding(text: str, message: str, line: int, column: int) -> Finding:
    if message == _STACK:
        words = "The script is nested too deeply to be parsed."
        return Finding(FindingCode.TOO_DEEP, Severity.ERROR, words, hint="Write it with less nesting.")
    place = _place(text, line - _LINES_BEFORE, column)
    words, hint = f"Syntax error: {message[:_MOST_MESSAGE].rstrip('.')}.", ""
    if (column_of_await := _await_at(text, *place)) is not None:
        place = place[0], column_of_await
        words, hint = "await stands in a function that is not async.", "Write async before that function."
    return Finding(FindingCode.SYNTAX_ERROR, Severity.ERROR, words, *place, hint)


def _place(text: str, line: int, column: int) -> tuple[int, int]:
    """The place in the author's text, columns in characters: V8 counts halves of pairs, and may look past the end."""
    lines = text.split("\n")
    if not 1 <= line <= len(lines):
        line, column = (1, 1) if line < 1 else (len(lines), 2 * len(lines[-1]) + 1)
    elif line == 1:
        column -= _FIRST_COLUMN
    before = lines[line - 1].encode("utf-16-le")[: 2 * max(0, column - 1)]
    return line, len(before.decode("utf-16-le", "ignore")) + 1


def _await_at(text: str, line: int, column: int) -> int | None:
    """The column of an `await` at a place, or before it."""
    written = text.split("\n")[line - 1]
    if _AWAIT_HERE.match(written, column - 1):
        return column
    before = _AWAIT_BEFORE.search(written[: column - 1])
    return None if before is None else before.start() + 1
