"""What becomes of indexes that are made, dropped and rebuilt while others write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from executors.base import Aftermath, CommitStatus
from executors.postgresql.maintenance.asking import Ask, Facts, found, listed, named
from executors.postgresql.reading.outside import is_concurrent
from executors.postgresql.reading.parse import Statement
from executors.postgresql.reading.scopes import strings

# As text: numbers of a JSON list.
_NUMBERS: Final = "ARRAY(SELECT pg_catalog.json_array_elements_text({}::json)::oid)"
_INDEX: Final = """
json_build_object('number', i.indexrelid::bigint, 'name', pg_catalog.format('%I.%I', s.nspname, c.relname),
  'plain', c.relname, 'valid', i.indisvalid, 'file', c.relfilenode::bigint, 'table', i.indrelid::bigint,
  'busy', EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.locktype = 'relation' AND l.relation = i.indrelid
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
    AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()))
"""
_JOINED: Final = """
pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
"""
_OF_TABLES: Final = f"""
SELECT coalesce(json_agg({_INDEX} ORDER BY s.nspname, c.relname), '[]') FROM {_JOINED}
WHERE i.indrelid = ANY ({_NUMBERS.format("$1")}) AND c.relkind = 'i'
"""  # noqa: S608 -- texts of this module
_THESE: Final = f"""
SELECT coalesce(json_agg({_INDEX} ORDER BY s.nspname, c.relname), '[]') FROM {_JOINED}
WHERE i.indexrelid = ANY ({_NUMBERS.format("$1")}) AND c.relkind = 'i'
"""  # noqa: S608 -- texts of this module
# A relation or its partitions, and, of tables, what they keep long values in.
_LEAVES: Final = """
WITH leaves AS (SELECT relid::oid AS oid FROM pg_catalog.pg_partition_tree($1::oid) WHERE isleaf
                UNION SELECT $1::oid)
SELECT json_agg(oid::bigint) FROM (SELECT oid FROM leaves UNION
  SELECT c.reltoastrelid FROM leaves JOIN pg_catalog.pg_class c USING (oid) WHERE c.reltoastrelid <> 0) found
