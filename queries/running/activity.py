"""What a run does on its target while somebody watches it."""

from django.core.cache import cache

from executors import processes
from executors.base import Access, Activity
from queries.lifecycle import Status
from queries.models import Execution, QueryRequest

# However many people watch, the target is asked this seldom by one process of the portal (in seconds).
ASKED_EVERY = 1
# Those who come while it is being asked are told what was found last.
KEPT = 5


def activity(query: QueryRequest) -> Activity | None:
    """What the target says of a run under way; None when it does not run, or nobody can tell now.

    Takes two seconds at most. Changes nothing and fails never: it is a look, not a part of the run.
    """
    execution: Execution | None = getattr(query, "execution", None)
    if query.state is not Status.EXECUTING or execution is None or not execution.backend or execution.asked_at:
        return None
    key = f"activity:{query.pk}"
    if not cache.add(f"{key}:asked", 1, processes.ACTIVITY_SECONDS + ASKED_EVERY):
        last: Activity | None = cache.get(key)
        return last
    found = _ask(query, execution.backend)
    cache.set(key, found, KEPT)
    cache.set(f"{key}:asked", 1, ASKED_EVERY)
    return found


def _ask(query: QueryRequest, backend: str) -> Activity | None:
    try:
        target = query.target.with_credential(Access(query.access))
    except KeyError:
        return None
    return processes.activity(target, backend, str(query.public_id))
