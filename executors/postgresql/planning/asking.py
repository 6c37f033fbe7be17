"""EXPLAIN of a text's statements, in a transaction that cannot write; ANALYZE is never asked for.

Planning is not harmless by itself: the server calls functions that are said to be immutable or stable while it plans.
So the guards of a run come first, the transaction is READ ONLY whoever asks, and it is rolled back.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.pq.abc import PGresult

from executors.base import (
    Access,
    Asked,
    ExecutionError,
    FindingCode,
    Parameter,
    Plan,
    Refused,
    Severity,
    StatementFailed,
    TimedOut,
    TooLarge,
)
from executors.base.planning import together
from executors.postgresql import streams
from executors.postgresql.dependencies import Dependencies, text_array
from executors.postgresql.errors import Place
from executors.postgresql.planning import steps
from executors.postgresql.planning.steps import Node, Relation
from executors.postgresql.reading.analysis import Reading, read
from executors.postgresql.reading.facts import Facts
from executors.postgresql.reading.parse import Statement
from executors.postgresql.reading.rules import kind
from executors.postgresql.wire import Wire
from executors.text import Places

PLANNED = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
# More are not asked about: a script of that many inserts is not understood by its plans.
MOST_STATEMENTS = 20
_LOCKED = "55P03"

# The first snapshot: after it the server refuses to leave READ ONLY.
_BEGIN = (
    b"BEGIN READ ONLY; SELECT pg_catalog.set_config('application_name', 'portal:plan', true), "
    b"pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true); SAVEPOINT portal_plan"
)
_SIZES = b"""
SELECT w.n, c.reltuples::bigint
FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) WITH ORDINALITY w(schema, name, n)
JOIN pg_catalog.pg_namespace s ON s.nspname = w.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = s.oid AND c.relname = w.name WHERE c.reltuples > 0
"""


@dataclass(slots=True)
class Planner:
    """Asks on one connection how the server would go about some texts."""

    wire: Wire
    access: Access
    _prepared: int = 0

    def plans(self, asked: Sequence[Asked]) -> list[Plan]:
        """A plan for each text. Raises `ExecutionError` when the target gives no answer."""
        self.wire.simple(_BEGIN)
        return [self._plan(item) for item in asked]

    def _plan(self, item: Asked) -> Plan:
        reading = read(item.text, item.parameters, self.access, informing=False)
        refused = _refusal(reading, given=item.given)
        if refused:
            return Plan.without(refused)
        if reading.settings:
            return Plan.without("it changes settings, which its plan depends on.")
        text, values = reading.text, reading.values if item.given else None
        parts = list(zip(reading.statements, reading.facts, strict=True))
        plans = [self._safely(part, facts, text, values) for part, facts in parts[:MOST_STATEMENTS]]
        if len(parts) == 1:
            return plans[0]
        places = Places(text)
        lines = [places.at(part.begins)[0] for part, _ in parts[:MOST_STATEMENTS]]
        left = len(parts) - MOST_STATEMENTS
        whole = together(plans, lines, counted=left <= 0)
        note = f"The plans of {left:,} more statements were not asked for."
        return whole if left <= 0 else Plan(whole.steps, None, (*whole.notes, note))

    def _safely(self, item: Statement, facts: Facts, text: str, values: Sequence[Parameter] | None) -> Plan:
        """A statement that fails leaves the others their plans, unless the connection is gone, or the time."""
        if item.type not in PLANNED:
            return Plan.without(f"{kind(item)} has no plan.")
        try:
            return self._one(item, facts, text, values)
        except (Refused, StatementFailed, TimedOut, TooLarge) as error:
            if self.wire.broken or (isinstance(error, TimedOut) and error.detail.get("sqlstate") != _LOCKED):
                raise
            self.wire.drain()
            self.wire.simple(b"ROLLBACK TO portal_plan")
            return Plan.without(_said(error))

    def _one(self, item: Statement, facts: Facts, text: str, values: Sequence[Parameter] | None) -> Plan:
        Dependencies(self.wire, self.access).check(item, facts, text)
        generic = values is None and facts.parameters > 0
        result = self._generic(item, text) if generic else self._bound(item, (values or ())[: facts.parameters])
        root: Node = json.loads(result.get_value(0, 0) or b"[]")[0]["Plan"]
        return Plan(tuple(steps.steps(root, self._sizes(root))), steps.rows(root))

    def _bound(self, item: Statement, values: Sequence[Parameter]) -> PGresult:
        sql, bound = b"EXPLAIN (FORMAT JSON, VERBOSE) " + item.text.encode(), streams.bind(values)
        return self.wire.call(lambda: self.wire.pgconn.send_query_params(sql, bound, item.types or None))

    def _generic(self, item: Statement, text: str) -> PGresult:
        """A plan for any values: of a statement that is prepared, the server being told to look at no value.

        That it is one statement is the server's own word: it prepares no more than one at a time.
        """
        self._prepared += 1
        name = b"portal_plan_%d" % self._prepared
        described = self.wire.prepare(name, item.text.encode(), Place(text, item.offset))
        values = b", ".join([b"NULL"] * described.nparams)
        return self.wire.simple(b"EXPLAIN (FORMAT JSON, VERBOSE) EXECUTE %s (%s)" % (name, values))

    def _sizes(self, root: Node) -> dict[Relation, int]:
        """About how many rows the tables that are read wholly have: what a condition lets through tells less."""
        found = sorted(steps.read_wholly(root))
        if not found:
            return {}
        arrays = [text_array([one.schema for one in found]), text_array([one.name for one in found])]
        result = self.wire.call(lambda: self.wire.pgconn.send_query_params(_SIZES, arrays))
        cells: list[Any] = [[result.get_value(row, col) or b"0" for col in range(2)] for row in range(result.ntuples)]
        return {found[int(number) - 1]: int(size) for number, size in cells}


def estimate(wire: Wire, item: Statement, values: list[bytes | None]) -> int:
    """About how many rows a statement returns, or changes, as the server supposes before it runs.

    Raises `ExecutionError` for one that it would not run; the transaction goes on.
    """
    if lists := item.node.get("selectStmt", {}).get("SelectStmt", {}).get("valuesLists"):
        return len(lists)
    sql = b"EXPLAIN (FORMAT JSON) " + item.text.encode()
    wire.simple(b"SAVEPOINT portal_ask")
    try:
        result = wire.call(lambda: wire.pgconn.send_query_params(sql, values or None, item.types or None))
    finally:
        if not wire.broken:
            wire.simple(b"ROLLBACK TO portal_ask; RELEASE portal_ask")
    return steps.rows(json.loads(result.get_value(0, 0) or b"[]")[0]["Plan"])


def _refusal(reading: Reading, *, given: bool) -> str:
    """Why a text is not planned: it would not be run."""
    for finding in reading.analysis.findings:
        if finding.severity is Severity.ERROR and (given or finding.code is not FindingCode.PARAMETERS_MISMATCH):
            return finding.message
    return ""


def _said(error: ExecutionError) -> str:
    message = error.public_message
    return f"The target gave no plan: {message[:1].lower()}{message[1:].removesuffix('.')}."
