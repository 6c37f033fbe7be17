"""What a statement needs to find in the catalogue, and what it makes: for statements that no server parses ahead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from executors.postgresql.reading.facts import Facts
from executors.postgresql.reading.objects import Named, made_objects, objects
from executors.postgresql.reading.parse import Node, Statement

# The server understands these, names and types, when it is asked to parse them; of all others it checks the grammar.
UNDERSTOOD = frozenset({
    "SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "ExplainStmt", "CreateTableAsStmt",
})  # fmt: skip
# After any other the catalogue is not what it was.
_KEEPS_SCHEMA = UNDERSTOOD - {"CreateTableAsStmt"} | {
    "VariableShowStmt", "TruncateStmt", "LockStmt", "ConstraintsSetStmt", "CommentStmt", "RefreshMatViewStmt",
}  # fmt: skip
# Their names are known to the server when they run.
BRINGS_CODE = frozenset({"DoStmt", "CallStmt", "CreateFunctionStmt", "AlterFunctionStmt"})
# What these change or make has its name in them; of any other it may be anything.
CHANGES_WHAT_IT_NAMES = frozenset({
    "AlterTableStmt", "CommentStmt", "CreateSeqStmt", "CreateStmt", "CreateTableAsStmt", "IndexStmt", "SelectStmt",
    "ViewStmt",
})  # fmt: skip
# Where a statement holds the relation it makes.
_MAKES = {"CreateStmt": "relation", "ViewStmt": "view", "CreateSeqStmt": "sequence", "CompositeTypeStmt": "typevar"}
_ON_COLUMNS = {
    "AT_DropColumn", "AT_AlterColumnType", "AT_SetNotNull", "AT_DropNotNull", "AT_ColumnDefault", "AT_SetStatistics",
    "AT_SetStorage", "AT_DropExpression", "AT_SetIdentity", "AT_DropIdentity",
}  # fmt: skip


def changes_schema(item: Statement) -> bool:
    """Whether what stands after the statement meets another catalogue."""
    return item.type not in _KEEPS_SCHEMA or "intoClause" in item.node


def made(item: Statement) -> frozenset[str]:
    """Names of what there is after the statement and was not, or not so, before; without their schemas."""
    return frozenset(_made(item.type, item.node))


def needed(item: Statement, facts: Facts) -> list[Named]:
    """What a statement needs to find in the catalogue; what it does without, having said IF EXISTS, is `optional`."""
    if item.type in BRINGS_CODE:
        return []
    if item.type in {"DropStmt", "CommentStmt", "ConstraintsSetStmt"}:
        return list(objects(item))
    own = frozenset() if item.type in {"RenameStmt", "AlterTableStmt"} else made(item)
    relations = {relation for relation in facts.relations if relation.name not in own}
    found = [name for name in _ranges(item.node) if (name.schema, name.relation) in relations]
    loose = relations - {(name.schema, name.relation) for name in found}
    without_place = (Named(relation.schema, relation.name, None) for relation in sorted(loose))
    every = [*found, *without_place, *_columns(item), *objects(item)]
    return [name._replace(optional=True) for name in every] if item.node.get("missing_ok") else every


def _made(kind: str, node: Node) -> Iterator[str]:
    yield from made_objects(kind, node)
    if kind in _MAKES:
        yield str(node[_MAKES[kind]]["relname"])
    elif kind == "CreateTableAsStmt":
        yield str(node["into"]["rel"]["relname"])
    elif kind == "IndexStmt":
        yield str(node.get("idxname", ""))
    elif kind == "RenameStmt":
        yield str(node.get("newname", ""))
    elif kind == "CreateSchemaStmt":
        for element in node.get("schemaElts", ()):
            ((inner, body), *_) = element.items()
            yield from _made(inner, body)
    if "intoClause" in node:
        yield str(node["intoClause"]["rel"]["relname"])
    if kind == "AlterTableStmt" and "relation" in node:
        yield str(node["relation"]["relname"])


def _ranges(root: Node) -> Iterator[Named]:
    """Every relation with its place, in no particular order, without recursion."""
    stack: list[Any] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(node)
        elif isinstance(node, dict):
            if "relname" in node and "relpersistence" in node:
                yield Named(node.get("schemaname", ""), node["relname"], node.get("location"))
            stack.extend(node.values())


def _columns(item: Statement) -> Iterator[Named]:
    relation = item.node.get("relation")
    if not isinstance(relation, dict) or "relname" not in relation:
        return
    schema, name, at = relation.get("schemaname", ""), relation["relname"], relation.get("location")
    for column in _columns_of(item):
        yield Named(schema, name, at, column, "column")


def _columns_of(item: Statement) -> Iterator[str]:
    if item.type == "RenameStmt" and item.node.get("renameType") == "OBJECT_COLUMN":
        yield item.node["subname"]
    elif item.type == "IndexStmt":
        parts = (part.get("IndexElem", {}) for part in item.node.get("indexParams", ()))
        yield from (part["name"] for part in parts if "name" in part)
    elif item.type == "AlterTableStmt":
        commands = [part.get("AlterTableCmd", {}) for part in item.node.get("cmds", ())]
        added = {c["def"]["ColumnDef"]["colname"] for c in commands if c.get("subtype") == "AT_AddColumn"}
        for command in commands:
            wanted = command.get("subtype") in _ON_COLUMNS and not command.get("missing_ok")
            if wanted and command.get("name") and command["name"] not in added:
                yield command["name"]
