"""Whether what a rehearsal saw still holds: the target is asked how the tables are built now."""

from django.core.cache import cache

from executors import processes
from executors.base import Access, ExecutionError
from queries import bounds, policies
from queries.lifecycle import Status
from queries.models import QueryRequest, Rehearsal, Schema

# A target that did not answer is not asked by everybody who looks (in seconds).
FAILURE_KEPT = 10


def seen(query: QueryRequest) -> Rehearsal | None:
    """The last rehearsal of a write. While the request waits, `schema` says what the target says of its tables now.

    Takes two seconds of the target at most. Never raises for it: what it did not answer is not known.
    """
    rehearsal = bounds.latest(query) if query.writes else None
    if rehearsal is not None and query.state is Status.PENDING and bounds.staleness(query, rehearsal) is None:
        rehearsal.schema = _schema(query, rehearsal)
    return rehearsal


def _schema(query: QueryRequest, rehearsal: Rehearsal) -> Schema:
    failed = f"structure:{query.target_id}:failed"
    if not rehearsal.structure or policies.obstacle(query) or cache.get(failed):
        return Schema.UNKNOWN
    try:
        now = processes.structure(query.target.with_credential(Access(query.access)), rehearsal.tables)
    except (KeyError, ExecutionError):
        cache.set(failed, "failed", FAILURE_KEPT)
        return Schema.UNKNOWN
    return Schema.SAME if now == rehearsal.structure else Schema.CHANGED
