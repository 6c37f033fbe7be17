"""The digest covers everything that decides what will run, and survives being stored."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.base import Limits, Parameter
from queries.digest import digest, form
from queries.models import QueryRequest
from queries.tests.world import World

LIMITS = Limits(seconds=30, rows=1000, bytes=10**6, lock_seconds=5)
CONTENT: dict[str, Any] = {
    "language": "sql",
    "statement": "SELECT 1",
    "parameters": (),
    "target": {"slug": "orders", "variable": "ORDERS_READ_URL"},
    "access": "read",
    "limits": LIMITS,
}


def test_it_is_the_sha256_of_canonical_json() -> None:
    content = CONTENT | {
        "parameters": [],
        "limits": {"seconds": 30, "lock_seconds": 5, "rows": 1000, "bytes": 10**6},
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert digest(form(**CONTENT)) == hashlib.sha256(canonical.encode()).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"language": "script"},
        {"statement": "SELECT 1 "},
        {"statement": "select 1"},
        {"parameters": (None,)},
        {"target": {"slug": "payments", "variable": "ORDERS_READ_URL"}},
        {"target": {"slug": "orders", "variable": "PAYMENTS_READ_URL"}},
        {"access": "write"},
        {"limits": replace(LIMITS, seconds=31)},
        {"limits": replace(LIMITS, rows=1001)},
        {"limits": replace(LIMITS, bytes=10**6 + 1)},
        {"limits": replace(LIMITS, lock_seconds=6)},
    ],
    ids=str,
)
def test_any_change_changes_it(change: dict[str, object]) -> None:
    assert digest(form(**(CONTENT | change))) != digest(form(**CONTENT))


@given(st.lists(st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]))))
def test_different_parameters_differ(parameters: list[Parameter]) -> None:
    more = (*parameters, "x")
    assert form(**(CONTENT | {"parameters": tuple(parameters)})) != form(**(CONTENT | {"parameters": more}))


@pytest.mark.parametrize(
    "parameter",
    [1e22, 1.5e300, -1e16, 1e-7, 5e-324, -0.0, 0.0, 1.0, 0.1, 2**63, -(10**30), True, None, "", "1e22", "é😀"],
    ids=repr,
)
def test_it_is_the_same_after_the_database_stored_the_parameter(world: World, parameter: Parameter) -> None:
    query = world.submitted("SELECT $1::text", parameters=(parameter,))
    assert QueryRequest.objects.get(pk=query.pk).current_digest() == query.digest


def test_line_ends_of_a_form_do_not_change_it(world: World) -> None:
    assert world.submitted("SELECT\r\n1").digest == world.submitted("SELECT\n1").digest
