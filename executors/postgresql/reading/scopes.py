"""Which tables a name in a query may belong to: the items of FROM, level by level, as far as can be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from executors.postgresql.reading.parse import Node

# How far outwards a name is looked for; deeper nesting is not known.
_MOST_LEVELS = 30

_QUERIES = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})

# Table as written (`orders`, `shop.orders`) → its columns, for the tables that the target was asked about.
Catalogue: TypeAlias = Mapping[str, Sequence[str]]


class Relation(NamedTuple):
    """A table, view or the like as named, without the database's own name before it. '' = no schema."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


class Item(NamedTuple):
    """One item of FROM, or the table a statement changes. `columns` is None where they are not known.

    `scalar`: a call, whose whole row may be a single value.
    """

    alias: str
    relation: Relation | None
    columns: frozenset[str] | None
    scalar: bool = False


@dataclass(frozen=True, slots=True)
class Tables:
    """The common table expressions that can be named: the first `visible` of one WITH, and those around it."""

    own: Mapping[str, tuple[int, frozenset[str] | None]] = field(default_factory=dict)
    visible: int = 0
    outer: Tables | None = None

    def find(self, name: str) -> tuple[frozenset[str] | None] | None:
        """Its columns (None inside where they are not known), or None when there is no such one."""
        tables: Tables | None = self
        while tables is not None:
            place, columns = tables.own.get(name, (tables.visible, None))
            if place < tables.visible:
                return (columns,)
            tables = tables.outer
        return None


@dataclass(slots=True)
class Level:
    """What can be named inside one query: the items of its FROM, common table expressions, and what lies outside."""

    items: tuple[Item, ...] = ()
    tables: Tables = field(default_factory=Tables)
    outer: Level | None = None
    outputs: frozenset[str] = frozenset()

    def outwards(self) -> Iterator[Level]:
        """This level and those around it."""
        level: Level | None = self
        for _ in range(_MOST_LEVELS):
            if level is None:
                return
            yield level
            level = level.outer

    @property
    def only_item(self) -> Item | None:
        """The one table whose columns can be named, if there is only one."""
        items = [item for level in self.outwards() for item in level.items]
        return items[0] if len(items) == 1 else None

    def find(self, alias: str) -> Item | None:
        """The item that `alias` before a dot means."""
        return next((item for level in self.outwards() for item in level.items if item.alias == alias), None)

    def owner(self, column: str) -> tuple[Level, Item] | None:
        """Where an unqualified column certainly comes from; None when that cannot be known."""
        for level in self.outwards():
            for item in level.items:
                if item.columns is not None and column in item.columns:
                    return level, item
            if any(item.columns is None for item in level.items):
                return None
        return None

    def lacks(self, column: str) -> bool:
        """Whether this level certainly has no such column."""
        return all(item.columns is not None and column not in item.columns for item in self.items)


def is_query(key: str, node: Node) -> bool:
    """Whether a node opens a level; the sides of a UNION are not wrapped."""
    return key in _QUERIES or "limitOption" in node


def enter(node: Node, outer: Level, catalogue: Catalogue) -> Level:
    """The level inside a query node."""
    tables = outer.tables
    if entries := common_tables(node):
        own = {
            entry["ctename"]: (
                place,
                _renamed(outputs_of(_inner(entry.get("ctequery", {}))), entry.get("aliascolnames", ())),
            )
            for place, entry in enumerate(entries)
        }
        tables = Tables(own, len(entries), outer.tables)
    items = tuple(_items(node, tables, catalogue))
    return Level(items, tables, outer, outputs_of(node) or frozenset())


def common_tables(node: Node) -> list[Node]:
    """The common table expressions of a query node."""
    clause = node.get("withClause")
    return [item["CommonTableExpr"] for item in clause.get("ctes", ())] if isinstance(clause, dict) else []


def relation_of(node: Node) -> Relation:
    """The relation a RangeVar names. A database's name before it is this database's: the server takes no other."""
    return Relation(str(node.get("schemaname", "")), str(node["relname"]))


