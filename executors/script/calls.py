"""The database calls that can be seen in a script's text, read by the analysis of their own language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from executors.base import Access, EngineKind, Finding, FindingCode, Severity
from executors.script.syntax import Source

_SQL_METHODS = frozenset({"query", "one", "iterate"})
_COLLECTION_METHODS = frozenset({"collection", "getCollection"})


@dataclass(frozen=True, slots=True)
class DatabaseCall:
    """A call found. `access` is None when its text is only known at run time."""

    kinds: tuple[str, ...]
    tables: tuple[str, ...]
    access: Access | None
    findings: tuple[Finding, ...] = ()


def database_calls(engine: EngineKind, source: Source, access: Access) -> Iterator[DatabaseCall]:
    """Every call on `db` in the text, in order."""
    for node in source.nodes():
        if node.type != "call_expression":
            continue
        called = _method(source, node)
        if called is None:
            continue
        receiver, method = called
        if engine is EngineKind.POSTGRESQL and method in _SQL_METHODS and source.text(receiver) == "db":
            yield _sql(engine, source, node, access)
        elif engine is EngineKind.MONGODB and (name := _collection(source, receiver)) is not None:
            yield from _mongo(source, node, name, method, access)


def _method(source: Source, node: Node) -> tuple[Node, str] | None:
    """The receiver and the name of `receiver.name(…)`."""
    function = node.child_by_field_name("function")
    if function is None or function.type != "member_expression":
        return None
    receiver = function.child_by_field_name("object")
    name = function.child_by_field_name("property")
    return None if receiver is None or name is None else (receiver, source.text(name))


def _arguments(node: Node) -> list[Node]:
    arguments = node.child_by_field_name("arguments")
    return [] if arguments is None else [child for child in arguments.named_children if child.type != "comment"]


# --- SQL -------------------------------------------------------------------------------------------


def _sql(engine: EngineKind, source: Source, node: Node, access: Access) -> DatabaseCall:
    from executors.postgresql.reading.analysis import analyse  # noqa: PLC0415 - a script on MongoDB never loads the SQL parser

    arguments = _arguments(node)
    text = source.literal(arguments[0]) if arguments else None
    line, column = source.place(node)
    if text is None:
        return DatabaseCall(("query",), (), None, _built(arguments, line, column))
    count = _array_length(arguments[1]) if len(arguments) > 1 else 0
    reading = analyse(engine, text, [""] * (count or 0), access)
    findings = tuple(
        Finding(finding.code, finding.severity, finding.message, line, column, finding.hint)
        for finding in reading.findings
        if not (finding.code == FindingCode.PARAMETERS_MISMATCH and count is None)
    )
    return DatabaseCall(reading.kinds, reading.tables, reading.access, findings)


def _array_length(node: Node) -> int | None:
    """How many elements an array literal has; None when only the run can tell."""
    if node.type != "array" or any(child.type == "spread_element" for child in node.named_children):
        return None
    return sum(child.type != "comment" for child in node.named_children)


def _built(arguments: list[Node], line: int, column: int) -> tuple[Finding, ...]:
    """A warning when a statement is put together from pieces, which is how values become code."""
    if not arguments or arguments[0].type not in {"template_string", "binary_expression"}:
        return ()
    message = "This statement is put together from text, so a reviewer cannot see what will run."
    hint = 'Write the statement out and pass values as parameters: db.query("… $1", [value]).'
    return (Finding(FindingCode.BUILT_STATEMENT, Severity.WARNING, message, line, column, hint),)


# --- MongoDB ---------------------------------------------------------------------------------------


def _collection(source: Source, node: Node) -> str | None:
    """The collection of `db.collection(…)`: its name, "" when only the run can tell, None for anything else."""
    if node.type != "call_expression":
        return None
    called = _method(source, node)
    if called is None or called[1] not in _COLLECTION_METHODS or source.text(called[0]) != "db":
        return None
    arguments = _arguments(node)
    return (source.literal(arguments[0]) or "") if arguments else ""


def _mongo(source: Source, node: Node, name: str, method: str, access: Access) -> Iterator[DatabaseCall]:
    from executors.mongodb.reading.methods import METHODS  # noqa: PLC0415 - a script on PostgreSQL never loads it

    line, column = source.place(node)
    known = METHODS.get(method)
    tables = (name,) if name else ()
    if known is None:
        message = f"Collections have no method {method[:40]} in a script."
        yield DatabaseCall(
            (method,), tables, None, (Finding(FindingCode.MONGO_METHOD, Severity.ERROR, message, line, column),)
        )
        return
    findings: tuple[Finding, ...] = ()
    if known.access is Access.WRITE and access is Access.READ:
        message, hint = f"{method} is not a read.", "Ask for write access."
        findings = (Finding(FindingCode.WRITE_IN_READ, Severity.ERROR, message, line, column, hint),)
    yield DatabaseCall((method,), tables, known.access, findings)
