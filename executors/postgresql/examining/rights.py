"""What the login may do with what the database holds."""

from __future__ import annotations

from executors.base import Access, FlawCode
from executors.postgresql.examining.looks import DATA, IN_PATH, OWN, WRITING, Look, look

_READ, _WRITE = Access.READ, Access.WRITE
_TABLES = "FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace WHERE relkind IN ('r', 'p', 'v', 'm', 'f')"
_PATH = "FROM unnest(current_setting('portal.path')::text[]) AS path (name)"
_CHANGES = "'INSERT, UPDATE, DELETE, TRUNCATE'"
_MINE = "(SELECT oid FROM pg_roles WHERE rolname = session_user)"


def _changes(oid: str) -> str:
    columns = f"has_any_column_privilege(session_user, {oid}, 'INSERT, UPDATE')"
    return f"(has_table_privilege(session_user, {oid}, {_CHANGES}) OR {columns})"


def _no_default(right: str) -> str:
    """Schemas of the path whose tables to come will not be granted to the login."""
    return (
        f"SELECT quote_ident(nspname) FROM pg_namespace AS n WHERE {IN_PATH} "
        "AND NOT pg_has_role(session_user, nspowner, 'USAGE') AND NOT EXISTS ("
        "SELECT FROM pg_default_acl AS d, aclexplode(d.defaclacl) AS a WHERE defaclobjtype = 'r' "
        f"AND defaclnamespace IN (0, n.oid) AND privilege_type = '{right}' "
        "AND (grantee = 0 OR pg_has_role(session_user, grantee, 'USAGE')))"
    )


