"""How many runs go on at once: on a target with one access, for a pod, and in all, over every replica of the portal.

A place is a session-level advisory lock of the portal's own database, one of as many as there are places: it is given
back with the connection that holds it, whatever becomes of its process, and counted by nobody. So a login's
`CONNECTION LIMIT` is never met, no pod takes every place, and who finds none is told so before a decision is recorded.

Who waits says so by another such lock. The portal's own places are what pods take from each other: while requests wait
for one, a pod takes none that is needed for a pod which holds fewer. Within a pod it is whoever looks first.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from django.conf import settings
from django.db import connection

from queries.models import QueryRequest
from queries.running.claim import release
from web.errors import Unavailable

# First halves of the advisory locks' keys: of places, and, by the kind of place, of those who wait for one.
_TARGET: Final = 0x51505431
_POD: Final = 0x51505032
_ALL: Final = 0x51504133
_MAINTENANCE_TARGET: Final = 0x51504D37
_MAINTENANCE_ALL: Final = 0x51504D38
_WAITING: Final = (0x51505734, 0x51505735, 0x51505736, 0x51505739, 0x5150573A)
_WAITING_FOR_ALL: Final = _WAITING[2]
# From here on, kinds of places for maintenance.
_FIRST_ALONE: Final = 3
# More than there are places of one kind.
_MOST: Final = 256
# So many keys there are for pods and, twice, for targets.
_PODS: Final = 2**22

# One place of each kind, the number of the first that is free, null where none is; and whether others wait.
_TAKE: Final = """
SELECT (SELECT n FROM generate_series(0, %s - 1) n WHERE pg_try_advisory_lock(%s, %s + n) LIMIT 1),
       (SELECT n FROM generate_series(0, %s - 1) n WHERE pg_try_advisory_lock(%s, %s + n) LIMIT 1),
       (SELECT n FROM generate_series(0, %s - 1) n WHERE pg_try_advisory_lock(%s, n) LIMIT 1),
       EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = %s::bigint::oid)
"""
# Maintenance, which may last for hours, takes none of those: one of its target, one of its own in all.
_TAKE_ALONE: Final = """
SELECT CASE WHEN pg_try_advisory_lock(%s, %s) THEN 0 END,
       (SELECT n FROM generate_series(0, %s - 1) n WHERE pg_try_advisory_lock(%s, n) LIMIT 1)
"""
_HELD: Final = """
SELECT classid::bigint AS space, objid::bigint AS key, pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2
    AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
# Free places of the portal, and those who wait for one in pods that hold fewer than this one did before its last.
_AHEAD: Final = f"""
WITH held AS MATERIALIZED ({_HELD}),
     pods AS (SELECT key / {_MOST} AS pod, count(*) AS places FROM held WHERE space = {_POD} GROUP BY 1)
SELECT %s - (SELECT count(*) FROM held WHERE space = {_ALL}),
       (SELECT count(DISTINCT held.pid) FROM held JOIN query_requests AS query ON query.id = held.key
            LEFT JOIN pods ON pods.pod = query.pod_id %% {_PODS}
            WHERE space = {_WAITING_FOR_ALL} AND held.pid <> pg_backend_pid()
            AND coalesce(pods.places, 0) < (SELECT places - 1 FROM pods AS own WHERE own.pod = %s))
"""  # noqa: S608 -- numbers of this module
_WAITS: Final = f"SELECT min(space) FROM ({_HELD}) AS held WHERE space = ANY(%s) AND key = %s"  # noqa: S608
_IN_USE: Final = f"""
SELECT count(*) FILTER (WHERE space = {_ALL}), count(*) FILTER (WHERE space = {_MAINTENANCE_ALL}),
       count(DISTINCT pid) FILTER (WHERE space IN {_WAITING}) FROM ({_HELD}) AS held
"""  # noqa: S608 -- numbers of this module
WAIT_SECONDS: Final = 10.0
_PAUSES: Final = (0.01, 0.02, 0.05, 0.1)
_LONGEST_PAUSE: Final = 0.4
RETRY_SECONDS: Final = 5
# Who waits for a place keeps a thread of this process: so many do, and `gunicorn.conf.py` has threads for them.
WAITING_AT_ONCE: Final = 8
_queue = threading.BoundedSemaphore(WAITING_AT_ONCE)
_NAMES: Final = (
    "the database {target}",
    "the pod {pod}",
    "the portal",
    "maintenance of {target}",
    "maintenance in all",
)

