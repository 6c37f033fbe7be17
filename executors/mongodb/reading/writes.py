"""The filters of a command that decide what is written, each with what is done to the documents it finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from executors.mongodb.reading.command import Command, Path, Value
from executors.mongodb.reading.filters import Reach, reach

_CHANGES: Final = {
    "update": "changes",
    "delete": "deletes",
    "replace": "replaces",
}


@dataclass(frozen=True, slots=True)
class FilteredWrite:
    """One filter that decides what is written: by which operation, to how many documents, and where it stands.

    `change` is the update or the replacement, None for a delete. `path` is where the write stands, `query_path` where
    its filter does.
    """

    operation: str
    query: Value
    path: Path
    variables: Mapping[str, Value]
    query_path: Path = ()
    change: Value = None
    change_path: Path = ()
    options: Mapping[str, Value] = field(default_factory=dict)

    @property
    def sorted(self) -> bool:
        """Whether a sort says which of several documents comes first."""
        return bool(self.options.get("sort"))

    @property
    def many(self) -> bool:
        """Whether it reaches all documents that match, or only the first of them."""
        return self.operation.endswith("Many")

    @property
    def does(self) -> str:
        """What it does to a document, as a verb."""
        return next(verb for name, verb in _CHANGES.items() if name in self.operation.lower())

    @property
    def reach(self) -> Reach:
        """What its filter is certain to match."""
        return reach(self.query, self.variables)

    @property
    def upserts(self) -> bool:
        """Whether it inserts a document where none matches."""
        return self.options.get("upsert") is True

    @property
    def operators(self) -> Mapping[str, Value]:
        """The update operators and their fields; empty for a replacement, a pipeline and a delete."""
        change = self.change if isinstance(self.change, Mapping) else {}
        return {name: fields for name, fields in change.items() if name.startswith("$") and isinstance(fields, Mapping)}

    @property
    def replacement(self) -> Mapping[str, Value] | None:
        """The document that takes the place of the one it finds; None for any other write."""
        change = self.change
        return change if isinstance(change, Mapping) and not any(name.startswith("$") for name in change) else None


def filtered_writes(command: Command) -> Iterator[FilteredWrite]:
    """Every filter of the command that decides what is written."""
    name = command.method
    if name == "bulkWrite":
        yield from _operations(command)
    elif name == "runCommand":
        yield from _command_writes(command.args[0])
    elif name.startswith(("update", "delete", "replace", "findOneAnd")):
        yield _method(command)


def _method(command: Command) -> FilteredWrite:
    deletes = "delete" in command.method.lower()
    fewest = 1 if deletes else 2
    options = _mapping(command.args[-1]) if len(command.args) > fewest else {}
    return FilteredWrite(
        command.method,
        command.args[0],
        (0, 0),
        _let(options),
        (0, 0),
        None if deletes else command.args[1],
        (0, 1),
        options,
    )


def _operations(command: Command) -> Iterator[FilteredWrite]:
    let = _let(command.args[1] if len(command.args) > 1 else None)
    for index, operation in enumerate(command.args[0]):
        kind = next(iter(operation))
        if kind != "insertOne":
            body, path = operation[kind], (0, 0, index, kind)
            part = "replacement" if kind == "replaceOne" else "update"
            query = body.get("filter")
            yield FilteredWrite(kind, query, path, let, (*path, "filter"), body.get(part), (*path, part), body)


def _command_writes(body: Mapping[str, Value]) -> Iterator[FilteredWrite]:
    let = _let(body)
    for index, part in enumerate(_documents(body.get("updates"))):
        name, path = "updateMany" if part.get("multi") else "updateOne", (0, 0, "updates", index)
        yield FilteredWrite(name, part.get("q"), path, let, (*path, "q"), part.get("u"), (*path, "u"), part)
    for index, part in enumerate(_documents(body.get("deletes"))):
        name, path = "deleteOne" if part.get("limit") else "deleteMany", (0, 0, "deletes", index)
        yield FilteredWrite(name, part.get("q"), path, let, (*path, "q"), options=part)
    if next(iter(body), "") == "findAndModify":
        name = "findOneAndDelete" if body.get("remove") else "findOneAndUpdate"
        at: Path = (0, 0, "query")
        yield FilteredWrite(name, body.get("query") or {}, at, let, at, body.get("update"), (0, 0, "update"), body)


def _documents(value: Value) -> Sequence[Mapping[str, Any]]:
    return value or ()


def _mapping(value: Value) -> Mapping[str, Value]:
    return value if isinstance(value, Mapping) else {}


def _let(options: Value) -> Mapping[str, Value]:
    return _mapping(_mapping(options).get("let"))
