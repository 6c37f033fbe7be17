"""What the catalogue says of a statement that ran outside a transaction.

Asked before it is sent (`witness`), so that what was there already is not taken for its work, and afterwards
(`aftermath`). Objects are known by their numbers: a name may come to mean another one. What is said is what the
catalogue says when it is asked, not who did it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from executors.base import Aftermath, CommitStatus
from executors.postgresql.maintenance import indexes, tables
from executors.postgresql.maintenance.asking import Ask, Facts, Judge, asking, found, quoted
from executors.postgresql.reading.outside import Kind, kind_of, partition
from executors.postgresql.reading.parse import Node, Statement
from executors.postgresql.reading.scopes import strings
from executors.postgresql.wire import Wire

# The name that people read of it, before what the engine itself needs.
NAME: Final = "maintenance"

_SESSION: Final = """
SELECT json_build_object('pid', pid, 'began', (extract(epoch FROM backend_start) * 1000000)::bigint)
FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()
"""
_RUNS: Final = """
SELECT to_json(EXISTS (SELECT FROM pg_catalog.pg_stat_activity
                       WHERE pid = $1::int AND (extract(epoch FROM backend_start) * 1000000)::bigint = $2::bigint))
"""
_IS_STANDBY: Final = "SELECT to_json(pg_catalog.pg_is_in_recovery())"

_PARTITION: Final = """
SELECT json_build_object('pending', i.inhdetachpending) FROM pg_catalog.pg_inherits i
WHERE i.inhparent = $1::oid AND i.inhrelid = $2::oid
"""
_TYPE: Final = "SELECT to_json(pg_catalog.to_regtype($1)::oid::bigint)"
_VALUE: Final = """
SELECT to_json(EXISTS (SELECT FROM pg_catalog.pg_enum WHERE enumtypid = $1::oid AND enumlabel = $2))
"""


def witness(wire: Wire, item: Statement) -> str:
    """The name of what comes next on this connection, for `aftermath`."""
    kind, ask = kind_of(item), asking(wire)
    if kind is None:
        raise AssertionError(item.type)
    told = {"kind": kind.value, "session": ask(_SESSION), "facts": _JUDGES[kind].before(ask, item)}
    return f"{NAME} {json.dumps(told, separators=(',', ':'))}"


def is_witness(transaction: str) -> bool:
    """Whether `witness` gave a name."""
    return transaction.startswith(f"{NAME} ")


def aftermath(wire: Wire, named: str) -> Aftermath:
    """What the server on this wire says became of what `witness` named."""
    told, ask = json.loads(named.removeprefix(f"{NAME} ")), asking(wire)
    if ask(_IS_STANDBY):
        return Aftermath(CommitStatus.UNANSWERED)
    session = told["session"]
    if session and ask(_RUNS, str(session["pid"]), str(session["began"])):
        return Aftermath(CommitStatus.IN_PROGRESS)
    return left(wire, named)


def left(wire: Wire, named: str) -> Aftermath:
    """The same where the statement is known to have ended."""
    told = json.loads(named.removeprefix(f"{NAME} "))
    return _JUDGES[Kind(told["kind"])].after(asking(wire), told["facts"])


class _Detached:
    """ALTER TABLE … DETACH PARTITION … CONCURRENTLY: the table is a partition still, half of one, or none."""

    def before(self, ask: Ask, item: Statement) -> Facts:
        command: Node = partition(item) or {}
        return {"parent": found(ask, item.node["relation"]), "part": found(ask, command.get("name", {}))}

    def after(self, ask: Ask, facts: Facts) -> Aftermath:
        if facts["parent"] is None or facts["part"] is None:
            return Aftermath(CommitStatus.UNKNOWN)
        parent, part = facts["parent"]["name"], facts["part"]["name"]
        link: Facts | None = ask(_PARTITION, *(str(facts[side]["number"]) for side in ("parent", "part")))
        if link is None:
            return Aftermath(CommitStatus.COMMITTED, f"{part} is no partition of {parent} any more.")
        if not link["pending"]:
            return Aftermath(CommitStatus.ABORTED, f"{part} is a partition of {parent}, as before.")
        repair = f"ALTER TABLE {parent} DETACH PARTITION {part} FINALIZE;"
        said = f"{part} is half detached from {parent}. Finish it, with write access: {repair}"
        return Aftermath(CommitStatus.PARTLY, said, repair)


class _ValueAdded:
    """ALTER TYPE … ADD VALUE: the value is there or it is not."""

    def before(self, ask: Ask, item: Statement) -> Facts:
        names: Sequence[str] = strings(item.node["typeName"])
        return {"number": ask(_TYPE, quoted(names)), "name": ".".join(names), "value": item.node["newVal"]}

    def after(self, ask: Ask, facts: Facts) -> Aftermath:
        if facts["number"] is None:
            return Aftermath(CommitStatus.UNKNOWN)
        if ask(_VALUE, str(facts["number"]), facts["value"]):
            return Aftermath(CommitStatus.COMMITTED, f"{facts['name']} has the value {facts['value']!r}.")
        return Aftermath(CommitStatus.ABORTED, f"{facts['name']} has no value {facts['value']!r}.")


class _Unwitnessed:
    """REFRESH … CONCURRENTLY runs in a transaction of its own, whose number is asked about."""

    def before(self, ask: Ask, item: Statement) -> Facts:  # noqa: ARG002 -- a judge's signature
        return {}

    def after(self, ask: Ask, facts: Facts) -> Aftermath:  # noqa: ARG002 -- a judge's signature
        return Aftermath(CommitStatus.UNKNOWN)


_JUDGES: Final[Mapping[Kind, Judge]] = {
    Kind.ADD_VALUE: _ValueAdded(),
    Kind.CREATE_INDEX: indexes.Created(),
    Kind.DETACH: _Detached(),
    Kind.DROP_INDEX: indexes.Dropped(),
    Kind.REFRESH: _Unwitnessed(),
    Kind.REINDEX: indexes.Rebuilt(),
    Kind.REWRITE: tables.Rewritten(),
    Kind.VACUUM: tables.Vacuumed(),
}
