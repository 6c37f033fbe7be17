"""What reading an SQL statement verified: each claim is made here, from what was read, and only where it holds of all.

A function of the database's own may do anything, so nothing is claimed of a text that calls one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from executors.base import FindingCode, Verified
from executors.postgresql.reading import rules
from executors.postgresql.reading.facts import Facts
from executors.postgresql.reading.parse import Statement

# Statements that lock rows at most.
_ROWS = frozenset(
    {"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "ExplainStmt", "VariableShowStmt"}
)
_FILTERED = frozenset({"UpdateStmt", "DeleteStmt", "MergeStmt"})


def verified(
    statements: Sequence[Statement], facts: Sequence[Facts], codes: frozenset[FindingCode]
) -> Iterator[Verified]:
    """What holds of every statement of a text that was read, `codes` being what was found in it."""
    yield Verified.SYNTAX
    if not any(map(rules.refusal, statements, facts)):
        yield Verified.ALLOWED_KIND
    if not any(map(rules.needs_write, statements, facts)):
        yield Verified.ONLY_READS
    if not codes & {FindingCode.REFUSED_FUNCTION, FindingCode.REFUSED_OPERATOR}:
        yield Verified.NO_OUTSIDE_FUNCTIONS
    kinds = [kind for fact in facts for kind in fact.statements]
    if _FILTERED & set(kinds) and FindingCode.NO_WHERE not in codes:
        yield Verified.EVERY_WRITE_FILTERED
    if FindingCode.DESTRUCTIVE not in codes:
        yield Verified.NOTHING_DROPPED
    if _ROWS.issuperset(kinds):
        yield Verified.NO_TABLE_LOCKED
