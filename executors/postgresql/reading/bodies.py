"""What stands inside the bodies of DO and CREATE FUNCTION: every statement and expression, as a statement of its own.

plpgsql is read by the server's own grammar of it (libpg_query). What is not understood to its end is refused, and so is
what nobody could judge from the text: EXECUTE, other languages, transactions of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pgparse

from executors.postgresql.reading.function_policy import WRITE_MAY_CALL
from executors.postgresql.reading.functions import REFUSED
from executors.postgresql.reading.lexer import tokens
from executors.postgresql.reading.newer import without_newer_words
from executors.postgresql.reading.parse import GRAMMAR, Node, Statement, parse

# A body in a body in a body: deeper nobody follows.
_DEPTH = 3

_LANGUAGES = frozenset({"plpgsql", "sql"})
_HARMLESS_OPTIONS = frozenset({"as", "language", "volatility", "strict", "cost", "rows", "parallel"})

_UNDERSTOOD = frozenset(
    """
    assert assign block call case close execsql exit fetch foreach_a forc fori fors getdiag if loop open perform raise
    return return_next return_query while
    """.split()
)
_BUILT = frozenset({"dynexecute", "dynfors"})
_TRANSACTION = frozenset({"commit", "rollback"})
# Conditions that a stopped request ends with.
_STOPS = frozenset({"query_canceled", "operator_intervention", "admin_shutdown", "crash_shutdown"})
# What only the server itself says, of the connection, its limits and its locks: a run is judged by these.
_SERVERS_OWN = re.compile(
    r"08|25|40|5[3457]|query_canceled|operator_intervention|admin_shutdown|crash_shutdown|cannot_connect_now"
    r"|database_dropped|idle_|connection_|sqlclient_|sqlserver_|transaction_|protocol_violation|read_only_sql"
    r"|serialization_failure|deadlock_detected|lock_not_available|object_in_use|object_not_in_prereq|out_of_memory"
    r"|disk_full|too_many_connections|insufficient_resources|configuration_limit|program_limit|statement_too_complex"
    r"|too_many_c|too_many_a|in_failed_sql|no_active_sql|invalid_transaction_state|unsafe_new|cant_change_runtime"
)
_PLAIN_TEXT = re.compile(r"'(\w+)'")
_LOG = 15  # elog.h: into the server's own log, and nowhere else
_ERRCODE = 0  # PLPGSQL_RAISEOPTION_ERRCODE

# Raw parse modes of the server (parser.h): an expression, and the assignments.
_EXPRESSION, _ASSIGNMENTS = 2, frozenset({3, 4, 5})
# For what only the server could read, and only when it runs.
_OUTSIDE = "Write it as a statement of its own, outside the body."
_ROW_TYPE = re.compile(r"%\s*rowtype", re.IGNORECASE)
_EDGE = re.compile(r"[\[\]()]|:=|=")
_CALL = re.compile(r'(?:"((?:[^"]|"")+)"|([A-Za-z_][\w$]*))\s*\(')


class Reason(NamedTuple):
    """Why a body is refused, what to do instead, and where (in characters of the whole text)."""

    message: str
    hint: str
    at: int


@dataclass(slots=True)
class Body:
    """The statements inside one, those of bodies inside it as well, and what was refused. `texts` are the bodies."""

    statements: list[Statement] = field(default_factory=list)
    refused: list[Reason] = field(default_factory=list)
    texts: list[tuple[str, int | None]] = field(default_factory=list)


def body_of(item: Statement) -> Body:
    """What is inside a statement that brings code; nothing for every other."""
    body = Body()
    _read(item, body, 0)
    return body


def _read(item: Statement, body: Body, depth: int) -> None:
    if item.type == "AlterFunctionStmt":
        body.refused += _options(item, _elements(item.node.get("actions", ())))
    if item.type not in {"DoStmt", "CreateFunctionStmt"}:
        return
    options = _elements(item.node.get("args" if item.type == "DoStmt" else "options", ()))
    body.refused += _options(item, options)
    language = _text(options.get("language", {})) or ("plpgsql" if item.type == "DoStmt" else "")
    text = _text(options.get("as", {}))
    refused = _language(item, language, given="as" in options, depth=depth)
    if refused:
        body.refused.append(refused)
    elif text is None:
        body.refused += (
            [] if "sql_body" in item.node else [Reason("The body cannot be read.", "Write it as text.", item.begins)]
        )
    else:
        start = _start(item, text)
        body.texts.append((text, start))
        found = list(_plpgsql(item, text, start, body) if language == "plpgsql" else _sql(item, text, start, body))
        body.refused += _hidden_calls(text, item.begins)
        for inner in found:
            body.statements.append(inner)
            _read(inner, body, depth + 1)


def _language(item: Statement, language: str, *, given: bool, depth: int) -> Reason | None:
    if depth >= _DEPTH:
        return Reason("Code within code within code is not read.", "Write the inner blocks as one.", item.begins)
    if not language:
        return (
            Reason("The function names no language.", "Add LANGUAGE plpgsql or LANGUAGE sql.", item.begins)
            if given
            else None
        )
    if language not in _LANGUAGES:
        return Reason(f"Code in {language} is not allowed.", "Write it in plpgsql or sql.", item.begins)
    if item.type == "DoStmt" and language == "sql":
        return Reason("PostgreSQL runs no DO in sql.", "Write the statements themselves, or use plpgsql.", item.begins)
    return None


# --- options ---------------------------------------------------------------------------------------


def _elements(options: Sequence[Node]) -> dict[str, Node]:
    """The options by name: the server takes none twice, but for SET, of which all are kept under their own names."""
    found: dict[str, Node] = {}
    for element in (entry.get("DefElem", {}) for entry in options):
        name = element.get("defname", "")
        found[f"set {len(found)}" if name == "set" else name] = element
    return found


def _options(item: Statement, options: dict[str, Node]) -> Iterator[Reason]:
    for name, element in options.items():
        if name == "security":
            if element.get("arg", {}).get("Boolean", {}).get("boolval"):
                message = "SECURITY DEFINER lets whoever calls it act with the rights of its owner."
                yield Reason(message, "Leave SECURITY DEFINER out.", item.begins)
        elif name.startswith("set "):
            yield from _setting(item, element.get("arg", {}).get("VariableSetStmt", {}))
        elif name not in _HARMLESS_OPTIONS:
            yield Reason(f"{name.upper()} of a function is not allowed.", f"Leave {name.upper()} out.", item.begins)


def _setting(item: Statement, node: Node) -> Iterator[Reason]:
    """A search path that looks into the server's own schema first, and into the temporary one last."""
    if node.get("kind") == "VAR_RESET" and node.get("name") == "search_path":
        return
    given = [entry.get("A_Const", {}).get("sval", {}).get("sval", "") for entry in node.get("args", ())]
    if node.get("kind") == "VAR_SET_VALUE" and node.get("name") == "search_path" and all(given):
        schemas = [name.strip().strip('"').lower() for part in given for name in part.split(",")]
        if "pg_catalog" not in schemas[1:] and "pg_temp" not in schemas[:-1]:
            return
        hint = "Name pg_catalog first or not at all, and pg_temp last."
        yield Reason("That search path lets other functions pass for the server's own.", hint, item.begins)
        return
    name = str(node.get("name", "")) or "ALL"
    yield Reason("A function may set no other setting than search_path.", f"Leave SET {name} out.", item.begins)


