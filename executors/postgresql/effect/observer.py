"""Watches one transaction: told of each statement, it can say at any moment what all of them have changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter

from psycopg.pq.abc import PGresult

from executors.base import Effect, ExecutionError, Gap, Images, KeepLimits, TableEffect, TimedOut
from executors.postgresql.effect import scan, schema
from executors.postgresql.effect.capture import TELLING, Asked, Capture
from executors.postgresql.effect.counters import NOTHING, Count, Counts, counts, tallies
from executors.postgresql.effect.pairs import Kept, judge, plain
from executors.postgresql.effect.relations import Relation, relations
from executors.postgresql.effect.scan import Form, Rows
from executors.postgresql.effect.truncation import Truncated, Truncations
from executors.postgresql.reading.parse import Statement
from executors.postgresql.wire import Wire

# How much of the rows is held to tell them apart, and to show some. Past it the server's own counts are told.
TOLD_ROWS = 10_000
_TOLD_BYTES = 32 * 1024 * 1024
_PIECE = 100


class _Look:
    """One look, in `seconds`: a second connection once it is needed, and what tables are called there."""

    def __init__(self, connect: Callable[[float], Wire], seconds: float, oids: Iterable[int]) -> None:
        self._connect = connect
        self._by = time.monotonic() + seconds
        self._oids = tuple(oids)
        self._wire: Wire | None = None
        self._names: dict[int, str] = {}

    @property
    def milliseconds(self) -> int:
        """What is left of the time, at least one."""
        return max(1, round((self._by - time.monotonic()) * 1000))

    def second(self) -> Wire:
        """The second connection. Raises `ExecutionError` where there can be none."""
        if self._wire is None:
            self._wire = self._connect(self.milliseconds / 1000)
            self._names = _names(self._wire, self._oids)
        return self._wire

    def name(self, oid: int) -> str | None:
        """What everybody else calls a table; None for one that this transaction made."""
        self.second()
        return self._names.get(oid)

    def close(self) -> None:
        """Close the second connection: a new one is opened when it is needed again."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None


@dataclass(frozen=True, slots=True)
class Mark:
    """What was known when a savepoint was set. `net` counts operations that were not taken back by then."""

    net: Mapping[int, Count]
    said: int
    truncated: Truncated


