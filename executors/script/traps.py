"""Text that a reader takes for something else than JavaScript does."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from executors.base import Finding, FindingCode, Severity
from executors.javascript import keeps_number
from executors.script.syntax import COMMENTS, Source
from executors.text import position

_QUIET = frozenset({"string", "template_string", "regex", "comment"})
# In the body of a function JavaScript still knows the comments of old web pages; the grammar of reviewers does not.
_PAGE_COMMENT = re.compile(r"<!--|(?:^|(?<=\n)|(?<=\*/))[ \t]*-->")
_OLD_OCTAL = re.compile(r"0\d")
_SHOWN = 40


def traps(source: Source) -> Iterator[Finding]:
    """Every trap in a script, with its place."""
    yield from _page_comments(source)
    for node in source.nodes():
        if node.type == "number":
            yield from _number(source, node)
        elif node.type == "return_statement" and _returns_nothing(source, node):
            message = "Nothing is returned here: a line ends after return, and what follows is left alone."
            hint = "Write the value on the line of return, or return; if none is meant."
            yield _finding(source, node, FindingCode.RETURNS_NOTHING, Severity.WARNING, message, hint)


def _page_comments(source: Source) -> Iterator[Finding]:
    """An error: what follows on the line is read as code here, and never run; the rest may then mean anything."""
    if "-->" not in source.statement and "<!--" not in source.statement:
        return
    quiet = [source.span(node) for node in source.nodes() if node.type in _QUIET]
    for match in _PAGE_COMMENT.finditer(source.statement):
        at = match.end() - len(match[0].lstrip())
        if any(start < at < end for start, end in quiet):
            continue
        message = f"{match[0].strip()} begins a comment: the rest of the line is not run."
        yield Finding(
            FindingCode.HTML_COMMENT,
            Severity.ERROR,
            message,
            *position(source.statement, at),
            "Begin a comment with //.",
        )


def _number(source: Source, node: Node) -> Iterator[Finding]:
    text = source.text(node)
    if _OLD_OCTAL.match(text):
        message, hint = "A number may not start with 0.", "Write 0o17 for octal."
        yield _finding(source, node, FindingCode.SYNTAX_ERROR, Severity.ERROR, message, hint)
    elif not keeps_number(text):
        shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
        message = f"The number {shown} has more digits, or is larger or smaller, than a JavaScript number keeps."
        whole = text.replace("_", "").isalnum() and "e" not in text.lower()[1:].removeprefix("x")
        hint = f'Write it as a BigInt, {shown}n, or as text, "{shown}".' if whole else f'Write it as text: "{shown}".'
        yield _finding(source, node, FindingCode.NUMBER_ROUNDED, Severity.ERROR, message, hint)


def _returns_nothing(source: Source, node: Node) -> bool:
    """Whether `return` stands alone on its line, and what follows looks like its value."""
    parts = source.parts(node)
    if parts:  # the grammar reads a bracket on the next line as the value; JavaScript does not
        return parts[0].start_point.row > node.start_point.row
    if source.text(node).rstrip().endswith(";"):
        return False
    following = _next(node)
    if following is not None:
        return True
    parent = source.parent(node)
    # `if (done) return`, and on the next line what may be meant as the value: it stands further in than the `if`.
    while parent is not None and parent.type in {"if_statement", "else_clause", "for_statement", "for_in_statement"}:
        following, outer = _next(parent), parent
        if following is not None and following.start_point.row == node.end_point.row + 1:
            return following.start_point.column > outer.start_point.column
        parent = source.parent(parent)
    return False


def _next(node: Node) -> Node | None:
    following = node.next_named_sibling
    while following is not None and following.type in COMMENTS:
        following = following.next_named_sibling
    # A function may stand after return: it is declared wherever it stands.
    return None if following is not None and following.type.endswith("function_declaration") else following


def _finding(source: Source, node: Node, code: FindingCode, severity: Severity, message: str, hint: str) -> Finding:
    return Finding(code, severity, message, *source.place(node), hint)
