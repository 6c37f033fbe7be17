"""Claim, run, settle: an approved request runs once, and what is said of it afterwards is true.

1. claim: APPROVED → EXECUTING in a short transaction of its own; only one process can.
2. run: no transaction and no row lock held on the portal's own database.
3. settle: EXECUTED or FAILED, with the result and the audit entry, in one transaction.

While it runs, the process holds a session-level advisory lock on the portal's database, which dies with the process.
Whoever finds EXECUTING without the lock settles it (`settle_lost`), and never runs it again.
"""

import datetime as dt
import logging
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.errors import NotNow, Unavailable
from accounts.models import SYSTEM
from executors import processes
from executors.base import (
    Access,
    Call,
    CommitStatus,
    ExecutionError,
    Interrupted,
    Outcome,
    OutcomeUnknown,
    ReadOutcome,
    ScriptOutcome,
    Unreachable,
    WriteOutcome,
)
from queries.lifecycle import Status, Verb
from queries.models import Code, Decision, Execution, LogLine, QueryRequest, ScriptCall
from queries.results.writer import ChunkWriter
from queries.transitions import locked, transition

logger = logging.getLogger(__name__)

# First half of the advisory locks' key: "a run of a query".
LOCK_SPACE = 0x51505254
CALLS_KEPT = 10_000
LOG_BYTES_KEPT = 256 * 1024
TEXT_KEPT = 8 * 1024
SETTLE_PAUSES = (0.2, 1.0, 3.0)
# An approval is followed by its claim within milliseconds; after this long its process is gone.
CLAIM_GRACE_SECONDS = 60
ASK_PAUSES = (0.0, 0.5, 1.5)


@dataclass(slots=True)
class Ending:
    """How a run ended, ready to be settled."""

    outcome: Outcome | None = None
    error: ExecutionError | None = None
    duration_ms: float = 0.0
    result_lost: str = ""
    calls: list[Call] = field(default_factory=list)
    log_lines: list[tuple[str, str]] = field(default_factory=list)


class Fenced(Exception):
    """This process no longer holds the run: it must not commit."""


class Monitor:
    """The portal's side of a running execution (`executors.base.Control`)."""

    def __init__(self, query_id: int) -> None:
        self._query_id = query_id
        self._log_bytes = 0
        self._backend = ""
        self._backend_stored = False
        self.committed_from_here = False
        self.calls: list[Call] = []
        self.log_lines: list[tuple[str, str]] = []

    def started(self, backend: str) -> None:
        """Remember who runs it on the target; stored once it lasts long enough to be asked about."""
        self._backend = backend

    def committing(self, transaction: str) -> None:
        """Store, durably, which transaction is about to commit. Raises Fenced when the run is no longer ours."""
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE executions SET transaction = %s, backend = %s, committing_at = clock_timestamp() "
                "WHERE query_id = %s AND holder = pg_backend_pid() AND finished_at IS NULL",
                [transaction, self._backend, self._query_id],
            )
            if cursor.rowcount != 1:
                raise Fenced
        self.committed_from_here = True

    def cancelled(self) -> bool:
        """Whether the author or a manager asked to stop."""
        try:
            self._store_backend()
            return Execution.objects.filter(pk=self._query_id, cancel_requested_at__isnull=False).exists()
        except DatabaseError:
            # Without its own database the portal cannot be asked to stop; a write will not be allowed to commit.
            logger.warning("cannot ask whether to stop: the portal's database does not answer")
            return False

    def called(self, call: Call) -> None:
        """Keep what a script did."""
        if len(self.calls) < CALLS_KEPT:
            text = (_stored(call.statement), _stored(call.parameters), _stored(call.failure))
            self.calls.append(replace(call, statement=text[0], parameters=text[1], failure=text[2]))

    def logged(self, level: str, text: str) -> None:
        """Keep what a script said, within bounds."""
        line = _stored(text)
        self._log_bytes += len(line.encode())
        if self._log_bytes <= LOG_BYTES_KEPT:
            self.log_lines.append((level[:10], line))

    def _store_backend(self) -> None:
        if self._backend and not self._backend_stored:
            Execution.objects.filter(pk=self._query_id).update(backend=self._backend)
            self._backend_stored = True


def run(query_id: int) -> None:
    """Run an approved request to its end. Raises NotNow when another process has it."""
    query = _claim(query_id)
    try:
        writer = ChunkWriter(query_id)
        ending = _execute(query, writer)
        _settle_surely(query_id, ending, writer)
    finally:
        _release()


# --- claim -----------------------------------------------------------------------------------------


