"""Reading an SQL statement: what it is, what it touches, what access it needs, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from executors.base import Access, Analysis, EngineKind, Finding, FindingCode, Parameter, Severity, Verified
from executors.base.parameters import named
from executors.lookalikes import check_names, check_signs
from executors.postgresql.findings import TEXT, noticed
from executors.postgresql.findings.looked import Looked
from executors.postgresql.findings.remarks import own_functions, own_types, remarks
from executors.postgresql.reading import dialects, outside, reasons, rules, settings, taking
from executors.postgresql.reading.bodies import Body, body_of
from executors.postgresql.reading.facts import Facts, gather, together, without_places
from executors.postgresql.reading.identifiers import identifiers
from executors.postgresql.reading.lexer import NAME_BYTES, cut_names, literal_ranges, outside_code
from executors.postgresql.reading.named import bound, psql_variables
from executors.postgresql.reading.parse import GRAMMAR, Statement, parse
from executors.postgresql.reading.scopes import Catalogue
from executors.postgresql.reading.settings import Setting
from executors.postgresql.reading.tools import batch_ends, tool_words
from executors.postgresql.reading.verified import verified
from executors.text import MAX_BYTES, Characters, Places, Ranges, check_text, verified_text

_ESCAPED_NAME = re.compile('u&"', re.IGNORECASE)

# What the server binds values in; of any other statement it says that there is no such parameter, when it runs.
_TAKE_PARAMETERS = frozenset(
    {
        "CallStmt",
        "CreateTableAsStmt",
        "DeclareCursorStmt",
        "DeleteStmt",
        "ExplainStmt",
        "InsertStmt",
        "MergeStmt",
        "SelectStmt",
        "UpdateStmt",
    }
)

_REACHES = "It can act outside the transaction, on files, on other sessions, or run hidden SQL."

# Of one kind in one statement.
_MOST_FINDINGS = 20


@dataclass(frozen=True, slots=True)
class Reading:
    """A statement text taken apart, for whoever goes on to run it: `text` is what the server takes, with `values`."""

    analysis: Analysis
    statements: tuple[Statement, ...] = ()
    facts: tuple[Facts, ...] = ()
    settings: tuple[Setting, ...] = ()
    text: str = ""
    values: tuple[Parameter, ...] = ()


class _Inside:
    """The body of a statement and what each statement in it holds."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.facts = tuple(map(gather, body.statements))


class _Where:
    """Line and column of what the parser found in a text."""

    def __init__(self, text: str) -> None:
        self._places = Places(text)
        self._characters = Characters(text.encode())

    def begins(self, item: Statement) -> tuple[int, int]:
        """Where the words of a statement begin."""
        return self._places.at(item.begins)

    def character(self, at: int) -> tuple[int, int]:
        """The place of character `at`."""
        return self._places.at(at)

    def byte(self, at: int) -> tuple[int, int]:
        """The place of byte `at`."""
        return self._places.at(self._characters.before(at))


def analyse(engine: EngineKind, statement: str, parameters: Sequence[Parameter], access: Access) -> Analysis:
    """What `statement` is and whether it may be submitted as `access`."""
    del engine  # one SQL product so far
    return read(statement, parameters, access).analysis


def read(
    statement: str,
    parameters: Sequence[Parameter],
    access: Access,
    catalogue: Catalogue | None = None,
    *,
    informing: bool = True,
) -> Reading:
    """`analyse`, with the parsed statements. With the columns of its tables (as named in it) names are told apart.

    Where nobody is told what only informs (`informing`), it is not looked for; what refuses always is.
    """
    door = _door(statement)
    if any(finding.severity is Severity.ERROR for finding in door):
        return Reading(Analysis(access, findings=door))
    takes = bound(statement, parameters)
    statement = takes.text
    door = (*door, *takes.findings)
    written, failure = parse(statement)
    if failure:
        return Reading(Analysis(access, findings=(*door, *_no_sql(statement, failure))))
    framed = access is Access.MAINTENANCE and taking.is_framed(written, access)
    found, statements = settings.apart(written[1:-1] if framed else taking.run(written, access))
    said = [_framed()] if framed else taking.told(statement, written, access)
    door = (*door, *batch_ends(statement), *said, *_set(statement, found))
    if found and not statements:
        alone = _error(FindingCode.EMPTY, "Settings alone do nothing.", "Write the statement they are for after them.")
        return Reading(Analysis(access, findings=(*door, alone)))
    if not statements:
        return Reading(Analysis(access, findings=(*door, _error(FindingCode.EMPTY, "There is no statement."))))
    inside = tuple(_Inside(body_of(item)) for item in statements)
    facts = tuple(gather(item, catalogue) for item in statements)
    door = (*door, *_door_of_bodies(statement, inside), *_names(statement, statements, inside))
    door = (*door, *_partly_read(statement, statements))
    to_tell = statements if informing else ()
    findings = (*door, *_findings(statement, statements, facts, inside, takes.values, access, catalogue or {}, to_tell))
    facts = tuple(together(fact, one.facts) for fact, one in zip(facts, inside, strict=True))
    checked = (*verified_text(door), *verified(statements, facts, frozenset(found.code for found in findings)))
    kept = tuple(one for _, one in found)
    told = tuple(map(takes.told, statements, facts))
    analysis = _analysis(statements, facts, access, findings, checked)
    return Reading(analysis, told, facts, kept, takes.text, takes.values)