class Observer:
    """What a transaction on `wire` changes. `second` opens another connection to the same database, for a look aside.

    `keep` asks for the rows themselves, whole; without it they are cut to what a sample shows. `asks`: statements are
    made to tell their rows, which costs each a little and saves reading its table.
    """

    def __init__(self, wire: Wire, second: Callable[[float], Wire], keep: KeepLimits | None, *, asks: bool) -> None:
        self._wire = wire
        self._second = second
        self._form = Form(keep.rows if keep else TOLD_ROWS, keep.bytes if keep else _TOLD_BYTES, exact=bool(keep))
        self._capture = Capture(wire, self._form) if asks else None
        self._truncations = Truncations(wire, self._form)
        self._said: list[tuple[str, int]] = []
        self._types: set[str] = set()
        self._taken_back: dict[int, Count] = {}
        self._kept_rows: list[Kept] = []

    def expect(self, item: Statement) -> None:
        """A statement comes next."""
        self._types.add(item.type)
        if self._capture and item.type not in TELLING:
            self._capture.forget()
        if item.type == "TruncateStmt":
            self._truncations.expect(item)

    def ask(self, item: Statement) -> Asked | None:
        """The statement to run in the place of one that comes next, so that it tells its rows; None for itself."""
        return self._capture.ask(item) if self._capture else None

    def told(self, asked: Asked, result: PGresult) -> None:
        """A piece of the answer of a statement that runs in place of the author's."""
        if self._capture:
            self._capture.told(asked, result)

    def ran(self, item: Statement, affected: int | None) -> None:
        """A statement ended, having changed `affected` rows by its own account."""
        if affected:
            self._said.append((str(item.node.get("relation", {}).get("relname", "")), affected))

    def mark(self) -> Mark:
        """What is known now, as a savepoint is set."""
        net = {oid: counted - self._taken_back.get(oid, NOTHING) for oid, counted in tallies(self._wire).items()}
        return Mark(net, len(self._said), self._truncations.mark())

    def took_back(self, mark: Mark) -> None:
        """The transaction went back to a savepoint. The server goes on counting what was done since."""
        counted = tallies(self._wire)
        self._taken_back = {oid: count - mark.net.get(oid, NOTHING) for oid, count in counted.items()}
        del self._said[mark.said :]
        if self._capture:
            self._capture.forget()
        self._truncations.back_to(mark.truncated)

    def effect(self, sample: int, seconds: float) -> Effect:
        """What has changed so far: `sample` rows of each table, `seconds` at most for reading tables."""
        found = counts(self._wire, self._taken_back)
        here = found.xid and (found.tables or found.system or self._truncations)
        if not (here or found.foreign):
            return Effect((), counted=found.counted or not found.xid)
        plainly = None if sample or self._capture or self._truncations else self._plainly(found)
        if plainly is not None:
            return plainly
        touched = self._touched(found)
        look = _Look(self._second, seconds, [relation.oid for relation in touched])
        with closing(look):
            tables, exact = self._tables(found, touched, look, sample)
            altered = self._schema(found, look)
        unseen = [] if altered is None else altered.unseen(self._types)
        missing = [TableEffect(name, 0, 0, 0, complete=False, gap=Gap.NOT_TOLD) for name in (*found.foreign, *unseen)]
        counted = found.counted and altered is not None and not missing
        exact = exact and counted and not (altered and altered.gone)
        return Effect((*tables, *missing), exact, altered.changes if altered else (), counted)

    def images(self) -> Iterator[Images]:
        """Every row that the last `effect` found, in pieces; rows that are as they were are left out."""
        for kept in self._kept_rows:
            changes = [change for change in kept.changes() if change.before != change.after]
            for start in range(0, len(changes), _PIECE):
                yield Images(kept.relation.image, tuple(changes[start : start + _PIECE]))

    # --- tables ---

    def _plainly(self, found: Counts) -> Effect | None:
        """The effect as plain statements tell it, no table being looked at; None where they do not tell it all."""
        if found.system or found.foreign or not found.counted:
            return None
        tables = []
        for oid, counted in found.tables.items():
            schema_name = found.names[oid]
            if schema_name is None or not self._certain(schema_name[1], counted):
                return None
            tables.append((schema_name, counted))
        shown = [plain(".".join(filter(None, name)), counted) for name, counted in sorted(tables, key=itemgetter(0))]
        return Effect(tuple(shown))

    def _touched(self, found: Counts) -> tuple[Relation, ...]:
        """The tables that were changed: as statements told them, where they told all of it."""
        if self._capture and not (found.system or self._truncations):
            told = [self._capture.of(oid, counted) for oid, counted in found.tables.items()]
            whole = [kept.relation for kept in told if kept is not None]
            if len(whole) == len(told):
                return tuple(sorted(whole, key=lambda relation: (relation.schema, relation.name)))
        return relations(self._wire, {*found.tables, *self._truncations.oids})

    def _tables(
        self, found: Counts, touched: tuple[Relation, ...], look: _Look, sample: int
    ) -> tuple[list[TableEffect], bool]:
        roots: dict[int, list[Relation]] = {}
        for relation in touched:
            roots.setdefault(relation.root, []).append(relation)
        judged = [self._table(found, parts, look, sample) for parts in roots.values()]
        return [table for table, _ in judged if table.total], all(exact for _, exact in judged)

    def _table(self, found: Counts, parts: list[Relation], look: _Look, sample: int) -> tuple[TableEffect, bool]:
        counted = sum((found.tables.get(part.oid, NOTHING) for part in parts), NOTHING)
        removed = self._truncations.removed(parts[0].root)
        certain = not removed and self._certain(parts[0].name, counted)
        if certain and not sample and not self._capture:
            return plain(parts[0].shown, counted), True
        kept = self._kept(parts, counted, found.xid, look, sample)
        if removed:
            kept.before[:0] = removed.rows
            kept.gap = removed.gap or (kept.gap if kept.gap is not Gap.LOCKED else None)
            counted += Count(0, 0, removed.count)
        self._kept_rows.append(kept)
        return judge(kept, counted, certain=certain or bool(removed and removed.exact), sample=sample)

    def _certain(self, table: str, counted: Count) -> bool:
        """Whether one plain statement says that it changed all that was counted: no row twice, none taken back."""
        said = [affected for name, affected in self._said if name == table]
        return said == [counted.total]

    def _kept(self, parts: list[Relation], counted: Count, xid: str, look: _Look, sample: int) -> Kept:
        told = self._capture.of(parts[0].root, counted) if self._capture else None
        if told is not None:
            return told
        kept = Kept(parts[0])
        for part in parts:
            self._read(kept, part, xid, look, sample)
        return kept

    def _read(self, kept: Kept, part: Relation, xid: str, look: _Look, sample: int) -> None:
        """Read one table, or one part of it, on both sides."""
        if part.hidden:
            kept.gap = Gap.DENIED
            return
        try:
            name = look.name(part.oid)
            if name and part.locked:
                kept.gap, name = Gap.LOCKED, None
            before, after = self._both(part, name, xid, look)
            if before.cut or after.cut:
                kept.gap = Gap.SIZE
                before, after = self._few(part, name, before, after, look, sample)
        except ExecutionError as error:
            self._wire.check()
            look.close()
            kept.gap = _gap(error)
            return
        kept.before += before.found.values()
        kept.after += after.found.values()

    def _both(self, part: Relation, name: str | None, xid: str, look: _Look) -> tuple[Rows, Rows]:
        with self._aside(look):
            if name is None:
                return Rows(), scan.after(self._wire, part, xid, self._form)
            second = look.second()
            scan.ask_before(second, part, name, xid, self._form)
            after = scan.after(self._wire, part, xid, self._form)
            before = scan.before(self._wire, second, part, self._form)
            missing = Kept(part, list(before.found.values()), list(after.found.values())).unpaired()
            if part.key and missing and not (before.cut or after.cut):
                before.found |= scan.by_key(second, part, name, missing, self._form).found
            return before, after

    def _few(
        self, part: Relation, name: str | None, before: Rows, after: Rows, look: _Look, sample: int
    ) -> tuple[Rows, Rows]:
        """Of too many rows a few, each with its other side."""
        few = Rows(dict(islice(after.found.items(), sample)))
        if not few.found or not part.key or name is None:
            return Rows(dict(islice(before.found.items(), sample))), few
        keys = Kept(part, [], list(few.found.values())).unpaired()
        return scan.by_key(look.second(), part, name, keys, self._form), few

    # --- schema ---

    def _schema(self, found: Counts, look: _Look) -> schema.Altered | None:
        """What changed in the schema; None where that could not be found out."""
        if not found.system:
            return schema.Altered()
        try:
            with self._aside(look):
                return schema.changes(self._wire, look.second(), found, self._truncations.oids)
        except ExecutionError:
            self._wire.check()
            return None

    # --- looking ---

    @contextmanager
    def _aside(self, look: _Look) -> Iterator[None]:
        """A look that may fail, or take too long, without ending the transaction it looks at."""
        self._wire.simple(f"SAVEPOINT portal_look; SET LOCAL statement_timeout = {look.milliseconds}".encode())
        try:
            yield
        finally:
            self._wire.simple(b"ROLLBACK TO portal_look; RELEASE portal_look")


def _names(second: Wire, oids: Iterable[int]) -> dict[int, str]:
    """What the tables are called for everybody else; one that this transaction made is not there."""
    sql = b"SELECT oid, oid::pg_catalog.regclass::text FROM pg_catalog.pg_class WHERE oid = ANY ($1::oid[])"
    array = ("{" + ",".join(map(str, oids)) + "}").encode()
    result = second.call(lambda: second.pgconn.send_query_params(sql, [array]))
    return {
        int(result.get_value(row, 0) or b"0"): (result.get_value(row, 1) or b"").decode()
        for row in range(result.ntuples)
    }


def _gap(error: ExecutionError) -> Gap:
    state = error.detail.get("sqlstate", "")
    by_state = {"42501": Gap.DENIED, "55P03": Gap.LOCKED}
    return by_state.get(state, Gap.TIME if isinstance(error, TimedOut) else Gap.UNCERTAIN)