def _claim(query_id: int) -> QueryRequest:
    with transaction.atomic():
        query = locked(query_id)
        if query.current_digest() != query.digest:
            raise NotNow("The request is not what was approved: its digest differs.", code="digest_differs")
        if query.state is Status.APPROVED and not _take(query_id):
            raise NotNow(f"{query.number} is being settled by another process.", state=query.status)
        if query.state is Status.APPROVED:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                holder = cursor.fetchone()[0]
            Execution.objects.create(query=query, holder=holder)
        transition(query, Verb.CLAIM, actor=SYSTEM)
    return query


def _take(query_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_SPACE, query_id % 2**31])
        return bool(cursor.fetchone()[0])


def _release() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
    except DatabaseError:
        # The lock went with the connection.
        connection.close()


# --- run -------------------------------------------------------------------------------------------


def _execute(query: QueryRequest, writer: ChunkWriter) -> Ending:
    monitor = Monitor(query.pk)
    started = time.monotonic()
    ending = Ending(calls=monitor.calls, log_lines=monitor.log_lines)
    try:
        ending.outcome = processes.run(query.job(), writer, monitor)
    except KeyError as error:
        ending.error = Unreachable(f"The variable {error.args[0]} is not set; nothing was sent. Tell an admin.")
    except ExecutionError as error:
        ending.error = error
    except Fenced:
        ending.error = Interrupted("The portal lost hold of this run before it could commit; nothing was changed.")
    except Exception:
        logger.exception("the run of %s failed inside the portal", query.number)
        ending.error = _fault(monitor)
    ending.duration_ms = (time.monotonic() - started) * 1000
    ending.result_lost = writer.lost
    if isinstance(ending.error, OutcomeUnknown):
        _ask_target(query, ending)
    return ending


def _fault(monitor: Monitor) -> ExecutionError:
    if monitor.committed_from_here:
        return OutcomeUnknown("The portal failed while the target was committing.")
    return Interrupted("The portal failed before anything was committed; nothing was changed.")


def _ask_target(query: QueryRequest, ending: Ending) -> None:
    """Replace an unknown outcome by what the target itself says of the transaction."""
    execution = Execution.objects.get(pk=query.pk)
    status = _commit_status(query, execution)
    if status is CommitStatus.COMMITTED:
        ending.outcome, ending.error = WriteOutcome(rows_affected=None), None
        ending.result_lost = LOST_ANSWER
    elif status is CommitStatus.ABORTED:
        ending.error = Interrupted("The connection was lost; the target says that nothing was committed.")
    elif not execution.committing_at:
        ending.error = Interrupted("The connection was lost before anything could be committed.")
    else:
        ending.error = _unknown(execution)


LOST_ANSWER = (
    "The target committed, but its answer was lost: what it returned, and how many rows changed, is not known."
)


def _unknown(execution: Execution) -> OutcomeUnknown:
    what = f"transaction {execution.transaction}" if execution.transaction else "the statement"
    return OutcomeUnknown(
        f"The portal cannot know whether {what} was committed. Look at the rows it would have changed on the target "
        "before asking again; the portal will not run it a second time."
    )


def _commit_status(query: QueryRequest, execution: Execution) -> CommitStatus:
    if not execution.transaction:
        return CommitStatus.UNKNOWN
    for pause in ASK_PAUSES:
        time.sleep(pause)
        try:
            target = query.target.with_credential(Access(query.access))
            status = processes.commit_status(target, execution.transaction)
        except (ExecutionError, KeyError):
            continue
        if status is not CommitStatus.IN_PROGRESS:
            return status
    return CommitStatus.UNKNOWN


# --- settle ----------------------------------------------------------------------------------------


def _settle_surely(query_id: int, ending: Ending, writer: ChunkWriter) -> None:
    """Settle, again after a lost connection, and without the rows when it is they that cannot be stored."""
    for pause in (*SETTLE_PAUSES, None):
        try:
            _settle(query_id, ending, writer)
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
            logger.exception("the result of query %s cannot be stored", query_id)
            ending.result_lost = f"The result could not be stored ({type(error).__name__})."
            _settle(query_id, ending, writer)
            return
        else:
            return


def _settle(query_id: int, ending: Ending, writer: ChunkWriter) -> None:
    with transaction.atomic():
        query = locked(query_id)
        if query.state is not Status.EXECUTING or not _take(query_id):
            logger.warning("%s was settled by another process", query.number)
            return
        if ending.outcome is None or ending.result_lost:
            writer.discard()
        writer.finish()
        fields = {
            **_outcome_fields(ending.outcome),
            **_error_fields(ending.error),
            "columns": [asdict(column) for column in writer.column_list],
            "encoding": writer.encoding.value if writer.encoding else "",
            "result_bytes": writer.byte_count,
            "result_lost": ending.result_lost,
            "duration_ms": ending.duration_ms,
            "finished_at": Now(),
            "result_expires_at": Now() + dt.timedelta(days=query.target.retention_days),
        }
        Execution.objects.filter(pk=query_id).update(**fields)
        _store_calls(query_id, ending)
        _conclude(query, ending)


