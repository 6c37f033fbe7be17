"""Settling: EXECUTED or FAILED with the result, the figures and the audit entry, in one transaction."""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from accounts.models import SYSTEM
from audit import log
from executors.base import ExecutionError, Outcome, OutcomeUnknown, ReadOutcome, WriteOutcome
from queries.joined import locked, unchanged
from queries.lifecycle import Status, Verb
from queries.models import Code, LogLine, QueryRequest, Said, ScriptCall, UndoPiece
from queries.results import effects
from queries.results.writer import ChunkWriter
from queries.running.claim import hold
from queries.running.ending import Ending
from queries.running.texts import place_of, stored
from queries.transitions import step
from web.errors import Unavailable

logger = logging.getLogger(__name__)

# What is kept of a run has its time, whether its end is known or not.
EXPIRES = "result_expires_at = statement_timestamp() + make_interval(days => %s)"
ENDED = f"finished_at = statement_timestamp(), {EXPIRES}"
ASKED = f"asked_at = statement_timestamp(), asks = asks + 1, {EXPIRES}"
HELD = "AND holder = pg_backend_pid()"
SQLSTATE_LENGTH = 5
SETTLE_PAUSES = (0.2, 1.0, 3.0)


def settle_surely(claimed: QueryRequest, ending: Ending, writer: ChunkWriter) -> QueryRequest:
    """Settle, again after a lost connection, and without the rows when it is they that cannot be stored.

    What nobody could say of yet stays EXECUTING, with everything else of the run stored.
    """
    for pause in (*SETTLE_PAUSES, None):
        try:
            return _settle(claimed, ending, writer)
        except (OperationalError, InterfaceError) as error:
            connection.close()
            if pause is None:
                raise Unavailable(
                    "It ran, but the portal's database is away: the outcome is settled when it is back."
                ) from error
            time.sleep(pause)
        except DatabaseError as error:
            if ending.result_lost:
                raise
            # Its words may quote the row.
            logger.error("the result of %s cannot be stored: %s", claimed.number, place_of(error))  # noqa: TRY400
            ending.result_lost = f"The result could not be stored ({type(error).__name__})."
            return _settle(claimed, ending, writer)
    raise AssertionError("the last pause raises")


def _settle(claimed: QueryRequest, ending: Ending, writer: ChunkWriter) -> QueryRequest:
    return claimed if _settled_as_read(claimed, ending, writer) else _settle_anew(claimed.pk, ending, writer)


def _settled_as_read(query: QueryRequest, ending: Ending, writer: ChunkWriter) -> bool:
    """Whether it was all stored in one statement: where nothing else is to be written, and the run is still held by the
    connection that claimed it."""
    ending.result_lost = ending.result_lost or writer.missing()
    if query.state is not Status.EXECUTING or ending.unanswered or ending.result_lost:
        return False
    if ending.calls or ending.log_lines:
        return False
    if ending.outcome is None:
        if query.writes or writer.sent:
            return False
        writer.discard()
    ending.result_digest = writer.digest
    act = _act(query, _fields(query.pk, ending, writer), ENDED, HELD)
    try:
        conclude(query, ending, [act, *writer.last()], guards=[unchanged(query)])
    except log.NothingWritten:
        return False
    return True


def _settle_anew(query_id: int, ending: Ending, writer: ChunkWriter) -> QueryRequest:
    with transaction.atomic():
        query = locked(query_id)
        if query.state is not Status.EXECUTING:
            # By another process, or here, and only the answer to our COMMIT was lost.
            logger.warning("%s is settled already", query.number)
            return query
        ending.result_lost = ending.result_lost or writer.missing()
        if ending.outcome is None or ending.result_lost:
            writer.discard()
        ending.result_digest = writer.digest
        _store_calls(query.pk, ending)
        if not _stored(query, ending, writer):
            logger.warning("%s is being settled by another process", query.number)
            transaction.set_rollback(True)
    return query


def _fields(query_id: int, ending: Ending, writer: ChunkWriter) -> dict[str, Any]:
    columns = [column.json() for column in writer.column_list]
    return {
        **outcome_fields(ending.outcome),
        **said_fields(query_id, ending.error, columns),
        "calls_made": ending.calls_made,
        "lines_written": ending.lines_written,
        "console_truncated": ending.lines_written > len(ending.log_lines),
        "encoding": writer.encoding.value if writer.encoding else "",
        "result_bytes": writer.byte_count,
        "result_lost": ending.result_lost,
        "duration_ms": ending.duration_ms,
    }


