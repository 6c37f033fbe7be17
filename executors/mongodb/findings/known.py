"""A collection as its target knows it when it is asked: about how large, its indexes, and what a sample of it holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from bson import Decimal128, ObjectId
from bson.datetime_ms import DatetimeMS

from executors.mongodb.reading.command import Value

# Keys may be data (a field for each day): beyond so many paths nothing is claimed from the sample.
_MOST_PATHS: Final = 5000
_DEEPEST: Final = 12


@dataclass(frozen=True, slots=True)
class Index:
    """An index. `keys` in their order; `whole`: it holds every document, whatever is in it."""

    name: str
    keys: tuple[str, ...]
    unique: bool
    whole: bool
    ordinary: bool

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Index:
        """From what `listIndexes` says of it."""
        keys = told["key"]
        unique = bool(told.get("unique")) or list(keys) == ["_id"]
        whole = not any(told.get(name) for name in ("partialFilterExpression", "sparse", "hidden"))
        ordinary = all(kind in {1, -1} for kind in keys.values()) and not any("$**" in name for name in keys)
        return cls(str(told["name"]), tuple(keys), unique, whole, ordinary)


@dataclass(slots=True)
class Sample:
    """What some documents hold: for each path the kinds of its values, without the numbers of array elements."""

    documents: int = 0
    kinds: dict[str, set[str]] = field(default_factory=dict)
    always: set[str] = field(default_factory=set)
    complete: bool = True

    @classmethod
    def of(cls, documents: Iterable[Mapping[str, Any]]) -> Sample:
        """Gather what documents hold. `always` are the top-level fields that each of them has."""
        sample = cls()
        for document in documents:
            fields = set(document)
            sample.always = fields if not sample.documents else sample.always & fields
            sample.documents += 1
            sample._take(document)
        return sample

    def _take(self, document: Mapping[str, Any]) -> None:
        waiting: list[tuple[str, Any, int]] = [(name, value, 1) for name, value in document.items()]
        while waiting:
            path, value, depth = waiting.pop()
            if depth > _DEEPEST or len(self.kinds) > _MOST_PATHS:
                self.complete = False
                return
            self.kinds.setdefault(path, set()).add(kind_of(value))
            if isinstance(value, Mapping):
                waiting.extend((f"{path}.{name}", inner, depth + 1) for name, inner in value.items())
            elif isinstance(value, list):
                waiting.extend((path, inner, depth + 1) for inner in value)

    def has(self, path: str) -> bool:
        """Whether a document of it has something at a path, or perhaps has."""
        return not self.documents or not self.complete or plain(path) in self.kinds

    def below(self, path: str) -> set[str]:
        """The names of what is directly inside the documents at a path."""
        start = f"{plain(path)}."
        return {name[len(start) :].partition(".")[0] for name in self.kinds if name.startswith(start)}


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection. `documents` is the server's estimate; None, and no sample, where it gave none (a view)."""

    name: str
    documents: int | None = None
    indexes: tuple[Index, ...] = ()
    sample: Sample = field(default_factory=Sample)

    def unique_within(self, fields: set[str]) -> bool:
        """Whether an index makes sure that equality of these fields finds one document at most."""
        return any(index.unique and index.whole and fields.issuperset(index.keys) for index in self.indexes)

    def may_look_up(self, fields: set[str]) -> bool:
        """Whether some index may help to find documents by these fields."""
        return any(not index.ordinary or index.keys[0] in fields for index in self.indexes)

    def may_sort(self, name: str) -> bool:
        """Whether some index may give documents in the order of a field."""
        return any(not index.ordinary or name in index.keys for index in self.indexes)


def plain(path: str) -> str:
    """A path without the places of array elements: `items.0.price` and `items.$[].price` are `items.price`."""
    return ".".join(part for part in path.split(".") if not part.isdigit() and not part.startswith("$"))


# In this order: a truth value is a number to Python.
_KINDS: Final[tuple[tuple[Any, str], ...]] = (
    (bool, "a truth value"),
    ((int, float, Decimal128), "a number"),
    (str, "text"),
    ((datetime, DatetimeMS), "a date"),
    (ObjectId, "an ObjectId"),
    (list, "an array"),
    (Mapping, "a document"),
    (type(None), "null"),
)


def kind_of(value: Value) -> str:
    """What a value is compared as; "" for what has no name here."""
    return next((name for types, name in _KINDS if isinstance(value, types)), "")
