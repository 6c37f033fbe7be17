"""A script's session on MongoDB: each call is one command under the guards of the mongo language."""

from __future__ import annotations

import contextvars
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from bson.codec_options import DatetimeConversion
from bson.errors import BSONError
from bson.json_util import JSONMode, JSONOptions, loads

from executors.base import Access, Column, Control, ExecutionError, Job, Limits, Refused, RowEncoding, TooLarge
from executors.mongodb import raw
from executors.mongodb.engine import MongoDBEngine
from executors.mongodb.plan import Stream, plan
from executors.mongodb.reading.command import Call, Command
from executors.mongodb.runner import execute, in_transaction, require_allowed
from executors.mongodb.session import MongoSession
from executors.mongodb.show import canonical
from executors.mongodb.turns import Turns
from executors.registry import engine
from executors.script.database import MAX_CURSORS, MAX_REPLY_BYTES, Answer, Request, bounded, number_of, text_of

MAX_REPLY_DOCUMENTS = 100_000
# BSON of one batch of an iteration; as Extended JSON it grows to two or three times that.
_PIECE_BYTES = 1024 * 1024
_OPTIONS = JSONOptions(json_mode=JSONMode.CANONICAL, datetime_conversion=DatetimeConversion.DATETIME_MS, tz_aware=False)

_NUMBER = re.compile(r'\{"\$number(?:Int|Double)":"(-?[\d.e+-]+)"\}')

T = TypeVar("T")


def open_database(job: Job, control: Control) -> MongoDBScript:
    """A session for one script. Raises `ExecutionError`."""
    product = cast("MongoDBEngine", engine(job.target.engine))
    session = product.open(job)
    try:
        return MongoDBScript(session, job, control)
    except BaseException:
        session.close(clean=False)
        raise


class MongoDBScript:
    """The `ScriptDatabase` of MongoDB. The driver blocks, so each call runs beside the thread that watches it."""

    def __init__(self, session: MongoSession, job: Job, control: Control) -> None:
        self._session = session
        self._access = job.target.access
        self._limits = Limits(job.limits.seconds, MAX_REPLY_DOCUMENTS, MAX_REPLY_BYTES)
        self._control = control
        self._cursors: dict[int, _Cursor] = {}
        self._opened = 0
        self._affected: int | None = None
        self._counted = True
        self._failed = False
        self._announced = False
        control.started(session.backend)
        if self._access is Access.WRITE:
            self._aside(session.begin)

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
        """None: MongoDB reads no text as a date."""
        return {}

    def describe(self, operation: str, payload: dict[str, Any]) -> Request:
        """`run` and `open` carry a command; `fetch` and `close` name a cursor."""
        if operation in {"run", "open"}:
            name, method, args = (text_of(payload, part) for part in ("collection", "method", "args"))
            chain = "".join(f".{text_of(item, 'name')}({text_of(item, 'args')[1:-1]})" for item in _modifiers(payload))
            return Request(operation, payload, bounded(_readable(f"db.{name}.{method}({args[1:-1]}){chain}")), "[]")
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

    def commit(self) -> None:
        """Commit a write; for a read there is nothing to keep."""
        if self._access is Access.READ:
            return
        if self._failed and self._session.transactional:
            raise Refused(
                "A database call failed and the script went on; MongoDB had already given the transaction up, "
                "so nothing was changed."
            )
        if self._session.transactional:
            self._control.committing(self._session.transaction)
        self._aside(self._session.commit)

    def close(self, *, clean: bool) -> None:
        """Abort what is open."""
        for cursor in self._cursors.values():
            cursor.close()
        self._session.close(clean=clean)

    def _aside(self, work: Callable[[], T]) -> T:
        return Turns().run(work, self._control, self._session.cancel)

    # --- operations ---

    def _run(self, payload: dict[str, Any]) -> Answer:
        command = self._command(payload)
        gathered = _Gathered()
        ran = self._aside(lambda: execute(self._session, command, gathered, self._limits))
        if ran.truncated:
            raise TooLarge(
                f"One call returned more than {MAX_REPLY_DOCUMENTS:,} documents or {MAX_REPLY_BYTES // 2**20} MiB. "
                "Add a limit, or iterate: for await (const document of db.collection(…).find(…))."
            )
        if ran.affected is not None:
            self._affected = (self._affected or 0) + ran.affected
        return Answer({"documents": _extended(gathered.blocks)}, ran.rows if ran.affected is None else ran.affected)

    def _open(self, payload: dict[str, Any]) -> Answer:
        prepared = plan(self._command(payload))
        if not isinstance(prepared, Stream):
            raise Refused("Only find and aggregate can be iterated over.")
        if len(self._cursors) >= MAX_CURSORS:
            raise Refused(f"A script may iterate over {MAX_CURSORS} results at once.")
        seconds = prepared.milliseconds / 1000 if prepared.milliseconds else None
        self._opened += 1
        self._cursors[self._opened] = _Cursor(self._session.stream(prepared, seconds=seconds, most=prepared.limit))
        return Answer(self._opened, 0)

    def _fetch(self, payload: dict[str, Any]) -> Answer:
        block, count, more = self._aside(self._cursor(payload).next)
        return Answer({"documents": _extended([block]), "more": more}, count)

    def _close_cursor(self, payload: dict[str, Any]) -> Answer:
        self._aside(self._cursor(payload).close)
        del self._cursors[number_of(payload, "cursor")]
        return Answer(None, 0)

    def _cursor(self, payload: dict[str, Any]) -> _Cursor:
        number = number_of(payload, "cursor")
        if number not in self._cursors:
            raise Refused("A script used a cursor that is not open.")
        return self._cursors[number]

    def _command(self, payload: dict[str, Any]) -> Command:
        """The command a child asks for, allowed for this access. Raises `Refused`."""
        modifiers = tuple(Call(text_of(item, "name"), _values(text_of(item, "args"))) for item in _modifiers(payload))
        name = text_of(payload, "collection")
        if not name:
            raise Refused("A script works on collections only.")
        command = Command(name, text_of(payload, "method"), _values(text_of(payload, "args")), modifiers)
        require_allowed(command, self._access)
        prepared = plan(command)
        if prepared.writes and self._session.transactional and not in_transaction(prepared):
            raise Refused(f"{command.method} cannot be part of a transaction: submit it as a query of its own.")
        if prepared.writes and not self._session.transactional and not self._announced:
            # Without transactions the first write already lasts: the portal must know before it is sent.
            self._control.committing("")
            self._announced = True
        if prepared.writes and isinstance(prepared, Stream):
            self._counted = False
        return command


@dataclass(slots=True)
class _Gathered:
    """A sink that keeps what one call returned; its size is bounded by `execute`."""

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


def _values(text: str) -> tuple[Any, ...]:
    """The arguments of a call, from canonical Extended JSON."""
    try:
        values = loads(text, json_options=_OPTIONS)
    except (BSONError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise Refused("A script sent a value that MongoDB has no type for.") from error
    if not isinstance(values, list):
        raise Refused("A script sent arguments that are no list.")
    return tuple(values)


def _extended(blocks: Sequence[bytes]) -> str:
    """Documents as one JSON array of canonical Extended JSON."""
    return "[" + ",".join(canonical(document) for block in blocks for document in raw.documents(block)) + "]"
