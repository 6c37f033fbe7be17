"""Reading a script: its syntax, what it may not use, and the database calls that can be seen in its text.

What a script really calls is known only when it runs (each call is checked and recorded then); this explains early.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tree_sitter import Node

from executors.base import Access, Analysis, EngineKind, Finding, FindingCode, Parameter, Severity, Verified
from executors.script.calls import DatabaseCall, database_calls
from executors.script.modules import available
from executors.script.syntax import Source, syntax_errors
from executors.text import MAX_BYTES, check_text, verified_text

_LITERALS = frozenset({"string", "template_string", "regex"})
_MODULE_SYNTAX = {"import_statement": "import", "export_statement": "export"}
_NAMES = frozenset({"identifier", "shorthand_property_identifier"})
_LEADS_TO_DB = frozenset({"db", "arguments", "eval", "Function"})
# Names people bring from Node.js, Deno or a browser.
_ABSENT = frozenset(
    "Deno process fetch WebSocket Worker localStorage sessionStorage Buffer EventSource indexedDB module "
    "__dirname __filename document navigator SharedArrayBuffer Atomics WebAssembly".split()
)


@dataclass(slots=True)
class _Reading:
    """What one walk over the tree gathers."""

    source: Source
    findings: list[Finding] = field(default_factory=list)

    def add(self, node: Node, code: FindingCode, severity: Severity, message: str, hint: str = "") -> None:
        line, column = self.source.place(node)
        self.findings.append(Finding(code, severity, message, line, column, hint))


def analyse(engine: EngineKind, statement: str, parameters: Sequence[Parameter], access: Access) -> Analysis:
    """Read a script for `access`. Never raises: what is wrong is a finding with its place."""
    if len(statement) > MAX_BYTES:
        return Analysis(access, ("script",), findings=check_text(statement))
    source = Source(statement)
    literals = [source.span(node) for node in source.nodes() if node.type in _LITERALS]
    characters = check_text(statement, literals)
    syntax = list(syntax_errors(source))
    findings = [*characters, *syntax]
    if not statement.strip():
        findings.append(Finding(FindingCode.EMPTY, Severity.ERROR, "There is no script."))
    if parameters:
        hint = "Write the values into the script."
        findings.append(
            Finding(FindingCode.SCRIPT_PARAMETERS, Severity.ERROR, "A script takes no parameters.", hint=hint)
        )
    reading = _Reading(source)
    for node in source.nodes():
        _look(reading, node)
    calls = list(database_calls(engine, source, access))
    findings += [*reading.findings, *(finding for call in calls for finding in call.findings)]
    verified = (*verified_text(characters), *(() if syntax else _verified(source, calls)))
    return Analysis(_access(calls, access), _kinds(calls), _tables(calls), tuple(findings), verified)


def _verified(source: Source, calls: Sequence[DatabaseCall]) -> tuple[Verified, ...]:
    """`db` stands nowhere but in calls whose text was read, and nothing else in the script could name it."""
    named = [node for node in source.nodes() if node.type in _NAMES and source.text(node) in _LEADS_TO_DB]
    written_out = len(named) == len(calls) and all(call.access is not None and call.kinds for call in calls)
    return (Verified.SYNTAX, Verified.STATEMENTS_WRITTEN_OUT) if written_out else (Verified.SYNTAX,)


def _look(reading: _Reading, node: Node) -> None:
    """What a single node tells."""
    if node.type in _MODULE_SYNTAX:
        _refuse_modules(reading, node, _MODULE_SYNTAX[node.type])
    elif node.type == "call_expression":
        _look_at_call(reading, node)
    elif node.type == "new_expression":
        name = node.child_by_field_name("constructor")
        if name is not None and reading.source.text(name) == "Function":
            _warn_of_code(reading, node, "new Function")
    elif node.type == "identifier" and reading.source.text(node) in _ABSENT:
        message = f"{reading.source.text(node)} does not exist in a script."
        reading.add(
            node,
            FindingCode.NOT_AVAILABLE,
            Severity.WARNING,
            message,
            "A script has db, console, require and the language.",
        )


def _look_at_call(reading: _Reading, node: Node) -> None:
    function = node.child_by_field_name("function")
    # Of a chain of calls, which may be as long as the script, nothing here looks at the words.
    name = reading.source.text(function) if function is not None and function.type == "identifier" else ""
    if function is not None and function.type == "import":
        _refuse_modules(reading, node, "import()")
    elif name in {"eval", "Function"}:
        _warn_of_code(reading, node, name)
    elif name == "require":
        _require(reading, node)


def _refuse_modules(reading: _Reading, node: Node, what: str) -> None:
    message = f"{what} cannot be used: a script is the body of a function, not a module."
    hint = f"Use require(…) with one of {', '.join(available())}; end with return."
    reading.add(node, FindingCode.MODULE_SYNTAX, Severity.ERROR, message, hint)


def _warn_of_code(reading: _Reading, node: Node, what: str) -> None:
    message = f"{what} runs text as code, which a reviewer cannot read here."
    reading.add(node, FindingCode.DYNAMIC_CODE, Severity.WARNING, message, "Write the code out.")


def _require(reading: _Reading, node: Node) -> None:
    arguments = node.child_by_field_name("arguments")
    first = arguments.named_children[0] if arguments is not None and arguments.named_children else None
    name = reading.source.literal(first) if first is not None else None
    hint = f"Modules that may be allowed on a target: {', '.join(available())}."
    if name is None:
        reading.add(node, FindingCode.MODULE_NAME, Severity.ERROR, "The module's name has to be written out.", hint)
    elif name not in available():
        message = f"The module {name[:60]} cannot be had in a script."
        reading.add(node, FindingCode.MODULE_NOT_ALLOWED, Severity.ERROR, message, hint)


def _access(calls: Sequence[DatabaseCall], asked: Access) -> Access:
    """What the script needs as far as its text tells: with a call that cannot be read, what was asked for."""
    if any(call.access is Access.WRITE for call in calls):
        return Access.WRITE
    return asked if any(call.access is None for call in calls) else Access.READ


def _kinds(calls: Sequence[DatabaseCall]) -> tuple[str, ...]:
    return ("script", *(kind for call in calls for kind in call.kinds))


def _tables(calls: Sequence[DatabaseCall]) -> tuple[str, ...]:
    return tuple(sorted({table for call in calls for table in call.tables}))
