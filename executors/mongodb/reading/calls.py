"""The calls of a script's `db` on MongoDB, read by the analysis of the mongo language."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from executors.base import (
    Access,
    Asked,
    DatabaseCall,
    Finding,
    FindingCode,
    Leads,
    NamedParameter,
    Severity,
    Step,
    WrittenCall,
)
from executors.mongodb.reading.analysis import analyse_command
from executors.mongodb.reading.command import Call, Command, Path, Value
from executors.mongodb.reading.given import bson_of
from executors.mongodb.reading.methods import (
    COLLECTION_METHODS,
    CURSOR_ASKING,
    CURSOR_SHAPING,
    INSTEAD,
    METHODS,
    MODIFIERS,
    NOT_IN_SCRIPTS,
    NOT_SHAPING,
    Shape,
)
from executors.mongodb.reading.named import passing_names
from executors.mongodb.reading.source import Position
from executors.mongodb.reading.written import Written

_DATABASE: Final = ("collection", "getCollection")
# What a database tells of itself.
_LISTING: Final = ("listCollections", "getCollectionNames")
_ROWS: Final = ("find", "aggregate")
_MODIFYING: Final = frozenset({*MODIFIERS, "project"}) - (NOT_SHAPING - {"toArray", "count", "explain"})
_OF_ANY: Final = frozenset({"toString", "valueOf"})
_ELSEWHERE: Final = "Submit it in the mongo language."
# Names of `db` that people bring, and what to do instead.
_OF_DATABASE: Final = {
    "attempt": "A failed call gives a MongoDB transaction up: look before it, with findOne or countDocuments.",
    "getCollectionInfos": "Use db.listCollections().toArray().",
    "one": "db.one is for PostgreSQL: use db.<collection>.findOne(…).",
    "query": "db.query is for PostgreSQL: use db.<collection>.find(…).",
    "runCommand": _ELSEWHERE,
}
# The parts of a call that decide what it does, by method; values may come from the run, these should not.
_DECIDING: Final = frozenset({Shape.FILTER, Shape.UPDATE, Shape.PIPELINE, Shape.OPERATIONS})
FIND_OPTIONS: Final = METHODS["find"].options
_COUNTING: Final = ("limit", "skip", "batchSize", "maxTimeMS", "allowDiskUse", "returnKey", "showRecordId")


class _Chain(NamedTuple):
    """A chain taken apart: the collection's name (None when only the run knows), and what is called on it."""

    collection: str | None
    calls: tuple[Step, ...]


class MongoCalls:
    """The `CallReader` of MongoDB."""

    def leads(self, steps: Sequence[Step]) -> Leads:
        """Names lead to collections, `find` and `aggregate` to rows, anything else answers."""
        chain, last = _taken_apart(steps), steps[-1]
        if last.name in _OF_ANY:
            return Leads.VALUE
        if steps[0].name in _LISTING:
            return _of_listing(steps)
        if chain is None:
            return Leads.DATABASE if not last.called else Leads.NOTHING
        if len(chain.calls) <= 1:
            return _of_collection(last) if chain.calls else Leads.DATABASE
        return _of_cursor(chain.calls)

    def missing(self, steps: Sequence[Step]) -> tuple[str, str]:
        """What there is instead."""
        chain, name = _taken_apart(steps), steps[-1].name[:40]
        if steps[0].name in _LISTING and len(steps) > 1:
            message, hint = _nothing(f"db.{steps[0].name}", name, _LISTED)
            return message, hint if steps[0].called else f"Call it: db.{steps[0].name}()."
        if chain is None or len(steps) == 1:
            return _nothing("db", name, (*_DATABASE, *_LISTING))
        if len(chain.calls) <= 1:
            return _nothing("A collection", name, COLLECTION_METHODS)
        return _nothing("A cursor", name, (*CURSOR_SHAPING, *CURSOR_ASKING))

    def refuses(self, parameter: NamedParameter) -> str:
        """What BSON cannot keep of it."""
        try:
            bson_of(parameter)
        except ValueError as problem:
            return str(problem)
        return ""

    def read(self, call: WrittenCall, access: Access) -> DatabaseCall | None:
        """What a command tells of itself, as far as it is written out."""
        if call.steps[0].name in _LISTING:
            return DatabaseCall(("listCollections",), (), Access.READ) if call.steps[0].called else None
        chain = _taken_apart(call.steps)
        if chain is None or not chain.calls:
            return None
        return _Reader(call, chain, access).read()


