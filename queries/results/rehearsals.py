"""Reading what a rehearsal kept: rows and failure words, as long as they are kept."""

import json
from typing import Any

from executors.base import Effect
from queries.models import Rehearsal
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
