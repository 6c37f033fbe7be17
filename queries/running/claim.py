"""The claim: only one process can have a run, and its hold dies with it."""

import json
from dataclasses import asdict

from django.db import Error, connection, transaction

from accounts.models import SYSTEM
from audit import log
from queries import joined, policies
from queries.joined import locked, unchanged
from queries.lifecycle import Status, Verb
from queries.models import Code, QueryRequest
from queries.transitions import Step, step
from web.errors import NotNow

# First half of the advisory locks' key: "a run of a query".
LOCK_SPACE = 0x51505254
BEGIN = """
INSERT INTO executions (query_id, limits, holder)
SELECT %s::bigint, %s::jsonb, pg_backend_pid() {source} WHERE pg_try_advisory_lock(%s, %s) RETURNING query_id
"""


def claim(approved: QueryRequest) -> QueryRequest:
    """Take an approved request for this process. Raises NotNow when it is not, or no longer, to be had.

    One that may not run as things are now (`policies.obstacle`) ends here, refused.
    """
    return approved if _claimed_as_read(approved) else _claim_anew(approved.pk)


def _claimed_as_read(query: QueryRequest) -> bool:
    """Whether it was still as it was read, nothing in its way, and taken: in one statement."""
    if query.state is not Status.APPROVED or not query.read_with or _obstacle(query) is not None:
        return False
    try:
        _begin(query, step(query, Verb.CLAIM, actor=SYSTEM, guards=[unchanged(query)]))
    except log.NothingWritten:
        return False
    return True


def _claim_anew(query_id: int) -> QueryRequest:
    with transaction.atomic():
        query = locked(query_id)
        start = step(query, Verb.CLAIM, actor=SYSTEM)
        obstacle = _obstacle(query)
        if obstacle is None:
            _begin_alone(query, start)
        else:
            step(query, Verb.FAIL, actor=SYSTEM).record(code=Code.REFUSED, data={"reason": obstacle.code})
    if obstacle is not None:
        # It has ended: left as it was it would wait for ever, for nobody can approve it again.
        raise NotNow(f"{obstacle.message} Nothing ran.", code=obstacle.code, state=query.status)
    return query


def _obstacle(query: QueryRequest) -> NotNow | None:
    return policies.obstacle(query) or _too_few_approvals(query)


def _too_few_approvals(query: QueryRequest) -> NotNow | None:
    """Why what was enough at the decision is not enough now; None when it is."""
    needed = query.approvals_needed
    if needed == 1 or query.approvals_that_count() >= needed:
        return None
    message = f"{query.target.name} asks for {needed} approvals by now, and it has fewer."
    return NotNow(message, code="approvals_missing", state=query.status)


def _begin(query: QueryRequest, start: Step) -> None:
    """Take the run, and write down that its execution began. Raises log.NothingWritten when another process has it."""
    values = [query.pk, json.dumps(asdict(query.limits_now)), LOCK_SPACE, _key(query.pk)]
    start.record(acts=[log.Act("begun", BEGIN, values)])


def _begin_alone(query: QueryRequest, start: Step) -> None:
    """The same of a row that is locked. Raises NotNow."""
    try:
        _begin(query, start)
    except log.NothingWritten as held:
        raise NotNow(f"{query.number} is being settled by another process.", state=query.status) from held


def _key(query_id: int) -> int:
    """Second half of the advisory lock's key."""
    return query_id % 2**31


def hold(query_id: int) -> int | None:
    """Hold the run of this request until `release` or the end of this connection; None when another process does.

    The number is the connection's own: who finds it in `executions.holder` still holds what it took.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT CASE WHEN pg_try_advisory_lock(%s, %s) THEN pg_backend_pid() END", [LOCK_SPACE, _key(query_id)]
        )
        row = cursor.fetchone()
    return None if row is None else row[0]


def released(query_id: int) -> QueryRequest:
    """Let go of whatever this connection holds, and read the request as it is shown."""
    try:
        return joined.released(query_id)
    except Error:
        # The lock went with the connection.
        connection.close()
        return joined.shown(query_id)


def release() -> None:
    """Let go of whatever this connection holds."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
    except Error:
        # The lock went with the connection.
        connection.close()
