"""Deleting what has had its time. The request, its decisions and the fact of its result stay; so does the audit log.

Everything goes in batches and past rows that somebody holds, so that no request waits for it.
"""

import datetime as dt
from collections.abc import Callable

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import SYSTEM
from accounts.sessions import SessionStore
from audit import log
from queries.lifecycle import FINAL
from queries.models import (
    Execution,
    KeptDraft,
    LogLine,
    Notice,
    Rehearsal,
    ResultOrder,
    ScriptCall,
    Tiding,
    UndoParameters,
    UndoPiece,
)
from queries.transitions import subject

BATCH = 200
# Wrong passwords count for a quarter of an hour; a day of them is kept for a look at what happened.
SIGN_IN_DAYS = 1
# Nothing is said of a request that ended: its notice is needed no longer. A month of them answers "was I told?".
NOTICE_DAYS = 30
# Whoever comes back after that writes it anew.
DRAFT_DAYS = 90
# The bell is for what happened lately; that a version was opened is needed as long as it is revised.
TIDING_DAYS = 90

DELETE_CHUNKS = """
DELETE FROM result_chunks WHERE id IN (
    SELECT id FROM result_chunks WHERE execution_id = %s ORDER BY number DESC LIMIT %s FOR UPDATE SKIP LOCKED)
"""
# Of a result that was deleted, or was never kept: a process may die between two batches, or write on after its run was
# settled by another.
LEFT_BEHIND = """
SELECT query_id FROM executions WHERE finished_at IS NOT NULL
    AND (result_deleted_at IS NOT NULL OR encoding = '' OR result_lost <> '')
    AND EXISTS (SELECT FROM result_chunks WHERE execution_id = query_id)
"""
DELETE_COUNTERS = """
DELETE FROM rate_counters WHERE key IN (
    SELECT key FROM rate_counters WHERE expires_at <= clock_timestamp() LIMIT %s FOR UPDATE SKIP LOCKED)
"""


def tidy(stopping: Callable[[], bool]) -> dict[str, int]:
    """Delete everything that has had its time; how many of each kind."""
    return {
        "results": delete_expired_results(stopping),
        "rehearsals": forget_rehearsed_rows(),
        "orders of results": delete_result_orders(stopping),
        "rows kept for an undo": delete_undo_pieces(stopping),
        "rows that an undo puts back": delete_undo_parameters(stopping),
        "chunks left behind": delete_left_behind(stopping),
        "notices": delete_old_notices(stopping),
        "drafts": delete_old_drafts(),
        "tidings": delete_old_tidings(stopping),
        "rate counters": delete_counters(stopping),
        "sign-in failures": delete_sign_in_failures(),
        **clear_sessions_and_tokens(),
    }


# --- results ---------------------------------------------------------------------------------------


def delete_expired_results(stopping: Callable[[], bool]) -> int:
    """Delete results past their target's retention; how many."""
    deleted = 0
    expired = Execution.objects.filter(
        result_expires_at__lte=timezone.now(), result_deleted_at=None, finished_at__isnull=False
    )
    # Each pass takes those it finds out of the set, so the loop ends; held rows wait for the next time.
    for pk in list(expired.order_by("result_expires_at").values_list("pk", flat=True)):
        if stopping():
            break
        deleted += _delete_result(pk)
        _delete_chunks(pk, stopping)
    return deleted


def _delete_result(execution_id: int) -> bool:
    """Make a result, and what its run said, unreadable for good, and record it. A large one loses more chunks later."""
    with transaction.atomic():
        held = Execution.objects.select_for_update(of=("self",), skip_locked=True).select_related("query")
        execution = held.filter(pk=execution_id, result_deleted_at=None).first()
        if execution is None:
            return False
        calls, lines = execution.calls.count(), execution.log_lines.count()
        if not (execution.has_rows or execution.data or calls or lines):
            # A write: there is nothing to delete, now or the next time.
            Execution.objects.filter(pk=execution_id).update(result_expires_at=None)
            return False
        data = {
            "rows": execution.row_count if execution.has_rows else 0,
            "bytes": execution.result_bytes,
            "calls": calls,
            "log_lines": lines,
            "failure_words": bool(execution.failure_code and execution.data),
            "kept_until": execution.result_expires_at,
        }
        ScriptCall.objects.filter(execution=execution).delete()
        LogLine.objects.filter(execution=execution).delete()
        execution.orders.all().delete()
        _delete_batch(execution_id)
        Execution.objects.filter(pk=execution_id).update(result_deleted_at=timezone.now(), key_id="", data=None)
        log.append(log.Action.RESULT_DELETE, actor=SYSTEM, subject=subject(execution.query), data=data)
    return True


def forget_rehearsed_rows() -> int:
    """Delete the rows of rehearsals past their target's retention; of how many. Their counts stay."""
    over = Rehearsal.objects.filter(expires_at__lte=timezone.now()).exclude(data=None)
    return over.update(key_id="", data=None)


