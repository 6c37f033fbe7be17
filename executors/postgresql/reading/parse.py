"""From text to statements, with PostgreSQL's own grammar (libpg_query) and nothing run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import pgparse

from executors.base import Finding, FindingCode, Severity
from executors.postgresql.reading.newer import Edit, without_newer_words
from executors.text import Characters, position

Node: TypeAlias = dict[str, Any]

# The version of PostgreSQL whose grammar the parser has.
GRAMMAR = 17

# A file of INSERTs, as a dump writes them; one INSERT takes any number of rows.
MOST_STATEMENTS = 10_000

# What the parser says when its own stack is full.
_MEMORY = "memory exhausted"
# A LIMIT as other products have it, where the parser stopped.
_CHANGES_SOME = re.compile(r"(?:\A|;)\s*(?:update|delete)\b[^;]*\b(?:limit|order)\s?\Z", re.IGNORECASE)

# Words of a newer grammar that the parser stumbles over, where `newer` does not help.
_NEWER = re.compile(r"\b(virtual|old|new|without\s+overlaps|period|not\s+enforced|enforced)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: its exact text, without the semicolon; where it starts (characters from 0); its parse tree.

    `written` is where the author's words begin, for a text that is not theirs. `types` are what the server is told of
    the types of its parameters: oids, 0 where it decides; all are its own to decide where none is given. `unread` are
    words of it that are newer than the parser: the tree is without them.
    """

    text: str
    offset: int
    type: str
    node: Node
    written: int | None = None
    types: tuple[int, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def begins(self) -> int:
        """Where its words begin, in characters from 0: blank space before them belongs to nobody."""
        if self.written is not None:
            return self.written
        return self.offset + len(self.text) - len(self.text.lstrip())


def parse(statement: str) -> tuple[tuple[Statement, ...], Finding | None]:
    """The statements of a text that passed the door, or what is wrong with it."""
    edits: tuple[Edit, ...] = ()
    try:
        raw = pgparse.parse(statement)
    except pgparse.PGQueryError as error:
        if _MEMORY in str(error):
            return (), _too_deep()
        raw, edits = _newer(statement)
        if not raw:
            return (), _syntax_error(statement, error)
    except (RecursionError, ValueError):
        return (), _too_deep()
    if len(raw) > MOST_STATEMENTS:
        message = f"There are {len(raw):,} statements; at most {MOST_STATEMENTS:,} are accepted."
        return (), Finding(
            FindingCode.TOO_MANY_STATEMENTS, Severity.ERROR, message, hint="Split them into smaller requests."
        )
    encoded = statement.encode()
    characters = Characters(encoded)
    statements = tuple(_statement(encoded, characters, item) for item in raw)
    return tuple(_unread(item, edits) for item in statements) if edits else statements, None


def _newer(statement: str) -> tuple[list[Node], tuple[Edit, ...]]:
    """The statements of a text without what the parser is too old for; none where it cannot read that either."""
    text, edits = without_newer_words(statement)
    if not edits:
        return [], ()
    try:
        return pgparse.parse(text), edits
    except (pgparse.PGQueryError, RecursionError, ValueError):
        return [], ()


def _unread(item: Statement, edits: Sequence[Edit]) -> Statement:
    words = [edit.words for edit in edits if item.offset <= edit.start < item.offset + len(item.text)]
    return replace(item, unread=tuple(dict.fromkeys(words)))


def _statement(encoded: bytes, characters: Characters, item: Node) -> Statement:
    start = int(item.get("stmt_location", 0))
    length = int(item.get("stmt_len", 0)) or len(encoded) - start
    text = encoded[start : start + length].decode()
    (kind, node), *_ = item["stmt"].items()
    return Statement(text, characters.before(start), kind, node)


def _too_deep() -> Finding:
    hint = "Use IN or VALUES lists, or split the statement."
    return Finding(FindingCode.TOO_DEEP, Severity.ERROR, "The statement is nested too deeply to be read.", hint=hint)


def _syntax_error(statement: str, error: pgparse.PGQueryError) -> Finding:
    at = int(getattr(error, "position", 0) or 0)
    line, column = position(statement, min(at - 1, len(statement))) if at > 0 else (None, None)
    message = str(getattr(error, "message", "") or error.args[0])
    hint = ""
    if at > 0 and _NEWER.search(statement[max(0, at - 40) : at + 40]):
        hint = f"The portal reads statements with PostgreSQL {GRAMMAR}'s grammar; what is newer it may not know."
    elif _CHANGES_SOME.search(statement[: at + 5]):
        hint = "UPDATE and DELETE take no LIMIT here: choose the rows by their key, IN (SELECT … ORDER BY … LIMIT …)."
    return Finding(FindingCode.SYNTAX_ERROR, Severity.ERROR, f"{message[:1].upper()}{message[1:]}.", line, column, hint)