def _framed() -> Finding:
    message = "BEGIN and COMMIT around it make a transaction of it, in which it cannot run."
    return _error(FindingCode.REFUSED_STATEMENT, message, "Leave BEGIN and COMMIT out.")


def _set(text: str, found: Sequence[tuple[Statement, Setting]]) -> Iterator[Finding]:
    """Settings in front, which hold until the request ends, LOCAL or not."""
    places = Places(text)
    for item, one in found:
        message = f"{one.name} is set for this request alone."
        yield Finding(FindingCode.SETS_LOCAL, Severity.INFO, message, *places.at(item.begins))


def _partly_read(text: str, statements: Sequence[Statement]) -> Iterator[Finding]:
    """What of the statements only the target can read."""
    places = Places(text)
    for item in islice((item for item in statements if item.unread), _MOST_FINDINGS):
        what = ", ".join(item.unread)
        message = f"Read in part, without what is newer than the PostgreSQL {GRAMMAR} that the portal reads: {what}."
        hint = "The target's own server reads the whole of it. Nothing is claimed of it here."
        yield Finding(FindingCode.PARTLY_READ, Severity.WARNING, message, *places.at(item.begins), hint)


def _no_sql(statement: str, failure: Finding) -> tuple[Finding, ...]:
    """Why the parser refused a text: what of it is no SQL, where that can be named, and else its own word."""
    told = (*batch_ends(statement), *tool_words(statement), *psql_variables(statement))
    return told or (_with_way_out(statement, failure),)


def _with_way_out(statement: str, failure: Finding) -> Finding:
    """The parser's own word, with what to write instead of another product's."""
    if failure.code is not FindingCode.SYNTAX_ERROR or failure.hint:
        return failure
    lines = statement.split("\n")[: (failure.line or len(statement)) - 1]
    at = sum(len(line) + 1 for line in lines) + (failure.column or 1) - 1
    return replace(failure, hint=dialects.of_syntax(statement, at, failure.message))


def _door(statement: str) -> tuple[Finding, ...]:
    if len(statement) > MAX_BYTES:
        return check_text(statement)
    found = check_text(statement, literal_ranges(statement))
    return (*found, *check_signs(statement, Ranges(outside_code(statement))))


def _door_of_bodies(statement: str, inside: Sequence[_Inside]) -> Iterator[Finding]:
    """A body is a text value to the door, but code to whoever runs it: what hides in it is refused."""
    where_is = _Where(statement)
    for text, start in (found for one in inside for found in one.body.texts):
        for finding in (*check_text(text, literal_ranges(text)), *check_signs(text, Ranges(outside_code(text)))):
            place = where_is.character(start) if start is not None else (None, None)
            yield replace(finding, line=place[0], column=place[1])


def _names(statement: str, statements: Sequence[Statement], inside: Sequence[_Inside]) -> Iterator[Finding]:
    """What the names are, once their escapes (U&"…") are resolved."""
    if statement.isascii() and not _ESCAPED_NAME.search(statement):
        return
    where_is, found = _Where(statement), dict[str, tuple[int, int]]()
    for item in statements:
        for name, at in identifiers(item.node):
            if name not in found:
                found[name] = where_is.byte(at) if at else where_is.begins(item)
    for item in (item for one in inside for item in one.body.statements):
        for name, _ in identifiers(item.node):
            found.setdefault(name, where_is.begins(item))
    yield from check_names(found, statement)