class _Reader:
    """Reads one call."""

    def __init__(self, call: WrittenCall, chain: _Chain, access: Access) -> None:
        self._call = call
        self._collection = chain.collection
        self._method = chain.calls[0]
        self._modifiers = [step for step in chain.calls[1:] if step.name in _MODIFYING]
        self._access = access
        self._written = Written()
        self._findings: list[Finding] = []

    def read(self) -> DatabaseCall:
        """What the call tells."""
        known = METHODS[self._method.name]
        args = self._written.arguments(0, self._method.arguments or (), known.shapes)
        if self._method.name in {"find", "findOne"}:
            args = self._find_arguments(args)
        modifiers = tuple(self._modifier(number, step) for number, step in enumerate(self._modifiers, start=1))
        command = Command(
            self._collection or "?",
            self._method.name,
            args,
            modifiers,
            Position(self._method.line, self._method.column),
            self._written.places,
            unknown=frozenset(self._written.unknown),
        )
        analysis = analyse_command(command, self._access)
        tables = tuple(name for name in analysis.tables if name not in {"?", "$?"})
        unknown = self._unknown(args)
        pipeline = self._method.name == "aggregate" and unknown
        # A pipeline that is not known may write with its last stage.
        needs = None if pipeline and analysis.access is Access.READ else analysis.access
        told = (found for found in analysis.findings if found.code is not FindingCode.NO_LIMIT)
        findings = (*passing_names(command, ""), *told, *self._findings)
        return DatabaseCall(
            analysis.kinds,
            tables,
            needs,
            (*findings, *unknown),
            analysis.verified,
            read=not unknown and bool(self._collection),
            asks=Asked("", tables, command, given=bool(self._collection) and not self._written.unknown),
        )

    def _modifier(self, number: int, step: Step) -> Call:
        name = "projection" if step.name == "project" else step.name
        values = self._written.arguments(number, step.arguments or (), MODIFIERS[name].shapes)
        return Call(name, values, Position(step.line, step.column))

    def _unknown(self, args: Sequence[Value]) -> tuple[Finding, ...]:
        """A finding for what decides about the call and is only known when it runs."""
        if self._collection is None:
            return (self._finding(FindingCode.BUILT_STATEMENT, Severity.WARNING, _NO_COLLECTION, _WRITE_OUT),)
        shapes = METHODS[self._method.name].shapes
        for index, shape in enumerate(shapes[: len(args)]):
            if shape not in _DECIDING or not self._hidden((0, index), shape):
                continue
            message = f"What {self._method.name} is given here is only known when the script runs: {shape.value}."
            return (self._finding(FindingCode.BUILT_STATEMENT, Severity.WARNING, message, _WRITE_OUT),)
        return ()

    def _hidden(self, path: tuple[int, int], shape: Shape) -> bool:
        """Whether the run decides on more of an argument than values in it."""
        return any(_decides(unknown[2:], shape) for unknown in self._written.unknown if unknown[:2] == path)

    def _find_arguments(self, args: tuple[Value, ...]) -> tuple[Value, ...]:
        """The arguments of find in the shell's order, where they were given in that of the drivers."""
        second = args[1] if len(args) > 1 else None
        if not isinstance(second, Mapping) or not second or (0, 1) in self._written.unknown:
            return args
        if not FIND_OPTIONS.issuperset(second):
            return args
        if all(_shows(value) for value in second.values()):
            unclear = next((name for name in second if name in _COUNTING), None)
            if unclear is not None:
                self._add_unclear(unclear)
                return args[:1]
            return args
        message = "The second argument of find is read as the options of a driver, not as a projection."
        self._findings.append(self._finding(FindingCode.DRIVER_OPTIONS, Severity.INFO, message, _OPTIONS_HINT))
        options = {name: value for name, value in second.items() if name != "projection"}
        self._moved(options)
        return (args[0], second.get("projection", {}), options)

    def _moved(self, options: Mapping[str, Value]) -> None:
        """The options stand where the second argument was written."""
        places, unknown = self._written.places, self._written.unknown
        for name in options:
            places[0, 2, name] = places[0, 1, name]
            if (0, 1, name) in unknown:
                unknown.add((0, 2, name))

    def _add_unclear(self, name: str) -> None:
        message = f"{name} may be an option of find or the field of that name."
        hint = f"Write .{name}(…) for the option, .projection({{{name}: …}}) for the field."
        self._findings.append(self._finding(FindingCode.DRIVER_OPTIONS, Severity.ERROR, message, hint))

    def _finding(self, code: FindingCode, severity: Severity, message: str, hint: str) -> Finding:
        return Finding(code, severity, message, self._method.line, self._method.column, hint)


