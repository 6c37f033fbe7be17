"""What a run said may quote data: it is sealed, deleted with the result, and found by what kind of failure it was."""

from __future__ import annotations

import os
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from audit.models import AuditLog
from executors.base import Call
from pods.models import Target
from queries import services
from queries.api.serializers import query_json
from queries.maintenance.rotation import rotate, sealed_models
from queries.maintenance.tidying import tidy
from queries.models import Execution, LogLine, QueryRequest, ScriptCall
from queries.notices.sending import never
from queries.notices.wording import said
from queries.policies import DELETED, failure_words
from queries.running import texts
from queries.running.monitor import LOG_BYTES_KEPT, Monitor
from queries.tests.conftest import SignedIn
from queries.tests.world import World

# Put together where it runs, so that it stands in no statement.
SECRET = "4111-2222"
SCRIPT = """
const secret = ['4111', '2222'].join('-');
console.log('card ' + secret);
await db.query('select $1::text', [secret]);
await db.query(`select '${secret}'::text as "${secret}"`);
"""
FAILING = SCRIPT + "await db.query('select $1::int', [secret]);"
FAILING_SQL = "SELECT (concat_ws('-', '4111', '2222') || 'x')::int"


def everything_stored() -> str:
    """Every text in every table, and every sealed byte as the server writes it."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" AS t')
            found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found)


def read(user: User, address: str) -> str:
    """A page, as somebody gets it."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def fresh(query: QueryRequest) -> QueryRequest:
    return QueryRequest.objects.get(pk=query.pk)


@pytest.mark.sandbox
@pytest.mark.parametrize("script", [SCRIPT + "return [{[secret]: secret}]", FAILING], ids=["ended well", "failed"])
def test_clear_01_what_a_script_said_stands_nowhere(
    world: World, caplog: pytest.LogCaptureFixture, script: str
) -> None:
    world.change_target(allow_scripts=True)
    query = fresh(world.executed(script, language="script"))
    assert SECRET not in everything_stored() + caplog.text + str(said(query))
    body = read(world.author, f"/queries/{query.public_id}/")
    assert f"card {SECRET}" in body
    assert body.count(SECRET) >= 3


def test_clear_01_words_of_a_failure_stand_nowhere(world: World, caplog: pytest.LogCaptureFixture) -> None:
    query = fresh(world.executed(FAILING_SQL))
    assert SECRET in query.execution.failure_message
    assert SECRET not in everything_stored() + caplog.text + str(said(query))


def test_clear_01_failures_are_found_by_code_and_sqlstate(world: World) -> None:
    query = world.executed(FAILING_SQL)
    assert Execution.objects.get(failure_code="ERROR", sqlstate="22P02").pk == query.pk
    assert '"sqlstate":"22P02"' in AuditLog.objects.get(action="query.fail").data


def test_clear_01_words_are_deleted_with_the_retention(world: World) -> None:
    query = world.executed(FAILING_SQL)
    assert tidy(never)["results"] == 0
    Execution.objects.filter(pk=query.pk).update(result_expires_at=timezone.now())
    assert tidy(never)["results"] == 1
    execution = Execution.objects.get(pk=query.pk)
    assert (execution.data, execution.key_id, execution.failure_message) == (None, "", "")
    assert (execution.failure_code, execution.sqlstate) == ("ERROR", "22P02")
    assert failure_words(world.author, fresh(query), execution) == (DELETED, {"sqlstate": "22P02"})
    assert DELETED in read(world.author, f"/queries/{query.public_id}/")
    answer: Any = query_json(fresh(query), world.author)
    assert answer["execution"]["failure"]["message"] == DELETED
    assert tidy(never)["results"] == 0