def strings(items: Sequence[Node]) -> list[str]:
    """The words of a list of names."""
    return [item["String"].get("sval", "") for item in items if "String" in item]


def qualified(names: Sequence[str]) -> Relation:
    """A dotted name as (schema, name), whatever stands before."""
    return Relation(names[-2] if len(names) > 1 else "", names[-1]) if names else Relation("", "")


def outputs_of(node: Node) -> frozenset[str] | None:
    """The names of the columns a query gives; None where they are not known."""
    while node.get("op", "SETOP_NONE") != "SETOP_NONE":
        node = node["larg"]
    if rows := node.get("valuesLists"):
        return frozenset(f"column{n}" for n in range(1, len(rows[0]["List"].get("items", ())) + 1))
    names = [
        _output(item.get("ResTarget", {}))
        for item in node.get("targetList" if "limitOption" in node else "returningList", ())
    ]
    return None if None in names else frozenset(name for name in names if name is not None)


def _output(target: Node) -> str | None:
    if target.get("name"):
        return str(target["name"])
    value = target.get("val", {})
    (kind, inner), *_ = value.items() if value else [("", {})]
    if kind == "ColumnRef":
        return _last(inner.get("fields", ()))
    if kind == "FuncCall":
        return _last(inner.get("funcname", ()))
    # Anything else has a name of the server's making, which nobody refers to in earnest.
    return None if kind in {"A_Indirection", "TypeCast"} else "?column?"


def _last(items: Sequence[Node]) -> str | None:
    return items[-1]["String"].get("sval", "") if items and "String" in items[-1] else None


def _inner(wrapped: Node) -> Node:
    return next((value for value in wrapped.values() if isinstance(value, dict)), {})


def _renamed(columns: frozenset[str] | None, names: Sequence[Node]) -> frozenset[str] | None:
    """The columns under the names an alias gives them; not known where it gives names to some of them only."""
    given = strings(names)
    if not given:
        return columns
    return frozenset(given) if columns is not None and len(given) >= len(columns) else None


def _items(node: Node, tables: Tables, catalogue: Catalogue) -> Iterator[Item]:
    if isinstance(target := node.get("relation"), dict) and "relname" in target:
        yield _table(target, Tables(), catalogue)
    stack: list[Any] = [node.get("fromClause"), node.get("usingClause"), node.get("sourceRelation")]
    while stack:
        part = stack.pop()
        if isinstance(part, list):
            stack.extend(part)
        elif isinstance(part, dict):
            for key, inner in part.items():
                if key == "JoinExpr":
                    stack += [inner.get("larg"), inner.get("rarg")]
                    if "alias" in inner:
                        yield Item(inner["alias"]["aliasname"], None, None)
                elif key == "RangeTableSample":
                    stack.append(inner.get("relation"))
                elif isinstance(inner, dict):
                    yield _item(key, inner, tables, catalogue)


def _item(key: str, node: Node, tables: Tables, catalogue: Catalogue) -> Item:
    alias = node.get("alias", {})
    name = str(alias.get("aliasname", ""))
    if key == "RangeVar":
        return _table(node, tables, catalogue)
    if key == "RangeSubselect":
        return Item(name, None, _renamed(outputs_of(_inner(node.get("subquery", {}))), alias.get("colnames", ())))
    return Item(name or _called(node), None, None, scalar=True)


def _called(node: Node) -> str:
    """The name of a function in FROM without an alias."""
    for function in node.get("functions", ()):
        for part in function.get("List", {}).get("items", ()):
            if "FuncCall" in part:
                return _last(part["FuncCall"].get("funcname", ())) or ""
    return ""


def _table(node: Node, tables: Tables, catalogue: Catalogue) -> Item:
    relation, alias = relation_of(node), node.get("alias", {})
    name = str(alias.get("aliasname", relation.name))
    if not relation.schema and (known := tables.find(relation.name)) is not None:
        return Item(name, None, _renamed(known[0], alias.get("colnames", ())))
    told = catalogue.get(str(relation))
    columns = None if told is None else frozenset(told) | SYSTEM_COLUMNS
    return Item(name, relation, _renamed(columns, alias.get("colnames", ())))
