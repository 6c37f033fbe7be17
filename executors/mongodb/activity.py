"""What a run does on the server now, as far as MongoDB tells everybody of their own operations."""

from __future__ import annotations

import re
from typing import Final

import pymongo

from executors.base import Activity
from executors.mongodb.clients import Connected, Document

_SECONDS: Final = 1.5


def activity(connected: Connected, query_id: str) -> Activity | None:
    """The operation that carries the id of a query; None between two of them."""
    own = re.compile(rf"{re.escape(query_id)}(?: |$)")
    wanted = {"$or": [{"command.comment": own}, {"cursor.originatingCommand.comment": own}]}
    shown = {"active": 1, "microsecs_running": 1, "waitingForLock": 1, "waitingForFlowControl": 1}
    pipeline: list[Document] = [{"$currentOp": {"allUsers": False}}, {"$match": wanted}, {"$project": shown}]
    with pymongo.timeout(_SECONDS):
        found = next(iter(connected.client.admin.aggregate(pipeline)), None)
    if found is None:
        return None
    elapsed = int(found.get("microsecs_running", 0)) // 1000
    return Activity(elapsed, "active" if found.get("active") else "idle", _waiting_for(found))


def _waiting_for(found: Document) -> str:
    if found.get("waitingForLock"):
        return "a lock"
    return "the server to slow down its writers" if found.get("waitingForFlowControl") else ""
