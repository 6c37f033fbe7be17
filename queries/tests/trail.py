"""The audit trail of a request, and the status that replaying it through the lifecycle ends in."""

import json
from collections.abc import Iterator
from typing import Any

from audit import log
from audit.models import AuditLog
from queries.lifecycle import Status, Verb, after
from queries.models import QueryRequest
from queries.transitions import ACTIONS

VERBS = {action: verb for verb, action in ACTIONS.items()}


def entries(query: QueryRequest) -> Iterator[tuple[log.Action, dict[str, Any]]]:
    """Each entry about the request: the action and its data, oldest first."""
    rows = AuditLog.objects.filter(subject_kind="query", subject_id=str(query.public_id)).order_by("seq")
    for action, data in rows.values_list("action", "data"):
        yield log.Action(action), json.loads(data)


def actions(query: QueryRequest) -> list[str]:
    """The actions on the request, oldest first."""
    return [action.value for action, _ in entries(query)]


def acts(query: QueryRequest) -> list[str]:
    """The actions that changed something: what was refused left its entry, and nothing else."""
    return [action for action in actions(query) if action != log.Action.QUERY_REFUSED]


def replayed(query: QueryRequest) -> Status:
    """The status the entries lead to, each step checked against the lifecycle and against what the entry says."""
    status: Status | None = None
    for action, data in entries(query):
        if action is log.Action.QUERY_SUBMIT:
            assert status is None
            status = Status.PENDING
        elif action in VERBS:
            assert status is not None
            assert data["from"] == status
            status = after(VERBS[action], status)
        else:
            continue
        assert data["to"] == status
        assert data["digest"] == query.digest
    assert status is not None
    return status


def holds(query: QueryRequest) -> bool:
    """Whether the stored status is the one the trail tells of."""
    stored = QueryRequest.objects.get(pk=query.pk)
    return replayed(stored) is stored.state


def last(query: QueryRequest, verb: Verb) -> dict[str, Any]:
    """The data of the last entry of a verb."""
    return [data for action, data in entries(query) if action is ACTIONS[verb]][-1]
