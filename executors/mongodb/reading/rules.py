"""What the parts of a command have to be to each other, and how little a write may ask to be confirmed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from executors.base import Access, FindingCode
from executors.mongodb.reading.command import Command, Path, Value

# Where, what kind, what it is, and what to do.
Problem: TypeAlias = tuple[Path, FindingCode, str, str]

# What a cursor is counted with, and what takes a part of it.
_COUNTING: Final = frozenset({"count", "size", "itcount", "hasNext"})
_TAKING: Final = frozenset({"next", "hasNext", "itcount"})
_OPTIONS: Final = 2
# Stages that only begin a pipeline, of a collection or of none.
FIRST: Final = frozenset({"$collStats", "$documents", "$indexStats"})
_CONCERN: Final = frozenset({"w", "j", "wtimeout", "wtimeoutMS"})


def together(command: Command, access: Access) -> Iterator[Problem]:
    """Calls that mean nothing one after the other."""
    named = {call.method for call in command.modifiers}
    options = command.args[2] if command.method == "find" and len(command.args) > _OPTIONS else None
    named |= set(options) if isinstance(options, Mapping) else set()
    counting = next((number for number, call in enumerate(command.modifiers, 1) if call.method in _COUNTING), None)
    if counting is not None and not named.isdisjoint({"min", "max"}):
        message = "What counts does not take min and max into account."
        yield (counting,), FindingCode.MONGO_MODIFIER, message, "Put the limits into the filter with $gte and $lt."
    if command.method == "aggregate" and access is Access.WRITE and not named.isdisjoint(_TAKING):
        message = "A pipeline that writes gives back no documents."
        yield (0,), FindingCode.MONGO_MODIFIER, message, "Leave out what follows it."


def begins(stages: Sequence[Mapping[str, Value]], path: Path, *, on_collection: bool) -> Iterator[Problem]:
    """`$documents` stands for a collection; a pipeline has one or the other."""
    first = next(iter(stages[0]), "") if stages else ""
    if first == "$documents" and on_collection:
        message = "$documents takes the place of a collection."
        hint = "Write db.aggregate([{$documents: […]}, …])."
        yield (*path, 0, first), FindingCode.MONGO_STAGE, message, hint
    if first != "$documents" and not on_collection:
        message = "A pipeline of no collection begins with $documents."
        yield path, FindingCode.MONGO_STAGE, message, "Name a collection: db.<collection>.aggregate([…])."


def concern(value: Value, path: Path) -> Iterator[Problem]:
    """Every write is confirmed by a majority; what asks for less, or for a number nobody here knows, is a problem."""
    if not (isinstance(value, Mapping) and value.get("w") == "majority" and value.keys() <= _CONCERN):
        message = "The portal has every write confirmed by a majority of the servers."
        yield path, FindingCode.MONGO_OPTION, message, 'Write {writeConcern: {w: "majority"}}, or leave it out.'
