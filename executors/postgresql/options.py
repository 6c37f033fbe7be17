"""How a connection is asked for: limits as startup options, so that RESET and DISCARD return *to* them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from executors.base import Access, Limits, Target

CONNECT_SECONDS = 5

# Settings that older servers do not know, and the first version (as `server_version_num`) that does.
NEW_SETTINGS = {"transaction_timeout": 170000, "client_connection_check_interval": 140000}

# The server's own timeouts stand behind ours: they must not fire first and end the session instead of the statement.
_BACKSTOP_SECONDS = 2


@dataclass(frozen=True, slots=True)
class ConnectionKey:
    """What makes two connections interchangeable. Its repr shows no URL."""

    target: Target
    seconds: float
    lock_seconds: float


def connection_key(target: Target, limits: Limits) -> ConnectionKey:
    """The key a connection for `target` under `limits` is kept under."""
    return ConnectionKey(target, limits.seconds, limits.lock_seconds)


def conninfo(key: ConnectionKey, unknown: frozenset[str]) -> str:
    """The connection string for `key` without the settings in `unknown`. The URL's own options come first: ours win."""
    given = conninfo_to_dict(key.target.url)
    options = f"{given.get('options') or ''} {_options(key, unknown)}".strip()
    ours: dict[str, str | int] = {
        "options": options,
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "portal",
        "client_encoding": "UTF8",
        "keepalives": 1,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
    }
    return make_conninfo(key.target.url, **ours)


def application_name(name: str) -> str:
    """What a session calls itself on the server while it runs the query `name`."""
    return "portal:" + "".join(letter for letter in name if letter.isalnum() or letter in "-_")[:48]


def search_path(target: Target) -> str:
    """`pg_catalog` before the target's schemas, so that none can shadow a built-in; `pg_temp` last; names quoted.

    For a write `pg_catalog` is not named, which still searches it first but lets CREATE go to the first schema.
    """
    quoted = ['"' + schema.replace('"', '""') + '"' for schema in target.search_path or ("public",)]
    first = ["pg_catalog"] if target.access is Access.READ else []
    return ",".join([*first, *quoted, "pg_temp"])


def own_settings(parameter: Callable[[bytes], bytes | None]) -> dict[str, str]:
    """What the database itself has set that decides how text is read as a date, a time or an interval.

    `parameter` gives what the server reported of a session (libpq's `PQparameterStatus`).
    """
    _, _, order = (parameter(b"DateStyle") or b"").decode().partition(", ")
    found = {
        "time_zone": (parameter(b"TimeZone") or b"").decode(),
        "date_order": order,
        "interval_style": (parameter(b"IntervalStyle") or b"").decode(),
    }
    return {name: value for name, value in found.items() if value}


def _options(key: ConnectionKey, unknown: frozenset[str]) -> str:
    return " ".join(
        f"-c {name}={_escape(value)}" for name, value in wanted_settings(key).items() if name not in unknown
    )


def wanted_settings(key: ConnectionKey) -> dict[str, str]:
    """What a session is to begin with, as the server keeps it: times in milliseconds."""
    statement = max(1, round(key.seconds * 1000))
    # Not above the statement's own limit: else the author is told the wrong reason.
    lock = max(1, min(round(key.lock_seconds * 1000), statement - 1 or 1))
    backstop = str(statement + _BACKSTOP_SECONDS * 1000)
    return {
        "default_transaction_read_only": "on" if key.target.access is Access.READ else "off",
        "statement_timeout": str(statement),
        "lock_timeout": str(lock),
        "idle_in_transaction_session_timeout": backstop,
        "transaction_timeout": backstop,
        "client_connection_check_interval": "1000",
        "search_path": search_path(key.target),
        "client_min_messages": "error",
        "standard_conforming_strings": "on",
        "extra_float_digits": "1",
        "bytea_output": "hex",
    }


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
