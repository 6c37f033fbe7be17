"""A script's session on MongoDB: each call is one command under the guards of the mongo language."""

from __future__ import annotations

import contextvars
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from executors.base import (
    MAX_CURSORS,
    MAX_REPLY_BYTES,
    Access,
    Answer,
    Column,
    Effect,
    ExecutionError,
    Images,
    Refused,
    Request,
    RowEncoding,
    TooLarge,
)
from executors.base.scripting import bounded, number_of, text_of
from executors.budget import Budget
from executors.mongodb import raw
from executors.mongodb.reading.command import Call, Command
from executors.mongodb.runner import in_transaction
from executors.mongodb.sent import Plan, Stream
from executors.mongodb.session import MongoDBSession
from executors.mongodb.values import values_of, written

MAX_REPLY_DOCUMENTS = 100_000
# BSON of one batch of an iteration; as Extended JSON it grows to two or three times that.
_PIECE_BYTES = 1024 * 1024

_NUMBER = re.compile(r'\{"\$number(?:Int|Double)":"(-?[\d.e+-]+)"\}')


class MongoDBScript:
    """The `ScriptDatabase` of MongoDB."""

    def __init__(self, session: MongoDBSession) -> None:
        self._session = session
        self._cursors: dict[int, _Cursor] = {}
        self._opened = 0
        self._affected: int | None = None
        self._counted = True
        self._failed = False
        if session.target.access is Access.WRITE:
            session.begin()

    @property
    def rows_affected(self) -> int | None:
        """Documents changed so far; None when no write ran."""
        return self._affected

    @property
    def affected_known(self) -> bool:
        """Whether every write so far said how many documents it changed."""
        return self._counted

    @property
    def settings(self) -> Mapping[str, str]:
        """As the session's."""
        return self._session.settings

    def describe(self, operation: str, payload: dict[str, Any]) -> Request:
        """`run` and `open` carry a command; `fetch` and `close` name a cursor."""
        if operation in {"run", "open"}:
            name, method, args = (text_of(payload, part) for part in ("collection", "method", "args"))
            chain = "".join(f".{text_of(item, 'name')}({text_of(item, 'args')[1:-1]})" for item in _modifiers(payload))
            called = ".".join(filter(None, ("db", name, method)))
            return Request(operation, payload, bounded(_readable(f"{called}({args[1:-1]}){chain}")), "[]")
        if operation in {"fetch", "close"}:
            return Request(operation, payload, f"{operation} cursor {number_of(payload, 'cursor')}", "[]")
        raise Refused("A script asked for an operation that does not exist.")

    def call(self, request: Request) -> Answer:
        """Run one call. In a transaction a failed write gives the transaction up."""
        run: dict[str, Callable[[dict[str, Any]], Answer]] = {
            "run": self._run,
            "open": self._open,
            "fetch": self._fetch,
            "close": self._close_cursor,
        }
        try:
            return run[request.operation](request.payload)
        except Refused:
            raise
        except ExecutionError:
            self._failed = True
            raise

    def effect(self, sample: int, seconds: float) -> Effect:
        """What all calls together have changed. Raises `Refused` after a failed call that was caught."""
        self._require_whole()
        return self._session.effect(sample, seconds)

    def structure(self, tables: Sequence[str]) -> str:
        """How tables are built."""
        return self._session.structure(tables)

    def images(self) -> Iterator[Images]:
        """Every document that `effect` found."""
        return self._session.images()

    def commit(self) -> None:
        """Commit a write; for a read there is nothing to keep."""
        if self._session.target.access is Access.WRITE:
            self._require_whole()
            self._session.commit()

    def _require_whole(self) -> None:
        if self._failed and self._session.transactional:
            raise Refused(
                "A database call failed and the script went on; MongoDB had already given the transaction up, "
                "so nothing was changed."
            )

    def close(self, *, clean: bool) -> None:
        """Abort what is open."""
        for cursor in self._cursors.values():
            cursor.close()
        self._session.close(clean=clean)

    # --- operations ---

    def _run(self, payload: dict[str, Any]) -> Answer:
        command, prepared = self._command(payload)
        gathered = _Gathered()
        ran = self._session.run_command(command, prepared, gathered, Budget(MAX_REPLY_DOCUMENTS, MAX_REPLY_BYTES))
        if ran.truncated:
            raise TooLarge(
                f"One call returned more than {MAX_REPLY_DOCUMENTS:,} documents or {MAX_REPLY_BYTES // 2**20} MiB. "
                "Add a limit, or iterate: for await (const document of db.collection(…).find(…))."
            )
        if ran.rows_affected is not None:
            self._affected = (self._affected or 0) + ran.rows_affected
        count = ran.row_count if ran.rows_affected is None else ran.rows_affected
        return Answer({"documents": written(gathered.blocks)}, count)

    def _open(self, payload: dict[str, Any]) -> Answer:
        _, prepared = self._command(payload)
        if not isinstance(prepared, Stream):
            raise Refused("Only find and aggregate can be iterated over.")
        if len(self._cursors) >= MAX_CURSORS:
            raise Refused(f"A script may iterate over {MAX_CURSORS} results at once.")
        self._opened += 1
        self._cursors[self._opened] = _Cursor(self._session.iterate(prepared))
        return Answer(self._opened, 0)

    def _fetch(self, payload: dict[str, Any]) -> Answer:
        block, count, more = self._session.aside(self._cursor(payload).next)
        return Answer({"documents": written([block]), "more": more}, count)

    def _close_cursor(self, payload: dict[str, Any]) -> Answer:
        self._session.aside(self._cursor(payload).close)
        del self._cursors[number_of(payload, "cursor")]
        return Answer(None, 0)

    def _cursor(self, payload: dict[str, Any]) -> _Cursor:
        number = number_of(payload, "cursor")
        if number not in self._cursors:
            raise Refused("A script used a cursor that is not open.")
        return self._cursors[number]

    def _command(self, payload: dict[str, Any]) -> tuple[Command, Plan]:
        """The command a child asks for, allowed for this access. Raises `Refused`."""
        modifiers = tuple(Call(text_of(item, "name"), values_of(text_of(item, "args"))) for item in _modifiers(payload))
        name = text_of(payload, "collection")
        if not name and text_of(payload, "method") != "getCollectionNames":
            raise Refused("A script works on collections only.")
        command = Command(name, text_of(payload, "method"), values_of(text_of(payload, "args")), modifiers)
        prepared = self._session.check(command)
        if prepared.writes and self._session.transactional and not in_transaction(prepared):
            raise Refused(f"{command.method} cannot be part of a transaction: submit it as a query of its own.")
        if prepared.writes and isinstance(prepared, Stream):
            self._counted = False
        return command, prepared


