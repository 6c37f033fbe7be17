"""What is wrong with a login and its server is named, fault by fault; of a well-made target nothing is said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from devtools import postgres
from devtools.servers import throwaway_folder
from executors.base import Access, EngineKind, FlawCode, Target
from executors.base.flaws import is_local
from executors.postgresql.engine import PostgreSQLEngine

READ, WRITE, KEEP = Access.READ, Access.WRITE, Access.MAINTENANCE
LOGINS = {READ: "shop_ro", WRITE: "shop_rw", KEEP: "shop_mt"}

# As the README makes them.
MADE = """
CREATE ROLE shop_owner;
CREATE DATABASE shop OWNER shop_owner;
CREATE ROLE shop_ro LOGIN NOINHERIT CONNECTION LIMIT 24 PASSWORD 'target';
CREATE ROLE shop_rw LOGIN NOINHERIT CONNECTION LIMIT 24 PASSWORD 'target';
CREATE ROLE shop_mt LOGIN INHERIT CONNECTION LIMIT 10 PASSWORD 'target' IN ROLE shop_owner;
ALTER ROLE shop_ro SET default_transaction_read_only = on;
ALTER ROLE shop_ro SET temp_file_limit = '1GB';
ALTER ROLE shop_rw SET temp_file_limit = '1GB';
ALTER ROLE shop_mt SET temp_file_limit = '1GB';
REVOKE ALL ON DATABASE shop FROM PUBLIC;
GRANT CONNECT ON DATABASE shop TO shop_ro, shop_rw, shop_mt;
"""
HOLDS = """
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO shop_owner;
SET ROLE shop_owner;
CREATE TABLE orders (id bigserial PRIMARY KEY, total numeric);
CREATE FUNCTION total(int) RETURNS int LANGUAGE sql AS 'SELECT $1';
GRANT USAGE ON SCHEMA public TO shop_ro, shop_rw;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO shop_ro;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO shop_rw;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO shop_rw;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO shop_ro;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO shop_rw;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
RESET ROLE;
"""

# What is planted, how it is taken back, whose login is asked, and all that is to be said then.
PLANTED: list[tuple[str, str, Access, set[str]]] = [
    ("ALTER ROLE shop_ro SUPERUSER", "ALTER ROLE shop_ro NOSUPERUSER", READ, {"superuser"}),
    ("ALTER ROLE shop_rw CREATEROLE", "ALTER ROLE shop_rw NOCREATEROLE", WRITE, {"creates_roles"}),
    ("ALTER ROLE shop_ro CREATEDB", "ALTER ROLE shop_ro NOCREATEDB", READ, {"creates_databases"}),
    ("ALTER ROLE shop_ro BYPASSRLS", "ALTER ROLE shop_ro NOBYPASSRLS", READ, {"bypasses_row_security"}),
    ("ALTER ROLE shop_rw REPLICATION", "ALTER ROLE shop_rw NOREPLICATION", WRITE, {"replication"}),
    ("ALTER ROLE shop_ro CONNECTION LIMIT -1", "ALTER ROLE shop_ro CONNECTION LIMIT 24", READ, {"no_connection_limit"}),
    (
        "ALTER ROLE shop_rw VALID UNTIL 'tomorrow'",
        "ALTER ROLE shop_rw VALID UNTIL 'infinity'",
        WRITE,
        {"expires"},
    ),
    (
        "CREATE ROLE boss SUPERUSER ROLE shop_ro",
        "DROP ROLE boss",
        READ,
        {"strong_role"},
    ),
    ("CREATE ROLE maker CREATEROLE ROLE shop_rw", "DROP ROLE maker", WRITE, {"strong_role"}),
    ("GRANT pg_read_server_files TO shop_ro", "REVOKE pg_read_server_files FROM shop_ro", READ, {"server_files"}),
    ("GRANT pg_write_server_files TO shop_rw", "REVOKE pg_write_server_files FROM shop_rw", WRITE, {"server_files"}),
    (
        "GRANT pg_execute_server_program TO shop_mt",
        "REVOKE pg_execute_server_program FROM shop_mt",
        KEEP,
        {"server_files"},
    ),
    ("GRANT pg_signal_backend TO shop_ro", "REVOKE pg_signal_backend FROM shop_ro", READ, {"predefined_role"}),
    ("GRANT pg_write_all_data TO shop_ro", "REVOKE pg_write_all_data FROM shop_ro", READ, {"predefined_role"}),
    ("CREATE ROLE team ROLE shop_ro", "DROP ROLE team", READ, {"member"}),
    ("GRANT shop_owner TO shop_rw", "REVOKE shop_owner FROM shop_rw", WRITE, {"member"}),
    ("REVOKE shop_owner FROM shop_mt", "GRANT shop_owner TO shop_mt", KEEP, {"not_owner"}),
    (
        "ALTER DATABASE shop OWNER TO shop_rw",
        "ALTER DATABASE shop OWNER TO shop_owner; GRANT CONNECT ON DATABASE shop TO shop_rw",
        WRITE,
        {"owns_database"},
    ),
    ("CREATE SCHEMA own AUTHORIZATION shop_rw", "DROP SCHEMA own", WRITE, {"owns_schema"}),
    (
        "CREATE TABLE mine (id int); ALTER TABLE mine OWNER TO shop_ro",
        "DROP TABLE mine",
        READ,
        {"owns_tables"},
    ),
    (
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION mine() OWNER TO shop_rw",
        "DROP FUNCTION mine()",
        WRITE,
        {"owns_functions"},
    ),
    ("GRANT DELETE ON orders TO shop_ro", "REVOKE DELETE ON orders FROM shop_ro", READ, {"writes"}),
    ("GRANT TRUNCATE ON orders TO PUBLIC", "REVOKE TRUNCATE ON orders FROM PUBLIC", READ, {"writes"}),
    ("GRANT UPDATE (total) ON orders TO shop_ro", "REVOKE UPDATE (total) ON orders FROM shop_ro", READ, {"writes"}),
    (
        "GRANT USAGE ON SEQUENCE orders_id_seq TO shop_ro",
        "REVOKE USAGE ON SEQUENCE orders_id_seq FROM shop_ro",
        READ,
        {"advances_sequences"},
    ),
    ("GRANT CREATE ON SCHEMA public TO PUBLIC", "REVOKE CREATE ON SCHEMA public FROM PUBLIC", WRITE, {"public_create"}),
    (
        "GRANT CREATE ON SCHEMA public TO shop_ro",
        "REVOKE CREATE ON SCHEMA public FROM shop_ro",
        READ,
        {"creates_in_schema"},
    ),
    (
        "GRANT CREATE ON DATABASE shop TO shop_ro",
        "REVOKE CREATE ON DATABASE shop FROM shop_ro",
        READ,
        {"creates_schemas"},
    ),
    (
        "GRANT TEMP ON DATABASE shop TO PUBLIC",
        "REVOKE TEMP ON DATABASE shop FROM PUBLIC",
        READ,
        {"temporary_tables"},
    ),
    (
        "ALTER DEFAULT PRIVILEGES FOR ROLE shop_owner IN SCHEMA public GRANT UPDATE ON TABLES TO shop_ro",
        "ALTER DEFAULT PRIVILEGES FOR ROLE shop_owner IN SCHEMA public REVOKE UPDATE ON TABLES FROM shop_ro",
        READ,
        {"default_privileges_write"},
    ),
    (
        "ALTER DEFAULT PRIVILEGES FOR ROLE shop_owner GRANT INSERT ON TABLES TO PUBLIC",
        "ALTER DEFAULT PRIVILEGES FOR ROLE shop_owner REVOKE INSERT ON TABLES FROM PUBLIC",
        READ,
        {"default_privileges_write"},
    ),
    (
        "ALTER DEFAULT PRIVILEGES FOR ROLE shop_owner IN SCHEMA public REVOKE SELECT ON TABLES FROM shop_ro",
        "ALTER DEFAULT PRIVILEGES FOR ROLE shop_owner IN SCHEMA public GRANT SELECT ON TABLES TO shop_ro",
        READ,
        {"default_privileges_missing"},
    ),
    ("CREATE EXTENSION dblink", "DROP EXTENSION dblink", READ, {"dblink"}),
    (
        "CREATE EXTENSION postgres_fdw; GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO shop_rw",
        "DROP EXTENSION postgres_fdw CASCADE",
        WRITE,
        {"foreign_servers"},
    ),
    (
        (
            "CREATE EXTENSION postgres_fdw; CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw; "
            "GRANT USAGE ON FOREIGN SERVER other TO PUBLIC"
        ),
        "DROP EXTENSION postgres_fdw CASCADE",
        READ,
        {"foreign_servers"},
    ),
    (
        "CREATE FUNCTION burn() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM orders RETURNING 1'",
        "DROP FUNCTION burn()",
        READ,
        {"security_definer"},
    ),
    ("ALTER SCHEMA public RENAME TO hidden", "ALTER SCHEMA hidden RENAME TO public", READ, {"schema_missing"}),
    (
        "REVOKE USAGE ON SCHEMA public FROM shop_ro, PUBLIC",
        "GRANT USAGE ON SCHEMA public TO shop_ro, PUBLIC",
        READ,
        {"schema_unusable"},
    ),
    ("REVOKE SELECT ON orders FROM shop_ro", "GRANT SELECT ON orders TO shop_ro", READ, {"nothing_readable"}),
    (
        "REVOKE INSERT, UPDATE, DELETE ON orders FROM shop_rw",
        "GRANT INSERT, UPDATE, DELETE ON orders TO shop_rw",
        WRITE,
        {"nothing_writable"},
    ),
    (
        "REVOKE SELECT ON orders FROM shop_rw",
        "GRANT SELECT ON orders TO shop_rw",
        WRITE,
        {"nothing_readable", "unreadable_writes"},
    ),
    (
        "ALTER ROLE shop_ro SET statement_timeout = '1s'",
        "ALTER ROLE shop_ro RESET statement_timeout",
        READ,
        {"own_setting"},
    ),
    (
        "ALTER ROLE shop_rw IN DATABASE shop SET search_path = secret",
        "ALTER ROLE shop_rw IN DATABASE shop RESET search_path",
        WRITE,
        {"own_setting"},
    ),
    (
        "ALTER ROLE shop_rw SET default_transaction_read_only = on",
        "ALTER ROLE shop_rw RESET default_transaction_read_only",
        WRITE,
        {"own_setting"},
    ),
    (
        "ALTER ROLE shop_mt SET role = shop_owner",
        "ALTER ROLE shop_mt RESET role",
        KEEP,
        {"own_setting", "role_switched"},
    ),
    (
        "ALTER ROLE shop_rw SET synchronous_commit = off",
        "ALTER ROLE shop_rw RESET synchronous_commit",
        WRITE,
        {"dangerous_setting"},
    ),
    (
        "ALTER ROLE shop_rw SET session_replication_role = replica",
        "ALTER ROLE shop_rw RESET session_replication_role",
        WRITE,
        {"dangerous_setting"},
    ),
    (
        "ALTER ROLE shop_ro RESET temp_file_limit",
        "ALTER ROLE shop_ro SET temp_file_limit = '1GB'",
        READ,
        {"no_temp_limit"},
    ),
]


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Postgres]:
    """A server that is set as the README says."""
    more = {"track_commit_timestamp": "on"}
    with throwaway_folder() as folder, postgres.running(Path(folder) / "shop", more=more) as running:
        with psycopg.connect(running.url(), autocommit=True) as connection:
            for statement in MADE.strip().split(";\n"):
                connection.execute(statement.removesuffix(";").encode())
        with psycopg.connect(running.url("shop"), autocommit=True) as connection:
            connection.execute(HOLDS.encode())
        yield running


@pytest.fixture(scope="module")
def administrator(server: postgres.Postgres) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(server.url("shop"), autocommit=True) as connection:
        yield connection


def target(server: postgres.Postgres, access: Access, *, database: str = "shop", options: str = "") -> Target:
    url = server.url(database, user=LOGINS[access], password="target") + options
    return Target("shop", EngineKind.POSTGRESQL, access, url, ("public",))


def codes(asked: Target) -> set[str]:
    return {one.code.value for one in PostgreSQLEngine().examine(asked).flaws}


@pytest.mark.parametrize("access", Access)
def test_nothing_is_said_of_a_well_made_login(server: postgres.Postgres, access: Access) -> None:
    examined = PostgreSQLEngine().examine(target(server, access))
    assert examined.flaws == ()
    assert (examined.login, examined.database, examined.server.isdecimal()) == (LOGINS[access], "shop", True)


@pytest.mark.parametrize(
    ("plant", "undo", "access", "said"), PLANTED, ids=[f"{number}-{min(one[3])}" for number, one in enumerate(PLANTED)]
)
def test_each_planted_fault_is_named_and_no_other(
    server: postgres.Postgres,
    administrator: psycopg.Connection[tuple[object, ...]],
    plant: str,
    undo: str,
    access: Access,
    said: set[str],
) -> None:
    administrator.execute(plant.encode())
    try:
        assert codes(target(server, access)) == said
    finally:
        administrator.execute(undo.encode())


def test_what_it_was_found_of_is_named_and_counted(
    server: postgres.Postgres, administrator: psycopg.Connection[tuple[object, ...]]
) -> None:
    administrator.execute(
        'CREATE SCHEMA "Odd ""one"; CREATE TABLE "Odd ""one"."a b" (); CREATE TABLE b1 (); CREATE TABLE b2 (); '
        'CREATE TABLE b3 (); GRANT INSERT ON b1, b2, b3, "Odd ""one"."a b" TO shop_ro'
    )
    try:
        [found] = PostgreSQLEngine().examine(target(server, READ)).flaws
        assert (found.code, found.names, found.more) == (
            FlawCode.WRITES,
            ('"Odd ""one"."a b"', "public.b1", "public.b2"),
            1,
        )
    finally:
        administrator.execute('DROP SCHEMA "Odd ""one" CASCADE; DROP TABLE b1, b2, b3')


def test_a_database_of_the_servers_own_is_named(server: postgres.Postgres) -> None:
    assert "system_database" in codes(target(server, READ, database="postgres"))


def test_what_the_url_sets_does_not_win(server: postgres.Postgres) -> None:
    assert codes(target(server, READ, options="?options=-c%20statement_timeout%3D0")) == set()


def test_server_settings_are_named(older_postgres_url: str) -> None:
    """Of a server as it comes: it keeps no time of a commit."""
    asked = Target("shop", EngineKind.POSTGRESQL, WRITE, older_postgres_url, ("public",))
    assert "superuser" in codes(asked)


def test_a_plain_connection_to_another_machine_is_named(server: postgres.Postgres) -> None:
    """The address is this machine's; what is judged is the name that the URL gives."""
    url = f"postgresql://shop_ro:target@db.example:{server.port}/shop?hostaddr=127.0.0.1"
    assert codes(Target("shop", EngineKind.POSTGRESQL, READ, url, ("public",))) == {"unencrypted"}


@pytest.mark.parametrize(
    ("host", "local"),
    [("localhost", True), ("127.0.0.9", True), ("::1", True), ("/run/pg", True), ("db", False), ("10.0.0.1", False)],
)
def test_what_leaves_the_machine(host: str, local: bool) -> None:
    assert is_local(host) is local
