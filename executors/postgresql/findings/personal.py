"""Columns with personal data among what a statement gives back."""

from __future__ import annotations

import re
from collections.abc import Iterator

from executors.base import FindingCode
from executors.postgresql.findings.known import Table
from executors.postgresql.findings.looked import Looked, Notice, Part, info, warning
from executors.postgresql.reading.conditions.trees import walk
from executors.postgresql.reading.scopes import Item, Level, strings

# Names that speak for themselves; of others nobody can tell.
_SUGGESTS = re.compile(
    r"(?:\A|_)(?:e?mails?|email_?address|phone|phone_?number|mobile|fax|ssn|iban|bic|passport|first_?name|last_?name|surname"
    r"|full_?name|maiden_?name|birth_?(?:date|day)|date_?of_?birth|dob|street|home_?address|postal_?code|zip_?code|tax_?id"
    r"|credit_?card|card_?number|salary|gender|religion|password(?:_?hash)?|ip_?address)(?:\Z|_)",
    re.IGNORECASE,
)


def personal_columns(looked: Looked) -> Iterator[Notice]:
    """What the target has marked as personal."""
    marked = (
        frozenset(name.strip().replace('"', "").casefold() for name in looked.target.personal) if looked.target else ()
    )
    for table, names, at in _given_back(looked):
        found = [name for name in names if _is_marked(table, name, marked)]
        if found:
            message = f"It gives back {' and '.join(found)} of {table.name}, marked on this target as personal data."
            yield warning(FindingCode.PERSONAL_DATA, message, "Leave out what is not needed.", at)
        suggested = [name for name in names if name not in found and _SUGGESTS.search(name)]
        if suggested:
            message = f"{' and '.join(suggested)} of {table.name} may be personal data, going by the name."
            yield info(FindingCode.PERSONAL_DATA, message, "Leave out what is not needed.", at)


def _is_marked(table: Table, name: str, marked: frozenset[str] | tuple[()]) -> bool:
    """Marked as `table.column`, with its schema or without: one too many rather than one too few."""
    own = f"{table.schema}.{table.name}.{name}".casefold()
    return any(f".{own}".endswith(f".{one}") for one in marked)


def _given_back(looked: Looked) -> Iterator[tuple[Table, list[str], int | None]]:
    """For each table the columns that a statement gives back, and where the first of them stands."""
    found: dict[int, tuple[Table, list[str], int | None]] = {}
    for table, name, at in _outputs(looked):
        _, names, _ = found.setdefault(id(table), (table, [], at))
        if name not in names:
            names.append(name)
    yield from found.values()


def _outputs(looked: Looked) -> Iterator[tuple[Table, str, int | None]]:
    asked = {id(link["subselect"].get("SelectStmt")) for link, _ in looked.of("SubLink")}
    for node, level in looked.of("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"):
        if id(node) in asked:
            continue
        wanted = node.get("targetList" if "limitOption" in node else "returningList", ())
        for kind, inner in walk({"": wanted}):
            if kind == "ColumnRef" and looked.levels.get(id(inner)) is level:
                yield from _columns(looked, Part(inner, level))


def _columns(looked: Looked, part: Part) -> Iterator[tuple[Table, str, int | None]]:
    node, level = part
    at = node.get("location")
    if any("A_Star" in field for field in node.get("fields", ())):
        for item in _starred(strings(node["fields"]), level):
            table = looked.table(item)
            if table is not None:
                yield from ((table, name, at) for name in table.columns)
    elif (meant := looked.meant({"ColumnRef": node}, level)) is not None:
        yield meant.table, meant.column.name, at


def _starred(names: list[str], level: Level) -> list[Item]:
    if not names:
        return list(level.items)
    item = level.find(names[-1])
    return [item] if item is not None else []