@pytest.mark.sandbox
def test_clear_01_rotation_covers_everything_sealed(world: World, settings: Any, client_of: SignedIn) -> None:
    old, new = os.urandom(32), os.urandom(32)
    settings.PORTAL_RESULT_KEYS = {"old": old}
    world.change_target(allow_scripts=True)
    query = world.executed(FAILING, language="script")
    result = world.executed("SELECT 1 AS one")
    client_of(world.author).get(f"/queries/{result.public_id}/result/?sort=1")
    write = world.insert("rotated")
    services.rehearse(actor=world.reviewer, query_id=write.pk, digest=write.digest)
    world.approved(write)
    services.undo(actor=world.author, query_id=write.pk)
    settings.PORTAL_RESULT_KEYS = {"new": new, "old": old}
    assert rotate().remaining == 0
    settings.PORTAL_RESULT_KEYS = {"new": new}
    for model in sealed_models():
        keys = set(model._default_manager.exclude(data=None).values_list("key_id", flat=True))
        assert keys == {"new"}, model
    execution = Execution.objects.get(pk=query.pk)
    assert SECRET in execution.failure_message
    assert execution.log_lines.get().text == f"card {SECRET}"
    assert SECRET in execution.calls.all()[0].parameters
    assert Execution.objects.get(pk=result.pk).columns[0]["name"] == "one"


def test_every_sealed_table_is_known() -> None:
    assert {model.__name__ for model in sealed_models()} >= {"Execution", "LogLine", "ResultChunk", "ScriptCall"}


def test_seal_opens_in_no_other_row(world: World) -> None:
    one, other = world.executed(FAILING_SQL), world.executed(FAILING_SQL)
    stolen = Execution.objects.get(pk=one.pk)
    Execution.objects.filter(pk=other.pk).update(data=stolen.data)
    assert Execution.objects.get(pk=other.pk).failure_message.startswith("What was said cannot be read")


def test_words_without_their_key_say_so(world: World, settings: Any) -> None:
    query = world.executed(FAILING_SQL)
    ScriptCall.of(query.pk, Call(1, "select 1", "[]", 1, 1.0)).save()
    LogLine.of(query.pk, 1, "log", "hello").save()
    settings.PORTAL_RESULT_KEYS = {"another": os.urandom(32)}
    assert "cannot be read" in ScriptCall.objects.get().statement
    assert "cannot be read" in LogLine.objects.get().text
    assert "cannot be read" in read(world.author, f"/queries/{query.public_id}/")


@pytest.mark.sandbox
def test_console_that_was_cut_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.change_target(allow_scripts=True)
    script = "for (let i = 0; i < 400; i++) console.log('x'.repeat(1000)); return 1"
    query = world.executed(script, language="script")
    execution = Execution.objects.get(pk=query.pk)
    kept = execution.log_lines.count()
    assert (execution.lines_written, kept) == (400, LOG_BYTES_KEPT // 1000)
    for address in ("", "result/?view=console"):
        body = read(world.author, f"/queries/{query.public_id}/{address}")
        assert "This is not the whole console" in body
        assert "wrote 400 lines; the first 262 lines, up to 262 kB" in body
    answer: Any = query_json(fresh(query), world.author)
    assert (answer["execution"]["console_lines"], answer["execution"]["console_truncated"]) == (400, True)


@pytest.mark.sandbox
def test_console_that_is_whole_says_nothing(world: World) -> None:
    world.change_target(allow_scripts=True)
    query = world.executed("console.log('one'); return 1", language="script")
    body = read(world.author, f"/queries/{query.public_id}/")
    assert "not the whole console" not in body
    Execution.objects.filter(pk=query.pk).update(result_expires_at=timezone.now())
    tidy(never)
    body = read(world.author, f"/queries/{query.public_id}/")
    assert "Its console was deleted after the retention time." in body
    assert "It made no database call." in body


def test_long_text_says_that_it_was_cut(db: None) -> None:
    assert texts.stored("x" * (texts.TEXT_KEPT + 5)).endswith("x… (5 more characters were not kept)")
    monitor = Monitor(QueryRequest(pk=1, target=Target()))
    monitor.called(Call(1, "y" * 9000, "[]", 0, 1.0))
    assert "were not kept" in monitor.calls[0].statement


def test_place_of_an_error_holds_no_words() -> None:
    with pytest.raises(ValueError, match="invalid") as caught:
        int("4111" + "-2222")
    assert SECRET in str(caught.value)
    place = texts.place_of(caught.value)
    assert place.startswith("ValueError\n")
    assert SECRET not in place
