"""What of a text is run: without the BEGIN and COMMIT around all of it, and of a COPY TO STDOUT what it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from executors.base import Access, Finding, FindingCode, Severity
from executors.postgresql.reading.inner import plain
from executors.postgresql.reading.lexer import outside_code
from executors.postgresql.reading.parse import Node, Statement, parse
from executors.text import Places, Ranges

_BEGINS = frozenset({"TRANS_STMT_BEGIN", "TRANS_STMT_START"})
# What the portal's own transaction is; the server takes the first for the second.
_ISOLATION = frozenset({"read committed", "read uncommitted"})
_ENDS = frozenset({"TRANS_STMT_COMMIT"})
_READ_ENDS = _ENDS | {"TRANS_STMT_ROLLBACK"}
READ_ONLY = "READ ONLY"
_PARENTHESIS = re.compile(r"[()]")


def run(statements: Sequence[Statement], access: Access) -> tuple[Statement, ...]:
    """The statements of a text as they are run, in their order."""
    within = statements[1:-1] if is_framed(statements, access) else statements
    return tuple(read_of(item) or item for item in within)


def told(text: str, statements: Sequence[Statement], access: Access) -> Iterator[Finding]:
    """What of the statements of `text` is not run as it is written."""
    places = Places(text)
    if is_framed(statements, access):
        message = "The transaction's own words around it are left out: the portal opens it and ends it by itself."
        hint = "A write is committed once all of it ran and its changes are within the bound; a read is rolled back."
        yield _info(FindingCode.TRANSACTION_WORDS, message, places.at(statements[0].begins), hint)
    for item in statements:
        if read_of(item) is not None:
            message = "COPY … TO STDOUT is run as what it copies: the rows are the result."
            hint = "Its options have no effect: a download has a format of its own." if "options" in item.node else ""
            yield _info(FindingCode.COPY_AS_READ, message, places.at(item.begins), hint)


def is_framed(statements: Sequence[Statement], access: Access) -> bool:
    """Whether a transaction's words stand around all of it and ask for nothing that the portal does not do.

    A read is READ ONLY and rolled back, whether its text says so or not.
    """
    if len(statements) < 2:  # noqa: PLR2004 - one that begins, one that ends
        return False
    first, last = statements[0], statements[-1]
    if not first.type == last.type == "TransactionStmt":
        return False
    reads = access is Access.READ
    ends = last.node.get("kind") in (_READ_ENDS if reads else _ENDS) and not last.node.get("chain")
    alike = unlike(first.node) in ({"", READ_ONLY} if reads else {""})
    return ends and alike and first.node.get("kind") in _BEGINS


def unlike(node: Node) -> str:
    """The option of a BEGIN that the portal's own transaction does not have, in its words; empty for none.

    READ ONLY only if it is the one such option: a read has it.
    """
    found = ""
    for option in (entry["DefElem"] for entry in node.get("options", ())):
        value = option.get("arg", {}).get("A_Const", {})
        if option["defname"] == "transaction_isolation":
            level = str(value.get("sval", {}).get("sval", "")).lower()
            if level not in _ISOLATION:
                return f"ISOLATION LEVEL {level.upper()}"
        elif option["defname"] == "transaction_read_only" and value.get("ival", {}).get("ival"):
            found = READ_ONLY
    return found


def read_of(item: Statement) -> Statement | None:
    """What a COPY … TO STDOUT reads, as a statement; None for every other one."""
    node = item.node
    if item.type != "CopyStmt" or node.get("is_from") or node.get("is_program") or "filename" in node:
        return None
    if "query" in node:
        return _query(item)
    return None if "attlist" in node else _table(item)


def _query(item: Statement) -> Statement | None:
    """What stands between the first parenthesis and the one that closes it."""
    aside = Ranges(outside_code(item.text))
    depth = start = 0
    for found in _PARENTHESIS.finditer(item.text):
        if found.start() in aside:
            continue
        depth += 1 if found[0] == "(" else -1
        if depth == 1 and not start:
            start = found.end()
        elif not depth:
            return _whole(item, start, found.start())
    return None


def _whole(item: Statement, start: int, end: int) -> Statement | None:
    """A part of a COPY's text as a statement, if the parser sees in it what it saw inside the COPY."""
    text, query = item.text[start:end], item.node["query"]
    found, _ = parse(text)
    if len(found) != 1 or plain({found[0].type: found[0].node}) != plain(query):
        return None
    (kind, node), *_ = query.items()
    return Statement(text, item.offset + start, kind, node, unread=item.unread)


def _table(item: Statement) -> Statement:
    """A table as the query of all its rows; its name stands where it stood, for what the server says of it."""
    relation = item.node["relation"]
    name = ".".join(_quoted(relation[part]) for part in ("catalogname", "schemaname", "relname") if relation.get(part))
    word = re.compile(r"\bcopy\b", re.IGNORECASE).search(item.text, item.begins - item.offset)
    before = word.end() if word else 0
    gap = len(item.text[before:]) - len(item.text[before:].lstrip())
    text = f"TABLE {name}"
    star: Node = {"ResTarget": {"val": {"ColumnRef": {"fields": [{"A_Star": {}}]}}}}
    node = {"targetList": [star], "fromClause": [{"RangeVar": relation}]}
    return Statement(text, item.offset + before + gap - len("TABLE "), "SelectStmt", node, item.begins)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _info(code: FindingCode, message: str, place: tuple[int, int], hint: str) -> Finding:
    return Finding(code, Severity.INFO, message, *place, hint)
