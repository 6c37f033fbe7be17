"""What the portal's own login may do on its own database: everything but change what is to stay.

Migrations connect as the owner of the tables (`PORTAL_MIGRATION_DATABASE_URL`), everything else as a login that owns
nothing. Its rights follow from the guards: what a trigger refuses on a table is not granted on it either. So the login
inserts into and reads the audit log and its checkpoints; whether the guards are on is not its to decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection, transaction

# Rights by the bit that says in `pg_trigger.tgtype` of which statements a trigger is.
BY_TRIGGER = {"INSERT": 4, "DELETE": 8, "UPDATE": 16}
# Which migrations are applied is read by /readyz, and written by who migrates.
HISTORY = "django_migrations"
# What was archived is read by the portal, and written by who archives.
ARCHIVES = "audit_archives"
OWN = """
SELECT c.oid::regclass::text, c.relname, c.relkind = 'S',
    coalesce(bit_or(t.tgtype) FILTER (WHERE p.proname IN ('audit_refuse', 'decision_stays', 'comment_stays')), 0::int2)
FROM pg_class c
LEFT JOIN pg_trigger t ON t.tgrelid = c.oid
LEFT JOIN pg_proc p ON p.oid = t.tgfoid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'S')
    AND pg_has_role(c.relowner, 'USAGE') AND NOT c.relispartition
GROUP BY c.oid, c.relname, c.relkind ORDER BY c.relname
"""
# The months of the audit log are written and read through the log alone.
PARTITIONS = """
SELECT oid::regclass::text FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relispartition AND relkind = 'r'
    AND pg_has_role(relowner, 'USAGE')
"""
# What the login calls as the owner of the tables: the months of the log are made before they come.
FUNCTION = "audit_add_months()"


@contextmanager
def as_owner() -> Iterator[str | None]:
    """Connect as the owner of the tables, and say who the portal's own login is; None where that is the owner."""
    owner, own = settings.PORTAL_MIGRATION_DATABASE, connection.settings_dict
    if owner is None or own["USER"] == owner["USER"]:
        yield None
        return
    kept = {name: own[name] for name in ("HOST", "PORT", "USER", "PASSWORD", "OPTIONS")}
    connection.close()
    own.update({name: owner[name] for name in kept if name in owner})
    own["OPTIONS"] = kept["OPTIONS"] | owner.get("OPTIONS", {})
    try:
        yield str(kept["USER"])
    finally:
        connection.close()
        own.update(kept)


def grant(login: str) -> None:
    """Give the login what the portal needs on the tables that are there now, and take what it had besides.

    Asks as the owner of the tables, in one transaction: a portal that runs meanwhile misses nothing.
    """
    to = connection.ops.quote_name(login)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        (schema,) = cursor.fetchone()
        cursor.execute(f"REVOKE CREATE ON SCHEMA {schema} FROM {to}; GRANT USAGE ON SCHEMA {schema} TO {to}")
        cursor.execute(OWN)
        for written, name, is_sequence, refused in cursor.fetchall():
            kind = "SEQUENCE" if is_sequence else "TABLE"
            rights = ["USAGE", "SELECT"] if is_sequence else rights_on(name, refused)
            cursor.execute(f"REVOKE ALL ON {kind} {written} FROM {to}")
            cursor.execute(f"GRANT {', '.join(rights)} ON {kind} {written} TO {to}")
        cursor.execute(PARTITIONS)
        for (written,) in cursor.fetchall():
            cursor.execute(f"REVOKE ALL ON TABLE {written} FROM {to}")
        cursor.execute("SELECT to_regprocedure(%s) IS NOT NULL", [FUNCTION])
        if cursor.fetchone() == (True,):
            cursor.execute(f"GRANT EXECUTE ON FUNCTION {FUNCTION} TO {to}")


def rights_on(table: str, refused: int) -> list[str]:
    """What the portal's login may do on a table, of whose statements its triggers refuse some."""
    if table in {HISTORY, ARCHIVES}:
        return ["SELECT"]
    return ["SELECT", *(right for right, bit in BY_TRIGGER.items() if not refused & bit)]


# --- what is asked before a deployment -------------------------------------------------------------

