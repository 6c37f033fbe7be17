"""What a person should know of an SQL statement that will run: one small function a finding, all in two tuples.

`TEXT` needs nothing but the statement, `TARGET` what the catalogue says of the tables it names. A function looks at one
statement (`Looked`) and yields a `Notice` for what certainly holds; of what it does not know it says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from executors.base import Finding
from executors.postgresql.noticing.comparisons import converts_column, date_end, float_equals, function_on_index
from executors.postgresql.noticing.joins import cartesian, several_matches
from executors.postgresql.noticing.logic import mixed_logic
from executors.postgresql.noticing.looked import Look, Looked, Notice
from executors.postgresql.noticing.nulls import count_nullable, not_in_nulls, null_compared, null_in_list
from executors.postgresql.noticing.patterns import leading_wildcard
from executors.postgresql.noticing.personal import personal_columns
from executors.postgresql.noticing.reads import (
    deep_offset,
    no_limit,
    outside_column,
    unindexed_sort,
    unordered_limit,
    unordered_pages,
)
from executors.postgresql.noticing.updates import changes_indexed, changes_key, changes_partition_key
from executors.postgresql.noticing.writes import (
    after_removed,
    insert_by_place,
    insert_star,
    time_condition,
    volatile_condition,
)
from executors.text import Characters, Places

TEXT: tuple[Look, ...] = (
    after_removed,
    cartesian,
    deep_offset,
    insert_by_place,
    insert_star,
    leading_wildcard,
    mixed_logic,
    null_compared,
    null_in_list,
    time_condition,
    unordered_limit,
    unordered_pages,
    volatile_condition,
)
TARGET: tuple[Look, ...] = (
    cartesian,
    changes_indexed,
    changes_key,
    changes_partition_key,
    converts_column,
    count_nullable,
    date_end,
    float_equals,
    function_on_index,
    no_limit,
    not_in_nulls,
    outside_column,
    personal_columns,
    several_matches,
    unindexed_sort,
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
        yield looked


def _finding(notice: Notice, place: tuple[int, int]) -> Finding:
    return Finding(notice.code, notice.severity, notice.message, *place, notice.hint)
