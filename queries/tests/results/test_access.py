"""Who reads a result, and that nobody does without an entry in the audit log."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from accounts.models import SYSTEM
from audit.models import AuditLog
from pods.membership import set_members
from queries.lifecycle import Verb
from queries.models import Execution, QueryRequest
from queries.results import download, view_page
from queries.tests import trail
from queries.tests.world import World
from web.errors import NotAllowed, NotFound, NotNow

EVERYBODY = ["author", "colleague", "reviewer", "second_reviewer", "outsider", "other_manager", "auditor", "admin"]
READERS = {"author", "reviewer", "second_reviewer"}


@pytest.mark.parametrize("name", EVERYBODY)
def test_only_author_and_managers_view_and_download(world: World, name: str) -> None:
    query, actor = world.executed(), getattr(world, name)
    if name in READERS:
        assert view_page(actor=actor, query=query).rows == [["1"]]
        assert b"".join(download(actor=actor, query=query, format="csv").stream) == b"one\n1\n"
        assert trail.actions(query)[-2:] == ["result.view", "result.download"]
        return
    with pytest.raises(NotAllowed):
        view_page(actor=actor, query=query)
    with pytest.raises(NotAllowed):
        download(actor=actor, query=query, format="csv")
    assert trail.actions(query)[-1] == "query.complete"


def test_each_page_has_its_own_entry_with_what_was_shown(world: World) -> None:
    query = world.executed("SELECT * FROM generate_series(1, 5)")
    for first in (0, 2, 4):
        view_page(actor=world.author, query=query, first_row=first, limit=2)
    entries = AuditLog.objects.filter(action="result.view").order_by("seq")
    assert [(e.actor_id, json.loads(e.data)) for e in entries] == [
        (world.author.pk, {"first_row": first, "rows": rows}) for first, rows in ((0, 2), (2, 2), (4, 1))
    ]


def test_a_download_is_recorded_before_its_first_byte(world: World) -> None:
    query = world.executed()
    download(actor=world.reviewer, query=query, format="xlsx")
    entry = AuditLog.objects.get(action="result.download")
    assert (entry.actor_id, json.loads(entry.data)) == (world.reviewer.pk, {"format": "xlsx", "rows": 1})


def test_without_its_entry_nothing_is_shown(world: World) -> None:
    query = world.executed()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE audit_logs ADD CONSTRAINT no_views CHECK (action NOT LIKE 'result.%') NOT VALID")
    with pytest.raises(DatabaseError):
        view_page(actor=world.author, query=query)
    with pytest.raises(DatabaseError):
        download(actor=world.author, query=query, format="csv")


def test_who_left_the_pod_is_refused_at_the_next_page(world: World) -> None:
    query = world.executed("SELECT * FROM generate_series(1, 5)")
    view_page(actor=world.author, query=query, limit=2)
    set_members(actor=SYSTEM, pod=world.pod, developers=[], managers=[world.second_reviewer])
    for actor in (world.author, world.reviewer):
        with pytest.raises(NotAllowed):
            view_page(actor=actor, query=query, first_row=2, limit=2)


def test_what_did_not_run_has_no_result_yet(world: World) -> None:
    query = world.submitted()
    with pytest.raises(NotNow) as caught:
        view_page(actor=world.author, query=query)
    assert caught.value.state == "PENDING"


@pytest.mark.parametrize(
    ("statement", "access", "why"),
    [
        ("SELECT 1/0", "read", "failed, so there is no result"),
        ("INSERT INTO effects (tag) VALUES ('quiet')", "write", "returned no rows"),
    ],
)
def test_what_returned_no_rows_has_no_result(statement: str, access: str, why: str, world: World) -> None:
    query = world.executed(statement, access=access)
    with pytest.raises(NotFound, match=why):
        view_page(actor=world.author, query=query)


def test_no_rows_is_a_result_too(world: World) -> None:
    query = world.executed("SELECT id FROM items WHERE false")
    page = view_page(actor=world.author, query=query)
    assert (page.rows, page.row_count, page.next) == ([], 0, None)
    assert [column.name for column in page.columns] == ["id"]
    assert b"".join(download(actor=world.author, query=query, format="csv").stream) == b"id\n"


def test_a_deleted_result_says_so(world: World) -> None:
    query = world.executed()
    Execution.objects.filter(pk=query.pk).update(result_deleted_at=timezone.now())
    with pytest.raises(NotFound, match="retention"):
        view_page(actor=world.author, query=query)


def test_it_is_kept_for_as_long_as_the_target_says(world: World) -> None:
    world.change_target(retention_days=3)
    execution = world.executed().execution
    assert execution.result_expires_at is not None
    left = execution.result_expires_at - timezone.now()
    assert dt.timedelta(days=2, hours=23) < left <= dt.timedelta(days=3)


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("NULL::int", None),
        ("''::text", ""),
        ("123456789012345678901234567890.1234567890::numeric", "123456789012345678901234567890.1234567890"),
        ("'NaN'::float8", "NaN"),
        ("'-Infinity'::numeric", "-Infinity"),
        ("1e-300::float8", "1e-300"),
        ("'infinity'::timestamptz", "infinity"),
        ("'0044-03-15 BC'::date", "0044-03-15 BC"),
        ("'1 year 2 mons -3 days 04:05:06.789'::interval", "1 year 2 mons -3 days +04:05:06.789"),
        ("ARRAY[1, NULL, 3]", "{1,NULL,3}"),
        ("ARRAY['a,b', '\"']", '{"a,b","\\""}'),
        ("int4range(1, 5)", "[1,5)"),
        ("ROW(1, NULL, 'a b')", '(1,,"a b")'),
        ("'\\x00ff'::bytea", "\\x00ff"),
        ('\'{"b": 1.0,  "a": null}\'::json', '{"b": 1.0,  "a": null}'),
        ("E'tab\\tline\\nback\\\\slash\\r'", "tab\tline\nback\\slash\r"),
        ("'\\N'", "\\N"),
        ("true", "t"),
    ],
)
def test_values_are_shown_as_the_server_prints_them(world: World, expression: str, shown: str | None) -> None:
    query = world.executed(f"SELECT {expression} AS value")
    assert view_page(actor=world.author, query=query).rows == [[shown]]


def test_a_truncated_result_says_by_which_limit(world: World) -> None:
    world.change_target(rows_limit=3)
    query = world.executed("SELECT * FROM generate_series(1, 10)")
    page = view_page(actor=world.author, query=query)
    assert (page.rows, page.row_count, page.truncated) == ([["1"], ["2"], ["3"]], 3, "rows")
    assert trail.last(query, Verb.COMPLETE)["truncated"] == "rows"
    world.change_target(rows_limit=1000, bytes_limit=1000)
    query = world.executed("SELECT repeat('x', 100) FROM generate_series(1, 100)")
    execution = QueryRequest.objects.get(pk=query.pk).execution
    assert execution.truncated == "bytes"
    assert execution.result_bytes <= 1000
