"""What a parse tree holds: tables, functions, parameters, and the parts that decide between read and write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from executors.postgresql.reading.parse import Node, Statement
from executors.postgresql.reading.scopes import (
    Catalogue,
    Level,
    Relation,
    common_tables,
    enter,
    is_query,
    qualified,
    relation_of,
    strings,
)

_TARGETED = ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")
_DROPPED_RELATIONS = {"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_INDEX", "OBJECT_SEQUENCE"}


@dataclass(frozen=True, slots=True)
class Function:
    """A call of a function as written. `at` is a byte offset into the whole text, None when the parser gives none.

    `as_column`: written `x.f` or `(x).f`, which calls f(x) when x has no column of that name. `of_row`: x is a row
    there, which no function of the server's own that is refused takes: only the target can tell what it is.
    """

    schema: str
    name: str
    arguments: int
    at: int | None
    as_column: bool = False
    of_row: bool = False


@dataclass(slots=True)
class Facts:
    """Gathered from one statement. `statements` are the types of every statement inside it, itself included.

    `relations` are all that it names, `changed` those that an INSERT, UPDATE, DELETE or MERGE anywhere in it names as
    its own. `numbers` are those of its parameters ($1). `levels` are the queries in it, outermost first, each with its
    type, its node and what can be named inside.
    """

    relations: set[Relation] = field(default_factory=set)
    functions: list[Function] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    operators: set[str] = field(default_factory=set)
    types: set[Relation] = field(default_factory=set)
    numbers: set[int] = field(default_factory=set)
    into: bool = False
    locking: bool = False
    converts: bool = False
    changed: set[Relation] = field(default_factory=set)
    levels: list[tuple[str, Node, Level]] = field(default_factory=list)

    @property
    def parameters(self) -> int:
        """How many parameters it takes: as many as the highest number in it."""
        return max(self.numbers, default=0)

    @property
    def tables(self) -> set[str]:
        """The relations by the names people read."""
        return {str(relation) for relation in self.relations}


def together(facts: Facts, inside: Sequence[Facts]) -> Facts:
    """`facts` of a statement with those of the statements in its body: whatever it may touch when it runs."""
    if not inside:
        return facts
    every = (facts, *inside)
    return replace(
        facts,
        relations=set().union(*(one.relations for one in every)),
        functions=[*facts.functions, *(call for one in inside for call in without_places(one).functions)],
        statements=[kind for one in every for kind in one.statements],
        operators=set().union(*(one.operators for one in every)),
        types=set().union(*(one.types for one in every)),
        converts=any(one.converts for one in every),
        changed=set().union(*(one.changed for one in every)),
    )


def without_places(facts: Facts) -> Facts:
    """`facts` of a statement whose text is a part of another: its places are none of the whole."""
    return replace(facts, functions=[replace(call, at=None) for call in facts.functions])


def gather(statement: Statement, catalogue: Catalogue | None = None) -> Facts:
    """What the tree of a statement holds."""
    facts = Facts()
    for key, node, level in walked(statement, catalogue or {}):
        if is_query(key, node):
            facts.levels.append((key, node, level))
        _note(key, node, level, facts)
    if statement.type == "CreateFunctionStmt":
        facts.numbers.clear()  # `RETURN $1`: those of the function itself
    return facts


def walked(statement: Statement, catalogue: Catalogue) -> Iterator[tuple[str, Node, Level]]:
    """Every node of a statement, what it stands under, and what can be named in it.

    Without recursion: the tree may be thousands of levels deep.
    """
    stack: list[tuple[str, Any, Level]] = [(statement.type, statement.node, Level())]
    while stack:
        key, node, level = stack.pop()
        if isinstance(node, list):
            stack.extend((key, item, level) for item in reversed(node))
        elif isinstance(node, dict):
            inside = enter(node, level, catalogue) if is_query(key, node) else level
            yield key, node, inside
            stack.extend(_children(key, node, inside))


def _children(key: str, node: Node, level: Level) -> Iterator[tuple[str, Any, Level]]:
    """The parts of a node, each with what can be named there."""
    around = level.outer or Level()
    for place, entry in enumerate(common_tables(node)):
        seen = level.tables if node["withClause"].get("recursive") else replace(level.tables, visible=place)
        yield "CommonTableExpr", entry, Level(tables=seen, outer=around)
    for name, value in node.items():
        if name == "withClause":
            continue
        if name == "relation" and key in _TARGETED:
            yield name, value, Level()
        elif (name == "selectStmt" and key == "InsertStmt") or (key == "RangeSubselect" and not node.get("lateral")):
            # Neither sees the tables beside it, only those around the whole, and the common table expressions.
            yield name, value, Level(tables=level.tables, outer=around)
        else:
            yield name, value, level


def _note(key: str, node: Node, level: Level, facts: Facts) -> None:
    if key.endswith("Stmt") and key[0].isupper():
        _note_statement(key, node, facts)
    if (
        "relname" in node
        and "relpersistence" in node
        and (node.get("schemaname") or level.tables.find(node["relname"]) is None)
    ):
        facts.relations.add(relation_of(node))
    if "funcname" in node and key in {"FuncCall", "funccall"}:
        facts.functions.append(_function(node))
    if key == "ColumnRef" and len(node.get("fields", ())) > 1:
        facts.functions += _column(strings(node["fields"]), node.get("location"), level)
    if key == "A_Indirection":
        facts.functions += _indirection(node, level)
    if key == "ParamRef":
        facts.numbers.add(int(node.get("number", 0)))
    if key == "TypeCast":
        facts.types.add(qualified(strings(node.get("typeName", {}).get("names", ()))))
    facts.converts = facts.converts or key in {"TypeCast", "FuncCall"}
    facts.into = facts.into or "intoClause" in node or key == "into"
    facts.locking = facts.locking or "lockingClause" in node
    for field_name in ("name", "operName", "useOp"):
        _note_operator(key, node.get(field_name), facts)


def _note_statement(key: str, node: Node, facts: Facts) -> None:
    facts.statements.append(key)
    if key in _TARGETED:
        facts.changed.add(relation_of(node["relation"]))
    if key == "DropStmt" and node.get("removeType") in _DROPPED_RELATIONS:
        facts.relations.update(dropped(node))


def _note_operator(key: str, names: object, facts: Facts) -> None:
    if key in {"A_Expr", "SubLink", "SortBy"} and isinstance(names, list) and names:
        facts.operators.add(str(qualified(strings(names))))


def _function(node: Node) -> Function:
    schema, name = qualified(strings(node["funcname"]))
    return Function(schema, name, len(node.get("args", ())), node.get("location"))


def _column(names: Sequence[str], at: int | None, level: Level) -> list[Function]:
    """`x.f` as a call of f, unless x certainly has a column f. `a.b.c` can only be a call with a row."""
    if len(names) < 2:  # noqa: PLR2004 - x.*
        return []
    item = level.find(names[-2])
    if item is not None and item.columns is not None and names[-1] in item.columns:
        return []
    of_row = len(names) > 2 or (item is not None and not item.scalar)  # noqa: PLR2004
    return [Function("", names[-1], 1, at, as_column=True, of_row=of_row)]


def _indirection(node: Node, level: Level) -> list[Function]:
    """`(x).f` as calls of f: of a row where x is the alias of one and not, in the same query, a column."""
    parts = node.get("indirection", ())
    names = strings(parts)
    alias = strings(node.get("arg", {}).get("ColumnRef", {}).get("fields", ()))
    item = level.find(alias[0]) if len(alias) == 1 and len(names) == len(parts) else None
    if item is None or item.scalar or not names:
        return [Function("", name, 1, None, as_column=True) for name in names]
    first, *rest = names
    calls = [Function("", name, 1, None, as_column=True) for name in rest]
    if item.columns is not None and first in item.columns and level.lacks(alias[0]):
        return calls
    return [Function("", first, 1, None, as_column=True, of_row=True), *calls]


def dropped(node: Node) -> list[Relation]:
    """What a DROP names."""
    return [qualified(strings(item["List"]["items"])) for item in node.get("objects", ()) if "List" in item]
