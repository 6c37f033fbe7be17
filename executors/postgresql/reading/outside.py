"""What cannot run in a transaction, or should not be held to the limits of one: maintenance, an access of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from executors.postgresql.reading.parse import Node, Statement

ALONE: Final = "Ask for it with maintenance access, alone, where the target allows that."
_OFF: Final = frozenset({"false", "off", "no", "0"})
_REBUILT: Final = frozenset({"REINDEX_OBJECT_INDEX", "REINDEX_OBJECT_TABLE"})


class Kind(StrEnum):
    """A sort of maintenance, by what the catalogue is asked of it afterwards."""

    ADD_VALUE = "add_value"
    CREATE_INDEX = "create_index"
    DETACH = "detach"
    DROP_INDEX = "drop_index"
    REFRESH = "refresh"
    REINDEX = "reindex"
    REWRITE = "rewrite"
    VACUUM = "vacuum"


# What is said of each before anybody approves it: what a stop in the middle leaves.
LEAVES: Final[Mapping[Kind, str]] = {
    Kind.ADD_VALUE: "A value that was added stays: PostgreSQL cannot take one away.",
    Kind.CREATE_INDEX: "Stopped in the middle, it leaves an index that is not valid; its end names it.",
    Kind.DETACH: "Stopped in the middle, it leaves a partition half detached; its end names what finishes it.",
    Kind.DROP_INDEX: "Stopped in the middle, it leaves an index that is not valid; its end names it.",
    Kind.REFRESH: "Stopped in the middle, it leaves the view as it was.",
    Kind.REINDEX: "Stopped in the middle, it may leave indexes that are not valid; its end names them.",
    Kind.REWRITE: "Stopped in the middle, it leaves the table as it was.",
    Kind.VACUUM: "Stopped in the middle, it leaves what it has cleaned so far.",
}


def kind_of(item: Statement) -> Kind | None:
    """The sort of maintenance a statement is; None for one that is none."""
    node = item.node
    match item.type:
        case "IndexStmt" if node.get("concurrent"):
            return Kind.CREATE_INDEX
        case "DropStmt" if node.get("concurrent"):
            return Kind.DROP_INDEX
        case "RefreshMatViewStmt" if node.get("concurrent"):
            return Kind.REFRESH
        case "VacuumStmt" if node.get("is_vacuumcmd"):
            return Kind.REWRITE if has_option(node, "full") else Kind.VACUUM
        case "AlterEnumStmt" if "newVal" in node and "oldVal" not in node:
            return Kind.ADD_VALUE
    return {"ReindexStmt": Kind.REINDEX, "ClusterStmt": Kind.REWRITE}.get(item.type) or _detaching(item)


def offered(item: Statement) -> tuple[str, str] | None:
    """Why a statement is run with no other access than maintenance; None where another one takes it."""
    kind = kind_of(item)
    if kind is None or kind is Kind.ADD_VALUE:
        return None
    if kind is Kind.REFRESH or item.type == "ClusterStmt" or _locks_alone(item):
        return f"{named(item)} is maintenance, which has a time limit of its own.", ALONE
    return f"{named(item)} cannot run inside a transaction.", ALONE


def refused(item: Statement) -> tuple[str, str] | None:
    """Why maintenance access does not take a statement, and what to write instead; None where it does."""
    kind, node = kind_of(item), item.node
    if kind is None:
        return _needs_another(item)
    if item.type == "VacuumStmt" and not node.get("rels"):
        return "VACUUM without a table goes through the whole database.", "Name the tables: VACUUM orders, customers."
    if item.type == "ClusterStmt" and "relation" not in node:
        return "CLUSTER without a table goes through the whole database.", "Name the table: CLUSTER orders USING …."
    if item.type == "ReindexStmt" and node.get("kind") not in _REBUILT:
        return "REINDEX of more than a table is not allowed.", "Name the table: REINDEX TABLE CONCURRENTLY orders."
    if "tableSpace" in node or has_option(node, "tablespace"):
        return "Where the server keeps it is not chosen here.", "Leave TABLESPACE out."
    return None


def lets_others_work(item: Statement) -> bool:
    """Whether others read and write meanwhile."""
    kind = kind_of(item)
    if kind is Kind.REINDEX:
        return is_concurrent(item.node)
    return kind is not None and kind is not Kind.REWRITE


def named(item: Statement) -> str:
    """What people call the statement, with the word that makes it maintenance."""
    words = {
        "IndexStmt": "CREATE INDEX CONCURRENTLY",
        "DropStmt": "DROP INDEX CONCURRENTLY",
        "RefreshMatViewStmt": "REFRESH MATERIALIZED VIEW CONCURRENTLY",
        "AlterTableStmt": "DETACH PARTITION … CONCURRENTLY",
        "AlterEnumStmt": "ALTER TYPE … ADD VALUE",
        "ClusterStmt": "CLUSTER",
        "VacuumStmt": "VACUUM",
    }
    if item.type == "ReindexStmt":
        return "REINDEX CONCURRENTLY" if is_concurrent(item.node) else "REINDEX"
    return words[item.type]


def is_concurrent(node: Node) -> bool:
    """Whether a REINDEX lets others write meanwhile."""
    return has_option(node, "concurrently")


def mentions(node: Node, name: str) -> bool:
    """Whether an option of that name is written, on or off."""
    return any(option.get("defname") == name for option in _options(node))


def has_option(node: Node, name: str) -> bool:
    """Whether the last option of that name is on, as the server reads it."""
    on = False
    for option in _options(node):
        if option.get("defname") == name:
            argument = option.get("arg", {})
            text = argument.get("String", {}).get("sval", "").lower()
            number = argument.get("Integer", {}).get("ival", 0) if "Integer" in argument else 1
            on = text not in _OFF and number != 0 and argument.get("Boolean", {}).get("boolval", True)
    return on


def _options(node: Node) -> Iterator[Node]:
    yield from (entry.get("DefElem", {}) for entry in (*node.get("options", ()), *node.get("params", ())))


def partition(item: Statement) -> Node | None:
    """The command of an ALTER TABLE … DETACH PARTITION … CONCURRENTLY."""
    for command in (entry.get("AlterTableCmd", {}) for entry in item.node.get("cmds", ())):
        found: Node = command.get("def", {}).get("PartitionCmd", {})
        if command.get("subtype") == "AT_DetachPartition" and found.get("concurrent"):
            return found
    return None


def _detaching(item: Statement) -> Kind | None:
    return Kind.DETACH if item.type == "AlterTableStmt" and partition(item) is not None else None


def _locks_alone(item: Statement) -> bool:
    return item.type == "ReindexStmt" and not is_concurrent(item.node)


def _needs_another(item: Statement) -> tuple[str, str]:
    if item.type in {"SelectStmt", "ExplainStmt", "VariableShowStmt"}:
        return "This only reads; maintenance access is not for it.", "Ask for read access."
    if item.type == "IndexStmt" or (item.type == "DropStmt" and item.node.get("removeType") == "OBJECT_INDEX"):
        hint = "Write CONCURRENTLY, or ask for write access."
        return "Without CONCURRENTLY an index is built and dropped in a transaction.", hint
    message = "This can run in a transaction; maintenance access is for what cannot."
    return message, "Ask for write access: what it changes is counted, and held to a bound."
