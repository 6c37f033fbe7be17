"""Which statements a read and a write may be, and the sentence for each that they may not.

Two allow-lists. The database carries the guarantee (role, READ ONLY, one statement, ROLLBACK); this explains early and
refuses what no read-only mode stops.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from executors.postgresql.reading import outside, reasons, settings
from executors.postgresql.reading.facts import Facts, Function
from executors.postgresql.reading.function_policy import ROWS_ONLY, WRITE_MAY_CALL
from executors.postgresql.reading.functions import REFUSED
from executors.postgresql.reading.parse import Node, Statement
from executors.postgresql.reading.scopes import Relation, relation_of, strings

# Parse-tree type → what people call the statement. Every type here may be part of a write.
WRITE_KINDS = {
    "SelectStmt": "SELECT",
    "VariableShowStmt": "SHOW",
    "ExplainStmt": "EXPLAIN",
    "InsertStmt": "INSERT",
    "UpdateStmt": "UPDATE",
    "DeleteStmt": "DELETE",
    "MergeStmt": "MERGE",
    "TruncateStmt": "TRUNCATE",
    "LockStmt": "LOCK",
    "ConstraintsSetStmt": "SET CONSTRAINTS",
    "CreateStmt": "CREATE TABLE",
    "CreateTableAsStmt": "CREATE TABLE AS",
    "ViewStmt": "CREATE VIEW",
    "RefreshMatViewStmt": "REFRESH MATERIALIZED VIEW",
    "IndexStmt": "CREATE INDEX",
    "CreateSeqStmt": "CREATE SEQUENCE",
    "AlterSeqStmt": "ALTER SEQUENCE",
    "CreateSchemaStmt": "CREATE SCHEMA",
    "CreateEnumStmt": "CREATE TYPE",
    "AlterEnumStmt": "ALTER TYPE",
    "CompositeTypeStmt": "CREATE TYPE",
    "CreateDomainStmt": "CREATE DOMAIN",
    "AlterDomainStmt": "ALTER DOMAIN",
    "CreateStatsStmt": "CREATE STATISTICS",
    "AlterTableStmt": "ALTER TABLE",
    "RenameStmt": "RENAME",
    "CommentStmt": "COMMENT",
    "DropStmt": "DROP",
    "DoStmt": "DO",
    "CallStmt": "CALL",
    "CreateFunctionStmt": "CREATE FUNCTION",
    "AlterFunctionStmt": "ALTER FUNCTION",
    "CreateTrigStmt": "CREATE TRIGGER",
    "VacuumStmt": "ANALYZE",
    "ReturnStmt": "RETURN",  # only ever within CREATE FUNCTION
}

# What runs code when it runs, and what leaves code behind.
RUNS_CODE = frozenset({"DoStmt", "CallStmt"})
LEAVES_CODE = frozenset({"CreateFunctionStmt", "AlterFunctionStmt", "CreateTrigStmt"})

# What rows are read and changed with: the server can tell beforehand what these stand on.
ROWS = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "ExplainStmt"})

OWN_SCHEMAS = frozenset({"pg_catalog", "information_schema"})

_READ_KINDS = {"SelectStmt", "VariableShowStmt", "ExplainStmt"}

_DROPPABLE = {
    "OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_INDEX", "OBJECT_SEQUENCE", "OBJECT_TYPE", "OBJECT_DOMAIN",
    "OBJECT_SCHEMA", "OBJECT_STATISTIC_EXT", "OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE", "OBJECT_TRIGGER",
}  # fmt: skip
# What can be renamed or commented on: the same, and parts of them; never a role, a database or a server.
_NAMED = _DROPPABLE | {"OBJECT_COLUMN", "OBJECT_ATTRIBUTE", "OBJECT_TABCONSTRAINT", "OBJECT_DOMCONSTRAINT"}

_TRANSACTION = ("Transaction control is not allowed.", "The portal opens the transaction and commits it at the end.")
_SETTING = ("Session settings cannot be changed.", "The limits and the search path come from the target.")
_RIGHTS = ("Roles and privileges cannot be changed here.", "Ask the owner of the database.")
_COPY = ("COPY is not allowed.", "Select the rows and download the result instead.")
_PREPARE = ("Prepared statements are not allowed.", "Submit the statement itself, with parameters if it needs them.")
_NOTIFY = (
    "LISTEN and NOTIFY are not allowed.",
    "Have the program that uses the channel do it: a request here ends, and hears and sends nothing.",
)
_CODE = ("Code that runs later, or out of sight of the reviewer, cannot be created or called.", "Write the statements.")
_MAINTENANCE = ("This is maintenance, which a write does not take.", outside.ALONE)
_SERVER = ("Commands that change the server, its files or its replication are not allowed.", "Ask the owner.")
_CURSOR = ("Cursors are not allowed.", "Submit the SELECT itself.")

# Parse-tree type → (kind, (sentence, hint)). A type in neither table is refused with `_OTHER`.
REFUSED_KINDS = {
    "TransactionStmt": ("TRANSACTION", _TRANSACTION),
    "VariableSetStmt": ("SET", _SETTING),
    "DiscardStmt": ("DISCARD", _SETTING),
    "AlterRoleStmt": ("ALTER ROLE", _RIGHTS),
    "AlterRoleSetStmt": ("ALTER ROLE", _RIGHTS),
    "CreateRoleStmt": ("CREATE ROLE", _RIGHTS),
    "DropRoleStmt": ("DROP ROLE", _RIGHTS),
    "GrantStmt": ("GRANT", _RIGHTS),
    "GrantRoleStmt": ("GRANT", _RIGHTS),
    "AlterDefaultPrivilegesStmt": ("ALTER DEFAULT PRIVILEGES", _RIGHTS),
    "AlterOwnerStmt": ("ALTER OWNER", _RIGHTS),
    "DropOwnedStmt": ("DROP OWNED", _RIGHTS),
    "ReassignOwnedStmt": ("REASSIGN OWNED", _RIGHTS),
    "CreatePolicyStmt": ("CREATE POLICY", _RIGHTS),
    "AlterPolicyStmt": ("ALTER POLICY", _RIGHTS),
    "SecLabelStmt": ("SECURITY LABEL", _RIGHTS),
    "CopyStmt": ("COPY", _COPY),
    "PrepareStmt": ("PREPARE", _PREPARE),
    "ExecuteStmt": ("EXECUTE", _PREPARE),
    "DeallocateStmt": ("DEALLOCATE", _PREPARE),
    "ListenStmt": ("LISTEN", _NOTIFY),
    "UnlistenStmt": ("UNLISTEN", _NOTIFY),
    "NotifyStmt": ("NOTIFY", _NOTIFY),
    "CreateEventTrigStmt": ("CREATE EVENT TRIGGER", _CODE),
    "RuleStmt": ("CREATE RULE", _CODE),
    "CreateCastStmt": ("CREATE CAST", _CODE),
    "DefineStmt": ("CREATE OPERATOR OR AGGREGATE", _CODE),
    "CreatePLangStmt": ("CREATE LANGUAGE", _CODE),
    "ClusterStmt": ("CLUSTER", _MAINTENANCE),
    "ReindexStmt": ("REINDEX", _MAINTENANCE),
    "CheckPointStmt": ("CHECKPOINT", _SERVER),
    "LoadStmt": ("LOAD", _SERVER),
    "AlterSystemStmt": ("ALTER SYSTEM", _SERVER),
    "CreatedbStmt": ("CREATE DATABASE", _SERVER),
    "DropdbStmt": ("DROP DATABASE", _SERVER),
    "AlterDatabaseStmt": ("ALTER DATABASE", _SERVER),
    "AlterDatabaseSetStmt": ("ALTER DATABASE", _SERVER),
    "CreateExtensionStmt": ("CREATE EXTENSION", _SERVER),
    "AlterExtensionStmt": ("ALTER EXTENSION", _SERVER),
    "CreateTableSpaceStmt": ("CREATE TABLESPACE", _SERVER),
    "DropTableSpaceStmt": ("DROP TABLESPACE", _SERVER),
    "CreatePublicationStmt": ("CREATE PUBLICATION", _SERVER),
    "AlterPublicationStmt": ("ALTER PUBLICATION", _SERVER),
    "CreateSubscriptionStmt": ("CREATE SUBSCRIPTION", _SERVER),
    "AlterSubscriptionStmt": ("ALTER SUBSCRIPTION", _SERVER),
    "DropSubscriptionStmt": ("DROP SUBSCRIPTION", _SERVER),
    "CreateFdwStmt": ("CREATE FOREIGN DATA WRAPPER", _SERVER),
    "CreateForeignServerStmt": ("CREATE SERVER", _SERVER),
    "CreateForeignTableStmt": ("CREATE FOREIGN TABLE", _SERVER),
    "CreateUserMappingStmt": ("CREATE USER MAPPING", _SERVER),
    "ImportForeignSchemaStmt": ("IMPORT FOREIGN SCHEMA", _SERVER),
    "DeclareCursorStmt": ("DECLARE", _CURSOR),
    "FetchStmt": ("FETCH", _CURSOR),
    "ClosePortalStmt": ("CLOSE", _CURSOR),
}
_AT_CURSOR = (
    "WHERE CURRENT OF needs a cursor, and there is none: cursors are not allowed.",
    "Name the row by its key: WHERE id = …",
)
_REASONS = {"CopyStmt": reasons.copy, "TransactionStmt": reasons.transaction, "VariableSetStmt": settings.refused}
_OTHER = ("This kind of statement is not allowed.", "Ask the owner of the database.")

_PRIVILEGED_CHANGES = {
    "AT_ChangeOwner": _RIGHTS,
    "AT_EnableRowSecurity": _RIGHTS,
    "AT_DisableRowSecurity": _RIGHTS,
    "AT_ForceRowSecurity": _RIGHTS,
    "AT_NoForceRowSecurity": _RIGHTS,
    "AT_SetTableSpace": _SERVER,
    "AT_EnableReplicaTrig": _CODE,
    "AT_EnableAlwaysTrig": _CODE,
}


_SIGNS = frozenset("+-*/<>=~!@#%^&|`?")

_CATALOGUE = ("The server's own tables cannot be changed here.", "Its settings and its catalogue belong to its owner.")


def kind(statement: Statement) -> str:
    """What people call a statement, with all that it writes: `SELECT with DELETE`, `EXPLAIN UPDATE`."""
    return outside.named(statement) if outside.offered(statement) else _kind(statement.type, statement.node)


def _kind(statement: str, node: Node) -> str:
    if statement == "ExplainStmt":
        (inner, query), *_ = node["query"].items()
        explained = _kind(inner, query)
        return "EXPLAIN" if explained == "SELECT" else f"EXPLAIN {explained}"
    written = dict.fromkeys(_word(*inner) for inner in _in_with(node) if inner[0] != "SelectStmt")
    return f"{_word(statement, node)} with {' and '.join(written)}" if written else _word(statement, node)


def _in_with(node: Node) -> Iterator[tuple[str, Node]]:
    """The queries of the outermost WITH, where alone the server takes writes."""
    for entry in node.get("withClause", {}).get("ctes", ()):
        yield from entry["CommonTableExpr"]["ctequery"].items()


def _word(statement: str, node: Node) -> str:
    if statement == "SelectStmt" and "intoClause" in _leftmost(node):
        return "SELECT INTO"
    if statement in WRITE_KINDS:
        return WRITE_KINDS[statement]
    if statement in REFUSED_KINDS:
        return REFUSED_KINDS[statement][0]
    return statement.removesuffix("Stmt").upper()


def _leftmost(node: Node) -> Node:
    """INTO stands in the first SELECT of several."""
    while "larg" in node:
        node = node["larg"]
    return node


def needs_write(statement: Statement, facts: Facts) -> bool:
    """Whether a statement is anything else than a plain read."""
    nested = facts.statements[1:] if statement.type == "ExplainStmt" else facts.statements
    return (
        statement.type not in _READ_KINDS
        or (statement.type != "VariableShowStmt" and any(inner != "SelectStmt" for inner in nested))
        or facts.into
        or facts.locking
        or any(function.name in WRITE_MAY_CALL and not function.of_row for function in facts.functions)
    )


def refusal(statement: Statement, facts: Facts, made: Collection[str] = ()) -> tuple[str, str] | None:
    """The sentence and hint for a statement that not even a write may be; `made`: see `server_view`."""
    if any("CurrentOfExpr" in node.get("whereClause", {}) for _, node, _ in facts.levels):
        return _AT_CURSOR
    return refusal_inside(statement, facts, made)


def refusal_alone(statement: Statement, facts: Facts) -> tuple[str, str] | None:
    """The same for maintenance, which takes nothing else: what no write may be is refused with its own reason."""
    if outside.kind_of(statement) is None:
        return refusal(statement, facts) or outside.refused(statement)
    return outside.refused(statement)


def refusal_inside(statement: Statement, facts: Facts, made: Collection[str]) -> tuple[str, str] | None:
    """The same for a statement in a body, where cursors may be."""
    for inner in facts.statements:
        if inner == "VariableSetStmt" and statement.type in LEAVES_CODE:
            continue  # an option of the function, judged with the others
        if inner == statement.type and inner in _REASONS:
            return _REASONS[inner](statement.node)
        if inner == statement.type and (alone := outside.offered(statement)):
            return alone
        if inner not in WRITE_KINDS:
            return REFUSED_KINDS[inner][1] if inner in REFUSED_KINDS else _OTHER
    if any(_of_the_server(table) or table.name in made for table in facts.changed):
        return _CATALOGUE
    return _detail(statement)


def server_view(statement: Statement, made: Collection[str]) -> set[str]:
    """The name of a view that a text makes over a table of the server's, or over another such view in `made`.

    What is changed through it is the server's. Views that were there before are looked up when the target is asked.
    """
    select = statement.node.get("query", {}).get("SelectStmt", {}) if statement.type == "ViewStmt" else {}
    for item in select.get("fromClause", ()):
        base = relation_of(item["RangeVar"]) if "RangeVar" in item else Relation("", "")
        if _of_the_server(base) or base.name in made:
            return {str(statement.node["view"]["relname"])}
    return set()


def _of_the_server(table: Relation) -> bool:
    """Whether a table is the server's own: changing pg_settings is SET by another name."""
    return table.schema in OWN_SCHEMAS or (not table.schema and table.name.startswith("pg_"))