LOOKS: tuple[Look, ...] = (
    look(
        FlawCode.WRITES,
        f"SELECT format('%I.%I', nspname, relname) {_TABLES} AND {OWN} AND relowner <> {_MINE} "
        f"AND {_changes('c.oid')} ORDER BY 1",
        _READ,
    ),
    look(
        FlawCode.ADVANCES_SEQUENCES,
        "SELECT format('%I.%I', nspname, relname) FROM (SELECT * FROM pg_class WHERE relkind = 'S' OFFSET 0) AS c "
        f"JOIN pg_namespace AS n ON n.oid = relnamespace WHERE {OWN} AND relowner <> {_MINE} "
        "AND has_sequence_privilege(session_user, c.oid, 'USAGE, UPDATE') ORDER BY 1",
        _READ,
    ),
    look(
        FlawCode.PUBLIC_CREATE,
        f"SELECT quote_ident(nspname) FROM pg_namespace AS n WHERE ({IN_PATH} OR {OWN}) AND EXISTS "
        "(SELECT FROM aclexplode(nspacl) WHERE grantee = 0 AND privilege_type = 'CREATE') ORDER BY 1",
    ),
    look(
        FlawCode.CREATES_IN_SCHEMA,
        f"SELECT quote_ident(nspname) FROM pg_namespace AS n WHERE {OWN} AND nspowner <> {_MINE} "
        "AND has_schema_privilege(session_user, n.oid, 'CREATE') AND NOT EXISTS "
        "(SELECT FROM aclexplode(nspacl) WHERE grantee = 0 AND privilege_type = 'CREATE') ORDER BY 1",
        _READ,
    ),
    look(
        FlawCode.CREATES_SCHEMAS,
        "SELECT quote_ident(datname) FROM pg_database WHERE datname = current_database() "
        f"AND datdba <> {_MINE} AND has_database_privilege(session_user, oid, 'CREATE')",
        *DATA,
    ),
    look(
        FlawCode.TEMPORARY_TABLES,
        "SELECT quote_ident(datname) FROM pg_database WHERE datname = current_database() "
        f"AND datdba <> {_MINE} AND has_database_privilege(session_user, oid, 'TEMP')",
        _READ,
    ),
    look(
        FlawCode.DEFAULT_PRIVILEGES_WRITE,
        "SELECT DISTINCT format('%s by %I', coalesce('in ' || quote_ident(nspname), 'in every schema'), rolname), "
        "CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE grantee::regrole::text END AS grantee, "
        "quote_ident(rolname) AS creator, "
        "coalesce(' IN SCHEMA ' || quote_ident(nspname), '') AS schema FROM pg_default_acl AS d "
        "JOIN pg_roles AS r ON r.oid = defaclrole LEFT JOIN pg_namespace AS n ON n.oid = defaclnamespace, "
        "aclexplode(d.defaclacl) AS a WHERE defaclobjtype = 'r' AND defaclrole <> grantee "
        "AND privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE') "
        "AND (grantee = 0 OR pg_has_role(session_user, grantee, 'MEMBER')) ORDER BY 1",
        _READ,
    ),
    look(FlawCode.DEFAULT_PRIVILEGES_MISSING, _no_default("SELECT"), _READ),
    look(FlawCode.DEFAULT_PRIVILEGES_MISSING, _no_default("INSERT"), _WRITE),
    look(
        FlawCode.DBLINK,
        "SELECT DISTINCT format('%I.%I', nspname, proname) FROM pg_extension AS e JOIN pg_depend AS d "
        "ON refclassid = 'pg_extension'::regclass AND refobjid = e.oid AND classid = 'pg_proc'::regclass "
        "JOIN pg_proc AS p ON p.oid = objid JOIN pg_namespace AS n ON n.oid = pronamespace WHERE extname = 'dblink' "
        "AND proname IN ('dblink', 'dblink_exec', 'dblink_connect', 'dblink_open', 'dblink_send_query') "
        "AND has_schema_privilege(session_user, n.oid, 'USAGE') "
        "AND has_function_privilege(session_user, p.oid, 'EXECUTE') ORDER BY 1",
    ),
    look(
        FlawCode.FOREIGN_SERVERS,
        "SELECT format('SERVER %I', srvname) FROM pg_foreign_server AS s "
        "WHERE has_server_privilege(session_user, s.oid, 'USAGE') UNION ALL "
        "SELECT format('DATA WRAPPER %I', fdwname) FROM pg_foreign_data_wrapper AS w "
        "WHERE has_foreign_data_wrapper_privilege(session_user, w.oid, 'USAGE') UNION ALL "
        "SELECT format('TABLE %I.%I', nspname, relname) "
        "FROM pg_foreign_table AS f JOIN pg_class AS c ON c.oid = ftrelid "
        "JOIN pg_namespace AS n ON n.oid = relnamespace "
        f"WHERE has_table_privilege(session_user, c.oid, 'SELECT, ' || {_CHANGES}) ORDER BY 1",
        *DATA,
    ),
    look(
        FlawCode.SECURITY_DEFINER,
        "SELECT p.oid::regprocedure FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace "
        f"WHERE {OWN} AND prosecdef AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) "
        f"AND proowner <> {_MINE} AND has_schema_privilege(session_user, n.oid, 'USAGE') "
        "AND has_function_privilege(session_user, p.oid, 'EXECUTE') ORDER BY p.oid::regprocedure::text",
        _READ,
    ),
    look(
        FlawCode.SCHEMA_MISSING,
        f"SELECT quote_ident(name) {_PATH} WHERE NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = name)",
    ),
    look(
        FlawCode.SCHEMA_UNUSABLE,
        f"SELECT quote_ident(nspname) FROM pg_namespace AS n WHERE {IN_PATH} "
        "AND NOT has_schema_privilege(session_user, n.oid, 'USAGE') ORDER BY 1",
    ),
    look(
        FlawCode.NOTHING_READABLE,
        "SELECT current_setting('portal.path') FROM (SELECT bool_or(has_any_column_privilege(session_user, c.oid, "
        f"'SELECT')) AS any {_TABLES} AND {IN_PATH}) AS found WHERE NOT found.any",
        *DATA,
    ),
    look(
        FlawCode.NOTHING_WRITABLE,
        "SELECT current_setting('portal.path') FROM (SELECT bool_or("
        f"{_changes('c.oid')}) AS any {_TABLES} AND {IN_PATH}) AS found WHERE NOT found.any",
        _WRITE,
    ),
    look(
        FlawCode.UNREADABLE_WRITES,
        f"SELECT format('%I.%I', nspname, relname) {_TABLES} AND {IN_PATH} AND {_changes('c.oid')} "
        "AND NOT has_any_column_privilege(session_user, c.oid, 'SELECT') ORDER BY 1",
        _WRITE,
    ),
    look(
        FlawCode.SYSTEM_DATABASE,
        "SELECT current_database() WHERE current_database() IN ('postgres', 'template0', 'template1') "
        f"AND NOT EXISTS (SELECT {_TABLES} AND {IN_PATH})",
    ),
    look(FlawCode.STANDBY, "SELECT current_database() WHERE pg_is_in_recovery()", *WRITING),
)
