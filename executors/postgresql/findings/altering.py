"""ALTER TABLE taken apart: its commands, each with the table of the target that it alters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from executors.postgresql.findings.known import Kind, Table
from executors.postgresql.findings.looked import Looked
from executors.postgresql.reading.names import made
from executors.postgresql.reading.parse import Node
from executors.postgresql.reading.scopes import Relation, qualified, relation_of, strings

_TABLES = frozenset({Kind.TABLE, Kind.PARTITIONED})


class Command(NamedTuple):
    """One command of an ALTER TABLE. `table` is None where the target was not asked, or has it otherwise by then."""

    kind: str
    node: Node
    relation: Relation
    table: Table | None

    @property
    def name(self) -> str:
        """The column or constraint that it names."""
        return str(self.node.get("name", ""))

    @property
    def column(self) -> Node:
        """The column that it adds or gives another type."""
        found: Node = self.node.get("def", {}).get("ColumnDef", {})
        return found

    @property
    def constraint(self) -> Node:
        """The constraint that it adds."""
        found: Node = self.node.get("def", {}).get("Constraint", {})
        return found

    @property
    def cascades(self) -> bool:
        """Whether it takes along what depends on what it drops."""
        return self.node.get("behavior") == "DROP_CASCADE"


def commands(looked: Looked) -> Iterator[Command]:
    """The commands of an ALTER TABLE; none of any other statement."""
    node = looked.item.node
    if looked.item.type != "AlterTableStmt" or node.get("objtype") != "OBJECT_TABLE":
        return
    relation = relation_of(node["relation"])
    for command in (part["AlterTableCmd"] for part in node.get("cmds", ())):
        yield Command(str(command.get("subtype", "")), command, relation, looked.tables.get(relation))


def altered(looked: Looked) -> Iterator[tuple[Command, Table]]:
    """The commands on a table that the target has as it is told here."""
    for command in commands(looked):
        if command.table is not None and command.table.kind in _TABLES:
            yield command, command.table


def dropped(looked: Looked, *kinds: str) -> Iterator[Relation]:
    """What a DROP of some kinds of objects (`OBJECT_TABLE` …) names."""
    node = looked.item.node
    if looked.item.type == "DropStmt" and node.get("removeType") in kinds:
        for item in node.get("objects", ()):
            yield qualified(strings(item.get("List", {}).get("items", ())))


def is_new(looked: Looked, relation: Relation) -> bool:
    """Whether an earlier statement of the text may have made a relation: nobody else sees it yet."""
    return any(relation.name in made(item) for item in looked.before if item.type != "AlterTableStmt")


def constraints(column: Node) -> dict[str, Node]:
    """The constraints of a column by their kinds (`NOTNULL`, `DEFAULT` …)."""
    found = (part["Constraint"] for part in column.get("constraints", ()))
    return {str(one.get("contype", "")).removeprefix("CONSTR_"): one for one in found}