def _conclude(query: QueryRequest, ending: Ending) -> None:
    data: dict[str, object] = {"duration_ms": round(ending.duration_ms, 1)}
    if ending.error is not None:
        # The server's words may quote data; the log keeps only what kind of failure it was.
        data["sqlstate"] = ending.error.detail.get("sqlstate", "")
        transition(query, Verb.FAIL, actor=SYSTEM, code=Code(ending.error.code.value), data=data)
        return
    outcome = ending.outcome
    data["rows"] = outcome.row_count if outcome else 0
    data["rows_affected"] = getattr(outcome, "rows_affected", None)
    data["truncated"] = outcome.truncated if outcome else ""
    transition(query, Verb.COMPLETE, actor=SYSTEM, data=data)


def _outcome_fields(outcome: Outcome | None) -> dict[str, object]:
    if outcome is None:
        return {}
    fields: dict[str, object] = {"row_count": outcome.row_count, "truncated": outcome.truncated}
    if isinstance(outcome, ReadOutcome):
        return fields
    fields["rows_affected"] = outcome.rows_affected
    if isinstance(outcome, WriteOutcome | ScriptOutcome):
        statements: Iterable[object] = getattr(outcome, "statements", ())
        fields["statements"] = [asdict(statement) for statement in statements]  # type: ignore[call-overload]
    return fields


def _error_fields(error: ExecutionError | None) -> dict[str, object]:
    if error is None:
        return {}
    return {
        "failure_code": error.code.value,
        "failure_message": _stored(error.public_message),
        "failure_detail": {key: _stored(value) for key, value in error.detail.items()},
    }


def _store_calls(query_id: int, ending: Ending) -> None:
    if ending.calls:
        ScriptCall.objects.bulk_create([ScriptCall(execution_id=query_id, **asdict(call)) for call in ending.calls])
    if ending.log_lines:
        LogLine.objects.bulk_create(
            [
                LogLine(execution_id=query_id, number=number, level=level, text=text)
                for number, (level, text) in enumerate(ending.log_lines, start=1)
            ]
        )


def _stored(text: str) -> str:
    """Text PostgreSQL can hold, and no more of it than is read."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")[:TEXT_KEPT]


# --- what a dead process left behind ---------------------------------------------------------------


def settle_all_lost() -> list[QueryRequest]:
    """Settle every run whose process is gone; those that were."""
    left = QueryRequest.objects.filter(status__in=(Status.APPROVED, Status.EXECUTING))
    return [query for query in left.select_related("target").order_by("pk") if settle_lost(query)]


def settle_lost(query: QueryRequest) -> bool:
    """Settle one run if its process is gone, without ever running it again; whether it was settled here."""
    if query.state not in {Status.APPROVED, Status.EXECUTING} or not _take(query.pk):
        return False
    try:
        ending = _lost_ending(query)
        if ending is None:
            return False
        with transaction.atomic():
            return _settle_dead(query.pk, ending)
    finally:
        _release()


def _settle_dead(query_id: int, ending: Ending) -> bool:
    query = locked(query_id)
    if query.state not in {Status.APPROVED, Status.EXECUTING}:
        return False
    Execution.objects.filter(pk=query_id).update(
        **_outcome_fields(ending.outcome),
        **_error_fields(ending.error),
        result_lost=ending.result_lost,
        finished_at=Now(),
    )
    ChunkWriter(query_id).forget()
    _conclude(query, ending)
    return True


def _lost_ending(query: QueryRequest) -> Ending | None:
    execution = Execution.objects.filter(pk=query.pk, finished_at=None).first()
    if execution is None:
        return _never_claimed(query)
    if query.access == Access.READ:
        return Ending(
            error=Interrupted("The portal stopped while this ran. It could only read; ask again if you need it.")
        )
    if execution.committing_at is None:
        return Ending(error=Interrupted("The portal stopped before this was committed; nothing was changed."))
    if not execution.transaction:
        return Ending(error=_unknown(execution))
    status = _commit_status(query, execution)
    if status is CommitStatus.COMMITTED:
        return Ending(outcome=WriteOutcome(rows_affected=None), result_lost=LOST_ANSWER)
    if status is CommitStatus.ABORTED:
        return Ending(
            error=Interrupted("The portal stopped while this ran; the target says that nothing was committed.")
        )
    return Ending(error=_unknown(execution))


def _never_claimed(query: QueryRequest) -> Ending | None:
    if query.state is not Status.APPROVED:
        return None
    last = Decision.objects.filter(query=query).order_by("-pk").first()
    if last is not None and (timezone.now() - last.at).total_seconds() < CLAIM_GRACE_SECONDS:
        return None
    return Ending(error=Interrupted("The portal stopped before this started; nothing ran."))
