"""Statements with their ends: what runs and what comes of it; what is refused, and what it becomes."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from queries.lifecycle import Status
from queries.models import QueryRequest
from queries.results import view_page
from queries.tests.world import World
from web.errors import BadInput


def shown(given: Runs | Refused) -> str:
    return f"{given.access} {given.statement[:60]!r}"


class Runs(NamedTuple):
    """A statement that runs: what its read gives, or how many rows its write changes; and a code it is told with."""

    access: str
    statement: str
    gives: Any
    told: str = ""


class Refused(NamedTuple):
    """A statement that is refused as `code`, and what it becomes when its hint is followed."""

    access: str
    statement: str
    code: str
    hint: str
    followed: Runs


def reads(statement: str, *rows: object, told: str = "") -> Runs:
    """Rows as the API answers them; a row of one cell is that cell."""
    return Runs("read", statement, [[str(row)] if not isinstance(row, list) else row for row in rows], told)


def writes(statement: str, changed: int, told: str = "") -> Runs:
    return Runs("write", statement, changed, told)


def changed(query: QueryRequest) -> int:
    """How many rows were changed by the server's own count, whatever changed them."""
    effect = query.execution.effect or {}
    return sum(table[part] for table in effect.get("tables", ()) for part in ("inserted", "updated", "deleted"))


def run(lab: World, given: Runs) -> QueryRequest:
    """From the submission to the end, which is the right one."""
    try:
        query = lab.executed(given.statement, access=given.access)
    except BadInput as error:
        raise AssertionError(error.fields) from error
    assert (query.status, query.execution.failure_code) == (Status.EXECUTED, "")
    if given.access == "read":
        assert view_page(actor=lab.author, query=query).rows == given.gives
    else:
        assert changed(query) == given.gives
    if given.told:
        assert given.told in {finding["code"] for finding in query.findings}
    return query


def refused(lab: World, given: Refused) -> None:
    """Refused where it stands, for its reason; what its hint leads to runs to the right end."""
    with pytest.raises(BadInput) as caught:
        lab.submitted(given.statement, access=given.access)
    found = [error for error in caught.value.fields["statement"] if error.code == given.code]
    assert found
    assert all(error.line for error in found)
    assert any(given.hint in error.message for error in found)
    run(lab, given.followed)
