"""What a write sets off besides: cascades, triggers, and the search for rows that refer to what goes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from executors.base import FindingCode
from executors.postgresql.findings.known import ForeignKey, Table, Trigger
from executors.postgresql.findings.looked import Looked, Notice, about, info, warning
from executors.postgresql.reading.parse import Node
from executors.postgresql.reading.scopes import relation_of

_MOST_NAMED = 6
_EVENTS = {"InsertStmt": "INSERT", "UpdateStmt": "UPDATE", "DeleteStmt": "DELETE"}
_MERGED = {"CMD_INSERT": "INSERT", "CMD_UPDATE": "UPDATE", "CMD_DELETE": "DELETE"}


class _Act(NamedTuple):
    """What a statement does to the rows of a table. `columns` are those that an UPDATE sets."""

    event: str
    table: Table
    columns: frozenset[str] = frozenset()


def cascades(looked: Looked) -> Iterator[Notice]:
    """A DELETE that deletes more: in which tables, over how many steps."""
    for act in _acts(looked):
        steps = list(_deleted_with(act.table)) if act.event == "DELETE" else []
        if steps:
            where = ", then ".join(" and ".join(names) for names in steps)
            message = f"Deleting from {act.table.name} also deletes what refers to it (ON DELETE CASCADE): in {where}."
            yield warning(FindingCode.CASCADES, message, "A rehearsal counts the rows.")


def _deleted_with(table: Table) -> Iterator[list[str]]:
    """The tables whose rows go, step by step: each is named once, where it is reached first."""
    near, seen = {table.name, str(table)}, set[str]()
    while near:
        seen |= near
        found = [
            key.table for key in table.referenced_by if key.on_delete == "CASCADE" and key.referenced in near
        ]  # fmt: skip
        near = set(found) - seen
        if near:
            yield sorted(near)


def empties_references(looked: Looked) -> Iterator[Notice]:
    """ON DELETE SET NULL and SET DEFAULT: rows of others are changed."""
    for act in _acts(looked):
        for key in _direct(act.table) if act.event == "DELETE" else ():
            if key.on_delete in {"SET NULL", "SET DEFAULT"}:
                value = "NULL" if key.on_delete == "SET NULL" else "its default"
                columns = ", ".join(key.columns)
                message = f"Rows of {key.table} that refer to what is deleted get {columns} set to {value}."
                yield info(FindingCode.CASCADES, message, "A rehearsal counts them.")


def cascades_update(looked: Looked) -> Iterator[Notice]:
    """ON UPDATE CASCADE and its like, when a column that others refer to is set."""
    for act in _acts(looked):
        for key in _direct(act.table) if act.event == "UPDATE" else ():
            if act.columns.intersection(key.referenced_columns) and key.on_update in {
                "CASCADE",
                "SET NULL",
                "SET DEFAULT",
            }:
                message = (
                    f"Rows of {key.table} that refer to a changed row are changed as well (ON UPDATE {key.on_update})."
                )
                yield info(FindingCode.CASCADES, message, "A rehearsal counts them.")


def searches_references(looked: Looked) -> Iterator[Notice]:
    """A foreign key without an index on its own side: for each row that goes its whole table is read."""
    for act in _acts(looked):
        for key in _direct(act.table):
            gone = act.event == "DELETE" or act.columns.intersection(key.referenced_columns)
            if gone and not key.indexed and _is_large(looked, key):
                columns, rows = ", ".join(key.columns), about(key.rows or 0)
                message = f"For each such row of {act.table.name} all of {key.table} is searched, {rows} rows."
                hint = f"Its foreign key {key.name} has no index: with one on {columns} it would be quick."
                yield warning(FindingCode.REFERENCE_NOT_INDEXED, message, hint)


def _is_large(looked: Looked, key: ForeignKey) -> bool:
    return looked.target is not None and key.rows is not None and key.rows >= looked.target.large_rows


def fires_triggers(looked: Looked) -> Iterator[Notice]:
    """The triggers of a table that a write sets off, with the functions they call."""
    for act in _acts(looked):
        found = [trigger for trigger in act.table.triggers if _fires(trigger, act)]
        if found:
            names = ", ".join(map(_described, found[:_MOST_NAMED]))
            more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
            many = "Triggers fire" if len(found) > 1 else "A trigger fires"
            message = f"{many} on {act.event} of {act.table.name}: {names}{more}."
            yield info(FindingCode.FIRES_TRIGGERS, message, "What they write is not in the text; a rehearsal shows it.")


def _fires(trigger: Trigger, act: _Act) -> bool:
    """UPDATE OF looks at the columns that a statement sets, whether or not their values change."""
    of = act.event != "UPDATE" or not trigger.columns or bool(act.columns.intersection(trigger.columns))
    return act.event in trigger.events and of


def _described(trigger: Trigger) -> str:
    of = f" of {trigger.partition}" if trigger.partition else ""
    rows = "for each row" if trigger.each_row else "once"
    when = ", where its WHEN holds" if trigger.conditional else ""
    return f"{trigger.name}{of} ({trigger.function}, {rows}{when})"


def fires_rules(looked: Looked) -> Iterator[Notice]:
    """The rules of a table that rewrite what is done to it."""
    for act in _acts(looked):
        for rule in act.table.rules:
            if rule.event == act.event:
                does = "is put in place of it" if rule.instead else "adds to it"
                message = f"The rule {rule.name} of {act.table.name} holds for {act.event}: what it says {does}."
                yield warning(
                    FindingCode.FIRES_RULES, message, "What it does is not in the text; a rehearsal shows it."
                )


def row_security(looked: Looked) -> Iterator[Notice]:
    """Policies hide rows without a word."""
    for table in looked.tables.values():
        if table.row_security:
            message = (
                f"Row security is on for {table.name}: rows that its policies hide are passed over without a word."
            )
            hint = "They hold for each login that does not own the table."
            yield info(FindingCode.ROW_SECURITY, message, hint)


# --- what a statement does -----------------------------------------------------------------------------------------


def _acts(looked: Looked) -> Iterator[_Act]:
    for kind, event in _EVENTS.items():
        for node, level in looked.of(kind):
            table = looked.table(level.items[0]) if level.items else looked.tables.get(relation_of(node["relation"]))
            if table is not None:
                yield _Act(event, table, _set_by(node))
                if kind == "InsertStmt" and node.get("onConflictClause", {}).get("action") == "ONCONFLICT_UPDATE":
                    yield _Act("UPDATE", table, _set_by(node["onConflictClause"]))
    yield from _merged(looked)
    if looked.item.type == "TruncateStmt":
        relations = (relation_of(part["RangeVar"]) for part in looked.item.node["relations"])
        yield from (_Act("TRUNCATE", looked.tables[one]) for one in relations if one in looked.tables)


def _merged(looked: Looked) -> Iterator[_Act]:
    for node, level in looked.of("MergeStmt"):
        table = looked.table(level.items[0])
        for clause in (part["MergeWhenClause"] for part in node.get("mergeWhenClauses", ())):
            event = _MERGED.get(clause.get("commandType", ""))
            if table is not None and event is not None:
                yield _Act(event, table, _set_by(clause))


def _set_by(node: Node) -> frozenset[str]:
    return frozenset(str(target["ResTarget"].get("name", "")) for target in node.get("targetList", ()))


def _direct(table: Table) -> Iterator[ForeignKey]:
    """The foreign keys to this very table, those of its own rows to each other included."""
    names = {table.name, str(table)}
    return (key for key in table.referenced_by if key.referenced in names)
