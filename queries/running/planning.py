"""How a target would go about a request, asked while a reviewer looks at it and kept for some minutes."""

from django.core.cache import cache

from accounts.models import User
from executors import processes
from executors.base import Access, ExecutionError, Language, Plan
from queries import policies, vault
from queries.models import QueryRequest
from web.errors import NotAllowed, Unavailable

# Estimates follow the data only as fast as the target counts it (in seconds).
KEPT = 300
# A target that gave no plan is not asked by everybody who looks.
FAILURE_KEPT = 10


def plan_of(*, actor: User, query: QueryRequest) -> Plan:
    """The plan of a request that waits, for those who may decide on it. Nothing is run, and ANALYZE is never used.

    Takes two seconds of the target at most. Raises NotAllowed, NotNow, and Unavailable where it gave no answer.
    """
    if why := policies.cannot_see_plan(actor, query):
        raise NotAllowed(why)
    if obstacle := policies.cannot_be_planned(query):
        raise obstacle
    known = known_plan(query)
    return _ask(query) if known is None else known


def known_plan(query: QueryRequest) -> Plan | None:
    """The plan, where it was asked for lately: the digest stands for all that decides what would run, and where."""
    found: Plan | None = cache.get(_key(query))
    return found


def _ask(query: QueryRequest) -> Plan:
    failed: tuple[str, str] | None = cache.get(f"{_key(query)}:failed")
    if failed is not None:
        raise _unavailable(*failed)
    try:
        target = query.target.with_credential(Access(query.access))
        plan = processes.plan(target, Language(query.language), query.statement, query.values())
    except vault.Unreadable as error:
        raise _remembered(query, str(error), "rows_not_kept") from error
    except KeyError as error:
        raise _remembered(
            query, f"The variable {error.args[0]} is not set. Tell an admin.", "credential_missing"
        ) from error
    except ExecutionError as error:
        raise _remembered(query, error.public_message, error.code.value.lower()) from error
    cache.set(_key(query), plan, KEPT)
    return plan


def _remembered(query: QueryRequest, message: str, code: str) -> Unavailable:
    cache.set(f"{_key(query)}:failed", (message, code), FAILURE_KEPT)
    return _unavailable(message, code)


def _unavailable(message: str, code: str) -> Unavailable:
    error = Unavailable(message)
    error.code = code
    return error


def _key(query: QueryRequest) -> str:
    return f"plan:{query.digest}"
