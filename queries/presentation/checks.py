"""What was looked for and not found: the closed line under the findings that a person should read."""

from collections.abc import Iterable, Mapping
from typing import Any

from executors.base import Access, Language

# Codes of findings (see `executors`), and what their absence means. An error code never reaches a stored request,
# so its sentence holds for all of them.
Check = tuple[frozenset[str], str]


def _check(codes: str, words: str) -> Check:
    return frozenset(codes.split()), words


_TEXT = (
    _check("syntax_error", "Its syntax is valid."),
    _check(
        "invisible_character odd_white_space bidi_control control_character nul_character line_separator",
        "No character in it hides or reorders text.",
    ),
    _check("mixed_scripts", "No name mixes letters that look alike."),
)
_READ = (_check("write_in_read", "Nothing in it writes."),)
_SQL = (
    _check("refused_statement", "It is a kind of statement the portal runs."),
    _check("refused_function refused_operator", "It names no function or operator that acts outside the transaction."),
    _check("explain_analyze", "It does not run a statement by explaining it."),
)
_SQL_WRITE = (
    _check("no_where", "Every UPDATE and DELETE has a WHERE clause."),
    _check("destructive", "Nothing is dropped or truncated."),
    _check("locks_table", "It takes no lock on a whole table with LOCK."),
)
_SCRIPT = (_check("built_statement", "No statement in it is put together from text."),)


def passed(language: str, access: str, findings: Iterable[Mapping[str, Any]]) -> list[str]:
    """The sentences that hold of a request with these findings."""
    codes = {str(finding["code"]) for finding in findings}
    return [words for belongs, words in _checks(language, access) if not belongs & codes]


def _checks(language: str, access: str) -> tuple[Check, ...]:
    read = access == Access.READ
    if language == Language.SQL:
        return (*_TEXT, *_SQL, *(_READ if read else _SQL_WRITE))
    if language == Language.SCRIPT:
        return (*_TEXT, *_SCRIPT)
    return (*_TEXT, *(_READ if read else ()))
