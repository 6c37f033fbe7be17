"""What a command says that its author may not have meant, as its text alone tells: one function for each doubt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Final, TypeAlias

from bson import Regex

from executors.base import Finding, FindingCode, Severity
from executors.mongodb.reading.command import Command, Path, Value
from executors.mongodb.reading.filters import finds_nothing
from executors.mongodb.reading.parts import (
    Part,
    Parts,
    compared,
    is_field,
    is_known,
    is_list,
    is_operators,
    stage_body,
    stage_name,
    take_apart,
)
from executors.mongodb.reading.shapes import is_number
from executors.mongodb.reading.writes import FilteredWrite, filtered_writes

# Documents that are read to be left out.
_DEEP: Final = 10_000
# Stages that leave one document for each.
_KEEPS_DOCUMENTS: Final = frozenset({"$match", "$project", "$addFields", "$set", "$unset", "$skip", "$lookup"})
_IN_MANY: Final = "updateOne and deleteOne say so themselves."


def doubts(command: Command) -> Iterator[Finding]:
    """Every doubt about a command in which `guard.examine` found no problem."""
    parts = take_apart(command)
    yield from chain.from_iterable(doubt(command, parts) for doubt in _ABOUT_READS)
    for write in filtered_writes(command):
        yield from chain.from_iterable(doubt(command, write) for doubt in _ABOUT_WRITES)


def _told(command: Command, code: FindingCode, severity: Severity, message: str, path: Path, hint: str = "") -> Finding:
    place = command.place(path)
    return Finding(code, severity, message, place.line, place.column, hint)


# --- reads --------------------------------------------------------------------------------------------------


def _limit_of_nothing(command: Command, parts: Parts) -> Iterator[Finding]:
    if parts.method != "count" and parts.limit is not None and parts.limit.value == 0:
        message = "limit(0) sets no limit: every document that matches is returned."
        yield _told(command, FindingCode.NO_LIMIT, Severity.INFO, message, parts.limit.path, "Give a number above 0.")


def _deep_skip(command: Command, parts: Parts) -> Iterator[Finding]:
    for skip in _skips(parts):
        if is_number(skip.value) and skip.value >= _DEEP:
            message = f"To skip {skip.value:,} documents the server reads them all first."
            hint = "Sort by an indexed field, and ask for what comes after the last value of the page before."
            yield _told(command, FindingCode.DEEP_SKIP, Severity.INFO, message, skip.path, hint)


def _skips(parts: Parts) -> Iterator[Part]:
    if parts.skip is not None:
        yield parts.skip
    yield from (stage_body(stage) for stage in parts.stages if stage_name(stage) == "$skip")


def _page_without_order(command: Command, parts: Parts) -> Iterator[Finding]:
    """Skipping some of what comes in no order leaves to chance which."""
    at = parts.skip if parts.sort is None and parts.skip is not None and parts.skip.value != 0 else None
    names = parts.names
    if "$skip" in names and not {"$sort", "$geoNear", "$sortByCount"}.intersection(names[: names.index("$skip")]):
        at = stage_body(parts.stages[names.index("$skip")])
    if at is not None:
        message = "Documents are skipped in no order: which ones is left to chance, and pages may overlap."
        hint = "Sort by a field that no two documents share, such as _id, before skipping."
        yield _told(command, FindingCode.PAGE_WITHOUT_ORDER, Severity.INFO, message, at.path, hint)


def _limit_before_sort(command: Command, parts: Parts) -> Iterator[Finding]:
    names = parts.names
    if "$limit" not in names:
        return
    at = names.index("$limit")
    before, after = names[:at], names[at + 1 :]
    between = after[: after.index("$sort")] if "$sort" in after else None
    if between is None or not _KEEPS_DOCUMENTS.issuperset([*before, *between]):
        return
    message = "$limit stands before $sort: whichever documents come first are kept, and only those are sorted."
    hint = "Put $sort before $limit."
    yield _told(command, FindingCode.LIMIT_BEFORE_SORT, Severity.WARNING, message, parts.stages[at].path, hint)


def _mixed_projection(command: Command, parts: Parts) -> Iterator[Finding]:
    stages = [stage_body(stage) for stage in parts.stages if stage_name(stage) == "$project"]
    for projection in (*([parts.projection] if parts.projection else ()), *stages):
        shown, hidden = _shown(projection, truth=True), _shown(projection, truth=False)
        if shown and hidden:
            message = f"A projection either names what it shows or what it hides: here {shown[0]} and {hidden[0]}."
            hint = f"The server refuses it. Leave {hidden[0]} out; only _id may be hidden beside fields that are shown."
            path = (*projection.path, hidden[0])
            yield _told(command, FindingCode.MIXED_PROJECTION, Severity.WARNING, message, path, hint)


def _shown(projection: Part, *, truth: bool) -> list[str]:
    fields = projection.value.items() if isinstance(projection.value, Mapping) else ()
    return [
        name
        for name, value in fields
        if is_field(name) and name != "_id" and isinstance(value, bool | int | float) and bool(value) is truth
    ]


# --- whom a write finds ---------------------------------------------------------------------------------------


def _never_true(command: Command, write: FilteredWrite) -> Iterator[Finding]:
    if is_known(command, write.query_path) and finds_nothing(write.query, write.variables):
        message = f"The filter of this {write.operation} is true for no document: it {write.does} none."
        hint = "Correct the condition that nothing can meet."
        yield _told(command, FindingCode.NEVER_TRUE, Severity.WARNING, message, write.query_path, hint)


def _many_by_id(command: Command, write: FilteredWrite) -> Iterator[Finding]:
    """`_id` is unique: one value of it is one document."""
    path = (*write.query_path, "_id")
    value = write.query.get("_id") if isinstance(write.query, Mapping) else None
    named = value is not None and (not isinstance(value, Mapping) or not is_operators(value))
    if write.many and named and not isinstance(value, Regex) and is_known(command, path):
        message = f"{write.operation} with one _id reaches one document at most."
        yield _told(command, FindingCode.MANY_BY_ID, Severity.INFO, message, path, _IN_MANY)


def _matches_missing(command: Command, write: FilteredWrite) -> Iterator[Finding]:
    """What is not there is null to a filter, and is not equal to anything else."""
    fields = list(compared(write.query, write.query_path))
    times = Counter(name for name, _, _ in fields)
    for name, value, path in fields:
        if name == "_id" or times[name] > 1 or "." in name or not is_known(command, path):
            continue
        if said := _finds_missing(value):
            message = f"{said} of {name} also matches documents that have no {name}: they are {_done(write)} as well."
            hint = f"Add {{{name}: {{$exists: true}}}} unless those are meant."
            yield _told(command, FindingCode.MATCHES_MISSING, Severity.INFO, message, path, hint)
            return


def _done(write: FilteredWrite) -> str:
    return {"changes": "changed", "deletes": "deleted", "replaces": "replaced"}[write.does]


def _finds_missing(value: Value) -> str:
    """How a test that a missing field passes is called; "" for one that it does not pass."""
    if value is None:
        return "The test for null"
    if not isinstance(value, Mapping) or not is_operators(value) or len(value) != 1:
        return ""
    ((operator, operand),) = value.items()
    if operator == "$eq" and operand is None:
        return "The test for null"
    if (operator == "$ne" and operand is not None) or (operator == "$nin" and is_list(operand) and None not in operand):
        return f"The {operator}"
    return ""


# --- what a write does ----------------------------------------------------------------------------------------


def _positional(command: Command, write: FilteredWrite) -> Iterator[Finding]:
    """`items.$.done` is the element that the filter found: it has to name the array."""
    named = {name for name, _, _ in compared(write.query, write.query_path)}
    if not is_known(command, write.query_path):
        return
    for operator, name in _changed(write):
        array, found, _ = name.partition(".$")
        if not found or name[len(array) + 2 : len(array) + 3] not in {"", "."}:
            continue
        if not any(field == array or field.startswith(f"{array}.") for field in named):
            message = (
                f"{name} means the element of {array} that the filter found, and the filter does not name {array}."
            )
            hint = f"The server refuses it. Name {array} in the filter, or write {array}.$[] for every element."
            path = (*write.change_path, operator, name)
            yield _told(command, FindingCode.POSITION_UNKNOWN, Severity.WARNING, message, path, hint)


def _unfiltered_elements(command: Command, write: FilteredWrite) -> Iterator[Finding]:
    """`items.$[done].x` needs an array filter of that name."""
    given = write.options.get("arrayFilters")
    filters: Iterable[Value] = given if given is not None and is_list(given) else ()
    known = {key.partition(".")[0] for item in filters if isinstance(item, Mapping) for key, _, _ in compared(item, ())}
    if not all(is_known(command, path) for path in ((0, 2), (*write.path, "arrayFilters"))):
        return
    for operator, name in _changed(write):
        for part in name.split("."):
            wanted = part[2:-1] if part.startswith("$[") and part.endswith("]") else ""
            if wanted and wanted not in known:
                message = f"{name} asks for the array filter {wanted}, and there is none of that name."
                hint = f"The server refuses it. Give the option arrayFilters: [{{{wanted}: …}}]."
                path = (*write.change_path, operator, name)
                yield _told(command, FindingCode.POSITION_UNKNOWN, Severity.WARNING, message, path, hint)
                return


def _conflicting(command: Command, write: FilteredWrite) -> Iterator[Finding]:
    """Two changes of one field, or of a field and a part of it, in one update."""
    seen: set[str] = set()
    within: dict[str, str] = {}
    for operator, name in _changed(write):
        around = list(_around(name))
        other = next((one for one in around if one in seen), None) or within.get(name)
        if other is not None:
            message = f"{other} and {name} are changed by one update: one is a part of the other, or the same."
            hint = "The server refuses it. Change each field once."
            path = (*write.change_path, operator, name)
            yield _told(command, FindingCode.CONFLICTING_CHANGES, Severity.WARNING, message, path, hint)
            return
        seen.add(name)
        within.update(dict.fromkeys(around, name))


def _around(path: str) -> Iterator[str]:
    """A path and those that it is a part of."""
    parts = path.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _changes_id(command: Command, write: FilteredWrite) -> Iterator[Finding]:
    """The server refuses another `_id`; on insert one may be given."""
    named = next((operator for operator, name in _changed(write) if name == "_id"), None)
    if named is None or named == "$setOnInsert":
        return
    value = write.operators[named]["_id"]
    if write.query.get("_id") == value or write.upserts:
        return
    message = "The _id of a document cannot be changed: the server refuses it."
    hint = "Insert the document anew with the other _id, and delete the old one."
    yield _told(command, FindingCode.CHANGES_ID, Severity.WARNING, message, (*write.change_path, named, "_id"), hint)


def _changed(write: FilteredWrite) -> Iterator[tuple[str, str]]:
    """Each update operator with each field that it changes."""
    for operator, fields in write.operators.items():
        yield from ((operator, name) for name in fields if is_field(name))


_AboutReads: TypeAlias = Callable[[Command, Parts], Iterator[Finding]]
_AboutWrites: TypeAlias = Callable[[Command, FilteredWrite], Iterator[Finding]]
_ABOUT_READS: Final[tuple[_AboutReads, ...]] = (
    _limit_of_nothing,
    _deep_skip,
    _page_without_order,
    _limit_before_sort,
    _mixed_projection,
)
_ABOUT_WRITES: Final[tuple[_AboutWrites, ...]] = (
    _never_true,
    _many_by_id,
    _matches_missing,
    _positional,
    _unfiltered_elements,
    _conflicting,
    _changes_id,
)
