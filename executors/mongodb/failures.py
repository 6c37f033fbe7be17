"""What went wrong, in one sentence that holds no host, user or password."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from bson import json_util
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    ConnectionFailure,
    DocumentTooLarge,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
)

from executors.base import (
    Cancelled,
    ExecutionError,
    Interrupted,
    Refused,
    StatementFailed,
    Target,
    TimedOut,
    TooLarge,
    Unreachable,
)

# Codes of https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
_TIME_LIMIT: Final = frozenset({50, 89, 202, 262})
_STOPPED: Final = frozenset({11601, 237})
_SHUT_DOWN: Final = frozenset({91, 11600, 189, 10107, 13435})
_CREDENTIALS: Final = frozenset({18})
_UNAUTHORISED: Final = frozenset({13})
_TOO_LARGE: Final = frozenset({10334, 17280, 16945, 146, 292})
_MAX_MESSAGE: Final = 8000
# Which index a document would be in twice, and with what.
_KEYS: Final = ("keyPattern", "keyValue")
_MOST_KEY: Final = 2000
_JSON: Final = json_util.CANONICAL_JSON_OPTIONS


def public(message: str, target: Target) -> str:
    """A server's message without the addresses and the secrets of the target, and bounded."""
    for secret in _secrets(target.url):
        message = message.replace(secret, "…")
    return message[:_MAX_MESSAGE]


def _secrets(url: str) -> list[str]:
    """The whole URL, its host:port pairs, hosts and password, longest first."""
    _, _, rest = url.partition("://")
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    credentials, _, hosts = authority.rpartition("@")
    _, _, password = credentials.partition(":")
    pairs = [pair for pair in hosts.split(",") if pair]
    names = [pair.rsplit(":", 1)[0] for pair in pairs]
    found = {url, authority, password, unquote(password), *pairs, *(name for name in names if "." in name)}
    return sorted((secret for secret in found if len(secret) > 2), key=len, reverse=True)  # noqa: PLR2004 - not "" or "."


def translate(  # noqa: PLR0911 - one line for each kind of trouble
    problem: BaseException, target: Target, *, cancelled: bool = False
) -> ExecutionError:
    """The error of the closed family that says what `problem` means."""
    if isinstance(problem, ExecutionError):
        return problem
    if cancelled:
        return Cancelled("The query was stopped.")
    if isinstance(problem, MemoryError):
        return TooLarge("The result did not fit the memory an execution may use.")
    if isinstance(problem, ServerSelectionTimeoutError | WaitQueueTimeoutError | InvalidURI | ConfigurationError):
        return _unreachable(problem, target)
    if isinstance(problem, OperationFailure):
        return _server_error(problem, target)
    if isinstance(problem, PyMongoError) and problem.timeout:
        return TimedOut("The time limit was reached.")
    if isinstance(problem, DocumentTooLarge):
        return TooLarge("The statement makes a document larger than MongoDB accepts (16 MB).")
    if isinstance(problem, AutoReconnect | ConnectionFailure):
        return Interrupted("The connection to MongoDB was lost before the query had ended.")
    return StatementFailed(f"The query could not be sent: {public(str(problem), target)}")


def _unreachable(problem: PyMongoError, target: Target) -> Unreachable:
    """Why no server could be had; the driver's own text names hosts, so only its class is told."""
    text, name = str(problem), target.key
    if isinstance(problem, InvalidURI | ConfigurationError):
        return Unreachable(f"The URL of the target {name} cannot be used. An administrator must correct it.")
    if isinstance(problem, WaitQueueTimeoutError):
        return Unreachable(f"All connections to the target {name} are in use. Try again in a moment.")
    for sign, reason, advice in _REASONS:
        if sign in text:
            return Unreachable(f"The target {name} cannot be reached: {reason}. {advice}")
    return Unreachable(f"The target {name} cannot be reached: no suitable server was found. Ask its administrator.")


_REASONS: Final = (
    ("SSL", "the TLS handshake failed", "The certificates or the TLS options of the target need attention."),
    ("certificate", "its certificate was not accepted", "The TLS options of the target need attention."),
    ("Name or service not known", "its host name is unknown", "Check the target's URL."),
    ("nodename nor servname", "its host name is unknown", "Check the target's URL."),
    ("refused", "the connection was refused", "Check that the server runs and that the target's port is right."),
    ("timed out", "it did not answer in time", "Check the network between the portal and the server."),
    ("No replica set members", "no member of the replica set answers", "Check the state of the replica set."),
)


def _server_error(problem: OperationFailure, target: Target) -> ExecutionError:
    code = problem.code or 0
    if code in _CREDENTIALS:
        return Unreachable(f"The target {target.key} does not accept its credential. An administrator must correct it.")
    if code in _TIME_LIMIT or problem.timeout:
        return TimedOut("The time limit was reached.")
    if code in _STOPPED:
        return Cancelled("The query was stopped on the server.")
    if code in _SHUT_DOWN:
        return Interrupted("The server was shutting down or changing its primary.")
    details = problem.details or {}
    message = str(details.get("errmsg") or problem)
    if code in _TOO_LARGE:
        return TooLarge(f"A document or stage was larger than MongoDB accepts: {public(message, target)}")
    return failed(code, message, target, details)


def failed(code: int, message: str, target: Target, told: Mapping[str, Any]) -> StatementFailed:
    """The server's own error: `NamespaceNotFound: ns does not exist`; `told` is all that it said of it."""
    name = str(told.get("codeName") or _CODE_NAMES.get(code, f"Error {code}"))
    keys = {key: json_util.dumps(told[key], json_options=_JSON) for key in _KEYS if told.get(key)}
    detail = {
        "code": str(code),
        "codeName": name,
        **{key: text for key, text in keys.items() if len(text) <= _MOST_KEY},
    }
    if code in _UNAUTHORISED:
        detail["hint"] = "The target's credential has no right to do this."
    return StatementFailed(f"{name}: {public(message, target)}", detail=detail)


# Names of the codes that come inside a reply, where the server gives none.
_CODE_NAMES: Final[Mapping[int, str]] = {11000: "DuplicateKey", 121: "DocumentValidationFailure", 112: "WriteConflict"}


def write_error(errors: list[Mapping[str, Any]], target: Target) -> StatementFailed:
    """The first of the errors a write command lists."""
    first = errors[0]
    return failed(int(first.get("code", 0)), str(first.get("errmsg", "")), target, first)


def refused_url() -> Refused:
    """A URL that names no database."""
    return Refused("The target's URL names no database. An administrator must add it: mongodb://…/database.")
