"""How many rows this transaction has changed in each table, as the server itself counts.

`pg_stat_get_xact_tuples_…` count what this very session did and nobody else, whatever did it: the statement, a
trigger, a cascade, a function. They count operations, so a row that was changed twice counts twice, and they count
what a rolled-back savepoint did: never too few. What our own savepoints took back is known and left out. A TRUNCATE
takes its table's counts away and is counted beforehand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from executors.postgresql.wire import Wire

# Deferred constraints and triggers would run at COMMIT, and what they change with them, seen by nobody.
_SETTLE = b"SET CONSTRAINTS ALL IMMEDIATE; "
# Rows of foreign tables are changed elsewhere, where nobody counts: only that they may have been is known, by the lock.
_CHANGED = b"""(
    SELECT c.oid, n.nspname, relname, relispartition, relnamespace = 'pg_catalog'::regnamespace AS system,
      pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) AS i,
      pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) AS u,
      pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) AS d
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'p') AND relpersistence <> 't' OFFSET 0) AS counts
    WHERE i + u + d > 0"""
_TALLIES = b"SELECT pg_catalog.json_agg(pg_catalog.json_build_array(oid::bigint, i, u, d)) FROM " + _CHANGED
_QUERY = (
    b"""
SELECT pg_catalog.json_build_object(
  'xid', pg_catalog.pg_current_xact_id_if_assigned()::text,
  'counted', pg_catalog.current_setting('track_counts'),
  'tables', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(oid::bigint, i, u, d, system,
      CASE WHEN NOT relispartition THEN relname END,
      CASE WHEN NOT pg_catalog.pg_table_is_visible(oid) THEN nspname END)) FROM """
    + _CHANGED
    + b"""),
  'foreign', CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_foreign_table) THEN (
    SELECT pg_catalog.json_agg(DISTINCT l.relation::regclass::text)
    FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_foreign_table f ON f.ftrelid = l.relation
    WHERE l.pid = pg_catalog.pg_backend_pid() AND l.mode = 'RowExclusiveLock') END)
"""
)


@dataclass(frozen=True, slots=True)
class Count:
    """Operations on one table."""

    inserted: int
    updated: int
    deleted: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.inserted + self.updated + self.deleted

    @property
    def growth(self) -> int:
        """How many rows the table has more than before, unless a savepoint was rolled back."""
        return self.inserted - self.deleted

    def __add__(self, other: Count) -> Count:
        return Count(self.inserted + other.inserted, self.updated + other.updated, self.deleted + other.deleted)

    def __sub__(self, other: Count) -> Count:
        return Count(self.inserted - other.inserted, self.updated - other.updated, self.deleted - other.deleted)


NOTHING = Count(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Counts:
    """What a transaction did so far. `xid` is "" while it changed nothing; `tables` is by oid.

    `names` has the table's schema ("" where it needs none) and name, of a part of another table None.
    `system` names the system tables it changed: the schema, large objects.
    `counted` is False where the server was told not to count; `foreign` names foreign tables that may have changed.
    """

    xid: str
    tables: dict[int, Count]
    names: dict[int, tuple[str, str] | None]
    system: tuple[str, ...]
    counted: bool
    foreign: tuple[str, ...]


class _Row(NamedTuple):
    oid: int
    inserted: int
    updated: int
    deleted: int
    system: bool
    name: str | None
    schema: str | None

    @property
    def counted(self) -> Count:
        """What was counted."""
        return Count(self.inserted, self.updated, self.deleted)


def tallies(wire: Wire) -> dict[int, Count]:
    """The counters of every table, those of the server's own included, as they are at this moment."""
    found = json.loads(wire.simple(_TALLIES).get_value(0, 0) or b"[]")
    return {oid: Count(*counted) for oid, *counted in found}


def counts(wire: Wire, taken_back: Mapping[int, Count]) -> Counts:
    """The counters of the transaction open on `wire`, once what waited for its COMMIT has run.

    They are less what is known to have been `taken_back`. Raises `StatementFailed` where a constraint that waited does
    not hold.
    """
    found = json.loads(wire.simple(_SETTLE + _QUERY).get_value(0, 0) or b"{}")
    all_rows = [_Row(*row) for row in found["tables"] or ()]
    rows = [row for row in all_rows if row.counted != taken_back.get(row.oid, NOTHING)]
    own = [row for row in rows if not row.system]
    return Counts(
        found["xid"] or "",
        {row.oid: row.counted - taken_back.get(row.oid, NOTHING) for row in own},
        {row.oid: None if row.name is None else (row.schema or "", row.name) for row in own},
        tuple(sorted(row.name for row in rows if row.system and row.name)),
        found["counted"] == "on",
        tuple(found["foreign"] or ()),
    )