@dataclass(slots=True)
class _Gathered:
    """A sink that keeps what one call returned; the budget of the call bounds it."""

    blocks: list[bytes] = field(default_factory=list)

    def columns(self, columns: Sequence[Column], encoding: RowEncoding) -> None:
        """A script sees documents, not columns."""

    def all_columns(self, columns: Sequence[Column]) -> None:
        """Nor at the end."""

    def rows(self, data: bytes, count: int) -> None:  # noqa: ARG002 - the shape of a sink
        """Keep a block."""
        self.blocks.append(data)


class _Cursor:
    """An iteration under way. Its generator keeps its own context: the driver's time limit lives in one."""

    def __init__(self, batches: Iterator[bytes]) -> None:
        self._batches = batches
        self._context = contextvars.copy_context()
        self._pieces: deque[tuple[bytes, int]] = deque()

    def next(self) -> tuple[bytes, int, bool]:
        """Some documents, how many, and whether there may be more."""
        while not self._pieces:
            batch = self._context.run(lambda: next(self._batches, None))
            if batch is None:
                return b"", 0, False
            self._pieces.extend(raw.blocks(batch, _PIECE_BYTES))
        return (*self._pieces.popleft(), True)

    def close(self) -> None:
        """Close the server's cursor."""
        self._context.run(self._batches.close)  # type: ignore[attr-defined]


def _modifiers(payload: dict[str, Any]) -> list[dict[str, Any]]:
    found = payload.get("modifiers")
    if not isinstance(found, list) or len(found) > 20 or not all(isinstance(item, dict) for item in found):  # noqa: PLR2004
        raise Refused("A script sent a chain of calls that is none.")
    return found


def _readable(text: str) -> str:
    """A recorded call with its plain numbers as numbers; inside a string the quotes would be escaped."""
    return _NUMBER.sub(r"\1", text)