def _analysis(
    statements: tuple[Statement, ...],
    facts: tuple[Facts, ...],
    access: Access,
    findings: tuple[Finding, ...],
    checked: tuple[Verified, ...],
) -> Analysis:
    """What a function of the database's own does is not to be seen: with one, what is needed is what was asked for."""
    writes = any(map(rules.needs_write, statements, facts))
    alone = access is Access.MAINTENANCE or any(map(outside.offered, statements))
    return Analysis(
        Access.MAINTENANCE
        if alone
        else Access.WRITE
        if writes
        else access
        if any(map(own_functions, facts))
        else Access.READ,
        tuple(rules.kind(item) for item in statements),
        tuple(sorted(set().union(*(fact.tables for fact in facts)))),
        findings,
        checked,
    )


def _informing(text: str, statements: tuple[Statement, ...]) -> list[Finding]:
    source = text.encode()
    return noticed(text, (Looked(item, source, before=statements[:n]) for n, item in enumerate(statements)), TEXT)


def _findings(
    text: str,
    statements: tuple[Statement, ...],
    facts: tuple[Facts, ...],
    inside: tuple[_Inside, ...],
    parameters: Sequence[Parameter],
    access: Access,
    catalogue: Catalogue,
    to_tell: tuple[Statement, ...],
) -> Iterator[Finding]:
    where_is = _Where(text)
    yield from _together(where_is, statements, facts, parameters, access)
    made: set[str] = set()
    yield from _cut_names(text, where_is)
    for item, fact, one in zip(statements, facts, inside, strict=True):
        where = where_is.begins(item)
        alone = access is Access.MAINTENANCE
        refused = rules.refusal_alone(item, fact) if alone else rules.refusal(item, fact, made)
        refused = refused or dialects.shows(item)
        if refused:
            yield Finding(FindingCode.REFUSED_STATEMENT, Severity.ERROR, refused[0], *where, refused[1])
        elif access is Access.READ and rules.needs_write(item, fact):
            yield _write_in_read(item, fact, where)
        elif alone:
            yield _outside(item, where)
        yield from _functions(where_is, fact, where)
        yield from islice(remarks(item, fact, access, catalogue, where), _MOST_FINDINGS)
        yield from _of_body(where_is, one, access, made)
        made |= rules.server_view(item, made)
    yield from _informing(text, to_tell)
    writes = any(map(rules.needs_write, statements, facts)) or any(map(own_functions, facts))
    if access is Access.WRITE and not writes:
        yield _read_in_write(facts)


def _of_body(where_is: _Where, inside: _Inside, access: Access, made: set[str]) -> Iterator[Finding]:
    """What would be said of the statements in a body if they stood alone; what refuses it before all else."""
    yield from islice(_refused_inside(where_is, inside, made), _MOST_FINDINGS)
    remarked = (
        finding
        for item, fact in zip(inside.body.statements, inside.facts, strict=True)
        for finding in remarks(item, fact, access, {}, where_is.begins(item))
    )
    yield from islice(remarked, _MOST_FINDINGS)


def _refused_inside(where_is: _Where, inside: _Inside, made: set[str]) -> Iterator[Finding]:
    for reason in inside.body.refused:
        line, column = where_is.character(reason.at)
        yield Finding(FindingCode.REFUSED_STATEMENT, Severity.ERROR, reason.message, line, column, reason.hint)
    for item, fact in zip(inside.body.statements, inside.facts, strict=True):
        where = where_is.begins(item)
        if refused := rules.refusal_inside(item, fact, made):
            yield Finding(FindingCode.REFUSED_STATEMENT, Severity.ERROR, refused[0], *where, refused[1])
        yield from _functions(where_is, without_places(fact), where)
        made |= rules.server_view(item, made)


