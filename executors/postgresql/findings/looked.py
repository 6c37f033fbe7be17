"""One statement laid out for those who look at it: its nodes by kind, and the tables of the target that it names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from executors.base import FindingCode, Severity, Target
from executors.postgresql.findings.known import Column, Table
from executors.postgresql.reading.conditions.literals import UNREAD, constant
from executors.postgresql.reading.conditions.trees import column, conjuncts, walk
from executors.postgresql.reading.facts import walked
from executors.postgresql.reading.parse import Node, Statement
from executors.postgresql.reading.scopes import Item, Level, Relation, strings

QUERIES = ("SelectStmt", "UpdateStmt", "DeleteStmt")


class Notice(NamedTuple):
    """Something noticed. `at` is a byte offset into the whole text; None: at the beginning of the statement."""

    code: FindingCode
    severity: Severity
    message: str
    hint: str = ""
    at: int | None = None


class Part(NamedTuple):
    """A node and what can be named in it."""

    node: Node
    level: Level


class Meant(NamedTuple):
    """A column of a table of the target that a name certainly means."""

    table: Table
    column: Column
    item: Item


@dataclass
class Looked:
    """A statement, and what is known of it.

    `tables` holds those of its relations (as written) that the target was asked about and has as they are now; none
    where only the text is looked at. `target` tells what counts as large and as personal. `before` are the statements
    of the same text that run before it, and `source` is that text, which places in the tree are bytes of.
    """

    item: Statement
    source: bytes = b""
    tables: Mapping[Relation, Table] = field(default_factory=dict)
    target: Target | None = None
    before: Sequence[Statement] = ()

    @cached_property
    def parts(self) -> Mapping[str, Sequence[Part]]:
        """Its nodes by their kind (`A_Expr`, `SelectStmt` …), outermost first; the statement itself among them."""
        names = {str(relation): tuple(table.columns) for relation, table in self.tables.items()}
        found: dict[str, list[Part]] = {}
        for kind, node, level in walked(self.item, names):
            if kind[:1].isupper():
                found.setdefault(kind, []).append(Part(node, level))
            elif "limitOption" in node:  # a side of a UNION
                found.setdefault("SelectStmt", []).append(Part(node, level))
        return found

    @cached_property
    def levels(self) -> Mapping[int, Level]:
        """What can be named in a node, by the node's identity."""
        return {id(node): level for parts in self.parts.values() for node, level in parts}

    @cached_property
    def conditions(self) -> Sequence[Part]:
        """What WHERE and ON demand, taken apart at AND: all that has to hold for a row."""
        asked = [(node.get("whereClause"), level) for node, level in self.of(*QUERIES)]
        asked += [(node.get("joinCondition"), level) for node, level in self.of("MergeStmt")]
        asked += [(node.get("quals"), level) for node, level in self.of("JoinExpr")]
        return [Part(part, level) for node, level in asked if node for part in conjuncts(node)]

    @cached_property
    def compared(self) -> Sequence[Part]:
        """The comparisons among the conditions, those under OR and NOT as well."""
        found: list[Part] = []
        stack = list(reversed(self.conditions))
        while stack:
            node, level = stack.pop()
            logic = node.get("BoolExpr")
            if logic:
                stack += [Part(part, level) for part in reversed(logic["args"])]
            elif "A_Expr" in node:
                found.append(Part(node["A_Expr"], level))
        return found

    @property
    def changes(self) -> bool:
        """Whether it changes rows."""
        return any(True for _ in self.of("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"))

    def items_in(self, node: Node) -> set[Item] | None:
        """The items of FROM whose columns stand in an expression; None where one of them cannot be told."""
        found: set[Item] = set()
        for kind, inner in walk({"": node}):
            if kind == "ColumnRef":
                level = self.levels.get(id(inner))
                item = level and named_item(strings(inner.get("fields", ())), level)
                if not item:
                    return None
                found.add(item)
        return found

    def of(self, *kinds: str) -> Iterator[Part]:
        """The nodes of some kinds."""
        for kind in kinds:
            yield from self.parts.get(kind, ())

    def table(self, item: Item | None) -> Table | None:
        """The table of the target behind an item of FROM."""
        return self.tables.get(item.relation) if item is not None and item.relation is not None else None

    def meant(self, node: Node, level: Level) -> Meant | None:
        """The column that a plain name certainly means; None for anything else, and where it cannot be told."""
        names = column(node)
        if not names:
            return None
        item = named_item(names, level)
        table = self.table(item)
        found = table.columns.get(names[-1]) if table is not None else None
        return Meant(table, found, item) if table is not None and found is not None and item is not None else None

    def is_large(self, table: Table) -> bool:
        """Whether the target counts a table as large; not where nobody knows how large it is."""
        return self.target is not None and table.rows is not None and table.rows >= self.target.large_rows


def named_item(names: Sequence[str], level: Level) -> Item | None:
    """The item of FROM that a column, or all of them (`f.*`), certainly comes from."""
    if len(names) > 1:
        return level.find(names[-2])
    owner = level.owner(names[0]) if names else None
    return owner[1] if owner is not None else level.only_item


def constant_of(node: Node) -> Any:
    """The value of a constant, cast or not: Decimal, str, bool, None for NULL, or `UNREAD`."""
    while "TypeCast" in node:
        node = node["TypeCast"]["arg"]
    return constant(node["A_Const"]) if "A_Const" in node else UNREAD


def operator(node: Node) -> str:
    """What stands between the two sides of a comparison."""
    return (strings(node.get("name", ())) or [""])[-1]


# A finding: looks at one statement, and yields what it noticed.
Look: TypeAlias = Callable[[Looked], Iterator[Notice]]


def info(code: FindingCode, message: str, hint: str = "", at: int | None = None) -> Notice:
    """What is good to know."""
    return Notice(code, Severity.INFO, message, hint, at)


def warning(code: FindingCode, message: str, hint: str = "", at: int | None = None) -> Notice:
    """What somebody should look at before it runs."""
    return Notice(code, Severity.WARNING, message, hint, at)


def about(number: int) -> str:
    """An estimate in words: `about 1,200,000`."""
    digits = max(0, len(str(number)) - 2)
    return f"about {round(number, -digits):,}"