_NO_COLLECTION: Final = "The collection of this call is only known when the script runs."
_WRITE_OUT: Final = "Write it out, so that a reviewer can read it."
_OPTIONS_HINT: Final = "Write .projection({…}), .sort({…}) and .limit(…) to leave no doubt."


# How a list of collections is gone through; nothing shapes it on the server.
_LISTED: Final = ("map", *CURSOR_ASKING)


def _of_listing(steps: Sequence[Step]) -> Leads:
    """What `db.listCollections()` and `db.getCollectionNames()` lead to."""
    first, last = steps[0], steps[-1]
    if not first.called:
        return Leads.DATABASE if len(steps) == 1 else Leads.NOTHING
    if first.name == "getCollectionNames":
        return Leads.PROMISE if len(steps) == 1 else Leads.NOTHING
    if len(steps) == 1:
        return Leads.ROWS
    if last.name == "map":
        return Leads.LAZY if last.called else Leads.ROWS
    if last.name not in _LISTED or last.name in {"count", "explain"}:
        return Leads.NOTHING
    return Leads.PROMISE if last.called else Leads.ROWS


def _of_cursor(calls: Sequence[Step]) -> Leads:
    """What a cursor's methods lead to."""
    last = calls[-1]
    if last.name in CURSOR_ASKING:
        return Leads.PROMISE if last.called else Leads.ROWS
    if last.name not in CURSOR_SHAPING:
        return Leads.NOTHING
    return Leads.LAZY if any(step.name == "map" and step.called for step in calls) else Leads.ROWS


def _of_collection(step: Step) -> Leads:
    """What a method of a collection leads to."""
    if step.name not in COLLECTION_METHODS:
        return Leads.NOTHING
    if not step.called:
        return Leads.DATABASE
    return Leads.ROWS if step.name in _ROWS else Leads.PROMISE


def _decides(inside: Path, shape: Shape) -> bool:
    """Whether a part that is not known is the whole, a stage, an operator's body or fields of no name in it."""
    if not inside:
        return True
    last, depth = inside[-1], len(inside)
    if isinstance(last, str) and last.startswith("?"):
        return depth <= 2  # noqa: PLR2004 - of the document itself, or of one in a list
    if shape in {Shape.FILTER, Shape.UPDATE}:
        return depth == 1 and isinstance(last, str) and last.startswith("$")
    return depth == 1 or (shape is Shape.OPERATIONS and last in {"filter", "update", "replacement"})


def _shows(value: Value) -> bool:
    """Whether a value may stand in a projection for a field that is shown or left out."""
    return isinstance(value, bool) or (isinstance(value, int) and value in {0, 1})


def _taken_apart(steps: Sequence[Step]) -> _Chain | None:
    """The collection and the calls of a chain; None for one that has not reached a collection."""
    first = steps[0]
    if first.name in _DATABASE:
        if not first.called:
            return None
        names = [first.arguments[0].text if first.arguments and len(first.arguments) == 1 else None]
    elif first.called:
        return None
    else:
        names = [first.name]
    rest = list(steps[1:])
    while rest and not rest[0].called and rest[0].name not in COLLECTION_METHODS:
        names.append(rest.pop(0).name)
    known = [name for name in names if name]
    return _Chain(".".join(known) if len(known) == len(names) else None, tuple(rest))


def _nothing(what: str, name: str, known: Sequence[str]) -> tuple[str, str]:
    if what == "db" and name in _OF_DATABASE:
        hint = _OF_DATABASE[name]
    elif name in INSTEAD or name == "count":
        hint = INSTEAD.get(name, "Use countDocuments or estimatedDocumentCount.")
    elif name in NOT_IN_SCRIPTS:
        hint = _ELSEWHERE
    else:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There is {', '.join(known)}."
    return f"{what} has no method {name} in a script.", hint
