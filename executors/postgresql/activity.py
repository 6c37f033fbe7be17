"""What a run does on the server now, what it waits for, and who holds that.

Asked with the run's own login, which sees its own sessions whole and of the others only who they are: the server keeps
their state and their statements to itself, and no statement is asked for here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from executors.base import Access, Activity, Blocker
from executors.postgresql.maintenance import progress
from executors.postgresql.options import application_name
from executors.postgresql.wire import Wire

# One round trip. The lock tables are looked at only while a lock is waited for: that look holds up the lock manager.
# Ten blockers at most: a queue before a lock can be long, and its head tells the story.
_QUERY: Final = b"""
SELECT pg_catalog.json_build_object(
  'state', a.state, 'kind', a.wait_event_type, 'event', a.wait_event,
  'elapsed_ms', (extract(epoch FROM pg_catalog.clock_timestamp()
    - CASE WHEN $3::bool THEN a.query_start ELSE a.xact_start END) * 1000)::bigint,
  'lock', CASE WHEN a.wait_event_type = 'Lock' THEN (
    SELECT pg_catalog.json_build_object('relation', l.relation::pg_catalog.regclass::text, 'mode', l.mode)
    FROM pg_catalog.pg_locks l WHERE l.pid = a.pid AND NOT l.granted LIMIT 1) END,
  'blocked_by', CASE WHEN a.wait_event_type = 'Lock' THEN (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'pid', b.pid, 'application', s.application_name, 'user', s.usename, 'state', s.state,
      'seconds', extract(epoch FROM pg_catalog.clock_timestamp() - s.xact_start)::bigint) ORDER BY b.pid)
    FROM (SELECT DISTINCT p AS pid FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(a.pid)) p
          ORDER BY 1 LIMIT 10) b
    LEFT JOIN pg_catalog.pg_stat_activity s ON s.pid = b.pid) END)
FROM pg_catalog.pg_stat_activity a
WHERE a.pid = $1::int AND a.application_name = $2::text AND a.usename = session_user
  AND (a.xact_start IS NOT NULL OR $3::bool AND a.state = 'active')
"""

_OTHER_TRANSACTION: Final = "the end of another transaction that changed the same row"

# What the server calls it, said so that somebody who never saw the view can act on it.
_WORDS: Final = {
    "Lock:transactionid": _OTHER_TRANSACTION,
    "Lock:tuple": _OTHER_TRANSACTION,
    "Lock:advisory": "an advisory lock",
    "Lock:virtualxid": "the end of transactions that began before it",
    "Timeout:PgSleep": "its own pg_sleep",
    "Client:ClientRead": "the next statement",
    "Client:ClientWrite": "the portal to take its rows",
}


def of(wire: Wire, backend: str, name: str, access: Access) -> Activity | None:
    """What the session `backend` does, if it runs the query `name` for this login.

    Maintenance has many transactions, of which the first began with the statement.
    """
    maintains = access is Access.MAINTENANCE
    values = [backend.encode(), application_name(name).encode(), b"true" if maintains else b"false"]
    result = wire.ask(_QUERY, values)
    if not result.ntuples:
        return None
    found = json.loads(result.get_value(0, 0) or b"{}")
    blockers = tuple(_blocker(item) for item in found["blocked_by"] or ())
    counted = progress.of(wire, backend) if maintains else None
    return Activity(found["elapsed_ms"], found["state"] or "", _waiting_for(found), blockers, counted)


def _waiting_for(found: Mapping[str, Any]) -> str:
    if not found["kind"]:
        return ""
    lock = found["lock"]
    if lock and lock["relation"] and found["event"] == "relation":
        return f"a lock on {lock['relation']} ({lock['mode']})"
    event = f"{found['kind']}:{found['event']}"
    return _WORDS.get(event, event.replace(":", ": "))


def _blocker(item: Mapping[str, Any]) -> Blocker:
    state = item["state"] or ("" if item["pid"] else "prepared transaction")
    return Blocker(item["pid"], item["application"] or "", item["user"] or "", state, item["seconds"])
