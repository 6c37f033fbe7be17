"""What a write changed, as it is stored and answered: counts in the clear, rows to be sealed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from executors.base import Cells, Column, Effect, Gap, RowChange, SchemaChange, SchemaVerb, TableEffect


def counts(effect: Effect) -> dict[str, Any]:
    """The effect without its rows, as JSON: `tables`, `total`, `exact`, `counted`, `lasts`, `schema`, `reversible`."""
    return {
        "tables": [
            {
                "table": table.table,
                "inserted": table.inserted,
                "updated": table.updated,
                "deleted": table.deleted,
                "complete": table.complete,
                "gap": table.gap.value if table.gap else None,
            }
            for table in effect.tables
        ],
        "total": effect.total,
        "exact": effect.exact,
        "counted": effect.counted,
        "lasts": effect.lasts,
        "reversible": effect.reversible,
        "schema": [{"verb": change.verb.value, "what": change.what} for change in effect.schema],
    }


def rows(effect: Effect) -> bytes:
    """The rows of an effect, to be sealed; `with_rows` reads them."""
    tables = [
        {
            "columns": [[column.name, column.type] for column in table.columns],
            "key": table.key,
            "changes": [[change.before, change.after] for change in table.changes],
        }
        for table in effect.tables
    ]
    return json.dumps(tables, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def with_rows(stored: Mapping[str, Any], data: bytes) -> Effect:
    """The effect as it is stored (`counts`), with its rows."""
    tables = [_table(counted, seen) for counted, seen in zip(stored["tables"], json.loads(data), strict=True)]
    return replace(_effect(stored), tables=tuple(tables))


def without_rows(stored: Mapping[str, Any]) -> Effect:
    """The effect as it is stored in the clear."""
    nothing: dict[str, Any] = {"columns": [], "key": [], "changes": []}
    return replace(_effect(stored), tables=tuple(_table(counted, nothing) for counted in stored["tables"]))


def _effect(stored: Mapping[str, Any]) -> Effect:
    # One that was stored before there was such a word was held by a transaction, or has no undo for another reason.
    lasts = stored.get("lasts", False)
    return Effect((), stored["exact"], _schema(stored), stored["counted"], lasts)


def _table(counted: Mapping[str, Any], seen: Mapping[str, Any]) -> TableEffect:
    return TableEffect(
        counted["table"],
        counted["inserted"],
        counted["updated"],
        counted["deleted"],
        tuple(Column(name, kind) for name, kind in seen["columns"]),
        tuple(seen["key"]),
        tuple(RowChange(_cells(before), _cells(after)) for before, after in seen["changes"]),
        counted["complete"],
        Gap(counted["gap"]) if counted["gap"] else None,
    )


def _cells(values: list[str | None] | None) -> Cells | None:
    return None if values is None else tuple(values)


def _schema(stored: Mapping[str, Any]) -> tuple[SchemaChange, ...]:
    return tuple(SchemaChange(SchemaVerb(item["verb"]), item["what"]) for item in stored["schema"])
