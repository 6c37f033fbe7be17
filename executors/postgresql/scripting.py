"""A script's session on PostgreSQL: each call is one statement over the extended protocol, checked like any other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

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
from executors.postgresql.errors import NOWHERE, Place
from executors.postgresql.reading.facts import Facts
from executors.postgresql.reading.parse import Statement
from executors.postgresql.session import PostgreSQLSession
from executors.postgresql.streams import affected_rows, bind

MAX_REPLY_ROWS = 100_000
_FETCH_ROWS = 500
_KNOWN_STATEMENTS = 500
_DECLARE = "DECLARE script_{} NO SCROLL CURSOR FOR "

# How the prelude turns a column's text into a JavaScript value; any other type stays text, so that nothing is lost.
_KINDS = {16: "boolean", 20: "bigint", 21: "number", 23: "number", 26: "number", 700: "number", 701: "number"}
_KINDS |= {114: "json", 3802: "json"}

# Statements with a plan worth keeping; any other may be one that changes tables.
_PLANNED = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
_PREPARED_FROM = 3

Row = list[str | None]


class PostgreSQLScript:
    """The `ScriptDatabase` of PostgreSQL."""

    def __init__(self, session: PostgreSQLSession) -> None:
        self._session = session
        self._checked: dict[tuple[str, int], tuple[Statement, Facts]] = {}
        self._cursors: set[int] = set()
        self._opened = 0
        self._uses: dict[tuple[str, int], int] = {}
        self._names: dict[tuple[str, int], bytes] = {}
        self._statements = 0
        self._affected: int | None = None

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
        """`query` and `open` carry a statement; `fetch` and `close` name a cursor."""
        if operation in {"query", "open"}:
            parameters = payload.get("parameters")
            if not isinstance(parameters, list) or not all(
                item is None or isinstance(item, str) for item in parameters
            ):
                raise Refused("A script sent parameters that are neither text nor null.")
            return Request(operation, payload, bounded(text_of(payload, "text")), bounded(parameters))
        if operation in {"fetch", "close"}:
            return Request(operation, payload, f"{operation.upper()} script_{number_of(payload, 'cursor')}", "[]")
        raise Refused("A script asked for an operation that does not exist.")

    def call(self, request: Request) -> Answer:
        """Run one call. A failed statement aborts the transaction: everything after it fails too."""
        run: dict[str, Callable[[dict[str, Any]], Answer]] = {
            "query": self._query,
            "open": self._open,
            "fetch": self._fetch,
            "close": self._close_cursor,
        }
        return run[request.operation](request.payload)

    def commit(self) -> None:
        """Commit a write; for a read there is nothing to keep. A failed call that was caught forbids it."""
        if self._session.target.access is Access.WRITE:
            self._require_whole()
            self._session.commit()

    def effect(self, sample: int, seconds: float) -> Effect:
        """What all calls together have changed. Raises `StatementFailed` after a failed call that was caught."""
        self._require_whole()
        return self._session.effect(sample, seconds)

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

    # --- statements ---

    def _query(self, payload: dict[str, Any]) -> Answer:
        text, values = payload["text"], bind(payload["parameters"])
        item = self._check(text, values)
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
        text, values = payload["text"], bind(payload["parameters"])
        item = self._check(text, values)
        if item.type != "SelectStmt":
            raise Refused("db.iterate takes a SELECT; use db.query for anything else.")
        if len(self._cursors) >= MAX_CURSORS:
            raise Refused(f"A script may iterate over {MAX_CURSORS} results at once.")
        self._opened += 1
        prefix = _DECLARE.format(self._opened)
        sql = (prefix + item.text).encode()
        self._run(_plain(sql, values), _Collected(), Place(text, item.offset, len(prefix)))
        self._cursors.add(self._opened)
        return Answer(self._opened, 0)

    def _fetch(self, payload: dict[str, Any]) -> Answer:
        number = self._cursor(payload)
        collected = _Collected()
        self._run(_plain(f"FETCH {_FETCH_ROWS} FROM script_{number}".encode()), collected)
        count = len(collected.rows)
        more = count == _FETCH_ROWS
        return Answer({"columns": collected.columns, "rows": collected.rows, "more": more}, count)

    def _close_cursor(self, payload: dict[str, Any]) -> Answer:
        number = self._cursor(payload)
        self._cursors.remove(number)
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

    def _check(self, text: str, values: list[bytes | None]) -> Statement:
        """Exactly one statement that the job's access allows. A text seen before is not read again."""
        key = (text, len(values))
        known = self._checked.get(key)
        if known is None:
            reading = self._session.check(text, [""] * len(values))
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

    def __init__(self) -> None:
        self.columns: list[dict[str, str]] = []
        self.rows: list[Row] = []
        self._budget = Budget(MAX_REPLY_ROWS, MAX_REPLY_BYTES)

    def add(self, result: PGresult) -> None:
        """Decode the rows of one result. Raises `TooLarge`."""
        if not self.columns and result.nfields:
            self.columns = [_column(result, index) for index in range(result.nfields)]
        value, width = result.get_value, range(result.nfields)
        for number in range(result.ntuples):
            fields = [value(number, index) for index in width]
            size = sum(len(field) for field in fields if field is not None) + 8 * len(fields)
            if not self._budget.admit(size):
                raise TooLarge(
                    f"One call returned more than {MAX_REPLY_ROWS:,} rows or {MAX_REPLY_BYTES // 2**20} MiB. "
                    "Add a LIMIT, or iterate: for await (const row of db.iterate(…))."
                )
            self.rows.append([None if field is None else field.decode("utf-8", "replace") for field in fields])


def _column(result: PGresult, index: int) -> dict[str, str]:
    oid = result.ftype(index)
    known = postgres.types.get(oid)
    name = (result.fname(index) or b"").decode("utf-8", "replace")
    return {"name": name, "type": known.name if known else str(oid), "kind": _KINDS.get(oid, "text")}


def _plain(sql: bytes, values: list[bytes | None] | None = None) -> Callable[[PGconn], None]:
    return lambda pgconn: pgconn.send_query_params(sql, values or None)