def _text(element: Node) -> str | None:
    argument = element.get("arg", {})
    items = argument.get("List", {}).get("items", ())
    if len(items) == 1:
        argument = items[0]
    value = argument.get("String", {})
    return str(value.get("sval", "")) if "String" in argument else None


# --- where -----------------------------------------------------------------------------------------


def _start(item: Statement, body: str) -> int | None:
    """The character of the whole text at which a body begins, if it stands there as it is."""
    if item.offset < 0:
        return None
    for kind, start, end in tokens(item.text):
        written = item.text[start:end]
        if kind == "dollar":
            tag = written.index("$", 1) + 1
            if written[tag:-tag] == body:
                return item.offset + start + tag
        elif kind == "string" and written[1:-1] == body:
            return item.offset + start + 1
    return None


def _lines(text: str, start: int | None) -> list[int]:
    """The character of the whole text at which each line of a body begins, blank space left out; none if not known."""
    if start is None:
        return []
    found, at = list[int](), start
    for line in text.split("\n"):
        found.append(at + len(line) - len(line.lstrip()))
        at += len(line) + 1
    return found


# --- sql -------------------------------------------------------------------------------------------


def _sql(item: Statement, text: str, start: int | None, body: Body) -> Iterator[Statement]:
    statements, failure = parse(text)
    if failure:
        body.refused.append(Reason(f"The body cannot be read: {failure.message}", failure.hint, start or item.begins))
    body.refused += _newer(statements, start or item.begins)
    for inner in statements:
        at = item.begins if start is None else start + inner.begins
        yield Statement(inner.text, -1, inner.type, inner.node, at)


