"""A command laid out for those who look at it, with what its target knows of the collections it names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

from executors.base import Finding, FindingCode, Severity, Target
from executors.mongodb.findings.known import Collection
from executors.mongodb.reading.command import Command, Path, Value
from executors.mongodb.reading.parts import Part, Parts, compared, is_known, stage_body, stage_name, take_apart
from executors.mongodb.reading.writes import FilteredWrite, filtered_writes


class Filter(NamedTuple):
    """A condition that is held against the documents of the collection as they are stored."""

    query: Value
    path: Path
    write: FilteredWrite | None = None


class Compared(NamedTuple):
    """A field that a filter names, what it is held against, and where."""

    name: str
    value: Value
    path: Path


@dataclass
class Looked:
    """A command, and what is known of it. `collections` holds those that are there and were asked about."""

    command: Command
    collections: Mapping[str, Collection]
    target: Target

    @cached_property
    def parts(self) -> Parts:
        """What it reads."""
        return take_apart(self.command)

    @cached_property
    def writes(self) -> list[FilteredWrite]:
        """What it writes to documents that it finds."""
        return list(filtered_writes(self.command))

    @cached_property
    def collection(self) -> Collection | None:
        """The collection it is about."""
        return self.collections.get(self.command.collection or self.parts.collection or self._of_command())

    def _of_command(self) -> str:
        """The collection of a `runCommand`, which its first field names."""
        body = self.command.args[0] if self.command.args else {}
        value = next(iter(body.values()), "") if isinstance(body, Mapping) else ""
        return value if isinstance(value, str) else ""

    def filters(self) -> Iterator[Filter]:
        """Its conditions on stored documents; of a pipeline those before a stage makes others of them."""
        if self.parts.condition is not None:
            yield Filter(*self.parts.condition)
        for stage in self.leading():
            if stage_name(stage) == "$match":
                yield Filter(*stage_body(stage))
        yield from (Filter(write.query, write.query_path, write) for write in self.writes)

    def leading(self) -> Iterator[Part]:
        """The stages of a pipeline that see documents as they are stored."""
        for stage in self.parts.stages:
            if stage_name(stage) not in {"$match", "$sort", "$skip", "$limit", "$sample"}:
                return
            yield stage

    def compared(self, found: Filter) -> list[Compared]:
        """The fields that a filter names, as far as its text tells."""
        every = (Compared(*one) for one in compared(found.query, found.path))
        return [one for one in every if is_known(self.command, one.path)]

    def is_large(self, collection: Collection) -> bool:
        """Whether the target counts a collection as large; not where nobody knows."""
        return collection.documents is not None and collection.documents >= self.target.large_rows

    def told(self, code: FindingCode, severity: Severity, message: str, path: Path, hint: str = "") -> Finding:
        """A finding at the place of a part of the command."""
        place = self.command.place(path)
        return Finding(code, severity, message, place.line, place.column, hint)


# A finding: looks at one command, and yields what it noticed.
Look: TypeAlias = Callable[[Looked], Iterator[Finding]]
