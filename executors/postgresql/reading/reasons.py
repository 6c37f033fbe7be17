"""Why a statement of a kind that may be run is not: the sentence, and what to write instead."""

from __future__ import annotations

import re

from executors.postgresql.reading.parse import Node
from executors.postgresql.reading.taking import READ_ONLY, unlike

_OWNER = "Ask the owner of the database."
# What to write, or whom to ask, instead of a function, by the beginning of its name.
_INSTEAD = (
    (r"pg_(?:try_)?advisory_(?:lock|unlock)", "In a write use pg_advisory_xact_lock, which ends with the transaction."),
    (r"set_config$", "Write SET … in front of the statement."),
    (r"dblink|postgres_fdw", "Ask for the other database with a request to a target of its own."),
    (r"(?:query|table|schema|database|cursor)_to_xml|ts_stat$|ts_rewrite$", "Write the query itself."),
    (r"crosstab|connectby|xpath_table", "Write the query itself, with FILTER or WITH RECURSIVE."),
    (r"pg_notify$", "Have the program that uses the channel do it."),
    (r"pg_(?:cancel|terminate)_backend$", f"A run of the portal is cancelled on its page. {_OWNER}"),
)
_SAVEPOINTS = frozenset({"TRANS_STMT_SAVEPOINT", "TRANS_STMT_RELEASE", "TRANS_STMT_ROLLBACK_TO"})
_TWO_PHASES = frozenset({"TRANS_STMT_PREPARE", "TRANS_STMT_COMMIT_PREPARED", "TRANS_STMT_ROLLBACK_PREPARED"})


def instead_of(function: str) -> str:
    """What to write instead of a function that may not be called, or whom to ask."""
    return next((hint for name, hint in _INSTEAD if re.match(name, function)), _OWNER)


def transaction(node: Node) -> tuple[str, str]:
    """Of words of a transaction that do not stand around the whole text, or ask for another one than the portal's."""
    kind = node.get("kind", "")
    if kind in _SAVEPOINTS:
        return "Savepoints are not allowed.", "Leave them out: all statements of a request are kept, or none."
    if kind == "TRANS_STMT_ROLLBACK":
        hint = "Leave BEGIN and ROLLBACK out: a rehearsal shows what a write would change, and changes nothing."
        return "A request that takes everything back would change nothing.", hint
    if kind in _TWO_PHASES:
        return "Transaction control is not allowed.", "Leave it out: the portal commits at the end."
    if node.get("chain"):
        return "Transaction control is not allowed.", "Leave AND CHAIN out: nothing follows."
    if option := unlike(node):
        return _option(option)
    hint = "Leave it out, or put BEGIN first and COMMIT last: the portal opens the transaction and ends it anyway."
    return "Transaction control is not allowed, except around the whole text.", hint


def _option(option: str) -> tuple[str, str]:
    if option == READ_ONLY:
        return "BEGIN READ ONLY is said by the access.", "Leave READ ONLY out; a request for read access is read only."
    hint = f"Leave {option} out; lock the rows that must stay as they are with SELECT … FOR UPDATE."
    return f"The portal's transaction is READ COMMITTED, not {option.removeprefix('ISOLATION LEVEL ')}.", hint


def copy(node: Node) -> tuple[str, str]:
    """Of a COPY that is no read of rows."""
    if node.get("is_from"):
        hint = "Put the rows into INSERT INTO … VALUES (…), (…)."
        return "COPY … FROM takes rows from outside the statement, where no reviewer sees them.", hint
    if node.get("is_program") or "filename" in node:
        return "COPY to a file or a program of the server is not allowed.", "Write TO STDOUT and download the result."
    if "attlist" not in node:
        return "COPY is not allowed inside a body.", "Write a query in its place."
    return "COPY with a list of columns is not allowed.", "Write the list as a query: COPY (SELECT … FROM …) TO STDOUT."