def refused_function(function: Function) -> bool:
    """Whether neither a read nor a write may call the function. What may be a column of a row, the target tells."""
    if function.as_column:
        return not function.of_row and function.name in REFUSED - WRITE_MAY_CALL - ROWS_ONLY
    return refused_name(function.name, function.arguments) and function.name not in WRITE_MAY_CALL


def refused_name(name: str, arguments: int) -> bool:
    """Whether a read may not call the server's own function of that name."""
    if name == "ts_rewrite":
        return arguments < 3  # noqa: PLR2004  the form that takes a query as text
    return name in REFUSED


def foreign_operator(name: str) -> bool:
    """Whether an operator is named in a schema other than pg_catalog."""
    schema, dot, _ = name.partition(".")
    return bool(dot and schema and schema != "pg_catalog" and not _SIGNS.issuperset(schema))


def _detail(statement: Statement) -> tuple[str, str] | None:
    detail = _DETAILS.get(statement.type)
    return detail(statement.node) if detail else None


def _dropped(node: Node) -> tuple[str, str] | None:
    if node.get("removeType") not in _DROPPABLE:
        return "This kind of object cannot be dropped here.", "Ask the owner of the database."
    return None


def _named(node: Node) -> tuple[str, str] | None:
    known = (node.get("renameType") or node.get("objtype")) in _NAMED
    return None if known else ("This kind of object cannot be changed here.", "Ask the owner of the database.")


def _altered(node: Node) -> tuple[str, str] | None:
    commands = (command.get("AlterTableCmd", {}).get("subtype", "") for command in node.get("cmds", ()))
    return next(filter(None, map(_PRIVILEGED_CHANGES.get, commands)), None)


def _triggered(node: Node) -> tuple[str, str] | None:
    if refused_name(strings(node["funcname"])[-1], 0):
        return "That function is not allowed as a trigger.", "Write a function of your own."
    return None


_DETAILS: dict[str, Callable[[Node], tuple[str, str] | None]] = {
    "AlterTableStmt": _altered,
    "CommentStmt": _named,
    "CreateTrigStmt": _triggered,
    "DropStmt": _dropped,
    "RenameStmt": _named,
}
