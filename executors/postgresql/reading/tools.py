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

_ASK = "Ask the catalogue: SELECT {}."
_REMOVE = "Remove the line: it only tells psql how to show things."
_RUN = "End the statement with a semicolon instead; the result has its own page and downloads."
_PASTE = "Paste the text of the file in its place."
_NAMED = "Write :name in the statement, give its value under Parameters, and remove the line."
_CONDITION = "Write the statements that should run, and remove the conditions."
_HERE = "Write the text here."
_ELSEWHERE = "Remove the line: a request has no files and no shell."
_DOCUMENTED = "Remove the line, and look the statement up in PostgreSQL's documentation."
# What psql's \d and \l show, by the beginning of the command's name, as the catalogue has it.
_SHOWN = {
    "d": "column_name, data_type FROM information_schema.columns WHERE table_name = '…'",
    "da": "proname FROM pg_catalog.pg_proc WHERE prokind = 'a' AND proname LIKE '…'",
    "db": "spcname FROM pg_catalog.pg_tablespace",
    "dC": "castsource::regtype, casttarget::regtype FROM pg_catalog.pg_cast",
    "dD": "domain_name, data_type FROM information_schema.domains",
    "ddp": "defaclrole::regrole, defaclacl FROM pg_catalog.pg_default_acl",
    "dE": "foreign_table_name FROM information_schema.foreign_tables",
    "det": "foreign_table_name FROM information_schema.foreign_tables",
    "df": "proname FROM pg_catalog.pg_proc WHERE proname LIKE '…'",
    "dg": "rolname FROM pg_catalog.pg_roles",
    "di": "indexname, indexdef FROM pg_catalog.pg_indexes WHERE tablename = '…'",
    "dL": "lanname FROM pg_catalog.pg_language",
    "dm": "schemaname, matviewname FROM pg_catalog.pg_matviews",
    "dn": "schema_name FROM information_schema.schemata",
    "do": "oprname, oprleft::regtype, oprright::regtype FROM pg_catalog.pg_operator WHERE oprname = '…'",
    "dO": "collname FROM pg_catalog.pg_collation",
    "dp": "grantee, privilege_type FROM information_schema.table_privileges WHERE table_name = '…'",
    "dP": "partrelid::regclass FROM pg_catalog.pg_partitioned_table",
    "dRp": "pubname FROM pg_catalog.pg_publication",
    "dRs": "subname FROM pg_catalog.pg_subscription",
    "ds": "schemaname, sequencename, last_value FROM pg_catalog.pg_sequences",
    "dt": "table_name FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')",
    "dT": "typname FROM pg_catalog.pg_type WHERE typname LIKE '…'",
    "du": "rolname FROM pg_catalog.pg_roles",
    "dv": "table_name FROM information_schema.views",
    "dx": "extname, extversion FROM pg_catalog.pg_extension",
    "dX": "stxrelid::regclass, stxname FROM pg_catalog.pg_statistic_ext",
    "dconfig": "name, setting FROM pg_catalog.pg_settings",
    "l": "datname FROM pg_catalog.pg_database",
    "sf": "pg_get_functiondef('name'::regproc)",
    "sv": "pg_get_viewdef('name'::regclass)",
    "z": "grantee, privilege_type FROM information_schema.table_privileges WHERE table_name = '…'",
}
_LISTS = re.compile(r"(?:d|l\Z|l[+x]|list|sf|sv|z)")
_HINTS = {
    **dict.fromkeys(("g", "gx", "gdesc", "crosstabview", "G"), _RUN),
    **dict.fromkeys(("i", "ir", "include", "include_relative"), _PASTE),
    **dict.fromkeys(("c", "connect", "conninfo"), "Remove the line, and choose the target of the request."),
    **dict.fromkeys(("set", "prompt", "bind", "bind_named", "unset", "getenv"), _NAMED),
    **dict.fromkeys(("if", "elif", "else", "endif"), _CONDITION),
    **dict.fromkeys(("e", "edit", "ef", "ev"), _HERE),
    **dict.fromkeys(("!", "cd", "setenv", "o", "out", "w", "write", "s"), _ELSEWHERE),
    **dict.fromkeys(("h", "help", "?"), _DOCUMENTED),
    **dict.fromkeys(("q", "quit"), "Remove the line: a request ends by itself."),
    **dict.fromkeys(("password", "encoding"), "Remove the line: the target has its own login and sends UTF-8."),
    **dict.fromkeys(("echo", "qecho", "warn"), "Remove the line, or write it as a comment: -- text."),
    "copy": "Submit the SELECT itself and download the result; to write, put the rows into INSERT … VALUES (…), (…).",
    "gexec": "Submit what the query gives as a request of its own.",
    "gset": "Put the value into the statement, or write :name and give it under Parameters.",
    "watch": "End the statement with a semicolon; submit it again to see it again.",
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
    tool = "MySQL's tools" if name == "G" else "psql"
    return _error(f"{shown} is a command of {tool}, not SQL.", place, _hint(name.rstrip("+")))


def _hint(name: str) -> str:
    """By the name, and of what lists things by its longest beginning: further letters only say which, and how."""
    if name in _HINTS or not _LISTS.match(name):
        return _HINTS.get(name, _HINTS.get(name.lower(), _REMOVE))
    known = max((shown for shown in _SHOWN if name.startswith(shown)), key=len)
    return _ASK.format(_SHOWN[known])


def _error(message: str, place: tuple[int, int], hint: str) -> Finding:
    return Finding(FindingCode.CLIENT_COMMAND, Severity.ERROR, message, *place, hint)
