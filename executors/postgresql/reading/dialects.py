"""What people bring from other products, drivers and templates, and what it is in PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from executors.postgresql.reading.parse import Statement

# Where the parser stopped, in the text around it.
_HERE: Final = "\0"
_AROUND: Final = 80
_START: Final = r"(?:\A|;)\s*"
_DASH: Final = r"[\u2010-\u2015\u2212]"
# `orders=>`, `orders-#`, `orders=*#`, `mysql>`.
_PROMPT: Final = r"(?:\w+>|[\w.-]+[=(!*^'\"$-][*!?]?[#>])"
_TABLES: Final = "Select from information_schema.tables: table_schema, table_name."
_COLUMNS: Final = "Select from information_schema.columns: column_name, data_type where table_name = '…'."
_CONFLICT: Final = "Write INSERT … ON CONFLICT (key) DO UPDATE SET column = EXCLUDED.column."
_NAMED: Final = "Write :name and give its value under Parameters: a driver's placeholder is not filled in here."
_FILLED: Final = "Write :name and give its value under Parameters: a template is not filled in here."
_QUOTED: Final = 'A name stands as it is; one with capitals or blanks in double quotes: "A name".'
_USE: Final = "The target names the database. For a schema write SET search_path TO … in front, or schema.table."
_SYNTAX: Final = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), hint)
    for pattern, hint in (
        (rf"{_HERE}%(?:s\b|\(\w+\)s)", _NAMED),
        (rf"\?\s*{_HERE}", _NAMED),
        (rf"\binterval\s+{_HERE}\$\d", "Write :name::interval, without the word in front."),
        (rf"\b(?:from|join|into|update|table)\s+{_HERE}\$\d", "A parameter is a value: write the table's name out."),
        (rf"\$\d+\s*\[?{_HERE}\[", "Leave the values behind it out, and give them as parameters."),
        (rf"[#$]\s*{_HERE}\{{|{_HERE}[#$]?\{{", _FILLED),
        (rf"{_HERE}\[\s*[a-z_]", _QUOTED),
        (rf"{_HERE}`|`\s*{_HERE}", _QUOTED),
        (rf"\btop\s*\(?\s*{_HERE}\d", "Write LIMIT 10 at the end."),
        (rf"\binterval\s+{_HERE}\d", "Write the interval as text: interval '7 days'."),
        (rf"{_START}{_HERE}{_PROMPT}\s", "Leave the tool's prompts out, and what it answered."),
        (rf"{_START}{_HERE}(?:sudo|psql|pgcli|mysql|docker|kubectl)\s", "Write the SQL alone: there is no shell here."),
        (rf"{_HERE}{_DASH}|{_DASH}\s*{_HERE}", "Write - instead, or -- for a comment."),
        (rf"{_START}{_HERE}desc(?:ribe)?\b", _COLUMNS),
        (rf"{_START}{_HERE}use\b", _USE),
        (rf"{_START}show\s+.*{_HERE}", _COLUMNS),
        (rf"{_START}{_HERE}replace\b", _CONFLICT),
        (rf"\bon\s+{_HERE}duplicate\b", _CONFLICT),
        (rf"\binsert\s+{_HERE}ignore\b", "Write INSERT … ON CONFLICT DO NOTHING."),
        (rf"{_HERE}auto_increment\b", "Write GENERATED ALWAYS AS IDENTITY."),
        (rf",\s*{_HERE}(?:from|where|group|order|\)|;|\Z)", "Leave the comma before it out."),
    )
)  # fmt: skip
_FUNCTIONS: Final = {
    **dict.fromkeys(("ifnull", "isnull", "nvl"), "Use coalesce(value, instead)."),
    **dict.fromkeys(("getdate", "getutcdate", "sysdate", "sysdatetime"), "Use now()."),
    **dict.fromkeys(("curdate", "today"), "Use current_date."),
    **dict.fromkeys(("date_format", "strftime", "format_date"), "Use to_char(at, 'YYYY-MM-DD')."),
    **dict.fromkeys(("dateadd", "date_add", "date_sub", "adddate"), "Add an interval: at + interval '1 day'."),
    **dict.fromkeys(
        ("datediff", "timestampdiff"), "Subtract: later - earlier is an interval, of two dates their days."
    ),
    **dict.fromkeys(("group_concat", "listagg"), "Use string_agg(text, ',' ORDER BY …)."),
    **dict.fromkeys(("charindex", "instr", "locate"), "Use strpos(text, part)."),
    **dict.fromkeys(("if", "iif", "decode"), "Use CASE WHEN … THEN … ELSE … END."),
    **dict.fromkeys(("newid", "uuid", "sys_guid"), "Use gen_random_uuid()."),
    **dict.fromkeys(("year", "month", "day"), "Use extract(year FROM at)."),
    "len": "Use length(text).",
}
_SHOWN: Final = {
    **dict.fromkeys(("databases", "schemas"), "Select from information_schema.schemata: schema_name."),
    **dict.fromkeys(("tables", "views"), _TABLES),
    **dict.fromkeys(("columns", "fields", "indexes", "index", "keys"), _COLUMNS),
    "processlist": "Select from pg_stat_activity.",
    "warnings": "Leave it out: what the server says is told with the result.",
}
_OF_LIST: Final = re.compile(r"(?:not\s+)?in\s*\(\s*\$\d+\s*\)", re.IGNORECASE)
_CURLED: Final = frozenset("\u2018\u2019\u201c\u201d")


def of_syntax(text: str, at: int, message: str) -> str:
    """What to write instead of what the parser stopped at, at a character of `text`; "" where that is not known."""
    if message.startswith("LIMIT #"):
        return "Write LIMIT count OFFSET start."
    around = f"{text[max(0, at - _AROUND) : at]}{_HERE}{text[at : at + _AROUND]}"
    return next((hint for pattern, hint in _SYNTAX if pattern.search(around)), "")


def of_name(text: str, at: int, state: str, name: str) -> str:
    """What to write instead of what a server does not take, at a character of `text`; "" where that is not known."""
    if state == "42P08":
        return "Say the type of a parameter that stands alone: :name::text."
    if state == "42P01":
        return "Leave FROM dual out." if name == "dual" else ""
    found = _OF_STATE.get(state)
    return found(text, at, name) if found and at >= 0 else ""


def _of_function(text: str, at: int, name: str) -> str:
    if _OF_LIST.match(text, at):
        return "A list is compared with = ANY(:name), and with <> ALL(:name)."
    return "Compare with one =." if text.startswith("==", at) else _FUNCTIONS.get(name, "")


def _of_column(text: str, at: int, name: str) -> str:
    del name
    sign = text[at : at + 1]
    if sign in _CURLED and sign:
        return "Write ' on both sides of a text, instead of the curled quotes."
    return "Text stands in single quotes; double quotes are for names." if sign == '"' else ""


_OF_STATE: Final[Mapping[str, Callable[[str, int, str], str]]] = {
    "42601": of_syntax,
    "42703": _of_column,
    "42883": _of_function,
}


def shows(item: Statement) -> tuple[str, str] | None:
    """Why a SHOW is none of PostgreSQL's, and what to write instead."""
    name = str(item.node.get("name", "")) if item.type == "VariableShowStmt" else ""
    return (f"SHOW {name.upper()} is not PostgreSQL's.", _SHOWN[name]) if name in _SHOWN else None
