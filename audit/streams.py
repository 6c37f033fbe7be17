"""Entries that filters choose, as a file: oldest first, piece by piece, in constant memory."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any

from django.db.models import QuerySet

from audit.lines import PIECE, entries_where, entry_line
from audit.models import AuditLog

COLUMNS = (
    "seq", "at", "actor", "actor_label", "action", "subject_kind", "subject_id", "subject_label", "data", "hash",
)  # fmt: skip
# What a spreadsheet takes for a formula, when it begins a cell.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
MEDIA = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


def stream(chosen: QuerySet[AuditLog], form: str, up_to: int) -> Iterator[str]:
    """The file up to an entry: `csv`, or `jsonl` with the lines that an exported log has of them."""
    if form == "jsonl":
        yield from map(entry_line, _entries(chosen, up_to))
        return
    yield _csv_line(COLUMNS)
    for entry in _entries(chosen, up_to):
        yield _csv_line([entry[name] for name in COLUMNS])


def _entries(chosen: QuerySet[AuditLog], up_to: int) -> Iterator[dict[str, Any]]:
    """As they are written in lines."""
    seq = 0
    plain = chosen.select_related(None).order_by("seq").filter(seq__lte=up_to)
    while numbers := list(plain.filter(seq__gt=seq).values_list("seq", flat=True)[:PIECE]):
        yield from entries_where("seq = ANY (%s)", [numbers])
        seq = numbers[-1]


def _csv_line(cells: Any) -> str:
    written = StringIO()
    csv.writer(written).writerow([_harmless(str(cell)) for cell in cells])
    return written.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULAS) else cell
