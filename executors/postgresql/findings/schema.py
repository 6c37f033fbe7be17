"""Changes of the schema: what they lock, what they read through, and what they break by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from executors.base import FindingCode
from executors.postgresql.findings.altering import Command, altered, commands, constraints, dropped, is_new
from executors.postgresql.findings.known import Kind, Table
from executors.postgresql.findings.looked import Looked, Notice, about, info, warning
from executors.postgresql.reading import outside
from executors.postgresql.reading.scopes import Relation, relation_of

_EVERYBODY = "nobody else reads or writes it"
_HARDEST = "ACCESS EXCLUSIVE"
_WRITERS = "nobody else writes to it"
# What other sessions cannot do, by the command; anything that is not here shuts out everybody.
_GENTLE = frozenset(
    {"AT_SetStatistics", "AT_ValidateConstraint", "AT_ClusterOn", "AT_DropCluster", "AT_SetOptions", "AT_ResetOptions"}
    | {"AT_SetRelOptions", "AT_ResetRelOptions", "AT_AttachPartition"}
)
_TRIGGERS = frozenset({"AT_EnableTrig", "AT_DisableTrig", "AT_EnableTrigAll", "AT_DisableTrigAll", "AT_EnableTrigUser",
                       "AT_DisableTrigUser"})  # fmt: skip
_ALONE = "CONCURRENTLY would not: ask for maintenance access, where the target allows it."
_TWICE = "Add it with NOT VALID in this request, and validate it (ALTER TABLE … VALIDATE CONSTRAINT) in another."


# --- locks, from the text -----------------------------------------------------------------------------------------


def locks(looked: Looked) -> Iterator[Notice]:
    """The lock that a change of the schema holds until the request ends, where others have to wait for it."""
    found: dict[tuple[str, str], list[str]] = {}
    for (relation, effect), mode in _locks(looked).items():
        if not is_new(looked, relation):
            found.setdefault((mode, effect), []).append(str(relation))
    for (mode, effect), names in found.items():
        message = f"It locks {', '.join(names)} ({mode}): {effect} until the request ends."
        hint = "It waits for those who use it now, and others wait behind it."
        yield info(FindingCode.LOCKS_TABLE, message, hint)


def _locks(looked: Looked) -> Mapping[tuple[Relation, str], str]:  # noqa: PLR0911 - one line for each kind
    node = looked.item.node
    if outside.lets_others_work(looked.item):
        return {}
    match looked.item.type:
        case "AlterTableStmt":
            return _alter_locks(looked)
        case "TruncateStmt":
            return {(relation_of(part["RangeVar"]), _EVERYBODY): _HARDEST for part in node["relations"]}
        case "DropStmt" if node.get("removeType") == "OBJECT_INDEX":
            return {
                (relation, f"{_EVERYBODY}, nor its table,"): _HARDEST for relation in dropped(looked, "OBJECT_INDEX")
            }
        case "VacuumStmt" | "ClusterStmt" | "ReindexStmt":
            return _maintained(looked)
        case "IndexStmt":
            return {(relation_of(node["relation"]), _WRITERS): "SHARE"}
        case "RefreshMatViewStmt":
            return {(relation_of(node["relation"]), _EVERYBODY): _HARDEST}
        case "RenameStmt" if node.get("renameType") in {"OBJECT_TABLE", "OBJECT_COLUMN", "OBJECT_TABCONSTRAINT"}:
            return {(relation_of(node["relation"]), _EVERYBODY): _HARDEST}
    return {}


def _maintained(looked: Looked) -> Mapping[tuple[Relation, str], str]:
    """Of what writes a table or its indexes anew while it is locked."""
    node = looked.item.node
    if looked.item.type == "VacuumStmt":
        full = node.get("rels", ()) if outside.has_option(node, "full") else ()
        return {(relation_of(part["VacuumRelation"]["relation"]), _EVERYBODY): _HARDEST for part in full}
    if "relation" not in node:
        return {}
    if looked.item.type == "ClusterStmt":
        return {(relation_of(node["relation"]), _EVERYBODY): _HARDEST}
    return {(relation_of(node["relation"]), f"{_WRITERS}, and reads through its indexes wait,"): "SHARE"}


def _alter_locks(looked: Looked) -> Mapping[tuple[Relation, str], str]:
    """The strongest of its commands counts; a foreign key locks both its tables against writers."""
    found: dict[tuple[Relation, str], str] = {}
    harder = [command for command in commands(looked) if command.kind not in _GENTLE]
    if harder and all(map(_stops_writers, harder)):
        found[harder[0].relation, _WRITERS] = "SHARE ROW EXCLUSIVE"
    elif harder:
        found[harder[0].relation, _EVERYBODY] = _HARDEST
    for command in harder:
        if _is_foreign_key(command):
            found.setdefault((relation_of(command.constraint["pktable"]), _WRITERS), "SHARE ROW EXCLUSIVE")
    return found


def _stops_writers(command: Command) -> bool:
    return command.kind in _TRIGGERS or _is_foreign_key(command)


def _is_foreign_key(command: Command) -> bool:
    return command.kind == "AT_AddConstraint" and command.constraint.get("contype") == "CONSTR_FOREIGN"


# --- what is read through -------------------------------------------------------------------------------------------


def checks_rows(looked: Looked) -> Iterator[Notice]:
    """A constraint that is held against every row of a large table while it is locked."""
    for command, table in altered(looked):
        what = _checked(command)
        if what and looked.is_large(table):
            message = f"{what} is held against all of {table.name}, {about(table.rows or 0)} rows, while it is locked."
            # Before PostgreSQL 18 a partitioned table has no foreign key that is not valid.
            hint = "" if table.kind is Kind.PARTITIONED and _is_foreign_key(command) else _TWICE
            yield warning(FindingCode.CHECKS_EVERY_ROW, message, hint, command.constraint.get("location"))


def _checked(command: Command) -> str:
    constraint = command.constraint
    kind = {"CONSTR_CHECK": "The condition", "CONSTR_FOREIGN": "The foreign key"}.get(constraint.get("contype", ""), "")
    return "" if command.kind != "AT_AddConstraint" or constraint.get("skip_validation") else kind


def sets_not_null(looked: Looked) -> Iterator[Notice]:
    """SET NOT NULL looks at every row, unless a valid CHECK says so already."""
    for command, table in altered(looked):
        column = table.columns.get(command.name)
        if command.kind == "AT_SetNotNull" and column is not None and not column.not_null and looked.is_large(table):
            rows = about(table.rows or 0)
            message = f"SET NOT NULL looks for NULL in all of {table.name}, {rows} rows, unless a CHECK rules it out."
            hint = (
                f"Add CHECK ({column.name} IS NOT NULL) NOT VALID, validate it in another request, then set NOT NULL."
            )
            yield warning(FindingCode.CHECKS_EVERY_ROW, message, hint)


def builds_index(looked: Looked) -> Iterator[Notice]:
    """An index on a large table: by CREATE INDEX, or for a UNIQUE or PRIMARY KEY constraint."""
    node = looked.item.node
    table = (
        looked.tables.get(relation_of(node["relation"]))
        if looked.item.type == "IndexStmt" and not node.get("concurrent")
        else None
    )
    if table is not None and looked.is_large(table):
        rows = about(table.rows or 0)
        message = f"Building the index reads all of {table.name}, {rows} rows, and nobody writes to it meanwhile."
        yield warning(FindingCode.NOT_CONCURRENTLY, message, _ALONE)
    for command, altered_table in altered(looked):
        unique = command.constraint.get("contype") in {"CONSTR_UNIQUE", "CONSTR_PRIMARY"}
        if unique and "indexname" not in command.constraint and looked.is_large(altered_table):
            rows = about(altered_table.rows or 0)
            message = (
                f"The constraint builds an index over all of {altered_table.name}, {rows} rows, while it is locked."
            )
            hint = (
                "With maintenance access it is built CONCURRENTLY, where the target allows it; ADD CONSTRAINT … USING "
                "INDEX then takes it."
            )
            yield warning(FindingCode.NOT_CONCURRENTLY, message, hint, command.constraint.get("location"))


def drops_large_index(looked: Looked) -> Iterator[Notice]:
    """DROP INDEX waits for everybody who reads the table, and then they for it."""
    if looked.item.node.get("concurrent"):
        return
    for relation in dropped(looked, "OBJECT_INDEX"):
        index = looked.tables.get(relation)
        if index is not None and index.kind is Kind.INDEX and looked.is_large(index):
            message = (
                f"Dropping {index.name} locks its table, {about(index.rows or 0)} rows, against readers and writers."
            )
            yield info(FindingCode.NOT_CONCURRENTLY, message, _ALONE)


def refreshes_large(looked: Looked) -> Iterator[Notice]:
    """REFRESH MATERIALIZED VIEW shuts its readers out while it is computed."""
    node = looked.item.node
    if looked.item.type == "RefreshMatViewStmt" and not (node.get("skipData") or node.get("concurrent")):
        view = looked.tables.get(relation_of(looked.item.node["relation"]))
        if view is not None and looked.is_large(view):
            message = f"Nobody reads {view.name} while it is computed anew, {about(view.rows or 0)} rows."
            yield info(FindingCode.NOT_CONCURRENTLY, message, _ALONE)


# --- what fails, breaks or stays ------------------------------------------------------------------------------------


def adds_not_null(looked: Looked) -> Iterator[Notice]:
    """ADD COLUMN … NOT NULL without a default."""
    for command, table in altered(looked):
        found = constraints(command.column)
        given = {"DEFAULT", "GENERATED", "IDENTITY"} & found.keys() or _is_serial(command)
        if command.kind == "AT_AddColumn" and {"NOTNULL", "PRIMARY"} & found.keys() and not given and table.rows:
            name = command.column.get("colname", "")
            message = (
                f"It fails where {table.name} has rows ({about(table.rows)}): {name} is NOT NULL and has no default."
            )
            hint = f"Give {name} a default, or add it without NOT NULL, fill it, and set NOT NULL then."
            yield warning(FindingCode.NOT_NULL_FAILS, message, hint, command.column.get("location"))


def _is_serial(command: Command) -> bool:
    names = command.column.get("typeName", {}).get("names", ())
    return any(part.get("String", {}).get("sval", "").endswith("serial") for part in names)


def renames(looked: Looked) -> Iterator[Notice]:
    """A new name for a table or a column: views keep up, texts do not."""
    node = looked.item.node
    kind = node.get("renameType") if looked.item.type == "RenameStmt" else ""
    if kind not in {"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_COLUMN"}:
        return
    relation = relation_of(node["relation"])
    old = f"{relation}.{node.get('subname', '')}" if kind == "OBJECT_COLUMN" else str(relation)
    if not is_new(looked, relation):
        message = (
            f"Whatever names {old} in a text fails from then on: applications, functions, requests that wait here."
        )
        yield info(FindingCode.BREAKS_NAMES, message, "Views, constraints and indexes keep up with the new name.")


def adds_enum_value(looked: Looked) -> Iterator[Notice]:
    """A value of an enum cannot be taken away again."""
    node = looked.item.node
    if looked.item.type == "AlterEnumStmt" and "newVal" in node and "oldVal" not in node:
        message = f"The value {node['newVal']} stays: PostgreSQL cannot take a value away from an enum."
        yield info(FindingCode.VALUE_STAYS, message, "It can be used once this request is done, not within it.")


def changes_primary_key(looked: Looked) -> Iterator[Notice]:
    """Dropping a primary key, or a column of it."""
    for command, table in altered(looked):
        primary = next((index for index in table.indexes if index.primary), None)
        if primary is None or not _takes(command, table, primary.name):
            continue
        message = f"{table.name} has no primary key afterwards ({', '.join(primary.columns)} until now)."
        refer = sorted({key.table for key in table.referenced_by if _refers(table, key.referenced)})
        hint = f"Rows of {', '.join(refer)} refer to it. " if refer else ""
        yield warning(FindingCode.CHANGES_KEY, message, f"{hint}Without one its changes cannot be undone here.")


def _takes(command: Command, table: Table, primary: str) -> bool:
    if command.kind == "AT_DropConstraint":
        return command.name == primary
    return command.kind == "AT_DropColumn" and command.name in table.primary_key


def _refers(table: Table, referenced: str) -> bool:
    return referenced in {table.name, str(table)}
