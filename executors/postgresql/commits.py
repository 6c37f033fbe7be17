"""Asks a server who it is before a COMMIT, and what became of it afterwards; `proof` tells what answers are worth."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from executors.base import CommitStatus, ExecutionError, OutcomeUnknown, Refused, StatementFailed
from executors.postgresql.proof import Answer, Checkpoint, Witness, judge
from executors.postgresql.wire import Wire

_XID8_SINCE: Final = 130000

# Each may be kept from a login, or unknown to a version or a service. JSON, so that no setting of the session's decides
# how a time is written.
_IDENTITY: Final = {
    "started": "pg_catalog.pg_postmaster_start_time()",
    "replayed": "pg_catalog.pg_last_wal_replay_lsn()",
    "crashed": "pg_catalog.pg_stat_get_bgwriter_stat_reset_time()",
    "system": "(SELECT c.system_identifier FROM pg_catalog.pg_control_system() c)",
    "timeline": "pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8)",
}
_WITNESSED: Final = _IDENTITY | {
    "lsn": "pg_catalog.pg_current_wal_insert_lsn()",
    "at": "pg_catalog.clock_timestamp()",
}
_ANSWERED: Final = _IDENTITY | {
    "replayed_at": "pg_catalog.pg_last_xact_replay_timestamp()",
    "checkpoint": "(SELECT pg_catalog.json_build_object('at', c.checkpoint_time, 'lsn', c.checkpoint_lsn, "
    "'redo', c.redo_lsn, 'next_xid', c.next_xid) FROM pg_catalog.pg_control_checkpoint() c)",
}
# The function raises where times are not tracked.
_COMMITTED_AT: Final = (
    "CASE pg_catalog.current_setting('track_commit_timestamp') WHEN 'on' "
    "THEN pg_catalog.pg_xact_commit_timestamp('{xid}'::pg_catalog.xid8::pg_catalog.xid) END"
)


def witness(wire: Wire) -> str:
    """The name of the open transaction, for `status`: its id, a space, and who the server is.

    One round trip; more where the login may not ask for everything, and what is kept from it is left out.
    """
    function = "pg_current_xact_id" if _has_xid8(wire) else "txid_current"
    xid = f"SELECT pg_catalog.{function}()::pg_catalog.text"
    try:
        name, _, told, _ = _said(wire, f"{xid}; {_aside(_WITNESSED)}")
    except (StatementFailed, Refused):
        wire.simple(b"ROLLBACK TO SAVEPOINT portal")
        (name,), told = _said(wire, xid), json.dumps(_each(wire))
    known = {key: value for key, value in json.loads(told).items() if value is not None}
    return f"{name} {json.dumps(known, separators=(',', ':'), sort_keys=True)}"


def commit(wire: Wire) -> None:
    """Commit what the portal allowed. Raises `OutcomeUnknown` where no answer came."""
    sent = time.monotonic()
    try:
        result = wire.simple(b"COMMIT")
    except StatementFailed:
        raise
    except ExecutionError as error:
        state = error.detail.get("sqlstate", "")
        if state and not state.startswith(("57P", "08")):
            raise
        waited = time.monotonic() - sent
        message = f"COMMIT was sent, and no answer came ({waited:.1f} s). The changes may or may not be there."
        raise OutcomeUnknown(message) from None
    if result.command_status != b"COMMIT":
        message = "The server rolled the transaction back instead of committing it."
        raise StatementFailed(message)


def status(wire: Wire, transaction: str) -> CommitStatus:
    """What became of a transaction that `witness` named, as far as the server on this wire can prove it."""
    asked = read_witness(transaction)
    if asked is None:
        return CommitStatus.UNKNOWN
    if _told(wire, {"standby": "pg_catalog.pg_is_in_recovery()"}).get("standby"):
        return CommitStatus.UNANSWERED
    xid8 = _has_xid8(wire)
    told = _told(wire, _ANSWERED)
    if xid8:
        told |= _told(wire, {"committed_at": _COMMITTED_AT.format(xid=asked.xid)})
    function = f"pg_xact_status('{asked.xid}'::pg_catalog.xid8)" if xid8 else f"txid_status('{asked.xid}')"
    said = _told(wire, {"said": f"pg_catalog.{function}"}).get("said")
    return judge(asked, _answer(told), str(said or ""))


def read_witness(transaction: str) -> Witness | None:
    """What `witness` wrote; None for the name of anything else. One that says nothing of its server proves nothing."""
    xid, _, rest = transaction.partition(" ")
    if not (xid.isascii() and xid.isdecimal()):
        return None
    try:
        told = json.loads(rest or "{}")
        return Witness(**_identity(told), xid=int(xid), lsn=_position(told.get("lsn")), at=_moment(told.get("at")))
    except (ValueError, TypeError, AttributeError):
        return None


# --- asking ----------------------------------------------------------------------------------------


def _has_xid8(wire: Wire) -> bool:
    return wire.pgconn.server_version >= _XID8_SINCE


def _aside(items: Mapping[str, str]) -> str:
    """A question whose failure leaves the transaction as it is."""
    return f"SAVEPOINT portal; {_question(items)}; RELEASE SAVEPOINT portal"


def _question(items: Mapping[str, str]) -> str:
    pairs = ", ".join(f"'{key}', {expression}" for key, expression in items.items())
    return f"SELECT pg_catalog.json_build_object({pairs})"


def _each(wire: Wire) -> dict[str, Any]:
    """What the server tells inside a transaction, asked for one by one."""
    told: dict[str, Any] = {}
    for key, expression in _WITNESSED.items():
        try:
            _, answer, _ = _said(wire, _aside({key: expression}))
        except (StatementFailed, Refused):
            wire.simple(b"ROLLBACK TO SAVEPOINT portal")
        else:
            told |= json.loads(answer)
    return told


def _told(wire: Wire, items: Mapping[str, str]) -> dict[str, Any]:
    """What the server tells outside of any transaction: everything at once, or one by one."""
    try:
        (answer,) = _said(wire, _question(items))
    except (StatementFailed, Refused):
        if len(items) == 1:
            return {}
        return {name: value for item in items.items() for name, value in _told(wire, dict([item])).items()}
    told: dict[str, Any] = json.loads(answer)
    return told


def _said(wire: Wire, statements: str) -> list[str]:
    """The first value each of several statements answers with, "" where it answers nothing. Raises the first error."""
    try:
        answers = list(wire.results(lambda: wire.pgconn.send_query(statements.encode())))
    except (StatementFailed, Refused):
        # The end of the answer is still on its way, and the next question would come too early.
        with suppress(ExecutionError):
            list(wire.answers())
        raise
    return [(answer.get_value(0, 0) or b"").decode() if answer.ntuples else "" for answer in answers]


# --- reading ---------------------------------------------------------------------------------------


def _answer(told: Mapping[str, Any]) -> Answer:
    return Answer(
        **_identity(told),
        replayed_at=_moment(told.get("replayed_at")),
        checkpoint=_checkpoint(told.get("checkpoint")),
        committed_at=_moment(told.get("committed_at")),
    )


def _identity(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "started": _moment(told.get("started")),
        "replayed": _position(told.get("replayed")),
        "crashed": _moment(told.get("crashed")),
        "system": told.get("system"),
        "timeline": told.get("timeline"),
    }


def _checkpoint(told: Mapping[str, str] | None) -> Checkpoint | None:
    if told is None:
        return None
    at, lsn, redo = _moment(told["at"]), _position(told["lsn"]), _position(told["redo"])
    epoch, _, xid = told["next_xid"].partition(":")
    if at is None or lsn is None or redo is None:
        return None
    return Checkpoint(at, lsn, redo, (int(epoch) << 32) + int(xid))


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _position(text: str | None) -> int | None:
    """Bytes from the beginning of the log, of a position written `16/B374D848`."""
    if text is None:
        return None
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)
