"""What a person should know of an SQL statement that will run: one small function a finding, all in two tuples.

`TEXT` needs nothing but the statement, `TARGET` what the catalogue says of the tables it names. A function looks at one
statement (`Looked`) and yields a `Notice` for what certainly holds; of what it does not know it says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from executors.base import Finding
from executors.postgresql.findings import (
    cascades,
    comparisons,
    dependents,
    joins,
    logic,
    nulls,
    patterns,
    personal,
    reads,
    rewrites,
    schema,
    updates,
    writes,
)
from executors.postgresql.findings.looked import Look, Looked, Notice
from executors.postgresql.reading.rules import ROWS
from executors.text import Characters, Places

TEXT: tuple[Look, ...] = (
    joins.cartesian,
    logic.mixed_logic,
    nulls.null_compared,
    nulls.null_in_list,
    patterns.absolute_value,
    patterns.leading_wildcard,
    reads.deep_offset,
    reads.unordered_limit,
    reads.unordered_pages,
    schema.adds_enum_value,
    schema.locks,
    schema.renames,
    writes.after_removed,
    writes.insert_by_place,
    writes.insert_star,
    writes.time_condition,
    writes.volatile_condition,
)
TARGET: tuple[Look, ...] = (
    cascades.cascades,
    cascades.cascades_update,
    cascades.empties_references,
    cascades.fires_rules,
    cascades.fires_triggers,
    cascades.row_security,
    cascades.searches_references,
    comparisons.converts_column,
    comparisons.date_end,
    comparisons.float_equals,
    comparisons.function_on_index,
    dependents.changes_type_in_use,
    dependents.drops_column,
    dependents.drops_dependents,
    dependents.drops_key,
    dependents.truncates_others,
    joins.cartesian,
    joins.several_matches,
    nulls.count_nullable,
    nulls.not_in_nulls,
    personal.personal_columns,
    reads.no_limit,
    reads.outside_column,
    reads.unindexed_sort,
    rewrites.rewrites_for_column,
    rewrites.rewrites_for_storage,
    rewrites.rewrites_for_type,
    schema.adds_not_null,
    schema.builds_index,
    schema.changes_primary_key,
    schema.checks_rows,
    schema.drops_large_index,
    schema.refreshes_large,
    schema.sets_not_null,
    updates.changes_indexed,
    updates.changes_key,
    updates.changes_partition_key,
)

# A text of more than that is a file of data: its statements are alike, and the first tell what there is to tell.
MOST_STATEMENTS = 200
MOST_CHARACTERS = 100_000
_MOST_NOTICES = 50


def noticed(text: str, statements: Iterable[Looked], looks: Sequence[Look]) -> list[Finding]:
    """The findings of the first statements of a text, each said once: where it holds first."""
    said: dict[tuple[str, str], Finding] = {}
    characters, places = Characters(text.encode()), Places(text)
    for looked in _short(statements):
        for notice in (notice for look in looks for notice in look(looked)):
            at = looked.item.begins if notice.at is None or notice.at < 0 else characters.before(notice.at)
            said.setdefault((notice.code, notice.message), _finding(notice, places.at(at)))
            if len(said) >= _MOST_NOTICES:
                return list(said.values())
    return list(said.values())


def _short(statements: Iterable[Looked]) -> Iterator[Looked]:
    left = MOST_CHARACTERS
    for looked in islice(statements, MOST_STATEMENTS):
        left -= len(looked.item.text)
        if left < 0:
            return
        # Of a definition the words that were not read may be the very ones that decide.
        if not looked.item.unread or looked.item.type in ROWS:
            yield looked


def _finding(notice: Notice, place: tuple[int, int]) -> Finding:
    return Finding(notice.code, notice.severity, notice.message, *place, notice.hint)
