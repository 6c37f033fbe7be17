"""One driver session of one execution, spoken to under its deadline."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import pymongo
from bson import decode
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from executors.base import Access, Cancelled, ExecutionError, OutcomeUnknown, StatementFailed, Target, TimedOut
from executors.mongodb import failures, structure
from executors.mongodb.clients import Connected, Document
from executors.mongodb.sent import Body, Stream

_RAW: Final[CodecOptions[RawBSONDocument]] = CodecOptions(document_class=RawBSONDocument)
_DECODED: Final[CodecOptions[Mapping[str, Any]]] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)
_MAJORITY: Final = WriteConcern("majority")
# What giving up may take after the deadline: aborting a transaction, stopping an operation.
_FAREWELL_SECONDS: Final = 2.0
_UNAUTHORIZED = 13
_STRUCTURE_SECONDS: Final = 2.0
# Commands that MongoDB refuses inside a transaction.
_OUTSIDE: Final = frozenset(
    {
        "count",
        "collStats",
        "dbStats",
        "listIndexes",
        "listCollections",
        "explain",
        "createIndexes",
        "dropIndexes",
        "ping",
    }
    | {"hello", "buildInfo"}
)
_LONE_SERVER: Final = (
    "This server has no transactions, so a part of it may have been done; look before you run it again."
)
# What the driver gives for a raw cursor; its own stubs promise decoded documents.
_Batches: TypeAlias = Any


class Wire:
    """Sends what a plan says. Everything but `cancel` belongs to one thread; `cancel` may come from any."""

    def __init__(self, connected: Connected, target: Target, query_id: str, seconds: float) -> None:
        self._connected = connected
        self._target = target
        self._query_id = query_id
        self._deadline = time.monotonic() + seconds
        self._session = connected.client.start_session(causal_consistency=False)
        self._database = connected.database.with_options(
            read_preference=ReadPreference.PRIMARY if target.access is Access.WRITE else None,
            write_concern=_MAJORITY,
        )
        self._cancelled = False
        self._committing = False

    @property
    def backend(self) -> str:
        """The id of the driver session, as `$currentOp` shows it under `lsid`."""
        return bytes(self._session.session_id["id"]).hex()

    @property
    def transaction(self) -> str:
        """The open transaction, as `lsid:number`, or "" when there is none."""
        if not self._session.in_transaction:
            return ""
        return f"{self.backend}:{self._session._transaction_id}"  # noqa: SLF001 - the driver has no public name for it

    @property
    def transactional(self) -> bool:
        """Whether writes of this session are one transaction."""
        return self._connected.transactions

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open now."""
        return bool(self._session.in_transaction)

    def structure(self, collections: Sequence[str]) -> str:
        """How collections are built, asked outside of any transaction. Raises `ExecutionError`."""
        try:
            return structure.digest(self._connected, collections, _STRUCTURE_SECONDS)
        except PyMongoError as problem:
            raise failures.translate(problem, self._target) from None

    # --- running ------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Open a transaction, if the deployment has them and none is open."""
        if self.transactional and not self._session.in_transaction:
            self._session.start_transaction(write_concern=_MAJORITY, read_preference=ReadPreference.PRIMARY)

    def stream(self, plan: Stream, *, seconds: float | None = None, most: int = 0) -> Generator[bytes, None, None]:
        """The batches of a cursor as concatenated documents, as they come. `most` documents at most, if not 0.

        Raises `ExecutionError`; closing the iterator closes the cursor on the server.
        """
        until = self._until(seconds)
        cursor: _Batches = None
        try:
            # The deadline is set anew for each batch: whoever takes the batches may do so from several threads.
            while True:
                with self._guarded(until, unsafe=plan.writes):
                    cursor = cursor or self._cursor(plan, most)
                    batch = next(cursor, None)
                if batch is None:
                    return
                yield bytes(batch)
        finally:
            with contextlib.suppress(PyMongoError), pymongo.timeout(_FAREWELL_SECONDS):
                if cursor:
                    cursor.close()

    def _cursor(self, plan: Stream, most: int) -> _Batches:
        collection = self._database[plan.collection]
        options = {**plan.body, "comment": self._comment(plan.comment)}
        if plan.kind == "aggregate":
            return collection.aggregate_raw_batches(options.pop("pipeline"), session=self._session, **options)
        if most:
            options["limit"] = min(plan.limit or most, most)
        return collection.find_raw_batches(session=self._session, **_find_arguments(options))

    def command(self, body: Body, *, writes: bool = False, comment: str = "", seconds: float | None = None) -> bytes:
        """The encoded reply to one command. Raises `ExecutionError`, also for errors listed inside a reply."""
        inside = self._session.in_transaction
        name = next(iter(body))
        sent = {**body, "comment": self._comment(comment)}
        if writes and not inside:
            sent["writeConcern"] = {"w": "majority"}
        session = None if name in _OUTSIDE else self._session
        with self._guarded(self._until(seconds), unsafe=writes and not inside):
            reply = self._database.command(sent, codec_options=_RAW, session=session)
            data = bytes(reply.raw)
        if writes:
            self._refuse_errors(decode(data, codec_options=_DECODED), inside=inside)
        return data

    def _refuse_errors(self, reply: Mapping[str, Any], *, inside: bool) -> None:
        changed = int(reply.get("n", 0))
        if reply.get("writeErrors"):
            error = failures.write_error(reply["writeErrors"], self._target)
            if changed and not inside:
                note = f"{error.public_message} This server has no transactions: {changed} documents stay changed."
                raise StatementFailed(note, detail=error.detail)
            raise error
        if reply.get("writeConcernError"):
            raise OutcomeUnknown("The write was done, but a majority of the servers has not confirmed it.")

    def _comment(self, own: str) -> str:
        return f"{self._query_id} {own}" if own else self._query_id

    def _check(self) -> None:
        if self._cancelled:
            raise Cancelled("The query was stopped.")

    def _until(self, seconds: float | None) -> float:
        """The session's deadline, or a nearer one, in monotonic seconds."""
        return self._deadline if seconds is None else min(self._deadline, time.monotonic() + seconds)

    @contextlib.contextmanager
    def _guarded(self, until: float, *, unsafe: bool = False) -> Iterator[None]:
        """Keep a deadline around server calls, and turn their errors into ours.

        `unsafe` marks writes that no transaction undoes: when such a one stops half-way, its outcome is unknown.
        """
        self._check()
        left = until - time.monotonic()
        if left <= 0:
            raise TimedOut("The time limit was reached.")
        try:
            with pymongo.timeout(left):
                yield
        except (PyMongoError, RecursionError, MemoryError, OverflowError, ValueError) as problem:
            error = failures.translate(problem, self._target, cancelled=self._cancelled)
            raise _unknown(error) if unsafe else error from None

    # --- ending ---------------------------------------------------------------------------------------

    def commit(self) -> None:
        """Commit what is open. Raises `OutcomeUnknown` when the answer was lost, else `ExecutionError`: not done."""
        if not self._session.in_transaction:
            return
        left = self._deadline - time.monotonic()
        self._check()
        if left <= 0:
            raise TimedOut("The time limit was reached before the transaction could be committed.")
        self._committing = True
        try:
            with pymongo.timeout(left):
                self._session.commit_transaction()
        except PyMongoError as problem:
            raise _commit_failure(problem, self._target) from None

    def close(self) -> None:
        """Abort what is open and give the session back."""
        with contextlib.suppress(PyMongoError), pymongo.timeout(_FAREWELL_SECONDS):
            if self._session.in_transaction and not self._committing:
                self._session.abort_transaction()
        self._session.end_session()

    def cancel(self) -> None:
        """Stop what the session is doing, from any thread. Nothing happens once COMMIT was sent."""
        if self._committing:
            return
        self._cancelled = True
        with contextlib.suppress(PyMongoError, ExecutionError):
            stop_operations(self._connected, self._query_id)


