"""The rows of lists: requests with all that a row shows, read by one plain statement that is put together once.

Which requests stand in a list is a queryset's matter. The statement takes its keys first, by themselves: joined with
what is shown, they are found by another plan, which may read a million requests in search of the few of a list.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, TypeAlias

from django.core.exceptions import EmptyResultSet
from django.db import connection, models

from accounts.models import User
from pods.models import Pod, Target
from queries.models import Execution, QueryRequest, Verdict
from queries.querysets import QueryRequestQuerySet
from web.rows import Row, columns, reader

Reader: TypeAlias = Callable[[Row], Any]

_PARTS: tuple[tuple[str, type[models.Model]], ...] = (
    ("query", QueryRequest),
    ("execution", Execution),
    ("author", User),
    ("target", Target),
    ("pod", Pod),
)
# The rows of which many requests of a list may have the same.
_SHARED = ("author", "target", "pod")
# What may be long, and is not shown.
_LEFT_OUT = frozenset(
    {"statement", "parameters", "search", "data", "limits", "session_settings", "effect", "statements"}
)
# Read before them: which list it is in, how many approved, and what the last rehearsal counted (`bounds.Sight`).
_MORE = (
    "page.list",
    f"(SELECT count(*) FROM decisions WHERE query_id = query.id AND verdict = '{Verdict.APPROVE}')",  # noqa: S608
    """
    (SELECT jsonb_build_object('digest', digest, 'at', at, 'rows', effect -> 'total')
    FROM rehearsals WHERE query_id = query.id ORDER BY id DESC LIMIT 1)
    """,
)
_JOINS = """
JOIN query_requests AS query ON query.id = page.key
JOIN users AS author ON author.id = query.author_id
JOIN targets AS target ON target.id = query.target_id
JOIN pods AS pod ON pod.id = query.pod_id
LEFT JOIN executions AS execution ON execution.query_id = query.id
ORDER BY page.list, page.place
"""
_NONE = "SELECT NULL WHERE false"
_LIST = "SELECT {number} AS list, key, place FROM unnest(ARRAY({keys})::bigint[]) WITH ORDINALITY AS listed(key, place)"


def rows(*lists: QueryRequestQuerySet) -> Sequence[list[QueryRequest]]:
    """The requests of short lists, each in its order, with what a row shows; one statement, however many lists.

    They are ready as `approvals` and `rehearsed`; author, target, pod and execution are read, what is long is not.
    """
    parts: list[str] = []
    values: list[Any] = []
    for number, queries in enumerate(lists):
        keys, given = _keys(queries)
        parts.append(_LIST.format(number=number, keys=keys))
        values += given
    found: list[list[QueryRequest]] = [[] for _ in lists]
    names, readers = _plan()
    statement = f"SELECT {names} FROM ({' UNION ALL '.join(parts)}) AS page {_JOINS}"  # noqa: S608 -- of ours and Django's
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        _fill(found, cursor.fetchall(), readers)
    return found


def _keys(queries: QueryRequestQuerySet) -> tuple[str, Sequence[Any]]:
    try:
        return queries.values("pk").query.sql_with_params()
    except EmptyResultSet:
        return _NONE, ()


def _fill(lists: Sequence[list[QueryRequest]], found: Iterable[Row], readers: dict[str, Reader]) -> None:
    shared: dict[tuple[str, int], Any] = {}
    for row in found:
        query: QueryRequest = readers["query"](row)
        known = query._state.fields_cache  # noqa: SLF001 -- where Django keeps what it joined
        known["execution"] = readers["execution"](row)
        for name in _SHARED:
            place = name, getattr(query, f"{name}_id")
            if place not in shared:
                shared[place] = readers[name](row)
            known[name] = shared[place]
        number, approvals, rehearsed = row[: len(_MORE)]
        vars(query).update(approvals=approvals, rehearsed=rehearsed and json.loads(rehearsed))
        lists[number].append(query)


@cache
def _plan() -> tuple[str, dict[str, Reader]]:
    """The expressions that are read, and what makes an instance of each part of a row."""
    names = [*_MORE]
    readers: dict[str, Reader] = {}
    for alias, model in _PARTS:
        readers[alias] = reader(model, len(names), _LEFT_OUT)
        names += columns(model, alias, _LEFT_OUT)
    return ", ".join(names), readers
