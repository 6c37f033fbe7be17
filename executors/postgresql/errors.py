"""From what the server or the driver says to the closed family of `ExecutionError`, holding no secret."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import pq
from psycopg.pq.abc import PGresult

from executors.base import (
    Cancelled,
    ExecutionError,
    Finding,
    FindingCode,
    Interrupted,
    Refused,
    StatementFailed,
    Target,
    TimedOut,
    TooLarge,
    Unreachable,
)
from executors.text import position

_MESSAGE_CHARACTERS = 2000
_FIELD_CHARACTERS = 1000

_FIELDS = {
    "sqlstate": pq.DiagnosticField.SQLSTATE,
    "hint": pq.DiagnosticField.MESSAGE_HINT,
    "detail": pq.DiagnosticField.MESSAGE_DETAIL,
    "position": pq.DiagnosticField.STATEMENT_POSITION,
    "constraint": pq.DiagnosticField.CONSTRAINT_NAME,
    "schema": pq.DiagnosticField.SCHEMA_NAME,
    "table": pq.DiagnosticField.TABLE_NAME,
    # "column" is where in its line the author's text is wrong.
    "of_column": pq.DiagnosticField.COLUMN_NAME,
}

# SQLSTATE → (error, our sentence; "" keeps the server's).
_BY_STATE: dict[str, tuple[type[ExecutionError], str]] = {
    "55P03": (TimedOut, "The statement waited too long for a lock that another session holds."),
    "25P03": (TimedOut, "The transaction was idle for too long and the server ended it."),
    "25P04": (TimedOut, "The transaction reached its time limit and the server ended it."),
    "40P01": (StatementFailed, "The server found a deadlock with another session and rolled this request back."),
    "25006": (Refused, "The database refused a write in a read request."),
    "54000": (TooLarge, ""),
    "53200": (TooLarge, "The server ran out of memory for this statement."),
    "53400": (TooLarge, ""),
    "57P01": (Interrupted, "An administrator, or a shutdown, ended the session on the server."),
    "57P02": (Interrupted, "The server crashed while the statement ran."),
    "57P03": (Unreachable, "The server is starting up or shutting down."),
}

_REASONS = (
    # (words in the driver's message, sentence, what to do)
    (("password authentication failed", "no password supplied", "authentication failed", "no pg_hba.conf entry",
      "scram"), "the server did not accept the credential", "Ask an administrator to check the target's credential."),
    (("could not translate host name", "name or service not known", "failed to resolve host", "nodename nor servname",
      "temporary failure in name"), "its host name is unknown", "Ask an administrator to check the target's address."),
    (("too many clients", "too many connections", "remaining connection slots", "connection limit"),
     "it has no connection left", "Try again in a moment."),
    (("starting up", "shutting down"), "the server is starting up or shutting down", "Try again in a moment."),
    (("connection refused", "no such file or directory"), "nothing answers there (connection refused)",
     "Ask an administrator whether the server is running."),
    (("timeout", "timed out"), "it did not answer in time", "Ask an administrator to check the network."),
    (("does not exist",), "its database or role does not exist", "Ask an administrator to check the target's address."),
    (("ssl", "certificate"), "the encrypted connection could not be made", "Ask an administrator to check TLS."),
    (("permission denied", "not permitted to log in"), "the role may not connect",
     "Ask an administrator to check the target's credential."),
)  # fmt: skip


def unreachable(target: Target, error: BaseException) -> Unreachable:
    """One sentence with the target's key and the class of the reason; never host, user or URL."""
    said = str(error).lower()
    for words, reason, advice in _REASONS:
        if any(word in said for word in words):
            return Unreachable(f"The target {target.key} cannot be reached: {reason}. {advice}")
    return Unreachable(f"The target {target.key} cannot be reached. Ask an administrator to look at it.")


def lost() -> Interrupted:
    """The connection went away while nothing had been committed."""
    return Interrupted("The connection to the database was lost; nothing was changed.")


def too_large() -> TooLarge:
    """A value or message that did not fit the memory of an execution."""
    return TooLarge("One value or message is too large for the memory an execution may use; nothing was changed.")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a statement that is sent stands in the author's whole `text`, to place errors in it.

    It starts `offset` characters in, and was sent behind `prefix` characters of ours.
    """

    text: str = ""
    offset: int = 0
    prefix: int = 0


NOWHERE = Place()


def from_finding(finding: Finding) -> ExecutionError:
    """The error that a finding which refuses a statement becomes when it is run."""
    place = {"line": str(finding.line), "column": str(finding.column)} if finding.line else {}
    hint = {"hint": finding.hint} if finding.hint else {}
    error = StatementFailed if finding.code is FindingCode.SYNTAX_ERROR else Refused
    return error(finding.message, detail={**place, **hint})


def from_result(result: PGresult, place: Place = NOWHERE) -> ExecutionError:
    """The error of a failed result."""
    detail = {name: value for name, code in _FIELDS.items() if (value := _field(result, code, _FIELD_CHARACTERS))}
    detail.update(_locate(detail.pop("position", ""), place))
    state = detail.get("sqlstate", "")
    message = _field(result, pq.DiagnosticField.MESSAGE_PRIMARY, _MESSAGE_CHARACTERS)
    if not state:
        return too_large() if "memory" in str(result.get_error_message()) else lost()
    return _classify(state, message, detail)


def _classify(state: str, message: str, detail: dict[str, str]) -> ExecutionError:
    if state == "57014":
        if "statement timeout" in message:
            return TimedOut("The statement reached its time limit and was rolled back.", detail=detail)
        return Cancelled("The statement was cancelled on the server.", detail=detail)
    if state in _BY_STATE:
        kind, sentence = _BY_STATE[state]
        return kind(sentence or message, detail=detail)
    if state in {"08000", "08001", "08003", "08004", "08006"}:
        return Interrupted("The connection to the database was lost; nothing was changed.", detail=detail)
    return StatementFailed(message, detail=detail)


def _locate(said: str, place: Place) -> dict[str, str]:
    if not said.isdigit():
        return {}
    at = int(said) - 1 - place.prefix + place.offset
    if not place.text or not 0 <= at <= len(place.text):
        return {}
    line, column = position(place.text, at)
    return {"position": str(at + 1), "line": str(line), "column": str(column)}


def _field(result: PGresult, code: pq.DiagnosticField, limit: int) -> str:
    value = result.error_field(code)
    if value is None:
        return ""
    text = bytes(value[: limit * 4]).decode("utf-8", "replace")
    return text if len(text) <= limit and len(value) <= limit * 4 else text[:limit] + "…"