def _find_arguments(options: Mapping[str, Any]) -> Document:
    """Server option names as the driver's keyword arguments."""
    names = {"allowDiskUse": "allow_disk_use", "returnKey": "return_key", "showRecordId": "show_record_id"}
    arguments = {names.get(name, name): value for name, value in options.items()}
    for name in ("sort", "hint"):
        if isinstance(arguments.get(name), Mapping):
            arguments[name] = list(arguments[name].items()) or None
    if arguments.get("limit", 0) < 0:
        arguments["limit"] = -arguments["limit"]
    return arguments


def _unknown(error: ExecutionError) -> ExecutionError:
    """An error of a write that no transaction undoes. What the server refused outright was not done."""
    if isinstance(error, StatementFailed):
        return error
    return OutcomeUnknown(f"{error.public_message} {_LONE_SERVER}", detail=error.detail)


def _commit_failure(problem: PyMongoError, target: Target) -> ExecutionError:
    lost = problem.has_error_label("UnknownTransactionCommitResult") or not isinstance(problem, OperationFailure)
    if lost or problem.timeout:
        return OutcomeUnknown("The transaction was sent to be committed and the answer never came.")
    return failures.translate(problem, target)


def stop_operations(connected: Connected, query_id: str) -> int:
    """Stop the operations that carry the id of a query, and say how many there were.

    Works with the rights of the target's own credential: everybody sees and may stop their own operations. Of one that
    has ended meanwhile the server cannot tell whose it was, and says that nobody is authorized.
    """
    own = re.compile(rf"{re.escape(query_id)}(?: |$)")
    wanted = {"$or": [{"command.comment": own}, {"cursor.originatingCommand.comment": own}]}
    pipeline: list[Document] = [{"$currentOp": {"allUsers": False}}, {"$match": wanted}, {"$project": {"opid": 1}}]
    admin = connected.client.admin
    stopped = 0
    with pymongo.timeout(_FAREWELL_SECONDS):
        for operation in admin.aggregate(pipeline):
            try:
                admin.command({"killOp": 1, "op": operation["opid"]})
            except OperationFailure as error:
                if error.code != _UNAUTHORIZED:
                    raise
            else:
                stopped += 1
    return stopped