def _newer(statements: Sequence[Statement], at: int) -> Iterator[Reason]:
    """Of a body nobody else can tell what the parser is too old for: a server reads it when it runs."""
    for words in (item.unread[0] for item in statements if item.unread):
        message = f"{words} in a body is newer than the PostgreSQL {GRAMMAR} that the portal reads."
        yield Reason(message, _OUTSIDE, at)


# --- plpgsql ---------------------------------------------------------------------------------------


def _plpgsql(item: Statement, text: str, start: int | None, body: Body) -> Iterator[Statement]:
    try:
        # Alone, as the server reads it: what else stands in the author's text is not its business.
        parsed: list[Node] = pgparse.parse_pgsql(item.text)
    except (pgparse.PGQueryError, RecursionError, ValueError) as error:
        said = str(getattr(error, "message", "") or error.args[0] if error.args else "it is nested too deeply")
        hint = "Declare it as record: no row type is known here." if _ROW_TYPE.search(text) else "Correct it."
        hint = _OUTSIDE if without_newer_words(text)[1] else hint
        body.refused.append(Reason(f"The body cannot be read: {said}.", hint, start or item.begins))
        return
    if len(parsed) != 1 or "PLpgSQL_function" not in parsed[0]:
        body.refused.append(Reason("The body cannot be read.", "Submit the statement on its own.", item.begins))
        return
    lines = _lines(text, start)
    for kind, node, line in _nodes(parsed[0]["PLpgSQL_function"]):
        at = lines[line - 1] if 0 < line <= len(lines) else item.begins
        if reason := _refused(kind, node, at):
            body.refused.append(reason)
        elif kind == "PLpgSQL_expr":
            yield from _expression(node, at, body)


def _nodes(root: Node) -> Iterator[tuple[str, Node, int]]:
    """Every node with the line that the nearest one around it says it stands in; without recursion."""
    stack: list[tuple[str, Any, int]] = [("", root, 0)]
    while stack:
        kind, node, line = stack.pop()
        if isinstance(node, list):
            stack.extend((kind, part, line) for part in reversed(node))
        elif isinstance(node, dict):
            line = int(node.get("lineno", line))
            if kind.startswith("PLpgSQL_"):
                yield kind, node, line
            stack.extend((name, value, line) for name, value in reversed(node.items()))