T = TypeVar("T")


class NoPlace(Exception):
    """All places of one kind are taken. `where` says which."""

    def __init__(self, query: QueryRequest, kind: int) -> None:
        self.where = _name(query, kind)
        self.mark = (_WAITING[kind], _key(query.pk))
        super().__init__(self.where)


def take(query: QueryRequest) -> None:
    """Take a place for a run of this request, until `release`. Raises NoPlace, holding none."""
    if query.maintains:
        _take_alone(query)
        return
    target, write, pod = query.target, int(query.writes), query.pod_id % _PODS
    values = [
        *(target.places, _TARGET, (target.pk * 2 + write) % _PODS * _MOST),
        *(settings.PORTAL_POD_PLACES, _POD, pod * _MOST),
        *(settings.PORTAL_PLACES, _ALL),
        _WAITING_FOR_ALL,
    ]
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        *found, others_wait = cursor.fetchone()
    missing = found.index(None) if None in found else None
    if missing is None and others_wait and _others_first(pod):
        missing = _WAITING.index(_WAITING_FOR_ALL)
    if missing is not None:
        release()
        raise NoPlace(query, missing)


def _take_alone(query: QueryRequest) -> None:
    values = [_MAINTENANCE_TARGET, query.target_id % 2**31, settings.PORTAL_MAINTENANCE_PLACES, _MAINTENANCE_ALL]
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_ALONE, values)
        found = cursor.fetchone()
    if None in found:
        release()
        raise NoPlace(query, _FIRST_ALONE + found.index(None))


def waits_for(query: QueryRequest) -> str:
    """What a request waits for a place of, somewhere in the portal, as words; "" when it does not."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITS, [list(_WAITING), _key(query.pk)])
        (space,) = cursor.fetchone()
    return "" if space is None else _name(query, _WAITING.index(space))


@dataclass(frozen=True, slots=True)
class InUse:
    """How many places are held over all replicas, and how many approvals wait for one."""

    runs: int
    maintenance: int
    waiting: int


def in_use() -> InUse:
    """As it is now."""
    with connection.cursor() as cursor:
        cursor.execute(_IN_USE)
        return InUse(*cursor.fetchone())


def _others_first(pod: int) -> bool:
    """Whether the place just taken is needed for pods that hold fewer."""
    with connection.cursor() as cursor:
        cursor.execute(_AHEAD, [settings.PORTAL_PLACES, pod])
        free, ahead = cursor.fetchone()
    return bool(ahead > free)


def _name(query: QueryRequest, kind: int) -> str:
    return _NAMES[kind].format(target=query.target.name, pod=query.pod.name)


def _key(query_id: int) -> int:
    return query_id % 2**31


def patiently(attempt: Callable[[], T]) -> T:
    """What `attempt` returns once it finds a place, which it then holds; ten seconds at most.

    It is tried anew from its beginning, for what it read may have changed. Raises Unavailable when it was long enough,
    or where so many wait already that no thread would be left for those who only look at a page.
    """
    try:
        return attempt()
    except NoPlace as none:
        return _wait(attempt, none)
    except BaseException:
        release()
        raise


def _wait(attempt: Callable[[], T], none: NoPlace) -> T:
    if not _queue.acquire(blocking=False):
        raise _unavailable(none, "others wait for one already") from none
    try:
        return _try_again(attempt, none)
    except BaseException:
        release()
        raise
    finally:
        _queue.release()


def _try_again(attempt: Callable[[], T], none: NoPlace) -> T:
    by, pauses = time.monotonic() + WAIT_SECONDS, iter(_PAUSES)
    while True:
        pause = next(pauses, _LONGEST_PAUSE)
        if time.monotonic() + pause >= by:
            raise _unavailable(none, f"none became free in {WAIT_SECONDS:g} s") from none
        # Seen by all until it holds a place, or gives way once more and says so again.
        _execute("SELECT pg_advisory_lock_shared(%s, %s)", none.mark)
        time.sleep(pause)
        try:
            found = attempt()
        except NoPlace as still:
            none = still
        else:
            _execute("SELECT pg_advisory_unlock_shared(%s, %s)", none.mark)
            return found


def _execute(statement: str, values: tuple[int, int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _unavailable(none: NoPlace, why: str) -> Unavailable:
    taken = f"All places of {none.where} are taken by other requests, and {why}."
    return Unavailable(f"{taken} Nothing was decided; try again in a moment.", retry_after=RETRY_SECONDS)
