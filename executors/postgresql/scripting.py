"""A script's session on PostgreSQL: each call is one statement over the extended protocol, checked like any other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

from psycopg import postgres, pq
from psycopg.pq.abc import PGconn, PGresult

from executors.base import (
    MAX_CURSORS,
    MAX_REPLY_BYTES,
    Access,
    Answer,
    Effect,
    Images,
    Refused,
    Request,
    StatementFailed,
    TooLarge,
)
from executors.base.scripting import bounded, number_of, text_of
from executors.budget import Budget
from executors.postgresql.attempts import Attempts
from executors.postgresql.errors import NOWHERE, Place
from executors.postgresql.reading.facts import Facts
from executors.postgresql.reading.parse import Statement
from executors.postgresql.session import PostgreSQLSession
from executors.postgresql.streams import affected_rows, bind

MAX_REPLY_ROWS = 100_000
# One answer to an iteration holds so much, whatever the width of its rows; a first look tells how wide they are.
_FETCH_ROWS = 500
_FETCH_BYTES = 1024 * 1024
_FIRST_FETCH = 50
_GROWTH = 4
# What one FETCH may bring of rows that turn out wider than those before.
_AHEAD_BYTES = 32 * 1024 * 1024
_KNOWN_STATEMENTS = 500
_DECLARE = "DECLARE script_{} NO SCROLL CURSOR FOR "

# How the prelude turns a column's text into a JavaScript value; any other type stays text, so that nothing is lost, and
# so does an instant unless the call asks for dates.
_KINDS = {16: "boolean", 20: "integer", 21: "number", 23: "number", 26: "number", 700: "number", 701: "number"}
_KINDS[1184] = "instant"
_JSON = frozenset({114, 3802})
_KINDS |= dict.fromkeys(_JSON, "json")

# Statements with a plan worth keeping; any other may be one that changes tables.
_PLANNED = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
_PREPARED_FROM = 3
_OF_ATTEMPTS = {"keep": "RELEASE", "take_back": "ROLLBACK TO"}

Row = list[str | None]
# Text, null, or an array in the two ways it may be meant: `array` where the statement takes one, `json` where it takes
# JSON.
Value: TypeAlias = str | dict[str, str | None] | None


class PostgreSQLScript:
    """The `ScriptDatabase` of PostgreSQL."""

    def __init__(self, session: PostgreSQLSession) -> None:
        self._session = session
        self._checked: dict[tuple[str, int], tuple[Statement, Facts]] = {}
        self._cursors: dict[int, _Iteration] = {}
        self._types: dict[tuple[str, int], tuple[int, ...]] = {}
        self._opened = 0
        self._uses: dict[tuple[str, int], int] = {}
        self._names: dict[tuple[str, int], bytes] = {}
        self._statements = 0
        self._affected: int | None = None
        self._attempts = Attempts(session)
        self._operations: dict[str, Callable[[dict[str, Any]], Answer]] = {
            "query": self._query,
            "open": self._open,
            "fetch": self._fetch,
            "close": self._close_cursor,
            "attempt": self._attempt,
            "keep": self._keep,
            "take_back": self._take_back,
        }

    @property
    def rows_affected(self) -> int | None:
        """Rows inserted, updated, deleted or merged so far; None when no such statement ran."""
        return self._affected

    @property
    def affected_known(self) -> bool:
        """PostgreSQL counts every row."""
        return True

    @property
    def settings(self) -> Mapping[str, str]:
        """What the database has set for how text is read as a value."""
        return self._session.settings

    def describe(self, operation: str, payload: dict[str, Any]) -> Request:
        """`query` and `open` carry a statement; the others name a cursor, or an attempt."""
        if operation in {"query", "open"}:
            parameters = payload.get("parameters")
            if not isinstance(parameters, list) or not all(map(_is_value, parameters)):
                raise Refused("A script sent parameters that are neither text nor null.")
            recorded = [item["array"] if isinstance(item, dict) else item for item in parameters]
            return Request(operation, payload, bounded(text_of(payload, "text")), recorded)
        if operation in {"fetch", "close"}:
            return Request(operation, payload, f"{operation.upper()} script_{number_of(payload, 'cursor')}", "[]")
        if operation == "attempt":
            return Request(operation, payload, "SAVEPOINT attempt", "[]")
        if operation in _OF_ATTEMPTS:
            return Request(
                operation, payload, f"{_OF_ATTEMPTS[operation]} attempt_{number_of(payload, 'attempt')}", "[]"
            )
        raise Refused("A script asked for an operation that does not exist.")

    def call(self, request: Request) -> Answer:
        """Run one call. A failed statement aborts the transaction: everything after it fails too."""
        return self._operations[request.operation](request.payload)

    def commit(self) -> None:
        """Commit a write; for a read there is nothing to keep. A failed call that was caught forbids it."""
        if self._session.target.access is Access.WRITE:
            self._require_whole()
            self._session.commit()

    def effect(self, sample: int, seconds: float) -> Effect:
        """What all calls together have changed. Raises `StatementFailed` after a failed call that was caught."""
        self._require_whole()
        return self._session.effect(sample, seconds)

    def structure(self, tables: Sequence[str]) -> str:
        """How tables are built."""
        return self._session.structure(tables)

    def images(self) -> Iterator[Images]:
        """Every row that `effect` found."""
        return self._session.images()

    def _require_whole(self) -> None:
        if self._session.transaction_status == pq.TransactionStatus.INERROR:
            raise StatementFailed(
                "A database call failed and the script went on; PostgreSQL had already given the transaction up, "
                "so nothing was changed."
            )

    def close(self, *, clean: bool) -> None:
        """Roll back, and keep the connection only after a clean read."""
        self._session.close(clean=clean)

    # --- attempts ---

    def _attempt(self, payload: dict[str, Any]) -> Answer:  # noqa: ARG002 - operations are called alike
        return Answer(self._attempts.begin(self._affected, self._opened), 0)

    def _keep(self, payload: dict[str, Any]) -> Answer:
        self._attempts.keep(number_of(payload, "attempt"))
        return Answer(None, 0)

    def _take_back(self, payload: dict[str, Any]) -> Answer:
        """The cursors opened since are gone as well."""
        attempt = self._attempts.take_back(number_of(payload, "attempt"))
        if attempt is not None:
            self._affected = attempt.affected
            self._cursors = {number: it for number, it in self._cursors.items() if number <= attempt.opened}
        return Answer(None, 0)

    # --- statements ---

    def _query(self, payload: dict[str, Any]) -> Answer:
        text, given = payload["text"], payload["parameters"]
        item = self._check(text, len(given))
        values = self._bind(item, text, given)
        collected = _Collected()
        last = self._run(self._sender(item, text, values), collected, Place(text, item.offset))
        affected = affected_rows(last)
        self._session.note(item, affected)
        if affected is not None:
            self._affected = (self._affected or 0) + affected
        count = len(collected.rows) if affected is None else affected
        return Answer({"columns": collected.columns, "rows": collected.rows, "rowCount": count}, count)

    def _sender(self, item: Statement, text: str, values: list[bytes | None]) -> Callable[[PGconn], None]:
        """Sends the statement, or from its third use its name on the server, which need not plan it again."""
        name = self._planned(item, text, len(values))
        if name:
            return lambda pgconn: pgconn.send_query_prepared(name, values or None)
        return _plain(item.text.encode(), values)

    def _planned(self, item: Statement, text: str, parameters: int) -> bytes:
        """The name of a statement the server has planned, "" for one it has not."""
        if item.type not in _PLANNED:
            # It may change what the prepared ones mean.
            self._uses.clear()
            return b""
        key = (text, parameters)
        self._uses[key] = uses = self._uses.get(key, 0) + 1
        if uses < _PREPARED_FROM or len(self._uses) > _KNOWN_STATEMENTS:
            return b""
        if uses == _PREPARED_FROM:
            self._statements += 1
            name = f"script_{self._statements}".encode()
            self._session.prepare(name, item, Place(text, item.offset))
            self._names[key] = name
        return self._names[key]

    def _open(self, payload: dict[str, Any]) -> Answer:
        text, given = payload["text"], payload["parameters"]
        item = self._check(text, len(given))
        if item.type != "SelectStmt":
            raise Refused("db.iterate takes a SELECT; use db.query for anything else.")
        if len(self._cursors) >= MAX_CURSORS:
            raise Refused(f"A script may iterate over {MAX_CURSORS} results at once.")
        self._opened += 1
        values = self._bind(item, text, given)
        prefix = _DECLARE.format(self._opened)
        sql = (prefix + item.text).encode()
        self._run(_plain(sql, values), _Collected(), Place(text, item.offset, len(prefix)))
        self._cursors[self._opened] = _Iteration()
        return Answer(self._opened, 0)

    def _fetch(self, payload: dict[str, Any]) -> Answer:
        number = self._cursor(payload)
        iteration = self._cursors[number]
        if not iteration.rows and not iteration.done:
            collected = _Collected(_AHEAD_BYTES)
            self._run(_plain(f"FETCH {iteration.wanted} FROM script_{number}".encode()), collected)
            iteration.take(collected)
        rows = iteration.next()
        more = bool(iteration.rows) or not iteration.done
        return Answer({"columns": iteration.columns, "rows": rows, "more": more}, len(rows))

    def _close_cursor(self, payload: dict[str, Any]) -> Answer:
        number = self._cursor(payload)
        del self._cursors[number]
        if self._session.transaction_status == pq.TransactionStatus.INTRANS:
            self._run(_plain(f"CLOSE script_{number}".encode()), _Collected())
        return Answer(None, 0)

    def _cursor(self, payload: dict[str, Any]) -> int:
        number = number_of(payload, "cursor")
        if number not in self._cursors:
            raise Refused("A script used an iterator that is not open.")
        return number

    def _run(self, send: Callable[[PGconn], None], collected: _Collected, place: Place = NOWHERE) -> PGresult | None:
        """Send one statement and gather its rows; the last result tells what it changed."""
        last = None
        for result in self._session.results(send, place):
            collected.add(result)
            last = result if result.command_status else last
        return last

    def _bind(self, item: Statement, text: str, given: Sequence[Value]) -> list[bytes | None]:
        """The parameters as the statement takes them. Raises `Refused` for an array where it takes none."""
        if not any(isinstance(value, dict) for value in given):
            return bind([value for value in given if not isinstance(value, dict)])
        types = self._parameter_types(item, text, len(given))
        return bind([_placed(value, index, types) for index, value in enumerate(given)])

    def _parameter_types(self, item: Statement, text: str, parameters: int) -> tuple[int, ...]:
        """What the statement takes in the place of each parameter, as the server says."""
        key = (text, parameters)
        if key not in self._types:
            described = self._session.prepare(b"", item, Place(text, item.offset))
            types = tuple(described.param_type(index) for index in range(described.nparams))
            if len(self._types) >= _KNOWN_STATEMENTS:
                return types
            self._types[key] = types
        return self._types[key]

    def _check(self, text: str, parameters: int) -> Statement:
        """Exactly one statement that the job's access allows. A text seen before is not read again."""
        key = (text, parameters)
        known = self._checked.get(key)
        if known is None:
            reading = self._session.check(text, [""] * parameters)
            if reading.settings:
                raise Refused("A call of a script changes no setting: leave SET out.")
            if len(reading.statements) != 1:
                raise Refused("One call runs one statement: make a call for each.")
            known = (reading.statements[0], reading.facts[0])
            if len(self._checked) < _KNOWN_STATEMENTS:
                self._checked[key] = known
        item, facts = known
        self._session.expect(item, facts, text)
        return item


