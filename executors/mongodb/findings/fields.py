"""Fields that no document of a sample has, and values of a kind that none of them holds."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Final

from bson import Regex

from executors.base import Finding, FindingCode, Severity
from executors.mongodb.findings.known import Collection, kind_of, plain
from executors.mongodb.findings.looked import Compared, Looked
from executors.mongodb.reading.command import Path, Value
from executors.mongodb.reading.parts import compared, is_field, is_list, is_operators, stage_body, stage_name

_ALIKE: Final = 0.75
# Each is held against every name there is.
_MOST_UNKNOWN: Final = 10
# They change what is there; `$set` and the others may as well add it.
_OF_OLD: Final = frozenset({"$unset", "$rename", "$pull", "$pullAll", "$pop"})
_COMPARES: Final = frozenset({"$eq", "$gt", "$gte", "$lt", "$lte"})
_KINDS: Final = frozenset({"text", "a number", "a date", "a truth value", "an ObjectId"})
_WRITTEN: Final = {
    "a date": 'Write it as a date: ISODate("2024-01-31").',
    "an ObjectId": 'Write it as ObjectId("…").',
    "a number": "Write it as a number, without quotes.",
    "text": "Write it as text, in quotes.",
    "a truth value": "Write it as true or false.",
}


def unknown_fields(looked: Looked) -> Iterator[Finding]:
    """A field of a filter, sort or projection that nothing in a sample has."""
    collection = looked.collection
    if collection is None:
        return
    seen: set[str] = set()
    for name, path in _named(looked):
        if len(seen) < _MOST_UNKNOWN and plain(name) not in seen and not collection.sample.has(name):
            seen.add(plain(name))
            meant = _meant(collection, name)
            severity = Severity.WARNING if meant else Severity.INFO
            message = f"No document of a sample of {collection.sample.documents} in {collection.name} has {name}."
            hint = f"Did you mean {meant}?" if meant else "Other documents may have it."
            yield looked.told(FindingCode.UNKNOWN_FIELD, severity, message, path, hint)


def _named(looked: Looked) -> Iterator[tuple[str, Path]]:
    """Every field of stored documents that a command names, with its place."""
    for found in looked.filters():
        every = compared(found.query, found.path)
        yield from ((name, path) for name, value, path in every if not _asks_for_absence(value))
    for part in (looked.parts.sort, looked.parts.projection):
        if part is not None and isinstance(part.value, Mapping):
            yield from ((name, (*part.path, name)) for name, value in part.value.items() if _is_plain(name, value))
    for stage in looked.leading():
        body = stage_body(stage)
        if stage_name(stage) == "$sort" and isinstance(body.value, Mapping):
            yield from ((name, (*body.path, name)) for name, value in body.value.items() if _is_plain(name, value))
    yield from _of_first_stage(looked)
    for write in looked.writes:
        for operator in _OF_OLD & write.operators.keys():
            path = (*write.change_path, operator)
            yield from ((name, (*path, name)) for name in write.operators[operator] if is_field(name))


def _of_first_stage(looked: Looked) -> Iterator[tuple[str, Path]]:
    """The fields that the first stage which makes other documents takes: of `$unwind`, `$group`, `$sortByCount`."""
    at = len(list(looked.leading()))
    if at >= len(looked.parts.stages):
        return
    stage = looked.parts.stages[at]
    name, body = stage_name(stage), stage_body(stage)
    key = {"$group": "_id", "$unwind": "path"}.get(name, "")
    value = body.value.get(key) if key and isinstance(body.value, Mapping) else body.value
    if name not in {"$group", "$unwind", "$sortByCount"} or not isinstance(value, str):
        return
    if value.startswith("$") and not value.startswith("$$"):
        yield value[1:], (*body.path, key) if key else body.path


def _is_plain(name: str, value: Value) -> bool:
    return is_field(name) and isinstance(value, int | float | bool)


def _asks_for_absence(value: Value) -> bool:
    """`{$exists: false}`, null, `$ne`: a field that is not there is what may be meant."""
    if value is None:
        return True
    absent = isinstance(value, Mapping) and is_operators(value)
    return absent and (value.get("$exists") is not None or not {"$ne", "$nin", "$not"}.isdisjoint(value))


def _meant(collection: Collection, name: str) -> str:
    known = sorted(collection.sample.kinds)
    return next(iter(difflib.get_close_matches(plain(name), known, n=1, cutoff=_ALIKE)), "")


def other_kinds(looked: Looked) -> Iterator[Finding]:
    """A value of a kind that the field never has: it is not equal to, above or below any of the others."""
    collection = looked.collection
    if collection is None or not collection.sample.complete:
        return
    for found in looked.filters():
        for one in looked.compared(found):
            held = collection.sample.kinds.get(plain(one.name), set()) - {"null", "an array"}
            given = _kinds(one)
            if held and held <= _KINDS and given and given <= _KINDS and held.isdisjoint(given):
                yield _other_kind(looked, collection, one, held, given)


def _other_kind(looked: Looked, collection: Collection, one: Compared, held: set[str], given: set[str]) -> Finding:
    has, wants = " or ".join(sorted(held)), " or ".join(sorted(given))
    many = collection.sample.documents
    message = f"In a sample of {many} documents {one.name} is {has}; {wants} is never equal to it, above or below it."
    hint = _WRITTEN[min(held)] if len(held) == 1 else ""
    return looked.told(FindingCode.OTHER_KIND, Severity.WARNING, message, one.path, hint)


def _kinds(one: Compared) -> set[str]:
    """The kinds of what a field has to be held against to match; empty where that is not all there is to it."""
    if not isinstance(one.value, Mapping):
        return set() if isinstance(one.value, Regex) else {kind_of(one.value)}
    found: set[str] = set()
    for operator, operand in one.value.items():
        if operator in _COMPARES:
            found.add(kind_of(operand))
        elif operator == "$in" and is_list(operand):
            found |= {kind_of(item) for item in operand} or {""}
        else:
            return set()
    return found


def loses_fields(looked: Looked) -> Iterator[Finding]:
    """A sub-document that is set as a whole, or a document that is replaced: what is not named is gone."""
    collection = looked.collection
    if collection is None or not collection.sample.documents:
        return
    for write in looked.writes:
        setting = write.operators.get("$set", {})
        for name, value in setting.items():
            if isinstance(value, Mapping) and not any(key.startswith("?") for key in value):
                gone = collection.sample.below(name) - set(value)
                path = (*write.change_path, "$set", name)
                yield from _lost(looked, gone, f"{name} is set as a whole", path, f'Set "{name}.…" for each field.')
        replacement = write.replacement
        if replacement is not None and not any(key.startswith("?") for key in replacement):
            gone = collection.sample.always - set(replacement) - {"_id"}
            yield from _lost(looked, gone, "The document is replaced", write.change_path, "Use updateOne with $set.")


def _lost(looked: Looked, gone: set[str], what: str, path: Path, hint: str) -> Iterator[Finding]:
    if gone:
        names = ", ".join(sorted(gone)[:5]) + (f" and {len(gone) - 5} more" if len(gone) > 5 else "")  # noqa: PLR2004 - named
        message = f"{what}: what documents of a sample have besides is gone then ({names})."
        yield looked.told(FindingCode.LOSES_FIELDS, Severity.WARNING, message, path, hint)
