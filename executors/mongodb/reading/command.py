"""A mongosh expression that has been read: plain data, nothing of it evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from executors.base import Finding
from executors.mongodb.reading.source import Position

# Any value BSON can hold, as pymongo encodes it: dict (ordered), list, str, int (int32), Int64, float, bool, None,
# DatetimeMS, ObjectId, Decimal128, Binary, Regex, Timestamp, MinKey, MaxKey.
Value: TypeAlias = Any

# Which part of a call a value is: the number of the call in its chain, then argument, then keys and indexes.
Path: TypeAlias = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`$1`: where a parameter stands, counted from 1."""

    number: int


@dataclass(frozen=True, slots=True)
class Call:
    """A call in a chain: `.sort({a: 1})`."""

    method: str
    args: tuple[Value, ...] = ()
    position: Position = field(default=Position(1, 1), compare=False)


@dataclass(frozen=True, slots=True)
class Command:
    """`db.<collection>.<method>(args).<modifier>(args)…`; `collection` is "" for `db.runCommand(…)` and its like.

    `explain` in front of the method (`db.c.explain().find()`) stands among the modifiers as if it came last.
    `places` says where the keys and elements of the arguments were written; `place` looks one up.
    `literals` are the character ranges of its texts in quotes. `clock_reads` are the places where the time of the run
    stands for a date, `local_dates` those of dates made of parts, with what they were read as. In a command that stands
    in a script, `unknown` are the paths of what is only known when it runs; a stand-in has their place.
    `database` is the one that a leading `use` names. `wrong` says what is wrong with its parameters.
    """

    collection: str
    method: str
    args: tuple[Value, ...] = ()
    modifiers: tuple[Call, ...] = ()
    position: Position = field(default=Position(1, 1), compare=False)
    places: Mapping[Path, Position] = field(default_factory=dict, compare=False, repr=False)
    literals: tuple[tuple[int, int], ...] = field(default=(), compare=False, repr=False)
    clock_reads: tuple[Position, ...] = field(default=(), compare=False, repr=False)
    local_dates: tuple[tuple[Position, str], ...] = field(default=(), compare=False, repr=False)
    unknown: frozenset[Path] = field(default=frozenset(), compare=False, repr=False)
    database: str = ""
    wrong: tuple[Finding, ...] = field(default=(), compare=False, repr=False)

    def place(self, path: Path) -> Position:
        """Where `path` was written, or the nearest thing around it."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.places:
                return self.places[path[:end]]
        number = path[0] if path else 0
        if isinstance(number, int) and 0 < number <= len(self.modifiers):
            return self.modifiers[number - 1].position
        return self.position

    def modifier(self, method: str) -> Call | None:
        """The last modifier of that name: the one that counts, as in mongosh."""
        return next((call for call in reversed(self.modifiers) if call.method == method), None)