def _together(
    where_is: _Where,
    statements: tuple[Statement, ...],
    facts: tuple[Facts, ...],
    parameters: Sequence[Parameter],
    access: Access,
) -> Iterator[Finding]:
    # A transaction's own words are refused for themselves.
    counted = [item for item in statements if item.type != "TransactionStmt"]
    if len(counted) > 1 and access is not Access.WRITE:
        message = f"{'A read' if access is Access.READ else 'Maintenance'} is exactly one statement."
        several = _error(FindingCode.SEVERAL_STATEMENTS, message, "Submit each one on its own.")
        line, column = where_is.begins(counted[1])
        yield replace(several, line=line, column=column)
    if len(statements) > 1 and parameters and not named(parameters):
        message = "Parameters without names can only be given to a single statement."
        yield _error(FindingCode.PARAMETERS_NEED_ONE_STATEMENT, message, "Give them names, and write :name.")
    for item, fact in zip(statements, facts, strict=True):
        if fact.numbers and item.type not in _TAKE_PARAMETERS:
            message = f"{rules.kind(item)} takes no parameters."
            yield _error(FindingCode.PARAMETERS_MISMATCH, message, "Write the value into this statement.")
    wanted = max(fact.parameters for fact in facts)
    if access is Access.MAINTENANCE and (wanted or parameters):
        message = "The server takes no parameters in maintenance."
        yield _error(FindingCode.PARAMETERS_MISMATCH, message, "Write the values into the statement.")
    elif wanted != len(parameters):
        message = f"The statement uses {wanted} parameter(s), {len(parameters)} given."
        yield _error(
            FindingCode.PARAMETERS_MISMATCH,
            message,
            "Use $1, $2 … and give one value for each, or :name with named ones.",
        )


def _cut_names(text: str, where_is: _Where) -> Iterator[Finding]:
    """Names that are not what the server will read: of two that differ behind the cut it makes one."""
    for at, name in islice(cut_names(text), _MOST_FINDINGS):
        kept = name.encode()[:NAME_BYTES].decode(errors="ignore")
        message = f"A name of more than {NAME_BYTES} bytes is cut short by the server: it reads {kept}."
        hint = "Write the name as it is in the database."
        yield Finding(FindingCode.NAME_CUT, Severity.WARNING, message, *where_is.character(at), hint)


def _outside(item: Statement, where: tuple[int, int]) -> Finding:
    kind = outside.kind_of(item)
    message = "It runs outside a transaction: nothing of it is rolled back, counted, held to a bound or undone here."
    hint = outside.LEAVES[kind] if kind is not None else ""
    return Finding(FindingCode.OUTSIDE_TRANSACTION, Severity.INFO, message, *where, hint)


def _write_in_read(item: Statement, fact: Facts, where: tuple[int, int]) -> Finding:
    what = rules.kind(item)
    if item.type == "SelectStmt":
        what = "SELECT … INTO" if fact.into else "SELECT … FOR UPDATE" if fact.locking else "A SELECT that changes data"
    elif item.type == "ExplainStmt":
        what = "EXPLAIN of anything but a plain SELECT"
    message = f"{what} is not a read."
    return Finding(FindingCode.WRITE_IN_READ, Severity.ERROR, message, *where, "Ask for write access.")


def _functions(where_is: _Where, fact: Facts, where: tuple[int, int]) -> Iterator[Finding]:
    for function in islice(filter(rules.refused_function, fact.functions), _MOST_FINDINGS):
        at = where if function.at is None else where_is.byte(function.at)
        message = f"The function {function.name} is not allowed."
        hint = f"{_REACHES} {reasons.instead_of(function.name)}"
        yield Finding(FindingCode.REFUSED_FUNCTION, Severity.ERROR, message, *at, hint)
    for operator in sorted(filter(rules.foreign_operator, fact.operators)):
        message, hint = f"The operator {operator} is not one of pg_catalog.", "Write its sign alone, without a schema."
        yield Finding(FindingCode.REFUSED_OPERATOR, Severity.ERROR, message, *where, hint)


def _read_in_write(facts: tuple[Facts, ...]) -> Finding:
    """Certain only where the text names nothing that may hide a write: no view, no cast of the database's own."""
    own = any(relation.schema not in rules.OWN_SCHEMAS for fact in facts for relation in fact.relations)
    message = "This only reads; read access would be enough."
    if own or any(map(own_types, facts)):
        message = "Nothing in its text writes; read access is enough unless a view or a cast that it uses writes."
    return Finding(FindingCode.READ_IN_WRITE, Severity.INFO, message)


def _error(code: FindingCode, message: str, hint: str = "") -> Finding:
    return Finding(code, Severity.ERROR, message, hint=hint)
