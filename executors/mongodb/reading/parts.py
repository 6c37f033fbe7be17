"""A command taken apart: its condition, its order, its stages, each with the place where it was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from bson import Regex

from executors.mongodb.reading.command import Command, Path, Value

_BRANCHES: Final = frozenset({"$and", "$or", "$nor"})
_DBREF: Final = frozenset({"$ref", "$id", "$db"})
# How a script's stand-in for what only the run knows begins: the name of a field, or a value.
_UNKNOWN_FIELD: Final = "?"


class Part(NamedTuple):
    """A part of a command and where it stands."""

    value: Value
    path: Path


@dataclass(frozen=True, slots=True)
class Parts:
    """What a read asks for. `stages` are those of its pipeline, each a document of one key."""

    collection: str = ""
    method: str = ""
    condition: Part | None = None
    sort: Part | None = None
    projection: Part | None = None
    skip: Part | None = None
    limit: Part | None = None
    stages: tuple[Part, ...] = ()

    @property
    def names(self) -> list[str]:
        """The stages by their names."""
        return [stage_name(stage) for stage in self.stages]


def take_apart(command: Command) -> Parts:
    """The parts of a `find`, `aggregate`, count or distinct, called as a method or as a command; of others none."""
    if command.method == "runCommand":
        return _of_command(command)
    name = command.method
    if name in {"find", "findOne"}:
        return _of_find(command)
    if name == "aggregate":
        return Parts(command.collection, name, stages=_stages(command.args[0], (0, 0)))
    if name in {"count", "countDocuments", "distinct"}:
        at = 1 if name == "distinct" else 0
        return Parts(command.collection, name, condition=_argument(command, at))
    return Parts(command.collection, name)


def _of_find(command: Command) -> Parts:
    options = _argument(command, 2)
    found: dict[str, Part] = {}
    if options is not None and isinstance(options.value, Mapping):
        found = {name: Part(value, (*options.path, name)) for name, value in options.value.items()}
    if projection := _argument(command, 1):
        found["projection"] = projection
    for number, call in enumerate(command.modifiers, start=1):
        if call.args:
            found[call.method] = Part(call.args[0], (number, 0))
    return _shaped(command.collection, command.method, _argument(command, 0), found)


def _of_command(command: Command) -> Parts:
    body = command.args[0]
    name = next(iter(body), "")
    if name not in {"find", "aggregate", "count", "distinct"}:
        return Parts()
    found = {key: Part(value, (0, 0, key)) for key, value in body.items() if value is not None}
    if name == "aggregate":
        stages = _stages(body.get("pipeline"), (0, 0, "pipeline"))
        return Parts(str(body[name]), name, stages=stages)
    condition = found.get("filter") or found.get("query")
    return _shaped(str(body[name]), name, condition, found)


def _shaped(collection: str, method: str, condition: Part | None, found: Mapping[str, Part]) -> Parts:
    sort, projection, skip, limit = (found.get(name) for name in ("sort", "projection", "skip", "limit"))
    return Parts(collection, method, condition, sort, projection, skip, limit)


def _argument(command: Command, index: int) -> Part | None:
    value = command.args[index] if index < len(command.args) else None
    return Part(value, (0, index)) if isinstance(value, Mapping) else None


def _stages(pipeline: Value, path: Path) -> tuple[Part, ...]:
    if not is_list(pipeline):
        return ()
    return tuple(Part(stage, (*path, index)) for index, stage in enumerate(pipeline) if isinstance(stage, Mapping))


def stage_name(stage: Part) -> str:
    """The name of a stage, such as `$match`."""
    return str(next(iter(stage.value), ""))


def stage_body(stage: Part) -> Part:
    """What a stage says."""
    name = stage_name(stage)
    return Part(stage.value.get(name), (*stage.path, name))


def compared(query: Value, path: Path) -> Iterator[tuple[str, Value, Path]]:
    """Every field that a filter names, with what it is held against; those inside `$and`, `$or` and `$nor`, too.

    What is inside an `$elemMatch` goes by its whole path. Names that only a script's run knows are left out.
    """
    for name, value in query.items() if isinstance(query, Mapping) else ():
        if name in _BRANCHES and is_list(value):
            for index, branch in enumerate(value):
                yield from compared(branch, (*path, name, index))
        elif is_field(name):
            yield name, value, (*path, name)
            yield from _elements(name, value, (*path, name))


def _elements(name: str, value: Value, path: Path) -> Iterator[tuple[str, Value, Path]]:
    inner = value.get("$elemMatch") if isinstance(value, Mapping) else None
    if inner is not None and not is_operators(inner):
        for below, operand, place in compared(inner, (*path, "$elemMatch")):
            yield f"{name}.{below}", operand, place


def equalities(query: Value) -> set[str]:
    """The fields that a filter holds against one value each, whatever else it asks."""
    found: set[str] = set()
    for name, value in query.items() if isinstance(query, Mapping) else ():
        if name == "$and" and is_list(value):
            found |= set().union(*(equalities(branch) for branch in value))
        elif is_field(name) and is_one_value(value):
            found.add(name)
    return found


def is_one_value(value: Value) -> bool:
    """Whether a field held against this has to be equal to it."""
    if isinstance(value, Mapping) and is_operators(value):
        return "$eq" in value and not isinstance(value["$eq"], Regex)
    return not isinstance(value, Regex)


def is_operators(value: Value) -> bool:
    """`{$gt: 1}`, unlike a document to be equal to, or a reference to another document."""
    name = str(next(iter(value), "")) if isinstance(value, Mapping) else ""
    return name.startswith("$") and name not in _DBREF


def is_field(name: str) -> bool:
    """Whether a key is the name of a field, and known."""
    return not name.startswith(("$", _UNKNOWN_FIELD))


def is_list(value: Value) -> bool:
    """Whether a value is an array."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def is_known(command: Command, path: Path) -> bool:
    """Whether the text alone tells what stands at a path, and everything below it."""
    return not any(unknown[: len(path)] == path or path[: len(unknown)] == unknown for unknown in command.unknown)
