"""What an UPDATE sets: keys, and what an index or a partition hangs on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from executors.base import FindingCode
from executors.postgresql.findings.known import Table
from executors.postgresql.findings.looked import Looked, Notice, info, warning
from executors.postgresql.reading.parse import Node


class _Set(NamedTuple):
    """A column of a table that an UPDATE sets."""

    table: Table
    name: str
    node: Node


def changes_key(looked: Looked) -> Iterator[Notice]:
    """An UPDATE of a primary key."""
    for table, name, node in _set(looked):
        if name in table.primary_key:
            others = [key.table for key in table.referenced_by if name in key.referenced_columns]
            part = "part of " if len(table.primary_key) > 1 else ""
            message = f"{name} is {part}the primary key of {table.name}: the rows get another identity."
            hint = f"Rows of {', '.join(others)} refer to it." if others else ""
            yield warning(FindingCode.CHANGES_KEY, message, hint, node.get("location"))


def changes_partition_key(looked: Looked) -> Iterator[Notice]:
    """An UPDATE that may move rows from one partition to another."""
    for table, name, node in _set(looked):
        if name in table.partition_key:
            message = (
                f"{table.name} is partitioned by {name}: a row whose {name} then belongs elsewhere is moved there."
            )
            hint = "Moving is a DELETE and an INSERT: it costs as much, and triggers of both fire."
            yield warning(FindingCode.CHANGES_PARTITION_KEY, message, hint, node.get("location"))


def changes_indexed(looked: Looked) -> Iterator[Notice]:
    """An UPDATE of a column that an index holds: each changed row is entered anew in every index of its table."""
    for table, name, node in _set(looked):
        holding = [
            index.name for index in table.indexes if name in (*index.columns, *index.included) and not index.primary
        ]
        if holding and name not in table.partition_key:
            indexes = f"the index{'es' if len(holding) > 1 else ''} {', '.join(holding)}"
            message = f"{name} is in {indexes}: each changed row gets new entries in every index of {table.name}."
            yield info(FindingCode.CHANGES_INDEXED, message, "", node.get("location"))


def _set(looked: Looked) -> Iterator[_Set]:
    for node, level in looked.of("UpdateStmt"):
        table = looked.table(level.items[0])
        for target in node.get("targetList", ()) if table is not None else ():
            part = target["ResTarget"]
            if table is not None and part["name"] in table.columns:
                yield _Set(table, part["name"], part)
