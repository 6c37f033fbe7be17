"""What a TRUNCATE is about to remove: it leaves no marks on rows and takes the server's counts away, so it is looked
at before it runs. One that a function runs unseen is told as a table that was replaced."""

from __future__ import annotations

from dataclasses import dataclass, field

from executors.base import Cells, ExecutionError, Gap
from executors.postgresql.dependencies import text_array
from executors.postgresql.effect import scan
from executors.postgresql.effect.relations import Relation, identifier, relations
from executors.postgresql.effect.scan import Form
from executors.postgresql.reading.parse import Statement
from executors.postgresql.wire import Wire

# The tables named; with CASCADE those that refer to them, and so on; each table's parts and children.
_NAMED = b"""
WITH RECURSIVE gone (oid) AS (
  SELECT pg_catalog.to_regclass(name)::oid FROM pg_catalog.unnest($1::text[]) AS name
  UNION
  SELECT more.oid FROM gone, LATERAL (
    SELECT k.conrelid FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.confrelid = gone.oid AND $2::boolean
    UNION ALL
    SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent = gone.oid) AS more (oid))
SELECT g.oid, pg_catalog.pg_stat_get_xact_tuples_inserted(g.oid) + pg_catalog.pg_stat_get_xact_tuples_updated(g.oid)
  + pg_catalog.pg_stat_get_xact_tuples_deleted(g.oid) > 0
FROM gone g JOIN pg_catalog.pg_class c ON c.oid = g.oid AND c.relkind IN ('r', 'p')
"""


@dataclass(slots=True)
class Removed:
    """The rows of one table that were truncated, as far as they were kept, and how many there were."""

    count: int = 0
    rows: list[Cells] = field(default_factory=list)
    gap: Gap | None = None
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Truncated:
    """What had been truncated at one moment: of each table how many rows, how many of them kept, and how well."""

    oids: frozenset[int]
    removed: dict[int, tuple[int, int, Gap | None, bool]]


class Truncations:
    """The tables truncated in one transaction."""

    def __init__(self, wire: Wire, form: Form) -> None:
        self._wire = wire
        self._form = form
        self._removed: dict[int, Removed] = {}
        self.oids: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self.oids)

    def removed(self, root: int) -> Removed | None:
        """What was removed of a table."""
        return self._removed.get(root)

    def mark(self) -> Truncated:
        """What is known now."""
        known = {root: (it.count, len(it.rows), it.gap, it.exact) for root, it in self._removed.items()}
        return Truncated(frozenset(self.oids), known)

    def back_to(self, mark: Truncated) -> None:
        """What was truncated since is there again."""
        self.oids = set(mark.oids)
        self._removed = {root: self._removed[root] for root in mark.removed}
        for root, (count, rows, gap, exact) in mark.removed.items():
            removed = self._removed[root]
            removed.count, removed.gap, removed.exact = count, gap, exact
            del removed.rows[rows:]

    def expect(self, item: Statement) -> None:
        """A TRUNCATE comes next.

        What it removes of a table that this transaction changed before is not what was there before the transaction:
        then the rows are not told, and the count may be too high.
        """
        touched = self._oids(item)
        found = relations(self._wire, touched)
        self.oids.update(relation.oid for relation in found)
        for root in {relation.root for relation in found}:
            parts = [relation for relation in found if relation.root == root]
            removed = self._removed.setdefault(root, Removed())
            for part in parts:
                self._count(part, removed)
                if touched[part.oid]:
                    removed.gap, removed.exact = Gap.UNCERTAIN, False

    def _oids(self, item: Statement) -> dict[int, bool]:
        """The tables it removes rows of, and whether this transaction changed them already."""
        names = [relation["RangeVar"] for relation in item.node.get("relations", ()) if "RangeVar" in relation]
        quoted = [
            ".".join(identifier(node[part]) for part in ("schemaname", "relname") if node.get(part)) for node in names
        ]
        cascade = b"true" if item.node.get("behavior") == "DROP_CASCADE" else b"false"
        result = self._wire.call(lambda: self._wire.pgconn.send_query_params(_NAMED, [text_array(quoted), cascade]))
        rows = range(result.ntuples)
        return {int(result.get_value(row, 0) or b"0"): result.get_value(row, 1) == b"t" for row in rows}

    def _count(self, part: Relation, removed: Removed) -> None:
        self._wire.simple(b"SAVEPOINT portal_count")
        try:
            counted = self._wire.simple(f"SELECT pg_catalog.count(*) FROM ONLY {part.leaf}".encode()).get_value(0, 0)
            removed.count += int(counted or b"0")
            self._keep(part, removed)
        except ExecutionError:
            self._wire.check()
            removed.gap, removed.exact = Gap.DENIED, False
        finally:
            self._wire.simple(b"ROLLBACK TO portal_count; RELEASE portal_count")

    def _keep(self, part: Relation, removed: Removed) -> None:
        rows = scan.everything(self._wire, part, self._form)
        removed.rows += rows.found.values()
        if rows.cut or len(removed.rows) > self._form.rows:
            removed.gap = Gap.SIZE