def _stored(query: QueryRequest, ending: Ending, writer: ChunkWriter) -> bool:
    """Store the end if the run is still held: by the connection that claimed it, or taken again after a lost one."""
    fields, moments = _fields(query.pk, ending, writer), ASKED if ending.unanswered else ENDED
    held, taken = (_act(query, fields, moments, who) for who in (HELD, ""))
    write = _write_without_end if ending.unanswered else _conclude_with
    return write(query, ending, writer, held) or (hold(query.pk) is not None and write(query, ending, writer, taken))


def _act(query: QueryRequest, fields: dict[str, Any], moments: str, who: str) -> log.Act:
    assignments = ", ".join(f"{name} = %s" for name in fields)
    changed = f"UPDATE executions SET {assignments}, {moments} {log.SOURCE}"  # noqa: S608 -- names of ours
    statement = f"{changed} WHERE query_id = %s {who} RETURNING query_id"
    written = [json.dumps(value) if isinstance(value, list | dict) else value for value in fields.values()]
    return log.Act("stored", statement, [*written, query.target.retention_days, query.pk])


def _write_without_end(query: QueryRequest, ending: Ending, writer: ChunkWriter, act: log.Act) -> bool:
    del query, ending
    with connection.cursor() as cursor:
        cursor.execute(act.sql.replace(log.SOURCE, ""), act.values)
        if not cursor.rowcount:
            return False
    writer.finish()
    return True


def _conclude_with(query: QueryRequest, ending: Ending, writer: ChunkWriter, act: log.Act) -> bool:
    try:
        conclude(query, ending, [act, *writer.last()])
    except log.NothingWritten:
        return False
    return True


def conclude(
    query: QueryRequest, ending: Ending, acts: Sequence[log.Act] = (), *, guards: Sequence[log.Act] = ()
) -> None:
    """Take the step to EXECUTED or FAILED, after `acts`. Raises log.NothingWritten where one of them wrote nothing."""
    data: dict[str, object] = {"duration_ms": round(ending.duration_ms, 1)}
    if ending.error is not None:
        if query.writes and not isinstance(ending.error, OutcomeUnknown):
            UndoPiece.objects.filter(execution=query.pk).delete()
        # The server's words may quote data; the log keeps only what kind of failure it was.
        data["sqlstate"] = ending.error.detail.get("sqlstate", "")
        failed = step(query, Verb.FAIL, actor=SYSTEM, guards=guards)
        failed.record(code=Code(ending.error.code.value), data=data, acts=acts)
        return
    outcome = ending.outcome
    data["rows"] = outcome.row_count if outcome else 0
    data["rows_affected"] = getattr(outcome, "rows_affected", None)
    effect = getattr(outcome, "effect", None)
    if effect is not None:
        data["changed"] = {table.table: table.total for table in effect.tables}
    data["truncated"] = outcome.truncated if outcome else ""
    if ending.result_digest:
        data["result"] = ending.result_digest
    step(query, Verb.COMPLETE, actor=SYSTEM, guards=guards).record(data=data, acts=acts)


def outcome_fields(outcome: Outcome | None) -> dict[str, object]:
    if outcome is None:
        return {}
    fields: dict[str, object] = {
        "row_count": outcome.row_count,
        "truncated": outcome.truncated,
        "session_settings": dict(outcome.settings),
    }
    if isinstance(outcome, ReadOutcome):
        return fields
    fields["rows_affected"] = outcome.rows_affected
    fields["affected_known"] = outcome.affected_known
    if outcome.effect is not None:
        fields["effect"] = effects.counts(outcome.effect)
    if isinstance(outcome, WriteOutcome):
        fields["statements"] = [asdict(statement) for statement in outcome.statements]
    return fields


def said_fields(
    query_id: int, error: ExecutionError | None, columns: Sequence[Mapping[str, str]] = ()
) -> dict[str, object]:
    """What a run said, sealed; in the clear only what kind of failure it was."""
    if error is None:
        return Said(columns=columns).sealed(query_id)
    detail = {key: stored(value) for key, value in error.detail.items()}
    said = Said(message=stored(error.public_message), detail=detail, columns=columns)
    sqlstate = detail.get("sqlstate", "")[:SQLSTATE_LENGTH]
    return {"failure_code": error.code.value, "sqlstate": sqlstate, **said.sealed(query_id)}


def _store_calls(query_id: int, ending: Ending) -> None:
    if ending.calls:
        ScriptCall.copy_in(ScriptCall.of(query_id, call) for call in ending.calls)
    if ending.log_lines:
        store_lines(query_id, ending.log_lines)


def store_lines(query_id: int, lines: Sequence[tuple[str, str]], kept: int = 0) -> None:
    """Keep lines of a run, after so many that are kept already."""
    numbered = enumerate(lines, start=kept + 1)
    LogLine.copy_in(LogLine.of(query_id, number, level, text) for number, (level, text) in numbered)
