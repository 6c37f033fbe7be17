"""The rows of one table that this transaction changed, found by the marks that PostgreSQL itself puts on rows.

after   on the transaction's own connection: rows whose xmin is one of its ids. Its savepoints have ids of their own,
        later ones, so ids are compared by age; what others committed meanwhile is told apart by `pg_xact_status`, which
        says "in progress" of our own alone, since nobody else's unfinished row can be seen.
before  on a second connection: rows whose xmax is one of those ids. The first connection holds their locks, so what is
        committed there is exactly what it changed, less two kinds: rows it only locked and rows whose change a
        savepoint took back are still to be seen, in the same place, on the first connection. A row that somebody else
        holds FOR KEY SHARE carries a multixact instead, and is fetched by the key of what it became.

Both read the whole table once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from psycopg import pq

from executors.base import Cells
from executors.postgresql.dependencies import text_array
from executors.postgresql.effect.relations import Relation, identifier
from executors.postgresql.wire import Wire

_CHUNK_ROWS = 200
# Characters of a value in a sample. A value stored in fewer bytes than _SMALL unpacks to less than some 30 kB.
_CUT = 2000
_SMALL = 200

# That a row `t` was written by this transaction: $1 is its id as rows carry it, $2 the whole id.
OURS = """pg_catalog.age(t.xmin) <= pg_catalog.age($1::text::xid) AND pg_catalog.pg_xact_status(
  ($2::text::bigint + pg_catalog.age($1::text::xid) - pg_catalog.age(t.xmin))::text::xid8) = 'in progress'"""
_AFTER = f"""
SELECT t.ctid, {{cells}} FROM ONLY {{table}} AS t WHERE {OURS} LIMIT {{limit}}
"""
_BEFORE = """
SELECT t.ctid, {cells} FROM ONLY {table} AS t
WHERE t.xmax <> '0' AND pg_catalog.age(t.xmax) <= pg_catalog.age($1::text::xid) LIMIT {limit}
"""
_STILL_THERE = "SELECT t.ctid FROM ONLY {table} AS t WHERE t.ctid = ANY ($1::text[]::tid[])"
_BY_KEY = "SELECT t.ctid, {cells} FROM {table} AS t JOIN ROWS FROM ({arrays}) AS k ({names}) ON {same}"
_ALL = "SELECT t.ctid, {cells} FROM ONLY {table} AS t LIMIT {limit}"


@dataclass(frozen=True, slots=True)
class Form:
    """In which form values are fetched, and how much at most.

    `exact`: whole values, for an undo; otherwise long ones are cut, with a digest that tells whether they changed.
    """

    rows: int
    bytes: int
    exact: bool

    def cells(self, relation: Relation) -> str:
        """The select list: first whether the row is too large to be fetched, then each column."""
        columns = [f"t.{identifier(column.name)}" for column in relation.columns]
        if not self.exact:
            return ", ".join(["false", *map(_cut, columns)])
        size = " + ".join(f"coalesce(pg_catalog.pg_column_size({column}), 0)" for column in columns) or "0"
        too_large = f"({size}) > {self.bytes}"
        return ", ".join([too_large, *(f"CASE WHEN NOT ({too_large}) THEN {column} END" for column in columns)])


@dataclass(slots=True)
class Rows:
    """Rows by where they are stored (`ctid`), within a form's limits. `cut`: there were more, or larger ones."""

    found: dict[bytes, Cells] = field(default_factory=dict)
    cut: bool = False


def after(wire: Wire, relation: Relation, xid: str, form: Form) -> Rows:
    """The rows of a table as this transaction left them."""
    sql = _AFTER.format(cells=form.cells(relation), table=relation.leaf, limit=form.rows + 1)
    return _gather(_fetch(wire, sql, [short(xid), xid.encode()]), form)


def ask_before(second: Wire, relation: Relation, name: str, xid: str, form: Form) -> None:
    """Have the second connection look for the rows as they were; `before` takes its answer."""
    sql = _BEFORE.format(cells=form.cells(relation), table=name, limit=form.rows + 1)
    second.pgconn.send_query_params(sql.encode(), [short(xid)])
    _chunked(second)
    second.pgconn.flush()