class _Collected:
    """The rows of one call, as text. A script must not take part of a result for all of it: one that is cut raises."""

    def __init__(self, most_bytes: int = MAX_REPLY_BYTES) -> None:
        self.columns: list[Mapping[str, str]] = []
        self.rows: list[Row] = []
        self.sizes: list[int] = []
        self._most_bytes = most_bytes
        self._budget = Budget(MAX_REPLY_ROWS, most_bytes)

    def add(self, result: PGresult) -> None:
        """Decode the rows of one result. Raises `TooLarge`."""
        if not self.columns and result.nfields:
            self.columns = [_column(result.fname(index), result.ftype(index)) for index in range(result.nfields)]
        if not result.ntuples:
            return
        value, width = result.get_value, range(result.nfields)
        for number in range(result.ntuples):
            fields = [value(number, index) for index in width]
            size = sum(len(field) for field in fields if field is not None) + 8 * len(fields)
            if size > MAX_REPLY_BYTES or not self._budget.admit(size):
                raise TooLarge(
                    f"One call returned more than {MAX_REPLY_ROWS:,} rows or {self._most_bytes // 2**20} MiB, "
                    f"or a row of more than {MAX_REPLY_BYTES // 2**20} MiB. "
                    "Add a LIMIT, select fewer columns, or iterate: for await (const row of db.iterate(…))."
                )
            self.sizes.append(size)
            self.rows.append([None if field is None else field.decode("utf-8", "replace") for field in fields])


