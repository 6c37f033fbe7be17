"""What reading an SQL statement verified: each claim is made here, from what was read, and only where it holds of all.

A function of the database's own may do anything, so nothing is claimed of a text that calls one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from executors.base import FindingCode, Verified
from executors.postgresql.findings.remarks import own_functions, own_types
from executors.postgresql.reading import rules
from executors.postgresql.reading.facts import Facts
from executors.postgresql.reading.parse import Statement

# Statements that lock rows at most.
_ROWS = frozenset(
    {"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "ExplainStmt", "VariableShowStmt"}
)
_FILTERED = frozenset({"UpdateStmt", "DeleteStmt", "MergeStmt"})
_CODE = rules.RUNS_CODE | rules.LEAVES_CODE
_UNFILTERED = frozenset(
    {FindingCode.NO_WHERE, FindingCode.ALWAYS_TRUE, FindingCode.OUTER_NAME, FindingCode.SELF_COMPARISON}
)
_OUTSIDE = frozenset({FindingCode.REFUSED_FUNCTION, FindingCode.REFUSED_OPERATOR})
# These compute what their text does not show: the query of a view, the expressions of indexes.
_SILENT = frozenset({"ClusterStmt", "RefreshMatViewStmt", "ReindexStmt", "VacuumStmt"})
# ADD CONSTRAINT, SET NOT NULL, VALIDATE CONSTRAINT.
_DOMAIN_ADDS = frozenset("COV")


def verified(
    statements: Sequence[Statement], facts: Sequence[Facts], codes: frozenset[FindingCode]
) -> Iterator[Verified]:
    """What holds of every statement of a text, `codes` being what was found in it. Of one read in part nothing does."""
    if any(item.unread for item in statements):
        return
    yield Verified.SYNTAX
    if FindingCode.REFUSED_STATEMENT not in codes:
        yield Verified.ALLOWED_KIND
    if any(map(own_functions, facts)) or any(item.type in _CODE for item in statements):
        return
    if not any(map(rules.needs_write, statements, facts)):
        yield Verified.ONLY_READS
    silent = any(item.type in _SILENT for item in statements)
    if not (silent or codes & _OUTSIDE or any(map(own_types, facts))):
        yield Verified.NO_OUTSIDE_FUNCTIONS
    kinds = {kind for fact in facts for kind in fact.statements}
    if _FILTERED & kinds and not codes & _UNFILTERED:
        yield Verified.EVERY_WRITE_FILTERED
    if FindingCode.DESTRUCTIVE not in codes and all(map(_takes_nothing_away, statements)):
        yield Verified.NOTHING_DROPPED
    if kinds <= _ROWS:
        yield Verified.NO_TABLE_LOCKED


def _takes_nothing_away(item: Statement) -> bool:
    """Whether a statement leaves every column, rule and default where it is."""
    if item.type == "AlterDomainStmt":
        return item.node.get("subtype") in _DOMAIN_ADDS
    if item.type != "AlterTableStmt":
        return True
    kinds = [command["AlterTableCmd"].get("subtype", "") for command in item.node.get("cmds", ())]
    return all(kind.startswith(("AT_Add", "AT_Set", "AT_Attach", "AT_Validate")) for kind in kinds)
