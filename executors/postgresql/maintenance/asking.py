"""Questions to the catalogue, each answered by one JSON value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias

from executors.base import Aftermath
from executors.postgresql.reading.parse import Node, Statement
from executors.postgresql.wire import Wire

# What was found before, as it is kept until afterwards.
Facts: TypeAlias = Mapping[str, Any]

_MOST_NAMED: Final = 10
_RELATION: Final = """
SELECT json_build_object('number', c.oid::bigint, 'name', pg_catalog.format('%I.%I', s.nspname, c.relname))
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
WHERE c.oid = pg_catalog.to_regclass($1)
"""


class Ask(Protocol):
    """Asks one question; None where it has no answer."""

    def __call__(self, sql: str, *values: str) -> Any: ...


class Judge(Protocol):
    """What one kind of statement is known by, before and after."""

    def before(self, ask: Ask, item: Statement) -> Facts:
        """What is there already."""

    def after(self, ask: Ask, facts: Facts) -> Aftermath:
        """What is there now."""


def asking(wire: Wire) -> Ask:
    """Questions over `wire`. Each raises `ExecutionError`."""

    def ask(sql: str, *values: str) -> Any:
        given = [value.encode() for value in values]
        result = wire.call(lambda: wire.pgconn.send_query_params(sql.encode(), given))
        value = result.get_value(0, 0) if result.ntuples else None
        return None if value is None else json.loads(value)

    return ask


def found(ask: Ask, relation: Node) -> Facts | None:
    """`number` and `name` (as SQL writes it) of a relation as the session finds it; None where there is none."""
    parts = [relation[key] for key in ("schemaname", "relname") if relation.get(key)]
    return named(ask, parts)


def named(ask: Ask, parts: Sequence[str]) -> Facts | None:
    """The same of a relation's name in its parts."""
    there: Facts | None = ask(_RELATION, quoted(parts))
    return there


def quoted(parts: Sequence[str]) -> str:
    """A name of these parts, each in quotes."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def listed(names: Sequence[str]) -> str:
    """The first of some names, as people read them."""
    return ", ".join(names[:_MOST_NAMED]) + (" …" if len(names) > _MOST_NAMED else "")
