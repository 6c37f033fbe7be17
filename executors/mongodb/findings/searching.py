"""How documents are found: by which index, in which order, and whether one of several is meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bson import Regex

from executors.base import Finding, FindingCode, Severity
from executors.mongodb.findings.known import Collection
from executors.mongodb.findings.looked import Filter, Looked
from executors.mongodb.reading.command import Value
from executors.mongodb.reading.filters import Reach
from executors.mongodb.reading.parts import (
    Part,
    equalities,
    is_field,
    is_known,
    is_operators,
    stage_body,
    stage_name,
)

# A collection that is searched once for each document that comes by need not be large to be slow.
_MANY: Final = 1000
_NEGATED: Final = frozenset({"$ne", "$nin", "$not"})
_OWN_WAYS: Final = frozenset({"$text", "$where", "$near", "$nearSphere", "$geoWithin", "$geoIntersects"})


def scans_collection(looked: Looked) -> Iterator[Finding]:
    """A filter on a large collection of which no field begins an index."""
    collection = looked.collection
    if collection is None or not looked.is_large(collection) or _hinted(looked):
        return
    for found in looked.filters():
        names = _searched(looked, found)
        known = all(map(collection.sample.has, names))
        if names and known and not collection.may_look_up(names):
            message = (
                f"No index of {collection.name} begins with {_or(names)}: all of it is read, {_about(collection)}."
            )
            hint = "Add a condition on an indexed field, or ask the owner of the database for an index."
            yield looked.told(FindingCode.SCANS_COLLECTION, Severity.WARNING, message, found.path, hint)


def narrows_little(looked: Looked) -> Iterator[Finding]:
    """Conditions that no index narrows: only what is not, or a pattern that may begin anywhere."""
    collection = looked.collection
    if collection is None or not looked.is_large(collection):
        return
    for found in looked.filters():
        names, compared = _searched(looked, found), looked.compared(found)
        if names and collection.may_look_up(names) and all(_is_loose(one.value) for one in compared):
            message = f"Nothing in this filter narrows the search in {collection.name}, {_about(collection)}."
            hint = "What is not equal, or fits a pattern that begins anywhere, is looked for everywhere."
            yield looked.told(FindingCode.NARROWS_LITTLE, Severity.INFO, message, found.path, hint)


def _searched(looked: Looked, found: Filter) -> set[str]:
    """The fields that decide what a filter finds; empty where something else does, or only the run knows."""
    if not isinstance(found.query, Mapping) or not is_known(looked.command, found.path):
        return set()
    if any(not is_field(name) and name not in {"$and", "$or", "$nor", "$comment"} for name in found.query):
        return set()
    compared = looked.compared(found)
    if any(isinstance(one.value, Mapping) and _OWN_WAYS & one.value.keys() for one in compared):
        return set()
    return {one.name for one in compared}


def _is_loose(value: Value) -> bool:
    if isinstance(value, Regex):
        return not _anchored(value.pattern, value.flags)
    if not isinstance(value, Mapping) or not is_operators(value):
        return False
    if "$regex" in value:
        pattern = value["$regex"]
        text = pattern.pattern if isinstance(pattern, Regex) else pattern
        return not _anchored(text, "i" in str(value.get("$options", "")))
    return set(value) <= _NEGATED or value.get("$exists") is False


def _anchored(pattern: object, flags: object) -> bool:
    """Whether an index helps a pattern: it begins at the beginning, and letters are told from capitals."""
    return str(pattern).startswith(("^", "\\A")) and not flags


def sorts_without_index(looked: Looked) -> Iterator[Finding]:
    """A sort of a large collection by what no index has in it."""
    collection = looked.collection
    if collection is None or not looked.is_large(collection) or _hinted(looked):
        return
    for sort in _sorts(looked):
        first = next(iter(sort.value), "") if isinstance(sort.value, Mapping) else ""
        known = is_field(first) and bool(first) and collection.sample.has(first)
        if known and not collection.may_sort(first) and not _is_narrowed(looked, collection):
            message = f"No index of {collection.name} has {first}: all that is found is sorted in memory."
            hint = f"It has {_about(collection)}. Sort by an indexed field, or narrow the filter."
            yield looked.told(FindingCode.UNINDEXED_SORT, Severity.WARNING, message, sort.path, hint)


def _is_narrowed(looked: Looked, collection: Collection) -> bool:
    """Whether an index may leave few documents to sort, or something else that is not judged here."""
    searched = [_searched(looked, found) for found in looked.filters() if found.query]
    return any(not names or collection.may_look_up(names) for names in searched)


def _sorts(looked: Looked) -> Iterator[Part]:
    if looked.parts.sort is not None:
        yield looked.parts.sort
    yield from (stage_body(stage) for stage in looked.leading() if stage_name(stage) == "$sort")


def looks_up_without_index(looked: Looked) -> Iterator[Finding]:
    """`$lookup` by a field that begins no index: the other collection is read once for each document."""
    for stage in looked.parts.stages:
        name, body = stage_name(stage), stage_body(stage)
        field = {"$lookup": "foreignField", "$graphLookup": "connectToField"}.get(name, "")
        if not field or not isinstance(body.value, Mapping):
            continue
        other, by = looked.collections.get(str(body.value.get("from"))), body.value.get(field)
        if (
            other is not None
            and isinstance(by, str)
            and (other.documents or 0) >= _MANY
            and not other.may_look_up({by})
        ):
            message = (
                f"No index of {other.name} begins with {by}: {name} reads all of it for each document that comes by."
            )
            hint = f"It has {_about(other)}. Filter with $match before, or ask the owner of the database for an index."
            yield looked.told(FindingCode.LOOKUP_NOT_INDEXED, Severity.WARNING, message, (*body.path, field), hint)


def which_of_several(looked: Looked) -> Iterator[Finding]:
    """A write of one document whose filter may find several: the first that comes is taken."""
    collection = looked.collection
    if collection is None:
        return
    for write in looked.writes:
        one = not write.many and not write.sorted and write.reach is Reach.SOME
        if one and is_known(looked.command, write.query_path) and _may_find_several(collection, write.query):
            if write.upserts:
                message = (
                    f"No unique index of {collection.name} holds this upsert to one document: two at once insert two."
                )
                hint = "Filter by _id, or by the fields of a unique index."
                yield looked.told(FindingCode.UPSERT_NOT_UNIQUE, Severity.INFO, message, write.query_path, hint)
                continue
            message = f"Where several documents match, {write.operation} takes whichever comes first."
            hint = "Filter by _id, or by the fields of a unique index, if one document is meant."
            yield looked.told(FindingCode.WHICH_OF_SEVERAL, Severity.INFO, message, write.query_path, hint)


def _may_find_several(collection: Collection, query: Value) -> bool:
    """Only where the indexes are known."""
    return bool(collection.indexes) and not collection.unique_within(equalities(query))


def late_match(looked: Looked) -> Iterator[Finding]:
    """`$match` on elements after `$unwind`, with nothing before that leaves documents out."""
    collection, stages = looked.collection, looked.parts.stages
    if collection is None or not looked.is_large(collection) or not stages or stage_name(stages[0]) != "$unwind":
        return
    body = stage_body(stages[0]).value
    path = body.get("path") if isinstance(body, Mapping) else body
    if len(stages) > 1 and isinstance(path, str) and stage_name(stages[1]) == "$match":
        match = stage_body(stages[1])
        array = path.removeprefix("$")
        names = {one.name for one in looked.compared(Filter(match.value, match.path))}
        if names and all(name == array or name.startswith(f"{array}.") for name in names):
            message = f"All of {collection.name}, {_about(collection)}, is unwound before $match leaves elements out."
            hint = f"The same $match before $unwind as well leaves out documents that have no such element of {array}."
            yield looked.told(FindingCode.LATE_MATCH, Severity.INFO, message, match.path, hint)


def _hinted(looked: Looked) -> bool:
    return looked.command.modifier("hint") is not None or any(
        isinstance(argument, Mapping) and "hint" in argument for argument in looked.command.args
    )


def _about(collection: Collection) -> str:
    number = collection.documents or 0
    digits = max(0, len(str(number)) - 2)
    return f"about {round(number, -digits):,} documents"


def _or(names: set[str]) -> str:
    return " or ".join(sorted(names)[:5])
