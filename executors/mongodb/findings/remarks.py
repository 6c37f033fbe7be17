"""What a reviewer should know about a command that may run: whom it reaches, what it replaces, what stays undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from executors.base import Access, Finding, FindingCode, Severity
from executors.mongodb.findings.doubts import doubts
from executors.mongodb.reading.command import Command, Path, Value
from executors.mongodb.reading.filters import Reach
from executors.mongodb.reading.guard import WRITING_STAGES, Facts
from executors.mongodb.reading.methods import SHOW_DATABASES
from executors.mongodb.reading.writes import FilteredWrite, filtered_writes

_TRANSACTION: Final = "Where the database has transactions, the portal runs a write as one"


def remark(
    command: Command, code: FindingCode, severity: Severity, message: str, path: Path, hint: str = ""
) -> Finding:
    """A finding at the place of a part of the command."""
    place = command.place(path)
    return Finding(code, severity, message, place.line, place.column, hint)


def remarks(command: Command, facts: Facts) -> Iterator[Finding]:
    """Everything to be said about a command in which `guard.examine` found no problem."""
    for write in filtered_writes(command):
        yield from _unfiltered(command, write)
    yield from doubts(command)
    yield from _about_time(command)
    yield from _about_index(command)
    if facts.access is Access.WRITE and not explains(command):
        yield from _about_writing_stage(command)
    yield from _unordered(command)
    yield from _without_effect(command)
    if _unbounded(command):
        message = "No filter and no limit: the row limit of the target decides what is returned."
        yield remark(command, FindingCode.NO_LIMIT, Severity.INFO, message, ())


def explains(command: Command) -> bool:
    """Whether the command is only explained, never run."""
    option = command.args[1] if command.method == "aggregate" and len(command.args) > 1 else None
    return command.modifier("explain") is not None or bool(option and option.get("explain"))


# --- whom a write reaches ---------------------------------------------------------------------------------


def _unfiltered(command: Command, write: FilteredWrite) -> Iterator[Finding]:
    found = write.reach
    if found is Reach.SOME:
        return
    if found is Reach.PERHAPS_EVERY:
        why = "a part of it compares fields with themselves, or may look at none"
        message = f"Whether the filter of {write.operation} holds anything back its text does not tell: {why}."
        hint = "Compare a field with the values that are meant."
        yield remark(command, FindingCode.SELF_COMPARISON, Severity.INFO, message, write.path, hint)
        return
    what = "an empty filter" if write.query == {} else f"a filter that matches {found.value}"
    if found is Reach.EVERY_OR_NONE:
        what = "a filter that looks at no field"
    if write.many:
        message, severity = f"{write.operation} with {what} {write.does} {found.value}.", Severity.WARNING
    elif write.sorted:
        first = "the document that its sort puts first"
        message, severity = f"{write.operation} with {what} {write.does} {first}.", Severity.INFO
    else:
        first = "whichever document comes first"
        message, severity = f"{write.operation} with {what} {write.does} {first}.", Severity.WARNING
    yield remark(command, FindingCode.NO_FILTER, severity, message, write.path)


# --- dates that the text alone does not tell ----------------------------------------------------------------

_RUN_TIME: Final = (
    "This is the time of the run: one instant for the whole statement, read when it runs. A rehearsal has its own."
)
_SERVER_TIME: Final = "The clock of the database itself is $$NOW, in a pipeline or in $expr."


def _about_time(command: Command) -> Iterator[Finding]:
    for place in command.clock_reads[:1]:
        yield Finding(FindingCode.RUN_TIME, Severity.INFO, _RUN_TIME, place.line, place.column, _SERVER_TIME)
    for place, read in command.local_dates:
        message = "A date of parts is read as UTC, months from 0; mongosh takes it for the time zone of its machine."
        hint = f'It is ISODate("{read}"); write that to leave no doubt.'
        yield Finding(FindingCode.READ_AS_UTC, Severity.WARNING, message, place.line, place.column, hint)


# --- $out and $merge ----------------------------------------------------------------------------------------

_MATCHED: Final = {
    "merge": "documents that match one are merged into it",
    "replace": "documents that match one replace it",
    "keepExisting": "documents that match one are left out",
    "fail": "a document that matches one ends the run with an error",
}
_NOT_MATCHED: Final = {
    "insert": "the others are inserted",
    "discard": "the others are left out",
    "fail": "any other ends the run with an error",
}
_LASTS: Final = "It cannot be rolled back"


def writing_stage(command: Command) -> tuple[str, Value, Path] | None:
    """The `$out` or `$merge` a command ends with: its name, what it says, and where it stands."""
    pipeline, path = _pipeline(command)
    last = pipeline[-1] if pipeline else {}
    name = next(iter(last), "")
    return (name, last[name], (*path, len(pipeline) - 1, name)) if name in WRITING_STAGES else None


def _pipeline(command: Command) -> tuple[Sequence[Mapping[str, Value]], Path]:
    if command.method == "aggregate":
        return command.args[0], (0, 0)
    if command.method == "runCommand" and "aggregate" in command.args[0]:
        return command.args[0].get("pipeline") or (), (0, 0, "pipeline")
    return (), ()


def _about_writing_stage(command: Command) -> Iterator[Finding]:
    stage = writing_stage(command)
    if stage is None:
        return
    name, body, path = stage
    if name == "$out":
        message = f"$out replaces the whole collection {_named(body)}: every document in it now is gone afterwards."
        hint = f"{_LASTS}, and how many documents change is not told."
        yield remark(command, FindingCode.REPLACES_COLLECTION, Severity.WARNING, message, path, hint)
        return
    matched, other = _when(body, "whenMatched", "merge"), _when(body, "whenNotMatched", "insert")
    into = _named(body.get("into") if isinstance(body, Mapping) else body)
    does = _MATCHED.get(matched, "documents that match one change it, as a pipeline says")
    message = f"$merge writes into the collection {into}: {does}, {_NOT_MATCHED.get(other, 'the others are written')}."
    hint = f"{_LASTS}: what it wrote before an error stays. How many documents change is not told."
    yield remark(command, FindingCode.MERGES_INTO_COLLECTION, Severity.WARNING, message, path, hint)


def _when(body: Value, name: str, default: str) -> str:
    value = body.get(name, default) if isinstance(body, Mapping) else default
    return value if isinstance(value, str) else ""


def _named(into: Value) -> str:
    """A collection, with its database where one is named."""
    if isinstance(into, Mapping):
        return ".".join(str(into[part]) for part in ("db", "coll") if part in into)
    return str(into)


# --- the rest -----------------------------------------------------------------------------------------------


def index_change(command: Command) -> str:
    """Whether it makes an index ("create"), takes one away ("drop"), or neither ("")."""
    name = next(iter(command.args[0]), "") if command.method == "runCommand" else command.method
    return next((verb for verb in ("create", "drop") if name.startswith(f"{verb}Index")), "")


def _about_index(command: Command) -> Iterator[Finding]:
    change = index_change(command)
    if change == "drop":
        message = "Queries that use this index will become slow."
        yield remark(command, FindingCode.DROP_INDEX, Severity.WARNING, message, ())
    if change == "create":
        message = "Building an index reads the whole collection."
        yield remark(command, FindingCode.CREATE_INDEX, Severity.INFO, message, ())
    if change:
        message = "An index is changed outside any transaction: once done, it is not rolled back."
        yield remark(command, FindingCode.NOT_TRANSACTIONAL, Severity.INFO, message, ())


def _unordered(command: Command) -> Iterator[Finding]:
    """What holds of `ordered: false` where nobody knows whether the deployment has transactions."""
    if is_unordered(command) is not None:
        yield unordered(command, transactions=None)


def unordered(command: Command, *, transactions: bool | None) -> Finding:
    """`ordered: false` in a transaction keeps nothing, which is not what people write it for."""
    path = is_unordered(command) or ()
    nothing = "ordered: false keeps nothing here when one document fails; mongosh would keep the others."
    if transactions is None:
        message = (
            "ordered: false keeps nothing in a transaction when one document fails; mongosh would keep the others."
        )
        hint = f"{_TRANSACTION}, all or nothing."
        return remark(command, FindingCode.ALL_OR_NOTHING, Severity.WARNING, message, path, hint)
    if transactions:
        hint = "This deployment has transactions, and the portal runs a write as one."
        return remark(command, FindingCode.ALL_OR_NOTHING, Severity.WARNING, nothing, path, hint)
    message = "ordered: false means here what it means in mongosh: documents that do not fail are kept."
    hint = "This deployment has no transactions."
    return remark(command, FindingCode.ALL_OR_NOTHING, Severity.INFO, message, path, hint)


def is_unordered(command: Command) -> Path | None:
    """Where a write asks to go on after an error; None when it does not."""
    if command.method in {"insertMany", "bulkWrite"}:
        options, path = (command.args[1] if len(command.args) > 1 else None), (0, 1)
    elif command.method == "runCommand":
        options, path = command.args[0], (0, 0)
    else:
        return None
    return (*path, "ordered") if isinstance(options, Mapping) and options.get("ordered", True) is False else None


_BOUNDING: Final = ("limit", "count", "explain", "next", "hasNext", "size", "itcount")
_SET_BY_PORTAL: Final = ("readPref", "readConcern")


def _without_effect(command: Command) -> Iterator[Finding]:
    """What a statement asks for and the portal decides itself."""
    for number, call in enumerate(command.modifiers, start=1):
        if call.method in _SET_BY_PORTAL:
            message = f"{call.method} has no effect here: the connection of the target says how it is read."
            yield remark(command, FindingCode.NO_EFFECT, Severity.INFO, message, (number,))
    if command.method == SHOW_DATABASES:
        message = "A target is one database: the others of the server are not shown."
        yield remark(command, FindingCode.NO_EFFECT, Severity.INFO, message, ())


def _unbounded(command: Command) -> bool:
    return (
        command.method == "find"
        and not (command.args and command.args[0])
        and not any(command.modifier(name) for name in _BOUNDING)
        and not (len(command.args) > 2 and command.args[2] and "limit" in command.args[2])  # noqa: PLR2004 - the options
    )
