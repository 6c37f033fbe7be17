"""Reading a script: its syntax, what it may not use, and the database calls that can be seen in its text.

What a script really calls is known only when it runs (each call is checked and recorded then); this explains early.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from executors.base import (
    Access,
    Analysis,
    CallReader,
    DatabaseCall,
    EngineKind,
    Finding,
    FindingCode,
    Parameter,
    Required,
    Severity,
    Verified,
    WrittenCall,
)
from executors.lookalikes import check_names, check_signs
from executors.script.following import follow
from executors.script.habits import Placed, habits
from executors.script.hidden import could_hide, hidden_code
from executors.script.modules import available
from executors.script.names import Names
from executors.script.parameters import about_parameters
from executors.script.syntax import COMMENTS, Source, syntax_errors
from executors.script.traps import traps
from executors.script.waiting import unawaited
from executors.text import MAX_BYTES, Ranges, check_text, verified_text

_LITERALS = frozenset({"string", "template_string", "regex"})
_MODULE_SYNTAX = {"import_statement": "import", "export_statement": "export"}
_LANGUAGE = "A script has db, console, require and the language."
_CONSOLE = "Write it to the console: console.log(…)."
_POOL = "The connection is open: await db.query(…) on PostgreSQL, await db.<collection>.find(…) on MongoDB."
# What people bring from browsers, Node, mongosh and psql, and what stands for it.
_ABSENT = dict.fromkeys(
    "Deno process fetch WebSocket Worker localStorage sessionStorage Buffer EventSource indexedDB module "
    "__dirname __filename document navigator SharedArrayBuffer Atomics WebAssembly alert load axios".split(),
    _LANGUAGE,
) | {
    **dict.fromkeys(("print", "printjson"), _CONSOLE),
    **dict.fromkeys(("pool", "client", "mongoose", "knex", "prisma", "sequelize"), _POOL),
    "sleep": "Wait with await new Promise((go) => setTimeout(go, 1000)).",
    "quit": "End the script with return.",
    "use": "A script has one database, that of its target.",
}


@dataclass(frozen=True, slots=True)
class _Told:
    """What a script's text tells of its calls: each as its engine reads it, what was found, and whether that is all."""

    calls: tuple[DatabaseCall, ...]
    findings: tuple[Finding, ...]
    wholly: bool

    @property
    def all_read(self) -> bool:
        """Whether every call that the script can make was read, and nothing of it but values depends on the run."""
        return self.wholly and all(call.read and call.access is not None for call in self.calls)

    def access(self, asked: Access) -> Access:
        """What the script needs: where not everything could be read, what was asked for."""
        if any(call.access is Access.WRITE for call in self.calls):
            return Access.WRITE
        return Access.READ if self.all_read else asked


def analyse(
    engine: EngineKind,  # noqa: ARG001 - every analyser is called alike; `calls` knows the engine's
    statement: str,
    parameters: Sequence[Parameter],
    access: Access,
    *,
    calls: CallReader,
) -> Analysis:
    """Read a script for `access`. Never raises: what is wrong is a finding with its place."""
    if len(statement) > MAX_BYTES:
        return Analysis(access, ("script",), findings=check_text(statement))
    source = Source(statement)
    characters = tuple(_characters(source))
    syntax = tuple(syntax_errors(source))
    names = Names(source)
    told = _told(source, names, calls, access)
    noted = {(finding.code, finding.line, finding.column) for finding in characters}
    of_calls = [found for found in told.findings if (found.code, found.line, found.column) not in noted]
    findings = (
        *characters,
        *syntax,
        *_as_a_whole(statement, told, access),
        *about_parameters(source, names, parameters, calls.refuses),
        *_no_result(source, told, access),
        *traps(source),
        *(finding for node in source.nodes() for finding in _look(source, node)),
        *_absent(source, names),
        *of_calls,
    )
    errors = any(finding.severity is Severity.ERROR for finding in findings)
    unread = syntax or any(finding.severity is Severity.ERROR for finding in characters)
    verified = (
        *verified_text((*characters, *of_calls)),
        *(() if unread else (Verified.SYNTAX, *_verified(told, errors))),
    )
    return Analysis(
        told.access(access), _kinds(told.calls), _tables(told.calls), findings, verified, tuple(_required(source))
    )


def calls_in(statement: str, calls: CallReader, access: Access) -> list[tuple[WrittenCall, DatabaseCall]]:
    """Every call of a script that reaches the database, in the order of the text, with what its text tells."""
    source = Source(statement)
    found = ((call, calls.read(call, access)) for call in follow(source, Names(source), calls).calls)
    return [(call, told) for call, told in found if told]


def _characters(source: Source) -> Iterator[Finding]:
    """What its characters, and its names beyond ASCII, may hide."""
    literals = [source.span(node) for node in source.nodes() if node.type in _LITERALS]
    yield from check_text(source.statement, literals)
    if not source.statement.isascii():
        comments = [source.span(node) for node in source.nodes() if node.type in COMMENTS]
        yield from check_signs(source.statement, Ranges([*literals, *comments]), javascript=True)
        named = {source.text(node): source.place(node) for node in source.nodes() if node.type.endswith("identifier")}
        yield from check_names({name: place for name, place in named.items() if not name.isascii()}, source.statement)


