"""What each flaw of a target's login or server means to its operator, and how it is mended.

The words may speak of `{login}`, `{database}`, `{names}` (what it was found of) and what its engine tells besides.
"""

from __future__ import annotations

from dataclasses import dataclass

from executors.base import Examined, Flaw, FlawCode


@dataclass(frozen=True, slots=True)
class Words:
    """`fault`: it breaks what the portal promises or a run needs; else it is advice."""

    fault: bool
    said: str
    mend: str


def _fault(said: str, mend: str) -> Words:
    return Words(fault=True, said=said, mend=mend)


def _advice(said: str, mend: str) -> Words:
    return Words(fault=False, said=said, mend=mend)


WORDS: dict[FlawCode, Words] = {
    FlawCode.ADVANCES_SEQUENCES: _advice(
        "The login for reading may advance the sequence {names}.", "REVOKE USAGE, UPDATE ON SEQUENCE … FROM {login};"
    ),
    FlawCode.BYPASSES_ROW_SECURITY: _fault(
        "The login {login} passes by row-level security (BYPASSRLS).", "ALTER ROLE {login} NOBYPASSRLS;"
    ),
    FlawCode.CLUSTER_RIGHTS: _fault(
        "The roles {roles} of {login} give rights over the whole deployment: {names}.",
        "Give it the role read or readWrite of {database} alone.",
    ),
    FlawCode.CREATES_DATABASES: _fault(
        "The login {login} may create databases (CREATEDB).", "ALTER ROLE {login} NOCREATEDB;"
    ),
    FlawCode.CREATES_IN_SCHEMA: _fault(
        "The login for reading may create objects in the schema {names}.",
        "REVOKE CREATE ON SCHEMA {names} FROM {login};",
    ),
    FlawCode.CREATES_ROLES: _fault(
        "The login {login} may create roles and change others (CREATEROLE).", "ALTER ROLE {login} NOCREATEROLE;"
    ),
    FlawCode.CREATES_SCHEMAS: _fault(
        "The login {login} may create schemas in the database {names}.",
        "REVOKE CREATE ON DATABASE {names} FROM {login}, PUBLIC;",
    ),
    FlawCode.DANGEROUS_SETTING: _fault(
        "{names}: it changes what statements do, or what of a commit survives.",
        "ALTER ROLE {login} RESET the setting, or mend it in postgresql.conf.",
    ),
    FlawCode.DBLINK: _fault(
        "The login {login} may leave the database, and the transaction, by {names}.",
        "REVOKE EXECUTE ON FUNCTION … FROM PUBLIC, {login}; or DROP EXTENSION dblink;",
    ),
    FlawCode.DEFAULT_PRIVILEGES_MISSING: _advice(
        "Tables to come in the schema {names} will not be granted to {login}.",
        "ALTER DEFAULT PRIVILEGES FOR ROLE … IN SCHEMA {names} GRANT … ON TABLES TO {login};",
    ),
    FlawCode.DEFAULT_PRIVILEGES_WRITE: _fault(
        "Default privileges of {grantee} will let the login for reading write tables that are created {names}.",
        "ALTER DEFAULT PRIVILEGES FOR ROLE {creator}{schema} REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON TABLES "
        "FROM {grantee};",
    ),
    FlawCode.EMPTY_DATABASE: _advice(
        "The database {names} holds no collection that {login} may see.",
        "Look whether the URL names the right database.",
    ),
    FlawCode.EXPIRES: _fault(
        "The password of {login} is valid until {day} only.", "ALTER ROLE {login} VALID UNTIL 'infinity';"
    ),
    FlawCode.FOREIGN_SERVERS: _fault(
        "The login {login} may reach other servers or files by {names}.",
        "REVOKE USAGE ON FOREIGN … FROM PUBLIC, {login}; REVOKE ALL ON the foreign tables FROM {login};",
    ),
    FlawCode.MEMBER: _fault(
        "The login {login} is a member of {names}, and can turn itself into it.", "REVOKE {names} FROM {login};"
    ),
    FlawCode.NOTHING_READABLE: _fault(
        "The login {login} may read nothing of {database}: {names}.",
        "Grant it USAGE of the schemas and SELECT on the tables.",
    ),
    FlawCode.NOTHING_WRITABLE: _fault(
        "The login for writing may change nothing of {database}: {names}.", "Grant {login} INSERT, UPDATE and DELETE."
    ),
    FlawCode.NOT_LOOKED_AT: _fault(
        "It is not known: {names}. {reason}", "Ask as an administrator of the server what the login was not told."
    ),
    FlawCode.NOT_OWNER: _fault(
        "The login for maintenance owns no table of the target's schemas, directly or by a role.",
        "GRANT the role that owns them TO {login} (with INHERIT).",
    ),
    FlawCode.NO_AUTHENTICATION: _fault(
        "The connection to {names} has no login at all.",
        "Create a user with a role of {database}, and name it in the URL.",
    ),
    FlawCode.NO_CONNECTION_CHECK: _advice(
        "The server does not look whether the portal is still there ({names} is 0 or not known): "
        "a run that was lost works on until its time is over.",
        "Run PostgreSQL 14 or newer on Linux, and let the pooler pass the setting on.",
    ),
    FlawCode.NO_CONNECTION_LIMIT: _advice(
        "Nothing limits how many connections {login} may have.", "ALTER ROLE {login} CONNECTION LIMIT {needed};"
    ),
    FlawCode.NO_TEMP_LIMIT: _advice(
        "Nothing limits the temporary files of {login}: one statement can fill the disk.",
        "ALTER ROLE {login} SET temp_file_limit = '1GB';",
    ),
    FlawCode.NO_TRANSACTIONS: _fault(
        "The server of {names} stands alone and has no transactions: a write that fails half-way stays half done.",
        "Make it a replica set, of one member at least.",
    ),
    FlawCode.OPEN_SERVER: _fault(
        "The server lets whoever reaches it list {names} without a login.",
        "Start mongod with --auth, or --keyFile in a replica set.",
    ),
    FlawCode.OTHER_DATABASES: _fault(
        "The roles {roles} of {login} reach other databases: {names}.", "Give it a role of {database} alone."
    ),
    FlawCode.OWNS_DATABASE: _fault(
        "The login {login} owns the database {names}.", "ALTER DATABASE {names} OWNER TO another role."
    ),
    FlawCode.OWNS_FUNCTIONS: _fault(
        "The login {login} owns the function {names}, and may replace it.", "ALTER FUNCTION … OWNER TO another role."
    ),
    FlawCode.OWNS_SCHEMA: _fault(
        "The login {login} owns the schema {names}.", "ALTER SCHEMA {names} OWNER TO another role."
    ),
    FlawCode.OWNS_TABLES: _fault(
        "The login {login} owns {names}: no right can be kept from an owner.",
        "ALTER TABLE {names} OWNER TO another role.",
    ),
    FlawCode.OWN_SETTING: _fault(
        "The login {login} has settings of its own beside the portal's: {names}.",
        "ALTER ROLE {login}{scope} RESET {setting};",
    ),
    FlawCode.PREDEFINED_ROLE: _fault(
        "The login {login} is a member of {names}, which reaches beyond its tables.", "REVOKE {names} FROM {login};"
    ),
    FlawCode.PUBLIC_CREATE: _fault(
        "Everybody may create objects in the schema {names}, and so put a function or table in another's way.",
        "REVOKE CREATE ON SCHEMA {names} FROM PUBLIC;",
    ),
    FlawCode.REPLICATION: _fault(
        "The login {login} may copy the whole server (REPLICATION).", "ALTER ROLE {login} NOREPLICATION;"
    ),
    FlawCode.ROLE_SWITCHED: _fault(
        "The login {login} is turned into {names} when it connects: a setting role, or its pooler.",
        "ALTER ROLE {login} RESET role;",
    ),
    FlawCode.SCHEMA_MISSING: _fault(
        "The search path names the schema {names}, which is not in {database}.",
        "Correct the search path of the target, or the URL.",
    ),
    FlawCode.SCHEMA_UNUSABLE: _fault(
        "The login {login} may not look into the schema {names} of the search path.",
        "GRANT USAGE ON SCHEMA {names} TO {login};",
    ),
    FlawCode.SECURITY_DEFINER: _fault(
        "The login for reading may call {names}, which runs with its owner's rights (SECURITY DEFINER).",
        "REVOKE EXECUTE ON FUNCTION {names} FROM PUBLIC, {login};",
    ),
    FlawCode.SERVER_FILES: _fault(
        "The login {login} may reach the files or programs of the server: {names}.", "REVOKE {names} FROM {login};"
    ),
    FlawCode.SETTING_DIFFERS: _fault(
        "Sessions begin with other settings than the portal asks for: {names}.",
        "Reach the server directly, or by PgBouncer in session mode without ignore_startup_parameters.",
    ),
    FlawCode.STANDBY: _fault(
        "The server takes no changes: it is a standby.",
        "Name the primary in the URL, or target_session_attrs=read-write.",
    ),
    FlawCode.STRONG_ROLE: _fault(
        "The login {login} can turn itself into {names}, a superuser or a role with rights over others.",
        "REVOKE {names} FROM {login};",
    ),
    FlawCode.SUPERUSER: _fault(
        "The login {login} is a superuser: nothing holds it. It is never used.",
        "Create a plain login as the README says, or ALTER ROLE {login} NOSUPERUSER;",
    ),
    FlawCode.SYSTEM_DATABASE: _fault(
        "The URL leads to {names}, a database of the server's own.",
        "Name the database of the target at the end of the URL.",
    ),
    FlawCode.TEMPORARY_TABLES: _advice(
        "The login for reading may create temporary tables in {names}.",
        "REVOKE TEMP ON DATABASE {names} FROM PUBLIC, {login};",
    ),
    FlawCode.UNACKNOWLEDGED: _fault(
        "The URL asks for writes that nobody confirms ({names}).", "Take w out of the URL."
    ),
    FlawCode.UNENCRYPTED: _fault(
        "The connection to {names} is not encrypted: the password and every row can be read on the way.",
        "PostgreSQL: sslmode=verify-full in the URL; MongoDB: tls=true.",
    ),
    FlawCode.UNREADABLE_WRITES: _advice(
        "The login for writing may change {names} and not read it: conditions, and the effect, need both.",
        "GRANT SELECT ON {names} TO {login};",
    ),
    FlawCode.UNSUPPORTED_RELEASE: _fault(
        "The server is of release {names}, which the portal is not tried with.",
        "PostgreSQL 13 or newer, MongoDB 4.4 or newer.",
    ),
    FlawCode.UNTRACKED_COMMITS: _advice(
        "The server does not keep the time of commits: after it crashed, some outcomes stay unknown.",
        "ALTER SYSTEM SET track_commit_timestamp = on; and restart it.",
    ),
    FlawCode.UNVERIFIED_SERVER: _advice(
        "The certificate of {names} is not held against its name: another server could answer.",
        "PostgreSQL: sslmode=verify-full; MongoDB: no tlsAllowInvalid… and no tlsInsecure.",
    ),
    FlawCode.WIDER_ROLE: _fault(
        "The roles {roles} of {login} allow more than read or readWrite does: {names}.",
        "Give it read or readWrite of {database}.",
    ),
    FlawCode.WRITES: _fault(
        "The login for reading may write: {names}.",
        "Take its rights to write away: REVOKE … FROM {login}, or the role read alone.",
    ),
}


def said(flaw: Flaw, examined: Examined, needed: int) -> Words:
    """The words of a flaw, filled in. `needed` is how many connections the places of the target take."""
    names = ", ".join(flaw.names) + (f" and {flaw.more} more" if flaw.more else "")
    values = {**flaw.values, "login": examined.login, "database": examined.database, "names": names, "needed": needed}
    words = WORDS[flaw.code]
    return Words(words.fault, words.said.format(**values), words.mend.format(**values))