"""


def leaves(ask: Ask, number: int) -> Sequence[int]:
    """Numbers of a relation and its partitions."""
    numbers: Sequence[int] = ask(_LEAVES, str(number))
    return numbers


class Created:
    """CREATE INDEX CONCURRENTLY: there and valid, left behind and not valid, or not there."""

    def before(self, ask: Ask, item: Statement) -> Facts:
        table = found(ask, item.node["relation"])
        there = _of_tables(ask, [table["number"]]) if table else []
        return {"table": table, "name": item.node.get("idxname", ""), "there": [one["number"] for one in there]}

    def after(self, ask: Ask, facts: Facts) -> Aftermath:
        if facts["table"] is None:
            return Aftermath(CommitStatus.ABORTED)
        now = [one for one in _of_tables(ask, [facts["table"]["number"]]) if _is_meant(one, facts)]
        if not now:
            return Aftermath(CommitStatus.ABORTED, f"No index was left on {facts['table']['name']}.")
        if bad := [one for one in now if not one["valid"]]:
            return _left_behind(bad) if facts["name"] else _perhaps_anothers(bad)
        return Aftermath(CommitStatus.COMMITTED, f"{_named(now)} there and valid.")


class Dropped:
    """DROP INDEX CONCURRENTLY: gone, half gone, or there as before."""

    def before(self, ask: Ask, item: Statement) -> Facts:
        parts = strings(item.node["objects"][0]["List"]["items"])
        index = named(ask, parts)
        there = _these(ask, [index["number"]]) if index else []
        return {"there": there}

    def after(self, ask: Ask, facts: Facts) -> Aftermath:
        before = facts["there"]
        if not before:
            return Aftermath(CommitStatus.UNKNOWN)
        now = _these(ask, [one["number"] for one in before])
        if not now:
            return Aftermath(CommitStatus.COMMITTED, f"The index {before[0]['name']} is gone.")
        if now[0]["valid"] or not before[0]["valid"]:
            return Aftermath(CommitStatus.ABORTED, f"The index {now[0]['name']} is there, as before.")
        return _left_behind(now)


class Rebuilt:
    """REINDEX: each index has a new file, or a successor; what it left behind on the way is not valid."""

    def before(self, ask: Ask, item: Statement) -> Facts:
        relation = found(ask, item.node["relation"])
        if relation is None:
            return {"indexes": [], "others": []}
        numbers = leaves(ask, relation["number"])
        is_index = item.node.get("kind") == "REINDEX_OBJECT_INDEX"
        meant = _these(ask, numbers) if is_index else _of_tables(ask, numbers)
        if not is_index and is_concurrent(item.node):
            meant = [one for one in meant if one["valid"]]  # the server passes over the others, and says so
        beside = _of_tables(ask, sorted({one["table"] for one in meant}))
        kept = [{key: one[key] for key in ("number", "file", "valid", "table")} for one in meant]
        return {"indexes": kept, "others": [one["number"] for one in beside]}

    def after(self, ask: Ask, facts: Facts) -> Aftermath:
        before = facts["indexes"]
        if not before:
            return Aftermath(CommitStatus.UNKNOWN)
        now = {one["number"]: one for one in _of_tables(ask, sorted({one["table"] for one in before}))}
        done = sum(_is_rebuilt(one, now.get(one["number"])) for one in before)
        known = {one["number"]: one["valid"] for one in before} | dict.fromkeys(
            set(facts["others"]) - {one["number"] for one in before}, False
        )
        bad = [one for key, one in now.items() if not one["valid"] and known.get(key, True)]
        said = f"Indexes rebuilt: {done:,} of {len(before):,}."
        if bad:
            behind = _left_behind(bad)
            return Aftermath(CommitStatus.PARTLY, f"{said} {behind.said}", behind.repair)
        if done == len(before):
            return Aftermath(CommitStatus.COMMITTED, said)
        return Aftermath(CommitStatus.PARTLY if done else CommitStatus.ABORTED, said)


def _is_meant(index: Facts, facts: Facts) -> bool:
    if facts["name"]:
        return bool(index["plain"] == facts["name"])
    return index["number"] not in facts["there"]


def _is_rebuilt(before: Facts, now: Facts | None) -> bool:
    """Gone, or no longer valid: its successor has taken its place. The same one with another file was built anew."""
    return now is None or (before["valid"] and not now["valid"]) or now["file"] != before["file"]


def _left_behind(indexes: Sequence[Facts]) -> Aftermath:
    repair = " ".join(f"DROP INDEX CONCURRENTLY {one['name']};" for one in indexes)
    it = "it" if len(indexes) == 1 else "them"
    return Aftermath(
        CommitStatus.PARTLY, f"{_named(indexes)} not valid: no query uses {it}. Remove {it}: {repair}", repair
    )


def _perhaps_anothers(indexes: Sequence[Facts]) -> Aftermath:
    """Of an index that nobody named it is not certain whose it is, as long as somebody works on its table."""
    if not any(one["busy"] for one in indexes):
        return _left_behind(indexes)
    said = f"{_named(indexes)} not valid; another session works on the table now, and may be building it."
    return Aftermath(CommitStatus.PARTLY, said)


def _named(indexes: Sequence[Facts]) -> str:
    names = listed([one["name"] for one in indexes])
    return f"The index {names} is" if len(indexes) == 1 else f"The indexes {names} are"


def _of_tables(ask: Ask, numbers: Sequence[int]) -> list[dict[str, Any]]:
    there: list[dict[str, Any]] = ask(_OF_TABLES, str(list(numbers)))
    return there


def _these(ask: Ask, numbers: Sequence[int]) -> list[dict[str, Any]]:
    there: list[dict[str, Any]] = ask(_THESE, str(list(numbers)))
    return there