def _told(source: Source, names: Names, reader: CallReader, access: Access) -> _Told:
    followed = follow(source, names, reader)
    written = zip(followed.places, followed.calls, strict=True)
    placed = [Placed(node, call, found) for node, call in written if (found := reader.read(call, access))]
    calls = tuple(call.told for call in placed)
    hidden = tuple(hidden_code(source, names))
    findings = (
        *hidden,
        *followed.findings,
        *unawaited(source, names, followed.places),
        *habits(source, names, placed),
        *(finding for call in calls for finding in call.findings),
    )
    wholly = followed.completely and not hidden and not could_hide(source, names)
    return _Told(calls, findings, wholly)


def _as_a_whole(statement: str, told: _Told, access: Access) -> Iterator[Finding]:
    if not statement.strip():
        yield Finding(FindingCode.EMPTY, Severity.ERROR, "There is no script.")
    if access is Access.WRITE and told.all_read and told.calls and told.access(access) is Access.READ:
        message = "Every call of this script only reads; read access would be enough."
        yield Finding(FindingCode.READ_IN_WRITE, Severity.INFO, message)


def _no_result(source: Source, told: _Told, access: Access) -> Iterator[Finding]:
    """A read that returns and writes nothing: whoever waits for its result sees an empty one."""
    if access is Access.WRITE or told.access(access) is Access.WRITE or not told.calls:
        return
    nodes = source.nodes()
    ends = any(node.type in {"throw_statement", "return_statement"} and source.is_outermost(node) for node in nodes)
    shown = any(node.type == "identifier" and source.text(node) == "console" for node in nodes)
    if not (ends or shown):
        message, hint = "The script reads and returns nothing: its result is empty.", "End with return."
        yield Finding(FindingCode.RETURNS_NOTHING, Severity.INFO, message, hint=hint)


def _verified(told: _Told, errors: bool) -> Iterator[Verified]:  # noqa: FBT001 - one of two facts of a text
    """What holds of the whole script: nothing, unless all its calls were read; else what holds of each of them."""
    if errors or not told.all_read or not told.calls:
        return
    yield Verified.STATEMENTS_WRITTEN_OUT
    each = [frozenset(call.verified) for call in told.calls]
    for verified in Verified:
        if verified in _OF_EACH and all(verified in found for found in each):
            yield verified
    # A call that changes nothing has no condition to speak of.
    writing = [frozenset(call.verified) for call in told.calls if call.access is Access.WRITE]
    if writing and all(Verified.EVERY_WRITE_FILTERED in found for found in writing):
        yield Verified.EVERY_WRITE_FILTERED


_OF_EACH = frozenset(Verified) - {Verified.SYNTAX, Verified.STATEMENTS_WRITTEN_OUT, Verified.EVERY_WRITE_FILTERED}


def _look(source: Source, node: Node) -> Iterator[Finding]:
    """What a single node tells."""
    if node.type in _MODULE_SYNTAX:
        yield _refuse_modules(source, node, _MODULE_SYNTAX[node.type])
    elif node.type == "call_expression":
        function = node.child_by_field_name("function")
        if function is not None and function.type == "import":
            yield _refuse_modules(source, node, "import()")
        elif function is not None and source.text(function) == "require":
            yield from _require(source, node)


def _absent(source: Source, names: Names) -> Iterator[Finding]:
    """Names of other places that the script does not declare."""
    for name, hint in _ABSENT.items():
        if not names.declared(name):
            for node in names.uses(name):
                message = f"{name} does not exist in a script."
                yield Finding(FindingCode.NOT_AVAILABLE, Severity.WARNING, message, *source.place(node), hint)


def _refuse_modules(source: Source, node: Node, what: str) -> Finding:
    message = f"{what} cannot be used: a script is the body of a function, not a module."
    hint = f"Use require(…) with one of {', '.join(available())}; end with return."
    return Finding(FindingCode.MODULE_SYNTAX, Severity.ERROR, message, *source.place(node), hint)


def _require(source: Source, node: Node) -> Iterator[Finding]:
    arguments = node.child_by_field_name("arguments")
    first = source.parts(arguments)[0] if arguments is not None and source.parts(arguments) else None
    name = source.string(first) if first is not None and first.type in {"string", "template_string"} else None
    hint = f"Modules that may be allowed on a target: {', '.join(available())}."
    if name is None:
        message = "The module's name has to be written out."
        yield Finding(FindingCode.MODULE_NAME, Severity.ERROR, message, *source.place(node), hint)
    elif name not in available():
        message = f"The module {name[:60]} cannot be had in a script."
        yield Finding(FindingCode.MODULE_NOT_ALLOWED, Severity.ERROR, message, *source.place(node), hint)


def _required(source: Source) -> Iterator[Required]:
    """The modules a script names, each where it does."""
    for node in source.nodes():
        function = node.child_by_field_name("function") if node.type == "call_expression" else None
        arguments = node.child_by_field_name("arguments") if function is not None else None
        if function is None or arguments is None or source.text(function) != "require":
            continue
        parts = source.parts(arguments)
        name = source.string(parts[0]) if parts and parts[0].type in {"string", "template_string"} else None
        if name in available():
            yield Required(name, *source.place(node))


def _kinds(calls: Sequence[DatabaseCall]) -> tuple[str, ...]:
    return ("script", *(kind for call in calls for kind in call.kinds))


def _tables(calls: Sequence[DatabaseCall]) -> tuple[str, ...]:
    return tuple(sorted({table for call in calls for table in call.tables}))
