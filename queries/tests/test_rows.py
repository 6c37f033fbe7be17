"""The rows of lists: what a plain statement reads is what the ORM and the rule of who may see what say."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from queries.models import QueryRequest
from queries.rows import rows
from queries.tests.world import World

PEOPLE = "author colleague reviewer second_reviewer outsider other_manager auditor admin".split()


def test_rows_are_those_of_each_list_in_its_order(world: World, django_assert_num_queries: Any) -> None:
    first, second, third = (world.submitted(reason=reason) for reason in "abc")
    requests = QueryRequest.objects
    with django_assert_num_queries(1):
        oldest, newest, nothing = rows(requests.order_by("pk"), requests.order_by("-pk")[:2], requests.none())
        shown = [(query.author, query.target, query.pod, vars(query)["approvals"]) for query in oldest]
    assert (oldest, newest, nothing) == ([first, second, third], [third, second], [])
    assert shown == [(world.author, first.target, world.pod, 0)] * 3


def test_a_row_is_what_the_orm_reads(world: World) -> None:
    world.change_target(approvals_required=2)
    waiting, done = world.submitted(), world.submitted()
    world.approved(waiting)
    world.approved(done)
    world.approved(done, by=world.second_reviewer)
    (found,) = rows(QueryRequest.objects.order_by("pk"))
    for query in found:
        known = QueryRequest.objects.get(pk=query.pk)
        for field in QueryRequest._meta.concrete_fields:
            assert getattr(query, field.attname) == getattr(known, field.attname), field.name
    assert [vars(query)["approvals"] for query in found] == [1, 2]
    assert [vars(query)["rehearsed"] for query in found] == [None, None]
    assert [hasattr(query, "execution") for query in found] == [False, True]


@pytest.mark.parametrize("name", PEOPLE)
def test_the_newest_visible_are_those_of_the_rule(name: str, world: World) -> None:
    for reason in "abcd":
        world.submitted(reason=reason)
    reader = getattr(world, name)
    visible = list(QueryRequest.objects.visible_to(reader).order_by("-pk"))
    for most in (1, 3, 50):
        assert list(QueryRequest.objects.newest_visible_to(reader, most)) == visible[:most]
    older = QueryRequest.objects.filter(pk__lt=QueryRequest.objects.latest("pk").pk)
    assert list(older.newest_visible_to(reader, 2)) == list(older.visible_to(reader).order_by("-pk")[:2])


def test_what_leads_to_a_pod_is_its_index(world: World) -> None:
    """However its planner weighs them: the order that is asked for is that of no other index."""
    world.submitted()
    with CaptureQueriesContext(connection) as asked:
        list(QueryRequest.objects.newest_visible_to(world.colleague, 5))
    (said,) = asked.captured_queries
    assert '"pod_id" ASC' in said["sql"]