@dataclass(slots=True)
class _Iteration:
    """A cursor under way: rows that were fetched and not yet handed over, and how many to fetch next."""

    columns: list[Mapping[str, str]] = field(default_factory=list)
    rows: deque[tuple[Row, int]] = field(default_factory=deque)
    wanted: int = _FIRST_FETCH
    done: bool = False

    def take(self, collected: _Collected) -> None:
        """Take what one FETCH brought, and see from it how many rows the next one should bring."""
        self.columns = collected.columns
        self.rows.extend(zip(collected.rows, collected.sizes, strict=True))
        self.done = len(self.rows) < self.wanted
        if self.rows:
            width = sum(collected.sizes) // len(self.rows) + 1
            self.wanted = max(1, min(_FETCH_ROWS, self.wanted * _GROWTH, _FETCH_BYTES // width))

    def next(self) -> list[Row]:
        """Rows of about a MiB, at least one as long as there are any."""
        taken: list[Row] = []
        size = 0
        while self.rows and (not taken or size + self.rows[0][1] <= _FETCH_BYTES):
            row, width = self.rows.popleft()
            taken.append(row)
            size += width
        return taken


def _is_value(item: object) -> bool:
    if isinstance(item, dict):
        return isinstance(item.get("array"), str) and isinstance(item.get("json"), str | None)
    return item is None or isinstance(item, str)


def _placed(value: Value, index: int, types: Sequence[int]) -> str | None:
    """An array as the place of a parameter takes it: JSON where JSON stands, else an array of PostgreSQL."""
    if not isinstance(value, dict):
        return value
    oid = types[index] if index < len(types) else 0
    known = postgres.types.get(oid)
    if oid in _JSON:
        if value["json"] is None:
            raise Refused(f"Parameter {index + 1} is an array with bytes in it, which JSON has no word for.")
        return value["json"]
    if known is not None and known.oid == oid:
        message = f"Parameter {index + 1} is an array, and the statement takes {known.name} in its place."
        raise Refused(message, detail={"hint": f"Name the type in the statement: ${index + 1}::{known.name}[]."})
    return value["array"]


@lru_cache(1000)
def _column(name: bytes | None, oid: int) -> Mapping[str, str]:
    known = postgres.types.get(oid)
    told = (name or b"").decode("utf-8", "replace")
    return {"name": told, "type": known.name if known else str(oid), "kind": _KINDS.get(oid, "text")}


def _plain(sql: bytes, values: list[bytes | None] | None = None) -> Callable[[PGconn], None]:
    return lambda pgconn: pgconn.send_query_params(sql, values or None)
