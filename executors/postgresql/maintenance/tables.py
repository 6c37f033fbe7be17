"""What becomes of tables that are vacuumed, or written anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from executors.base import Aftermath, CommitStatus
from executors.postgresql.maintenance.asking import Ask, Facts, found, listed
from executors.postgresql.reading.outside import mentions
from executors.postgresql.reading.parse import Statement

# Of each leaf of a partitioned table, and of a plain one itself.
_TABLES: Final = """
WITH wanted AS (SELECT pg_catalog.json_array_elements_text($1::json)::oid AS root),
     leaves AS (SELECT DISTINCT coalesce(tree.relid::oid, root) AS oid FROM wanted
                LEFT JOIN LATERAL pg_catalog.pg_partition_tree(root) tree ON tree.isleaf)
SELECT coalesce(json_agg(json_build_object(
    'number', c.oid::bigint, 'name', pg_catalog.format('%I.%I', s.nspname, c.relname), 'file', c.relfilenode::bigint,
    'vacuums', pg_catalog.pg_stat_get_vacuum_count(c.oid)) ORDER BY s.nspname, c.relname), '[]')
FROM leaves JOIN pg_catalog.pg_class c USING (oid) JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 't')
"""
_COUNTS: Final = "SELECT to_json(pg_catalog.current_setting('track_counts') = 'on')"


class Rewritten:
    """VACUUM FULL and CLUSTER: a table has a new file, or the one it had."""

    def before(self, ask: Ask, item: Statement) -> Facts:
        return {"tables": _tables(ask, _roots(ask, item))}

    def after(self, ask: Ask, facts: Facts) -> Aftermath:
        now = {one["number"]: one for one in _tables(ask, [one["number"] for one in facts["tables"]])}
        done = [one for one in facts["tables"] if one["number"] in now and now[one["number"]]["file"] != one["file"]]
        return _judged(facts["tables"], done, "written anew")


class Vacuumed:
    """VACUUM: the server's statistics count one more of each table. Who else vacuumed it they do not tell."""

    def before(self, ask: Ask, item: Statement) -> Facts:
        counts = ask(_COUNTS) and not mentions(item.node, "process_main")
        return {"tables": _tables(ask, _roots(ask, item)) if counts else []}

    def after(self, ask: Ask, facts: Facts) -> Aftermath:
        now = {one["number"]: one for one in _tables(ask, [one["number"] for one in facts["tables"]])}
        pairs = [(one, now[one["number"]]) for one in facts["tables"] if one["number"] in now]
        if any(after["vacuums"] < before["vacuums"] for before, after in pairs):
            return Aftermath(CommitStatus.UNKNOWN, "The server's statistics were reset since.")
        done = [before for before, after in pairs if after["vacuums"] > before["vacuums"]]
        return _judged(facts["tables"], done, "vacuumed")


def _judged(wanted: Sequence[Facts], done: Sequence[Facts], what: str) -> Aftermath:
    if not wanted:
        return Aftermath(CommitStatus.UNKNOWN)
    left = [one["name"] for one in wanted if one not in done]
    if not left:
        return Aftermath(CommitStatus.COMMITTED, f"{_were([one['name'] for one in done])} {what}.")
    said = f"{_were(left)} not {what}."
    if not done:
        return Aftermath(CommitStatus.ABORTED, said)
    return Aftermath(CommitStatus.PARTLY, f"{_were([one['name'] for one in done])} {what}. {said}")


def _were(names: Sequence[str]) -> str:
    return f"{listed(names)} {'was' if len(names) == 1 else 'were'}"


def _roots(ask: Ask, item: Statement) -> list[int]:
    if item.type == "ClusterStmt":
        nodes = [item.node["relation"]]
    else:
        nodes = [entry["VacuumRelation"]["relation"] for entry in item.node["rels"]]
    return [one["number"] for one in (found(ask, node) for node in nodes) if one is not None]


def _tables(ask: Ask, numbers: Sequence[int]) -> list[dict[str, Any]]:
    there: list[dict[str, Any]] = ask(_TABLES, str(list(numbers)))
    return there