def _refused(kind: str, node: Node, at: int) -> Reason | None:
    statement = kind.removeprefix("PLpgSQL_stmt_") if kind.startswith("PLpgSQL_stmt_") else ""
    if statement in _BUILT or "dynquery" in node:
        return Reason("EXECUTE runs a text that nobody can read here.", "Write the statement itself.", at)
    if statement in _TRANSACTION:
        return Reason(
            "A body may not end the transaction.", f"Leave {statement.upper()} out: the portal commits at the end.", at
        )
    if statement and statement not in _UNDERSTOOD:
        return Reason(f"{statement.upper()} in a body is not understood.", "Write it another way.", at)
    if statement == "raise":
        return _raised(node, at)
    if kind == "PLpgSQL_condition":
        name = str(node.get("condname", ""))
        if name in _STOPS or name.startswith("57"):
            return Reason(
                "A body may not catch that it is stopped.", f"Leave {name} out; OTHERS does not catch it.", at
            )
    return None


def _raised(node: Node, at: int) -> Reason | None:
    """RAISE as what the server says of itself, or into its log."""
    if node.get("elog_level") == _LOG:
        return Reason("RAISE LOG writes into the server's own log.", "Write RAISE NOTICE.", at)
    codes = [str(node.get("condname", ""))]
    for option in (entry.get("PLpgSQL_raise_option", {}) for entry in node.get("options", ())):
        if option.get("opt_type", _ERRCODE) == _ERRCODE:
            plain = _PLAIN_TEXT.fullmatch(str(option["expr"]["PLpgSQL_expr"]["query"]).strip())
            codes.append(plain[1] if plain else "08")
    if any(map(_SERVERS_OWN.match, codes)):
        message = "A body may not raise what only the server says of itself."
        return Reason(message, "Write the code out, one of your own: ERRCODE = 'P0001'.", at)
    return None


def _expression(node: Node, at: int, body: Body) -> Iterator[Statement]:
    query, mode = str(node.get("query", "")), int(node.get("parseMode", -1))
    if mode == _EXPRESSION:
        texts = [f"SELECT {query}"]
    elif mode in _ASSIGNMENTS:
        texts = _assignment(query)
    else:
        texts = [query] if mode == 0 else []
    for text in texts:
        statements, failure = parse(text)
        if failure or len(statements) != 1:
            why = failure.message if failure else "it is not one statement."
            body.refused.append(Reason(f"A part of the body cannot be read: {why}", "Write it another way.", at))
        body.refused += _newer(statements, at)
        yield from (Statement(inner.text, -1, inner.type, inner.node, at) for inner in statements)
    if not texts:
        body.refused.append(Reason("A part of the body cannot be read.", "Write it another way.", at))


def _assignment(query: str) -> list[str]:
    """The two sides of `target := value`, whose target may have expressions in brackets."""
    aside = [(start, end) for _, start, end in tokens(query)]
    depth = 0
    for edge in _EDGE.finditer(query):
        if any(start <= edge.start() < end for start, end in aside):
            continue
        if edge[0] in "[(":
            depth += 1
        elif edge[0] in "])":
            depth -= 1
        elif not depth:
            target, value = query[: edge.start()], query[edge.end() :]
            return [f"SELECT {value}", *([f"SELECT {target}"] if "[" in target else [])]
    return []


def _hidden_calls(text: str, at: int) -> Iterator[Reason]:
    """Refused functions by the letters alone, whatever the grammar made of them."""
    aside = {start: end for kind, start, end in tokens(text) if kind != "name"}
    plain = "".join(_without(text, aside))
    for found in _CALL.finditer(plain):
        name = (found[1] or found[2].lower()).replace('""', '"')
        if name in REFUSED - WRITE_MAY_CALL and name not in {"system", "bernoulli", "ts_rewrite"}:
            yield Reason(
                f"The function {name} is not allowed.", "It can act outside the transaction; leave it out.", at
            )
            return


def _without(text: str, aside: dict[int, int]) -> Iterator[str]:
    at = 0
    for start, end in aside.items():
        yield text[at:start]
        yield " "
        at = end
    yield text[at:]
