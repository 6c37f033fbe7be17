"""What a parse tree holds: tables, functions, parameters, and the parts that decide between read and write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from executors.postgresql.reading.parse import Node, Statement

_TARGETED = ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")
_DROPPED_RELATIONS = {"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_INDEX", "OBJECT_SEQUENCE"}


@dataclass(frozen=True, slots=True)
class Scope:
    """The names of common table expressions visible somewhere: the first `count` of `names`, and those outside."""

    names: Mapping[str, int] = field(default_factory=dict)
    count: int = 0
    outer: Scope | None = None

    def __contains__(self, name: str) -> bool:
        scope: Scope | None = self
        while scope is not None:
            if scope.names.get(name, scope.count) < scope.count:
                return True
            scope = scope.outer
        return False


@dataclass(frozen=True, slots=True)
class Function:
    """A call of a function as written. `at` is a byte offset into the whole text, None when the parser gives none.

    `as_column`: written `x.f` or `(x).f`, which calls f(x) when x has no column of that name.
    """

    schema: str
    name: str
    arguments: int
    at: int | None
    as_column: bool = False


@dataclass(slots=True)
class Facts:
    """Gathered from one statement. `statements` are the types of every statement inside it, itself included.

    `changed` are the tables that an INSERT, UPDATE, DELETE or MERGE anywhere in it names as its own.
    """

    tables: set[str] = field(default_factory=set)
    functions: list[Function] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    operators: set[str] = field(default_factory=set)
    parameters: int = 0
    into: bool = False
    locking: bool = False
    unfiltered: list[str] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)


def gather(statement: Statement) -> Facts:
    """Walk the tree of a statement, without recursion: the tree may be thousands of levels deep."""
    facts = Facts()
    stack: list[tuple[str, Any, Scope]] = [(statement.type, statement.node, Scope())]
    while stack:
        key, node, scope = stack.pop()
        if isinstance(node, list):
            stack.extend((key, item, scope) for item in node)
        elif isinstance(node, dict):
            _note(key, node, scope, facts)
            stack.extend(_children(key, node, scope))
    return facts


def _children(key: str, node: Node, scope: Scope) -> list[tuple[str, Any, Scope]]:
    """The parts of a node, each with the names of common table expressions visible there."""
    inside = scope
    parts: list[tuple[str, Any, Scope]] = []
    clause = node.get("withClause")
    if isinstance(clause, dict):
        entries = [item["CommonTableExpr"] for item in clause.get("ctes", ())]
        names: dict[str, int] = {}
        for index, entry in enumerate(entries):
            names.setdefault(entry["ctename"], index)
        inside = Scope(names, len(entries), scope)
        for index, entry in enumerate(entries):
            visible = inside if clause.get("recursive") else Scope(names, index, scope)
            parts.append(("CommonTableExpr", entry, visible))
    for name, value in node.items():
        if name != "withClause":
            target = name == "relation" and key in _TARGETED
            parts.append((name, value, Scope() if target else inside))
    return parts


def _note(key: str, node: Node, scope: Scope, facts: Facts) -> None:
    if key.endswith("Stmt") and key[0].isupper():
        _note_statement(key, node, facts)
    if "relname" in node and "relpersistence" in node:
        _note_table(node, scope, facts)
    if "funcname" in node and key == "FuncCall":
        facts.functions.append(_function(node))
    if key == "ColumnRef" and len(node.get("fields", ())) > 1:
        facts.functions += _as_columns(node["fields"][-1:], node.get("location"))
    if key == "A_Indirection":
        facts.functions += _as_columns(node.get("indirection", ()), None)
    if key == "ParamRef":
        facts.parameters = max(facts.parameters, int(node.get("number", 0)))
    facts.into = facts.into or "intoClause" in node or key == "into"
    facts.locking = facts.locking or "lockingClause" in node
    for field_name in ("name", "operName", "useOp"):
        _note_operator(key, node.get(field_name), facts)


def _note_statement(key: str, node: Node, facts: Facts) -> None:
    facts.statements.append(key)
    if key in {"UpdateStmt", "DeleteStmt"} and "whereClause" not in node:
        facts.unfiltered.append(key)
    if key in _TARGETED:
        facts.changed.add(_qualified(node["relation"]))
    if key == "DropStmt" and node.get("removeType") in _DROPPED_RELATIONS:
        facts.tables.update(_dropped(node))


def _note_table(node: Node, scope: Scope, facts: Facts) -> None:
    if node.get("schemaname") or node["relname"] not in scope:
        facts.tables.add(_qualified(node))


def _qualified(node: Node) -> str:
    schema, name = node.get("schemaname"), str(node["relname"])
    return f"{schema}.{name}" if schema else name


def _note_operator(key: str, names: object, facts: Facts) -> None:
    if key in {"A_Expr", "SubLink", "SortBy"} and isinstance(names, list) and len(names) > 1:
        facts.operators.add(".".join(_strings(names)))


def _function(node: Node) -> Function:
    *schema, name = _strings(node["funcname"])
    return Function(".".join(schema), name, len(node.get("args", ())), node.get("location"))


def _as_columns(names: Sequence[Node], at: int | None) -> list[Function]:
    return [Function("", item["String"].get("sval", ""), 1, at, as_column=True) for item in names if "String" in item]


def _dropped(node: Node) -> list[str]:
    return [".".join(_strings(item["List"]["items"])) for item in node.get("objects", ()) if "List" in item]


def _strings(items: list[Node]) -> list[str]:
    return [item["String"].get("sval", "") for item in items if "String" in item]