def delete_result_orders(stopping: Callable[[], bool]) -> int:
    """Delete orders that nobody is looking at any more; how many pieces of them."""
    return _delete_expired(ResultOrder, stopping)


def delete_undo_pieces(stopping: Callable[[], bool]) -> int:
    """Delete the rows as writes found and left them, past their target's retention; how many pieces of them."""
    return _delete_expired(UndoPiece, stopping)


def delete_undo_parameters(stopping: Callable[[], bool]) -> int:
    """Delete the rows in undos past their target's retention; of how many. A digest still binds what they were."""
    return _delete_expired(UndoParameters, stopping)


def _delete_expired(model: type[ResultOrder | UndoParameters | UndoPiece], stopping: Callable[[], bool]) -> int:
    over = model._default_manager.filter(expires_at__lte=timezone.now()).order_by("expires_at")  # noqa: SLF001 -- Django's documented API
    deleted = 0
    while not stopping():
        batch = list(over.values_list("pk", flat=True)[:BATCH])
        if not batch:
            break
        deleted += model._default_manager.filter(pk__in=batch).delete()[0]  # noqa: SLF001 -- the same
    return deleted


def delete_left_behind(stopping: Callable[[], bool]) -> int:
    """Delete chunks that belong to no readable result; how many."""
    with connection.cursor() as cursor:
        cursor.execute(LEFT_BEHIND)
        found = [row[0] for row in cursor.fetchall()]
    return sum(_delete_chunks(pk, stopping) for pk in found)


def _delete_chunks(execution_id: int, stopping: Callable[[], bool]) -> int:
    deleted = 0
    unreadable = Execution.objects.filter(pk=execution_id, finished_at__isnull=False)
    if any(execution.has_result for execution in unreadable):
        return 0
    while not stopping() and (gone := _delete_batch(execution_id)):
        deleted += gone
    return deleted


def _delete_batch(execution_id: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(DELETE_CHUNKS, [execution_id, BATCH])
        return int(cursor.rowcount)


# --- everything else -------------------------------------------------------------------------------


def delete_old_notices(stopping: Callable[[], bool]) -> int:
    """Delete notices of requests that ended a month ago."""
    before = timezone.now() - dt.timedelta(days=NOTICE_DAYS)
    old = Notice.objects.filter(changed_at__lte=before, query__status__in=[status.value for status in FINAL])
    old = old.exclude(sent_version__lt=F("version"), gave_up_at=None)
    deleted = 0
    while not stopping():
        batch = list(old.order_by("changed_at").values_list("pk", flat=True)[:BATCH])
        if not batch:
            break
        deleted += Notice.objects.filter(pk__in=batch).delete()[0]
    return deleted


def delete_old_drafts() -> int:
    """Delete drafts that nobody went on with for long; how many."""
    return KeptDraft.objects.filter(saved_at__lte=timezone.now() - dt.timedelta(days=DRAFT_DAYS)).delete()[0]


def delete_old_tidings(stopping: Callable[[], bool]) -> int:
    """Delete what the bell told a quarter of a year ago, read or not."""
    old = Tiding.objects.filter(at__lte=timezone.now() - dt.timedelta(days=TIDING_DAYS)).order_by("at")
    deleted = 0
    while not stopping():
        batch = list(old.values_list("pk", flat=True)[:BATCH])
        if not batch:
            break
        deleted += Tiding.objects.filter(pk__in=batch).delete()[0]
    return deleted


def delete_counters(stopping: Callable[[], bool]) -> int:
    """Delete windows of the rate limits that are over."""
    deleted = 0
    while not stopping():
        with connection.cursor() as cursor:
            cursor.execute(DELETE_COUNTERS, [BATCH])
            gone = cursor.rowcount
        deleted += gone
        if gone < BATCH:
            break
    return deleted


def delete_sign_in_failures() -> int:
    """Delete what the lock-out remembers of wrong passwords."""
    before = timezone.now() - dt.timedelta(days=SIGN_IN_DAYS)
    kinds = (AccessAttempt, AccessFailureLog, AccessLog)
    return sum(kind.objects.filter(attempt_time__lte=before).delete()[0] for kind in kinds)


def clear_sessions_and_tokens() -> dict[str, int]:
    """Delete sessions and refresh tokens that are over anyway."""
    model = SessionStore.get_model_class()
    expired = model.objects.filter(expire_date__lt=timezone.now())
    sessions = expired.delete()[0]
    tokens = _tokens()
    call_command("flushexpiredtokens", verbosity=0)
    return {"sessions": sessions, "tokens": tokens - _tokens()}


def _tokens() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM token_blacklist_outstandingtoken WHERE expires_at <= clock_timestamp()")
        row = cursor.fetchone()
    return int(row[0]) if row else 0
