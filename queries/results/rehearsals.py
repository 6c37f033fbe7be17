"""Reading what a rehearsal kept: rows and failure words, as long as they are kept."""

import json
from typing import Any

from executors.base import Effect, ExecutionError, FailureCode
from queries.models import QueryRequest, Rehearsal
from queries.policies import SAFE_DETAIL
from queries.results import effects
from queries.vault import Unreadable


def effect(rehearsal: Rehearsal) -> Effect | None:
    """What was seen; without rows where those are gone or cannot be read, None for a rehearsal that failed."""
    if rehearsal.effect is None:
        return None
    if rehearsal.data is None:
        return effects.without_rows(rehearsal.effect)
    try:
        return effects.with_rows(rehearsal.effect, rehearsal.unsealed())
    except Unreadable:
        return effects.without_rows(rehearsal.effect)


# Of what a server says, the parts that name places and objects and never quote a row.
_NAMES = SAFE_DETAIL | {"code", "codeName", "constraint", "of_column", "schema", "table"}
# What such an error is about stands in its message by name alone: a constraint, a table, a lock.
_NAMING = frozenset({"23", "25", "40", "42", "53", "54", "55", "57"})
MASKED = "The database refused it. What it said may quote personal data, which is masked in rehearsals."


def said(query: QueryRequest, error: ExecutionError) -> dict[str, Any]:
    """What is kept of why a rehearsal failed: without what may quote a row, where the target has personal columns.

    An undo that is refused names rows by their keys.
    """
    detail = dict(error.detail)
    if not query.target.personal_columns:
        return {"message": error.public_message, "detail": detail}
    quoting = error.code is FailureCode.ERROR and detail.get("sqlstate", "")[:2] not in _NAMING
    quoting = quoting or (error.code is FailureCode.REFUSED and query.undoes_id is not None)
    kept = {name: value for name, value in detail.items() if name in _NAMES}
    return {"message": MASKED if quoting else error.public_message, "detail": kept}


def words(rehearsal: Rehearsal) -> dict[str, Any] | None:
    """`message` and `detail` of a rehearsal that failed; None for one that did not."""
    if not rehearsal.failure_code:
        return None
    if rehearsal.data is None:
        return {"message": "What was said is no longer kept.", "detail": {}}
    try:
        said: dict[str, Any] = json.loads(rehearsal.unsealed())
    except Unreadable:
        return {"message": "What was said cannot be read.", "detail": {}}
    return said
