"""The tasks and their rhythm, on any number of replicas: a task that is under way elsewhere is skipped here.

The lock of a task is held on a connection of its own, so that nothing a task does to its connection (a lost run is
settled under advisory locks too, and a lost connection is closed) lets go of it. It saves work, it does not guard data:
each task by itself is safe beside another run of it.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import TypeAlias

from django.db import Error, InterfaceError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from audit import checkpoints, configuration, months
from audit.publishing import forward_due, publish_due
from queries import running, services
from queries.maintenance import tidying
from queries.models import QueryRequest
from queries.notices import digests, outbox, sending

logger = logging.getLogger(__name__)

Stopping: TypeAlias = Callable[[], bool]

# First half of the advisory locks' key: "a task of the maintenance".
LOCK_SPACE = 0x51504D54
# People wait for a notice; and what has expired can wait for being deleted.
NOTICE_SECONDS = 2.0
TIDY_SECONDS = 10 * 60.0
DIGEST_SECONDS = 5 * 60.0
EXPIRE_BATCH = 500


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do again and again. `work` answers how much it did; `lock` 0 lets several replicas share it."""

    name: str
    work: Callable[[Stopping], int]
    every: float
    lock: int


def settle(stopping: Stopping) -> int:
    """Settle runs whose process is gone, or whose target gave no answer."""
    return 0 if stopping() else len(running.settle_due())


def expire(stopping: Stopping) -> int:
    """End requests that waited longer than their target allows, and approvals in advance that hold no longer."""
    lapsed = 0 if stopping() else services.lapse_grants()
    stale = QueryRequest.objects.stale().order_by("pk").values_list("pk", flat=True)[:EXPIRE_BATCH]
    return lapsed + sum(services.expire(query_id=pk) for pk in list(stale) if not stopping())


def remind(stopping: Stopping) -> int:
    """Remind managers of what has waited half of its time."""
    return 0 if stopping() else outbox.remind()


def sign(stopping: Stopping) -> int:
    """Sign the audit log, when it is time."""
    return 0 if stopping() else checkpoints.make_due()


def prepare(stopping: Stopping) -> int:
    """Make the months of the audit log before they come."""
    return 0 if stopping() else months.make_due()


def tasks(interval: float) -> list[Task]:
    """The tasks, those that matter soonest first. `interval` in seconds."""
    return [
        Task("settle", settle, interval, 1),
        Task("expire", expire, interval, 2),
        Task("remind", remind, interval, 4),
        Task("checkpoints", sign, interval, 5),
        Task("months", prepare, max(interval, TIDY_SECONDS), 7),
        Task("publish", publish_due, interval, 0),
        Task("forward", forward_due, min(interval, NOTICE_SECONDS), 0),
        Task("notices", sending.send_due, min(interval, NOTICE_SECONDS), 0),
        Task("digests", digests.send_digests, max(interval, DIGEST_SECONDS), 6),
        Task("tidy", lambda stopping: sum(tidying.tidy(stopping).values()), max(interval, TIDY_SECONDS), 3),
    ]


def maintain(*, stop: Event, interval: float = 15.0, once: bool = False) -> dict[str, int]:
    """Run the tasks until `stop` is set, or once; how much each did. An error of one does not keep the others."""
    done: dict[str, int] = {}
    plan = dict.fromkeys(tasks(interval), 0.0)
    configuration.record_change()
    logger.info("maintaining%s", "" if once else f" every {interval:g} s")
    while not stop.is_set():
        for task, due in plan.items():
            if stop.is_set() or time.monotonic() < due:
                continue
            done[task.name] = done.get(task.name, 0) + _attempt(task, stop.is_set)
            plan[task] = time.monotonic() + task.every
        if once:
            break
        stop.wait(max(0.0, min(plan.values()) - time.monotonic()))
    return done


def _words(error: Error) -> str:
    """Of a connection that failed, what was said; of anything else its type alone, for its words may quote data."""
    return str(error) if isinstance(error, OperationalError | InterfaceError) else type(error).__name__


def _attempt(task: Task, stopping: Stopping) -> int:
    try:
        with _lock(task.lock) as mine:
            count = task.work(stopping) if mine else 0
    except Error as error:
        logger.warning("%s: the portal's database did not do its part: %s", task.name, _words(error))
    except Exception:
        logger.exception("%s failed; it is tried again", task.name)
    else:
        if count:
            logger.info("%s: %s", task.name, count)
        return count
    # Perhaps it is the connection that is broken: the next task that asks for one gets another.
    connection.close()
    return 0


@contextmanager
def _lock(number: int) -> Iterator[bool]:
    """Whether this process may run a task now; the lock ends with the block, or with the process."""
    if not number:
        yield True
        return
    guard: BaseDatabaseWrapper = connection.copy()
    try:
        with guard.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_SPACE, number])
            row = cursor.fetchone()
        yield bool(row and row[0])
    finally:
        guard.close()
