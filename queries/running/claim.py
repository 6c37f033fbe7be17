"""The claim: only one process can have a run, and its hold dies with it."""

from django.db import DatabaseError, connection, transaction

from accounts.errors import NotNow
from accounts.models import SYSTEM
from queries.lifecycle import Status, Verb
from queries.models import Execution, QueryRequest
from queries.transitions import locked, transition

# First half of the advisory locks' key: "a run of a query".
LOCK_SPACE = 0x51505254


def claim(query_id: int) -> QueryRequest:
    with transaction.atomic():
        query = locked(query_id)
        if query.current_digest() != query.digest:
            raise NotNow("The request is not what was approved: its digest differs.", code="digest_differs")
        if query.state is Status.APPROVED and not take(query_id):
            raise NotNow(f"{query.number} is being settled by another process.", state=query.status)
        if query.state is Status.APPROVED:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                holder = cursor.fetchone()[0]
            Execution.objects.create(query=query, holder=holder)
        transition(query, Verb.CLAIM, actor=SYSTEM)
    return query


def take(query_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_SPACE, query_id % 2**31])
        return bool(cursor.fetchone()[0])


def release() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
    except DatabaseError:
        # The lock went with the connection.
        connection.close()
