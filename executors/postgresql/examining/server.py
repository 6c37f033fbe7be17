"""How the server, the database and the connection are set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from executors.base import Flaw, FlawCode
from executors.base.flaws import flaw, is_local
from executors.postgresql.examining.looks import WRITING, Look, look
from executors.postgresql.options import ConnectionKey, wanted_settings
from executors.postgresql.wire import Wire

OLDEST = 130_000
_SETTINGS = b"SELECT name, setting FROM pg_catalog.pg_settings"
_SSL = b"SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()"
_CHECKED = "client_connection_check_interval"
# What the portal sets at the start of a session: over it, nothing of the login's own should stand.
_SET_BY_US = (
    "('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout', "
    "'search_path', 'client_min_messages', 'standard_conforming_strings', 'default_transaction_isolation', "
    "'default_transaction_deferrable')"
)
# What changes how a statement runs, and the portal leaves alone: the value that is as it should be.
_SAFE = (
    "('session_replication_role', 'origin'), ('row_security', 'on'), ('zero_damaged_pages', 'off'), "
    "('ignore_system_indexes', 'off'), ('ignore_checksum_failure', 'off')"
)
_OWN = (
    "FROM pg_db_role_setting AS s, unnest(setconfig) AS one, "
    "LATERAL (SELECT split_part(one, '=', 1) AS name, substr(one, strpos(one, '=') + 1) AS value) AS said "
    "WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) "
    "AND setrole = (SELECT oid FROM pg_roles WHERE rolname = session_user) "
)

LOOKS: tuple[Look, ...] = (
    look(FlawCode.ROLE_SWITCHED, "SELECT quote_ident(current_user) WHERE current_user <> session_user"),
    look(
        FlawCode.OWN_SETTING,
        "SELECT said.name || ' = ' || value, said.name AS setting, CASE setdatabase WHEN 0 THEN '' "
        f"ELSE ' IN DATABASE ' || quote_ident(current_database()) END AS scope {_OWN}"
        f"AND (said.name IN {_SET_BY_US} OR said.name = 'role' OR said.name = 'default_transaction_read_only' "
        "AND value::bool <> current_setting('default_transaction_read_only')::bool) ORDER BY 1",
    ),
    look(
        FlawCode.DANGEROUS_SETTING,
        "SELECT name || ' = ' || current_setting(name) "
        f"FROM (VALUES {_SAFE}) AS safe (name, value) WHERE current_setting(name, true) <> value ORDER BY 1",
    ),
    # Of the whole server it is its owner's choice.
    look(
        FlawCode.DANGEROUS_SETTING,
        "SELECT name || ' = ' || setting FROM pg_settings WHERE name = 'synchronous_commit' AND setting = 'off' "
        "AND source IN ('user', 'database', 'database user')",
        *WRITING,
    ),
    look(FlawCode.NO_TEMP_LIMIT, "SELECT session_user WHERE current_setting('temp_file_limit') = '-1'"),
    look(
        FlawCode.UNTRACKED_COMMITS,
        "SELECT current_database() WHERE current_setting('track_commit_timestamp') = 'off'",
        *WRITING,
    ),
    look(
        FlawCode.UNSUPPORTED_RELEASE,
        f"SELECT current_setting('server_version') WHERE current_setting('server_version_num')::int < {OLDEST}",
    ),
)


def settings(wire: Wire) -> dict[str, str]:
    """What holds in the session, before anything in it was set; times in milliseconds."""
    found = wire.simple(_SETTINGS)
    return {
        (found.get_value(row, 0) or b"").decode(): (found.get_value(row, 1) or b"").decode()
        for row in range(found.ntuples)
    }


def differing(held: Mapping[str, str], key: ConnectionKey) -> Iterator[Flaw]:
    """What holds otherwise than a run wants it: something between us and the server dropped or replaced it."""
    wanted = wanted_settings(key)
    if held.get(_CHECKED, "0") == "0":
        yield flaw(FlawCode.NO_CONNECTION_CHECK, [_CHECKED])
    names = [f"{name} = {held[name]}" for name in sorted(wanted) if name in held and held[name] != wanted[name]]
    names = [name for name in names if not name.startswith(_CHECKED)]
    if names:
        yield flaw(FlawCode.SETTING_DIFFERS, names)


def connection(wire: Wire) -> Iterator[Flaw]:
    """What others on the way may read or answer in its name."""
    host = wire.pgconn.host.decode()
    if is_local(host):
        return
    if wire.simple(_SSL).get_value(0, 0) != b"t":
        yield flaw(FlawCode.UNENCRYPTED, [host])
    elif {one.keyword: one.val for one in wire.pgconn.info}.get(b"sslmode") not in {b"verify-full", b"verify-ca"}:
        yield flaw(FlawCode.UNVERIFIED_SERVER, [host])
