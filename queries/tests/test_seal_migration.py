"""What stood in the clear is sealed on the way to this version, and readable again on the way back."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection

from executors.base import Call
from queries import services
from queries.models import Execution, LogLine, QueryRequest, ScriptCall
from queries.tests.world import World

IN_THE_CLEAR = """
SELECT failure_message, failure_detail ->> 'sqlstate', statement, parameters, text
FROM executions AS run JOIN script_calls AS call ON call.execution_id = query_id
JOIN script_log_lines AS line ON line.execution_id = query_id
"""


def test_clear_01_rows_of_before_are_sealed(committed: World) -> None:
    query = committed.executed("SELECT ('card 4111' || left(now()::text, 0))::int")
    columns = committed.executed("SELECT 1 AS one")
    ScriptCall.of(query.pk, Call(1, "select $1", '["4111"]', 1, 1.0, "no")).save()
    LogLine.of(query.pk, 1, "log", "card 4111").save()
    call_command("migrate", "queries", "0010", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(IN_THE_CLEAR)
        message, *rest = cursor.fetchall()[0]
        assert "4111" in message
        assert rest == ["22P02", "select $1", '["4111"]', "card 4111"]
    call_command("migrate", verbosity=0)
    execution = Execution.objects.get(pk=query.pk)
    assert (execution.sqlstate, execution.calls_made, execution.lines_written) == ("22P02", 1, 1)
    assert execution.failure_message == message
    assert execution.failure_detail["sqlstate"] == "22P02"
    call, line = ScriptCall.objects.get(), LogLine.objects.get()
    assert (call.statement, call.parameters, call.failure, line.text) == ("select $1", '["4111"]', "no", "card 4111")
    assert Execution.objects.get(pk=columns.pk).columns[0]["name"] == "one"
    with connection.cursor() as cursor:
        for table in ("executions", "script_calls", "script_log_lines"):
            cursor.execute(f"SELECT t::text FROM {table} AS t")
            assert not [row for row in cursor.fetchall() if "4111" in row[0]]


def test_rows_in_an_undo_are_sealed(committed: World) -> None:
    write = committed.executed("UPDATE items SET name = 'x' WHERE id = 1", access="write")
    prepared = services.undo(actor=committed.author, query_id=write.pk)
    values = prepared.values()
    call_command("migrate", "queries", "0019", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT parameters::text FROM query_requests WHERE id = %s", [prepared.pk])
        assert tuple(json.loads(cursor.fetchone()[0])) == values
    call_command("migrate", verbosity=0)
    again = QueryRequest.objects.get(pk=prepared.pk)
    assert (again.values(), again.current_digest()) == (values, prepared.digest)
    with pytest.raises(DatabaseError, match="frozen"):
        QueryRequest.objects.filter(pk=prepared.pk).update(parameters=[])
