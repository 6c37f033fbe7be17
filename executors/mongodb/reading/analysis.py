"""What reading a mongosh expression tells before anything runs: access, collections, refusals and warnings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from executors.base import Access, Analysis, EngineKind, Finding, FindingCode, Parameter, Severity, Verified
from executors.mongodb.reading.command import Command, Path, Value
from executors.mongodb.reading.guard import Facts, examine
from executors.mongodb.reading.parse import parse
from executors.mongodb.reading.source import Unreadable
from executors.text import check_text, verified_text

_FILTERED: Final = {"updateMany": "changes", "deleteMany": "deletes"}
_ANY_ONE: Final = {"updateOne": "changes", "deleteOne": "deletes", "replaceOne": "replaces"}


def analyse(
    engine: EngineKind,  # noqa: ARG001 - every analyser is called alike; only MongoDB is asked in this language
    statement: str,
    parameters: Sequence[Parameter],
    access: Access,
) -> Analysis:
    """Read a statement for `access`. Never raises: what cannot be read is a finding with its place."""
    try:
        command = parse(statement)
    except Unreadable as unreadable:
        return Analysis(access, findings=(*check_text(statement), unreadable.finding))
    text_findings = check_text(statement, command.literals)
    found = analyse_command(command, access)
    extra = (_parameters_finding(),) if parameters else ()
    findings = (*text_findings, *extra, *found.findings)
    verified = (Verified.SYNTAX, *verified_text(text_findings))
    return Analysis(found.access, found.kinds, found.tables, findings, verified)


def analyse_command(command: Command, access: Access) -> Analysis:
    """The same for a command already read, such as one a script asks for."""
    facts = examine(command)
    findings = [
        _finding(command, code, Severity.ERROR, message, path, hint) for path, code, message, hint in facts.problems
    ]
    if facts.access is Access.WRITE and access is Access.READ:
        findings.append(_write_in_read(command))
    if not facts.problems:
        findings.extend(_remarks(command, facts))
    return Analysis(facts.access, (command.method,), tuple(sorted(facts.collections)), tuple(findings))


def _parameters_finding() -> Finding:
    return Finding(
        FindingCode.MONGO_PARAMETERS,
        Severity.ERROR,
        "A MongoDB query takes no parameters.",
        hint="Write the values into the query.",
    )


def _finding(
    command: Command, code: FindingCode, severity: Severity, message: str, path: Path, hint: str = ""
) -> Finding:
    place = command.place(path)
    return Finding(code, severity, message, place.line, place.column, hint)


def _write_in_read(command: Command) -> Finding:
    return _finding(
        command,
        FindingCode.WRITE_IN_READ,
        Severity.ERROR,
        f"{command.method} writes, but read access was asked for.",
        (),
        "Ask for write access, or change the statement so that it only reads.",
    )


def _remarks(command: Command, facts: Facts) -> Iterator[Finding]:
    """What a reviewer should know about a command that may run."""
    for name, query, path in _filters(command):
        if query:
            continue
        if name in _FILTERED:
            yield _finding(
                command,
                FindingCode.NO_FILTER,
                Severity.WARNING,
                f"{name} with an empty filter {_FILTERED[name]} every document.",
                path,
            )
        elif name in _ANY_ONE:
            yield _finding(
                command,
                FindingCode.NO_FILTER,
                Severity.WARNING,
                f"{name} with an empty filter {_ANY_ONE[name]} whichever document comes first.",
                path,
            )
    if command.method == "dropIndex":
        yield _finding(
            command, FindingCode.DROP_INDEX, Severity.WARNING, "Queries that use this index will become slow.", ()
        )
    if command.method == "createIndex":
        yield _finding(
            command, FindingCode.CREATE_INDEX, Severity.INFO, "Building an index reads the whole collection.", ()
        )
    if command.method == "aggregate" and facts.access is Access.WRITE:
        yield _finding(
            command,
            FindingCode.NOT_TRANSACTIONAL,
            Severity.WARNING,
            "$out and $merge cannot be rolled back once they have begun.",
            (),
        )
    if _unbounded(command):
        yield _finding(
            command,
            FindingCode.NO_LIMIT,
            Severity.INFO,
            "No filter and no limit: the row limit of the target decides what is returned.",
            (),
        )


def _filters(command: Command) -> Iterator[tuple[str, Value, Path]]:
    """The filters that decide what is written: operation, filter, and where it stands."""
    if command.method in _FILTERED or command.method in _ANY_ONE:
        yield command.method, command.args[0], (0, 0)
    elif command.method == "bulkWrite":
        for index, operation in enumerate(command.args[0]):
            name = next(iter(operation))
            yield name, operation[name].get("filter", True), (0, 0, index, name)
    elif command.method == "runCommand":
        yield from _command_filters(command.args[0])


def _command_filters(body: Mapping[str, Value]) -> Iterator[tuple[str, Value, Path]]:
    for key, one, many in (("updates", "updateOne", "updateMany"), ("deletes", "deleteOne", "deleteMany")):
        for index, part in enumerate(body.get(key) or ()):
            every = bool(part.get("multi")) if key == "updates" else not part.get("limit")
            yield many if every else one, part.get("q"), (0, 0, key, index)


def _unbounded(command: Command) -> bool:
    return (
        command.method == "find"
        and not (command.args and command.args[0])
        and not any(command.modifier(name) for name in ("limit", "count", "explain"))
        and not (len(command.args) > 2 and command.args[2] and "limit" in command.args[2])  # noqa: PLR2004 - the options
    )
