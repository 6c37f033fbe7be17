"""What became of a transaction whose end the portal did not see."""

from __future__ import annotations

from typing import Any, Final

import pymongo
from bson import Binary
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.synchronous.client_session import _TxnState  # type: ignore[attr-defined]

from executors.base import CommitStatus

_SECONDS: Final = 5.0
_MAJORITY: Final = {"w": "majority"}
_COMMITTED: Final = 256  # TransactionCommitted
_NO_SUCH_TRANSACTION: Final = 251
_TOO_OLD: Final = 225  # TransactionTooOld: a later one of the same session has begun


def abort_and_ask(client: MongoClient[dict[str, Any]], lsid: bytes, number: int) -> CommitStatus:
    """Ask the server to abort transaction `number` of session `lsid`; its answer says how the transaction ended.

    A committed transaction cannot be aborted (`TransactionCommitted`), so asking changes nothing that was kept. One
    still open is aborted by asking, which is also an end. Both ends count once a majority of the servers has them: what
    only one has, a failover may take back.
    """
    try:
        with pymongo.timeout(_SECONDS), client.start_session(causal_consistency=False) as session:
            _resume(session, lsid, number)
            try:
                client.admin.command({"abortTransaction": 1, "writeConcern": _MAJORITY}, session=session)
            except OperationFailure as problem:
                if problem.code != _COMMITTED:
                    raise
                # Committing what is committed changes nothing, and answers when a majority has it.
                client.admin.command({"commitTransaction": 1, "writeConcern": _MAJORITY}, session=session)
                return CommitStatus.COMMITTED
    except OperationFailure as problem:
        return _refused(problem)
    except PyMongoError:
        return CommitStatus.UNANSWERED
    return CommitStatus.ABORTED


def _refused(problem: OperationFailure) -> CommitStatus:
    """What a refusal to abort says. One that is about the server, not the transaction, says nothing yet."""
    if problem.code == _NO_SUCH_TRANSACTION and "has been aborted" in str(problem):
        return CommitStatus.ABORTED
    if problem.code in {_NO_SUCH_TRANSACTION, _TOO_OLD}:
        return CommitStatus.UNKNOWN
    return CommitStatus.UNANSWERED


def _resume(session: ClientSession, lsid: bytes, number: int) -> None:
    """Make a driver session speak for an earlier one; the driver has no public way, so a live test holds this."""
    _ = session.session_id  # makes the server session
    session.start_transaction()
    session._server_session.session_id = {"id": Binary(lsid, 4)}  # noqa: SLF001
    session._server_session._transaction_id = number  # noqa: SLF001
    session._server_session.mark_dirty()  # noqa: SLF001 - so that it never goes back to the pool
    session._transaction.state = _TxnState.IN_PROGRESS  # noqa: SLF001