def before(first: Wire, second: Wire, relation: Relation, form: Form) -> Rows:
    """The rows as they were, those left out that the first connection still sees where they were."""
    rows = _gather(_rows(second.answers()), form)
    for ctid in _still_there(first, relation, list(rows.found)):
        del rows.found[ctid]
    return rows


def by_key(second: Wire, relation: Relation, name: str, keys: Sequence[Cells], form: Form) -> Rows:
    """The committed rows with these keys."""
    types = {column.name: column.type for column in relation.columns}
    numbers = range(1, len(relation.key) + 1)
    same = " AND ".join(
        f"t.{identifier(part)} = CAST(k.k{number} AS {types[part]})"
        for number, part in zip(numbers, relation.key, strict=True)
    )
    sql = _BY_KEY.format(
        cells=form.cells(relation),
        table=name,
        arrays=", ".join(f"pg_catalog.unnest(${number}::text[])" for number in numbers),
        names=", ".join(f"k{number}" for number in numbers),
        same=same,
    )
    values: list[bytes | None] = [text_array([str(key[number - 1]) for key in keys]) for number in numbers]
    return _gather(_fetch(second, sql, values), form)


def everything(wire: Wire, relation: Relation, form: Form) -> Rows:
    """All rows of a table, or of one part of it."""
    sql = _ALL.format(cells=form.cells(relation), table=relation.leaf, limit=form.rows + 1)
    return _gather(_fetch(wire, sql, []), form)


def _still_there(first: Wire, relation: Relation, ctids: list[bytes]) -> Iterator[bytes]:
    if not ctids:
        return
    sql = _STILL_THERE.format(table=relation.leaf)
    for row in _fetch(first, sql, [text_array([ctid.decode() for ctid in ctids])]):
        yield row[0] or b""


def cut(value: bytes) -> str:
    """A value in a sample, as `_cut` has the server cut it."""
    text = value.decode()
    if len(text) <= _CUT:
        return text
    digest = hashlib.md5(value, usedforsecurity=False).hexdigest()
    return f"{text[:_CUT]}… ({len(text)} characters, MD5 {digest})"


def _cut(column: str) -> str:
    size, text = f"pg_catalog.pg_column_size({column})", f"{column}::text"
    return (
        f"CASE WHEN {size} IS NULL THEN NULL WHEN {size} > {_SMALL} AND pg_catalog.length({text}) > {_CUT} THEN "
        f"pg_catalog.left({text}, {_CUT}) || '… (' || pg_catalog.length({text}) || ' characters, MD5 ' || "
        f"pg_catalog.md5({text}) || ')' ELSE pg_catalog.format('%s', {column}) END"
    )


def _gather(rows: Iterator[list[bytes | None]], form: Form) -> Rows:
    """Rows up to the form's limits. The rest is read, too, and dropped: the connection has to stay in step."""
    gathered, size = Rows(), 0
    for ctid, too_large, *values in rows:
        size += sum(len(value) for value in values if value is not None)
        if too_large == b"t" or size > form.bytes or len(gathered.found) >= form.rows:
            gathered.cut = True
        elif not gathered.cut:
            gathered.found[ctid or b""] = tuple(None if value is None else value.decode() for value in values)
    return gathered


def _fetch(wire: Wire, sql: str, values: list[bytes | None]) -> Iterator[list[bytes | None]]:
    def send() -> None:
        wire.pgconn.send_query_params(sql.encode(), values or None)
        _chunked(wire)

    return _rows(wire.results(send))


def _rows(results: Iterator[pq.abc.PGresult]) -> Iterator[list[bytes | None]]:
    for result in results:
        for row in range(result.ntuples):
            yield [result.get_value(row, column) for column in range(result.nfields)]


def _chunked(wire: Wire) -> None:
    if pq.version() >= 170000:  # noqa: PLR2004  libpq 17
        wire.pgconn.set_chunked_rows_mode(_CHUNK_ROWS)
    else:
        wire.pgconn.set_single_row_mode()


def short(xid: str) -> bytes:
    """The 32 bits of a transaction's id that its rows carry."""
    return str(int(xid) % 2**32).encode()
