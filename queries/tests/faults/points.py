"""The points of a run at which something can be made to happen: the request's ticket says `action at point`.

`kill` kills this process, `cut` ends the portal's own database connection from the server's side, `down` also keeps the
portal from connecting again.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from importlib import import_module
from typing import Any

import psycopg
from django.db import connection, transaction

from audit import log
from devtools.servers import POSTGRES_URL
from queries.models import QueryRequest
from queries.results.writer import ChunkWriter
from queries.running.monitor import Monitor

# Requests whose run has begun here, by key and by public id, and what is still to happen to them.
_armed: dict[int, str] = {}
_keys: dict[str, int] = {}


def reached(point: str, query_id: int) -> None:
    """Do what the ticket says, once, when this is the point it names."""
    action, _, where = _armed.get(query_id, "").partition(" at ")
    if where == point:
        del _armed[query_id]
        ACTIONS[action]()


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _cut() -> None:
    with psycopg.connect(os.environ[POSTGRES_URL], autocommit=True) as server:
        server.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])


def _down() -> None:
    with psycopg.connect(os.environ[POSTGRES_URL], autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{connection.settings_dict["NAME"]}" ALLOW_CONNECTIONS false')
    _cut()


ACTIONS: dict[str, Callable[[], None]] = {"kill": _kill, "cut": _cut, "down": _down}


def _before(owner: Any, name: str, point: str, key: Callable[..., int]) -> None:
    original = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        reached(point, key(*args))
        return original(*args, **kwargs)

    setattr(owner, name, wrapped)


def _after(owner: Any, name: str, point: str, key: Callable[..., int]) -> None:
    original = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        answer = original(*args, **kwargs)
        reached(point, key(*args))
        return answer

    setattr(owner, name, wrapped)


def _arm(query: QueryRequest) -> int:
    _armed[query.pk], _keys[str(query.public_id)] = query.ticket, query.pk
    return query.pk


def _watch_log() -> None:
    """`claiming` and `settling`: the act and its entry are written, and not yet committed."""
    original = log.append
    points = {
        log.Action.QUERY_CLAIM: "claiming",
        log.Action.QUERY_COMPLETE: "settling",
        log.Action.QUERY_FAIL: "settling",
    }

    def wrapped(action: log.Action, **kwargs: Any) -> log.Appended:
        # Where the statement is a transaction of its own, it is held open here.
        with transaction.atomic():
            entry = original(action, **kwargs)
            if action in points:
                reached(points[action], _keys.get(kwargs["subject"].id, 0))
        return entry

    setattr(log, "append", wrapped)  # noqa: B010 -- a module's function is not for assignment, says mypy


def install() -> None:
    """Wrap every step of a run."""
    # The package's own `run` is the function.
    run = import_module("queries.running.run")
    _before(run, "claim", "approved", _arm)
    _before(run, "_execute", "claimed", lambda query, _: int(query.pk))
    _before(Monitor, "cancelled", "running", lambda monitor: int(monitor._query_id))
    _before(Monitor, "committing", "committing", lambda monitor, _: int(monitor._query_id))
    _after(Monitor, "committing", "recorded", lambda monitor, _: int(monitor._query_id))
    _after(ChunkWriter, "_sealed", "storing", lambda writer: int(writer._execution_id))
    _before(run, "settle_surely", "ended", lambda query, *_: int(query.pk))
    _after(run, "settle_surely", "settled", lambda query, *_: int(query.pk))
    _watch_log()
