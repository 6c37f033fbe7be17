"""Commands of psql and of other products' tools: no SQL, but pasted with it. Each is named where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from executors.base import Finding, FindingCode, Severity
from executors.postgresql.reading.lexer import outside_code
from executors.text import Places, Ranges

_MOST_FINDINGS = 20

_BACKSLASH = re.compile(r"\\([A-Za-z?!;.]\w*\+?)?[^\n]*")
_GO = re.compile(r"^[ \t]*go[ \t]*\d*[ \t]*;?[ \t]*$", re.IGNORECASE | re.MULTILINE)
# What can stand behind a GO: the end, or the first word of a statement.
_AFTER_GO = re.compile(
    r"\s*(?:\Z|(?:select|insert|update|delete|with|create|alter|drop|begin|set|use|exec|print|declare|truncate|merge|go"
    r"|if|grant|commit)\b)",
    re.IGNORECASE,
)
# Words and signs in front of which a name goes on with something.
_WANTS_A_NAME = re.compile(
    r"(?:[,.(=<>+*/-]|\b(?:as|by|from|join|on|and|or|not|select|set|where|in|into|update|table|only|using|to))\s*\Z",
    re.IGNORECASE,
)
_DELIMITER = re.compile(r"^[ \t]*delimiter[ \t]+\S+[ \t]*$", re.IGNORECASE | re.MULTILINE)
_FROM_STDIN = re.compile(r"^[ \t]*copy\b[^;]*\bfrom\s+stdin\b[^;]*;", re.IGNORECASE | re.MULTILINE)
_BARE_BODY = re.compile(
    r"\bcreate\s+(?:or\s+replace\s+)?(?:function|procedure)\b[^;$']*?\b(?P<routine>begin|declare)\b(?!\s+atomic\b)"
    r"|^[ \t]*do\s+(?P<block>begin|declare)\b",
    re.IGNORECASE | re.MULTILINE,
)

_CATALOGUE = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
)
_REMOVE = "Remove the line: it only tells psql how to show things."
_RUN = "End the statement with a semicolon instead; the result has its own page and downloads."
# By the longest beginning of the command's name.
_HINTS = {
    "d": "Ask the catalogue: SELECT column_name, data_type FROM information_schema.columns WHERE table_name = '…'.",
    "df": "Ask the catalogue: SELECT proname FROM pg_catalog.pg_proc WHERE proname LIKE '…'.",
    "di": "Ask the catalogue: SELECT indexname, indexdef FROM pg_catalog.pg_indexes WHERE tablename = '…'.",
    "dn": "Ask the catalogue: SELECT schema_name FROM information_schema.schemata.",
    "dp": "Ask the catalogue: SELECT grantee, privilege_type FROM information_schema.table_privileges.",
    "dt": f"Ask the catalogue: {_CATALOGUE}.",
    "du": "Ask the catalogue: SELECT rolname FROM pg_catalog.pg_roles.",
    "dv": "Ask the catalogue: SELECT table_name FROM information_schema.views.",
    "l": "Ask the catalogue: SELECT datname FROM pg_catalog.pg_database.",
    "sf": "Ask the catalogue: SELECT pg_get_functiondef('name'::regproc).",
    "sv": "Ask the catalogue: SELECT pg_get_viewdef('name'::regclass).",
    "z": "Ask the catalogue: SELECT grantee, privilege_type FROM information_schema.table_privileges.",
    "copy": ("Submit the SELECT itself and download the result; to write, put the rows into INSERT … VALUES (…), (…)."),
    "i": "Paste the text of the file in its place.",
    "g": _RUN,
    "gexec": "Submit what the query gives as a request of its own.",
    "gset": "Put the value into the statement, or use a parameter ($1).",
    "crosstabview": _RUN,
    "watch": "End the statement with a semicolon; submit it again to see it again.",
    "c": "Remove the line, and choose the target of the request.",
    "set": "Use a parameter ($1) for the value, and remove the line.",
    "prompt": "Use a parameter ($1) for the value, and remove the line.",
    "if": "Write the statements that should run, and remove the conditions.",
    "e": "Write the text here.",
    ".": "Put the rows into INSERT … VALUES (…), (…).",
}


def tool_words(text: str) -> Iterator[Finding]:
    """What of a text that the parser refused is no SQL but a command of a tool, or a body without quotes."""
    return islice(_tool_words(text), _MOST_FINDINGS)


def batch_ends(text: str) -> Iterator[Finding]:
    """Lines of nothing but GO: PostgreSQL would take the word for a name, and the parser let it pass."""
    if _GO.search(text) is None:
        return
    places, aside = Places(text), Ranges(outside_code(text))
    for found in islice(_GO.finditer(text), _MOST_FINDINGS):
        word = found.start() + len(found[0]) - len(found[0].lstrip())
        if word in aside or not _AFTER_GO.match(text, found.end()) or _WANTS_A_NAME.search(text[: found.start()][-40:]):
            continue
        message = "GO ends a batch in the tools of SQL Server; PostgreSQL would take it for a name."
        yield _error(message, places.at(word), "End each statement with a semicolon and remove the line.")


def _tool_words(text: str) -> Iterator[Finding]:
    places, aside = Places(text), Ranges(outside_code(text))
    data = _FROM_STDIN.search(text)
    if data and data.start() not in aside:
        message = "COPY … FROM stdin takes its rows from psql."
        yield _error(message, places.at(data.start()), "Put the rows into INSERT INTO … VALUES (…), (…).")
        return
    for found in _BACKSLASH.finditer(text):
        if found.start() not in aside:
            yield _backslash(found[1] or "", places.at(found.start()))
    for found in _DELIMITER.finditer(text):
        if found.start() not in aside:
            message = "DELIMITER is a command of MySQL's tools."
            hint = "Remove the line, end each statement with a semicolon, and write a body between $$ and $$."
            yield _error(message, places.at(found.start()), hint)
    if bare := _BARE_BODY.search(text):
        at = bare.start("routine" if bare["routine"] else "block")
        if at not in aside:
            yield _bare(places.at(at), routine=bool(bare["routine"]))


def _bare(place: tuple[int, int], *, routine: bool) -> Finding:
    hint = "Write LANGUAGE plpgsql AS $$ BEGIN … END $$." if routine else "Write DO $$ BEGIN … END $$."
    return _error("PostgreSQL takes the body of a block as text, between $$ and $$.", place, hint)


def _backslash(name: str, place: tuple[int, int]) -> Finding:
    shown = f"\\{name}" if name else "A backslash"
    bare = name.rstrip("+").lower()
    return _error(f"{shown} is a command of psql, not SQL.", place, _hint(bare))


def _hint(name: str) -> str:
    if name in _HINTS:
        return _HINTS[name]
    if name.startswith(("d", "l")):
        return _HINTS.get(name[:2], _HINTS["d"] if name.startswith("d") else _REMOVE)
    aliases = {
        "gx": "g",
        "ir": "i",
        "include": "i",
        "connect": "c",
        "list": "l",
        "edit": "e",
        "elif": "if",
        "else": "if",
    }
    return _HINTS.get(aliases.get(name, ""), _REMOVE)


def _error(message: str, place: tuple[int, int], hint: str) -> Finding:
    return Finding(FindingCode.CLIENT_COMMAND, Severity.ERROR, message, *place, hint)