GUARDS = {
    "audit_logs": ("audit_chain", "audit_rows_stay", "audit_table_stays"),
    "audit_head": ("audit_head_moves", "audit_head_stays", "audit_head_table_stays"),
    "audit_checkpoints": ("audit_checkpoints_stay", "audit_checkpoint_table_stays"),
    ARCHIVES: ("audit_archives_stay", "audit_archive_table_stays"),
}
# Those of each month of the log, which is a table of its own.
GUARDS_OF_A_MONTH = GUARDS["audit_logs"]
MONTHS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = to_regclass('audit_logs')
"""
# On also in a session that calls itself a replica.
ALWAYS = "A"
TRIGGERS = """
SELECT c.relname, t.tgname, t.tgenabled FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal ORDER BY 1, 2
"""
# Roles that whoever is a member of them becomes the server's own account by.
SERVER = ("pg_write_server_files", "pg_execute_server_program")
LOGIN = """
SELECT rolsuper, rolcreaterole AND current_setting('server_version_num')::int < 160000, ARRAY(
    SELECT rolname::text FROM pg_roles WHERE rolname = ANY (%s) AND pg_has_role(session_user, oid, 'MEMBER'))
FROM pg_roles WHERE rolname = session_user
"""
OWNERS = """
SELECT 'table ' || relname, relowner FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relname = ANY (%s)
UNION ALL
SELECT 'function ' || proname, proowner FROM pg_proc
WHERE pronamespace = current_schema()::regnamespace
    AND proname IN ('audit_chain', 'audit_refuse', 'audit_turn', 'audit_add_months')
UNION ALL
SELECT 'schema ' || nspname, nspowner FROM pg_namespace WHERE nspname = current_schema()
UNION ALL
SELECT 'database ' || datname, datdba FROM pg_database WHERE datname = current_database()
"""
OWNED = f"""
SELECT what FROM ({OWNERS}) AS owned (what, owner) WHERE pg_has_role(session_user, owner, 'MEMBER') ORDER BY 1
"""  # noqa: S608 -- our own words
EXCESS = """
SELECT right_name || ' on ' || relname FROM pg_class,
    unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) AS right_name
WHERE relnamespace = current_schema()::regnamespace AND relname = ANY (%s)
    AND NOT (right_name = 'INSERT' AND relname NOT IN ('audit_head', 'audit_archives') AND NOT relispartition)
    AND (has_table_privilege(session_user, oid, right_name)
        OR right_name IN ('INSERT', 'UPDATE') AND has_any_column_privilege(session_user, oid, right_name))
ORDER BY relname, right_name
"""


def guards_off() -> list[str]:
    """The triggers of the portal's database that are not there or not on, each as `table.trigger`."""
    with connection.cursor() as cursor:
        cursor.execute(TRIGGERS)
        found = {(table, name): state for table, name, state in cursor.fetchall()}
    on = {trigger for trigger, state in found.items() if state in {ALWAYS, "O"}}
    always = {trigger for trigger, state in found.items() if state == ALWAYS}
    wanted = GUARDS | dict.fromkeys(_months(), GUARDS_OF_A_MONTH)
    missing = {(table, name) for table, names in wanted.items() for name in names} - always
    return [".".join(trigger) for trigger in sorted({*found} - on | missing)]


def _months() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(MONTHS)
        return sorted(name for (name,) in cursor.fetchall())


def ways_to_the_log() -> list[str]:
    """By what the login of this connection could change the audit log or switch its guards off; empty: by nothing."""
    tables = [*GUARDS, *_months()]
    with connection.cursor() as cursor:
        cursor.execute(LOGIN, [[*SERVER]])
        superuser, makes_roles, roles = cursor.fetchone()
        if superuser:
            return ["it is a superuser"]
        ways = ["it may create roles, and become any of them"] if makes_roles else []
        ways += [f"it is a member of {role}" for role in roles]
        cursor.execute(OWNED, [tables])
        owned = [what for (what,) in cursor.fetchall()]
        if owned:
            return [*ways, f"it is or may become the owner of {', '.join(owned)}"]
        cursor.execute(EXCESS, [tables])
        return [*ways, *(f"it may {right}" for (right,) in cursor.fetchall())]
