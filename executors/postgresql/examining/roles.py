"""What the login itself is: its attributes, what it is a member of, what it owns."""

from __future__ import annotations

from executors.base import Access, FlawCode
from executors.postgresql.examining.looks import DATA, OWN, Look, look

_ME = "FROM pg_roles WHERE rolname = session_user AND "
_OTHERS = "FROM pg_roles AS r WHERE rolname <> session_user AND pg_has_role(session_user, r.oid, 'MEMBER') AND "
_STRONG = "(rolsuper OR rolcreaterole OR rolbypassrls OR rolreplication)"
_FILES = "rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')"
# What a login for reading may well be given.
_HARMLESS = "('pg_read_all_data', 'pg_read_all_settings', 'pg_read_all_stats', 'pg_stat_scan_tables', 'pg_monitor')"
_IS_MINE = "= (SELECT oid FROM pg_roles WHERE rolname = session_user)"

SUPERUSER = look(FlawCode.SUPERUSER, f"SELECT rolname {_ME} rolsuper")

LOOKS: tuple[Look, ...] = (
    look(FlawCode.CREATES_ROLES, f"SELECT rolname {_ME} rolcreaterole"),
    look(FlawCode.CREATES_DATABASES, f"SELECT rolname {_ME} rolcreatedb"),
    look(FlawCode.BYPASSES_ROW_SECURITY, f"SELECT rolname {_ME} rolbypassrls"),
    look(FlawCode.REPLICATION, f"SELECT rolname {_ME} rolreplication"),
    look(FlawCode.NO_CONNECTION_LIMIT, f"SELECT rolname {_ME} rolconnlimit = -1"),
    look(
        FlawCode.EXPIRES,
        f"SELECT rolname, to_char(rolvaliduntil, 'YYYY-MM-DD') AS day {_ME} rolvaliduntil < now() + interval '14 days'",
    ),
    look(FlawCode.STRONG_ROLE, f"SELECT quote_ident(rolname) {_OTHERS} {_STRONG}"),
    look(FlawCode.SERVER_FILES, f"SELECT rolname {_OTHERS} {_FILES}"),
    look(
        FlawCode.PREDEFINED_ROLE,
        f"SELECT rolname {_OTHERS} rolname LIKE 'pg\\_%' AND rolname <> 'pg_database_owner' "
        f"AND rolname NOT IN {_HARMLESS} AND NOT {_FILES}",
    ),
    # A login for maintenance is a member of the role that owns the tables.
    look(
        FlawCode.MEMBER,
        f"SELECT quote_ident(rolname) {_OTHERS} rolname NOT LIKE 'pg\\_%' AND NOT {_STRONG}",
        *DATA,
    ),
    look(
        FlawCode.OWNS_DATABASE,
        f"SELECT quote_ident(datname) FROM pg_database WHERE datname = current_database() AND datdba {_IS_MINE}",
        *DATA,
    ),
    look(
        FlawCode.OWNS_SCHEMA,
        f"SELECT quote_ident(nspname) FROM pg_namespace AS n WHERE {OWN} AND nspowner {_IS_MINE} ORDER BY 1",
        *DATA,
    ),
    look(
        FlawCode.OWNS_TABLES,
        "SELECT format('%I.%I', nspname, relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace "
        f"WHERE {OWN} AND relkind IN ('r', 'p', 'v', 'm', 'f') AND relowner {_IS_MINE} ORDER BY 1",
        *DATA,
    ),
    look(
        FlawCode.OWNS_FUNCTIONS,
        "SELECT format('%I.%I', nspname, proname) FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace "
        f"WHERE {OWN} AND proowner {_IS_MINE} ORDER BY 1",
        *DATA,
    ),
    look(
        FlawCode.NOT_OWNER,
        "SELECT session_user FROM (SELECT bool_or(pg_has_role(session_user, relowner, 'USAGE')) AS any FROM pg_class "
        "AS c JOIN pg_namespace AS n ON n.oid = relnamespace WHERE relkind IN ('r', 'p') "
        "AND nspname = ANY (current_setting('portal.path')::text[])) AS owned WHERE NOT owned.any",
        Access.MAINTENANCE,
    ),
)
