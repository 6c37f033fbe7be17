"""What has had its time goes; the request, and the fact of its result, stay."""

from __future__ import annotations

import datetime as dt

import pytest
from axes.models import AccessAttempt
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken

from accounts.models import Counter
from accounts.sessions import SessionStore
from audit.models import AuditLog
from audit.verification import verify_log
from executors.base import Call
from queries import results, services
from queries.maintenance import tidying
from queries.maintenance.tidying import tidy
from queries.models import Execution, KeptDraft, LogLine, Medium, Notice, QueryRequest, ResultChunk, ScriptCall
from queries.notices.sending import never
from queries.tests.world import World
from web.errors import PortalError

PAST = timezone.now() - dt.timedelta(days=90)
MANY_ROWS = "SELECT n, repeat('x', 1000) FROM generate_series(1, 2000) AS n"


def expired(world: World, statement: str = "SELECT 1 AS one", **fields: object) -> QueryRequest:
    """A request that ran, and whose result has had its time."""
    query = world.executed(statement, **fields)
    Execution.objects.filter(pk=query.pk).update(result_expires_at=PAST)
    return query


def test_expired_result_is_deleted_and_the_request_stays(world: World) -> None:
    query = expired(world)
    assert tidy(never)["results"] == 1
    kept = QueryRequest.objects.get(pk=query.pk)
    assert (kept.status, kept.statement) == ("EXECUTED", query.statement)
    assert kept.execution.row_count == 1
    assert kept.execution.columns == ()
    assert kept.execution.result_deleted_at is not None
    assert not ResultChunk.objects.filter(execution=query.pk).exists()


def test_deleted_result_cannot_be_viewed(world: World) -> None:
    query = expired(world)
    tidy(never)
    reread = QueryRequest.objects.get(pk=query.pk)
    with pytest.raises(PortalError):
        results.view_page(actor=world.author, query=reread)


def test_result_within_its_time_stays(world: World) -> None:
    query = world.executed()
    assert tidy(never)["results"] == 0
    assert ResultChunk.objects.filter(execution=query.pk).exists()


def test_deletion_is_audited_once_and_by_the_portal(world: World) -> None:
    query = expired(world)
    tidy(never)
    tidy(never)
    entry = AuditLog.objects.get(action="result.delete")
    assert (entry.actor_id, entry.actor_label, entry.subject_id) == (None, "Query Portal", str(query.public_id))


def test_audit_chain_still_holds(committed: World) -> None:
    expired(committed)
    tidy(never)
    verdict = verify_log()
    assert verdict.fault is None
    assert verdict.entries == AuditLog.objects.count()


def test_calls_and_log_lines_go_with_the_result(world: World) -> None:
    query = world.insert("logged")
    world.approved(query)
    ScriptCall.of(query.pk, Call(1, "select 1", "[]", 1, 1.0)).save()
    LogLine.of(query.pk, 1, "log", "hello").save()
    Execution.objects.filter(pk=query.pk).update(result_expires_at=PAST)
    assert tidy(never)["results"] == 1
    assert not ScriptCall.objects.exists()
    assert not LogLine.objects.exists()


def test_write_without_a_result_is_looked_at_once(world: World) -> None:
    query = world.insert("nothing to delete")
    world.approved(query)
    Execution.objects.filter(pk=query.pk).update(result_expires_at=PAST)
    assert tidy(never)["results"] == 0
    execution = Execution.objects.get(pk=query.pk)
    assert (execution.result_expires_at, execution.result_deleted_at) == (None, None)
    assert not AuditLog.objects.filter(action="result.delete").exists()


def test_large_result_goes_in_batches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidying, "BATCH", 1)
    query = expired(world, MANY_ROWS)
    assert ResultChunk.objects.filter(execution=query.pk).count() > 3
    tidy(never)
    assert not ResultChunk.objects.filter(execution=query.pk).exists()


def test_deletion_that_was_interrupted_is_finished_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidying, "BATCH", 1)
    query = expired(world, MANY_ROWS)
    with monkeypatch.context() as patch:
        patch.setattr(tidying, "_delete_chunks", lambda *_: 0)
        tidy(never)
    left = ResultChunk.objects.filter(execution=query.pk).count()
    assert left > 2
    assert tidy(never)["chunks left behind"] == left


def test_chunks_of_a_run_that_kept_nothing_are_deleted(world: World) -> None:
    query = world.insert("no rows")
    world.approved(query)
    ResultChunk.objects.create(execution_id=query.pk, number=0, first_row=0, row_count=1, key_id="k", data=b"x")
    assert tidy(never)["chunks left behind"] == 1


def test_chunks_of_a_run_under_way_stay(world: World) -> None:
    query = world.insert("under way")
    world.approved(query)
    Execution.objects.filter(pk=query.pk).update(finished_at=None)
    ResultChunk.objects.create(execution_id=query.pk, number=0, first_row=0, row_count=1, key_id="k", data=b"x")
    assert tidy(never)["chunks left behind"] == 0


def test_old_counters_and_sign_in_failures_go_and_fresh_ones_stay(world: World) -> None:
    soon = timezone.now() + dt.timedelta(hours=1)
    Counter.objects.create(key="old", value=1, expires_at=PAST)
    Counter.objects.create(key="live", value=1, expires_at=soon)
    for name in ("old", "live"):
        AccessAttempt.objects.create(username=name, ip_address="10.0.0.1", user_agent="", failures_since_start=1)
    AccessAttempt.objects.filter(username="old").update(attempt_time=PAST)
    done = tidy(never)
    assert (done["rate counters"], done["sign-in failures"]) == (1, 1)
    assert list(Counter.objects.values_list("key", flat=True)) == ["live"]
    assert list(AccessAttempt.objects.values_list("username", flat=True)) == ["live"]


def test_expired_sessions_and_tokens_go(world: World) -> None:
    for expiry in (-10, 3600):
        session = SessionStore()
        session.set_expiry(expiry)
        session.create()
    for _ in range(2):
        RefreshToken.for_user(world.author)
    OutstandingToken.objects.filter(pk=OutstandingToken.objects.order_by("pk")[0].pk).update(expires_at=PAST)
    done = tidy(never)
    assert (done["sessions"], done["tokens"]) == (1, 1)
    assert (Session.objects.count(), OutstandingToken.objects.count()) == (1, 1)


def test_old_notices_of_ended_requests_go(world: World) -> None:
    ended, waiting = world.submitted(), world.submitted()
    services.withdraw(actor=world.author, query_id=ended.pk)
    for query in (ended, waiting):
        Notice.objects.create(query=query, medium=Medium.SLACK, sent_version=1, changed_at=PAST)
    unsent = world.submitted()
    services.withdraw(actor=world.author, query_id=unsent.pk)
    Notice.objects.create(query=unsent, medium=Medium.SLACK, changed_at=PAST)
    assert tidy(never)["notices"] == 1
    assert set(Notice.objects.values_list("query", flat=True)) == {waiting.pk, unsent.pk}


def test_drafts_that_nobody_went_on_with_go(world: World) -> None:
    for language, days in (("sql", 91), ("script", 89)):
        at = timezone.now() - dt.timedelta(days=days)
        KeptDraft.objects.create(author=world.author, target=world.target, language=language, content={}, saved_at=at)
    assert tidy(never)["drafts"] == 1
    assert KeptDraft.objects.get().language == "script"


def test_command_says_what_went(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    expired(world)
    call_command("tidy")
    assert "1 results deleted." in capsys.readouterr().out
