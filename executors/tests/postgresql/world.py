"""A database of the tests' own: a small shop, and roles made as the manual says and as it warns against."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from executors.base import Access, EngineKind, Target

_TABLES = """
CREATE SCHEMA shop AUTHORIZATION {owner};
SET ROLE {owner};
CREATE TABLE shop.orders (id int PRIMARY KEY, email text, total numeric(10,2));
CREATE TABLE shop.secrets (id int, word text);
CREATE SEQUENCE shop.counter;
CREATE DOMAIN shop.price AS numeric(10,2);
CREATE TYPE shop.mood AS ENUM ('sad', 'ok');
CREATE TABLE shop.typed (cost shop.price, feeling shop.mood);
CREATE FUNCTION shop.burn() RETURNS int LANGUAGE sql VOLATILE AS 'DELETE FROM shop.orders RETURNING id';
CREATE FUNCTION shop.burn_as_owner() RETURNS int LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT 1';
CREATE FUNCTION shop.lying() RETURNS int LANGUAGE plpgsql STABLE AS
  $$ BEGIN PERFORM pg_catalog.set_config('x.y', 'z', false); RETURN 1; END $$;
CREATE FUNCTION shop.twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE FUNCTION shop.lower(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'shadowed' $$;
CREATE FUNCTION shop.purge(shop.orders) RETURNS int LANGUAGE sql VOLATILE AS 'DELETE FROM shop.orders RETURNING id';
CREATE FUNCTION shop.as_owner(shop.orders) RETURNS int LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT 1';
CREATE VIEW shop.trap AS SELECT shop.burn() AS gone;
RESET ROLE;
"""

_RIGHTS = """
REVOKE TEMP, CREATE ON DATABASE {name} FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA shop TO {reader}, {writer};
GRANT SELECT ON shop.orders, shop.typed, shop.trap TO {reader};
GRANT SELECT, INSERT, UPDATE, DELETE ON shop.orders, shop.typed TO {writer};
GRANT CREATE ON SCHEMA shop TO {writer};
GRANT USAGE ON SEQUENCE shop.counter TO {writer};
"""

# Everything an attack of the table could change, as one text.
_STATE = """
SELECT md5(pg_catalog.concat_ws('|',
  (SELECT pg_catalog.string_agg(o::text, ',' ORDER BY o::text) FROM shop.orders o),
  (SELECT pg_catalog.string_agg(s::text, ',' ORDER BY s::text) FROM shop.secrets s),
  (SELECT last_value::text || is_called::text FROM shop.counter),
  (SELECT pg_catalog.string_agg(c.oid::text || c.relname || c.relfilenode::text || coalesce(c.relacl::text, ''), ','
     ORDER BY c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'),
  (SELECT pg_catalog.string_agg(p.oid::text || p.proname, ',' ORDER BY p.oid) FROM pg_proc p WHERE p.oid >= 16384),
  (SELECT pg_catalog.string_agg(r.*::text, ',' ORDER BY r.oid) FROM pg_authid r
     WHERE r.rolname LIKE current_database() || '%' OR r.rolname = 'evil'),
  (SELECT pg_catalog.string_agg(s.*::text, ',' ORDER BY s::text) FROM pg_db_role_setting s),
  (SELECT count(*) FROM pg_largeobject_metadata),
  (SELECT count(*) FROM pg_prepared_xacts),
  (SELECT count(*) FROM pg_replication_slots),
  (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
  (SELECT count(*) FROM pg_extension)))
"""


@dataclass(frozen=True)
class Database:
    """The names, the passwords and a superuser's connection."""

    admin: psycopg.Connection[tuple[Any, ...]]
    url: str
    name: str
    password: str

    @classmethod
    @contextmanager
    def create(cls, server: str) -> Iterator[Database]:
        """Make it, and drop it with its roles at the end."""
        name, password = f"executors_{secrets.token_hex(4)}", f"pw-{secrets.token_hex(8)}"
        roles = {who: f"{name}_{who}" for who in ("reader", "writer", "owner")}
        with psycopg.connect(server, autocommit=True) as root:
            root.execute(f"CREATE DATABASE {name}")
            for role in roles.values():
                root.execute(f"CREATE ROLE {role} LOGIN NOINHERIT CONNECTION LIMIT 20 PASSWORD '{password}'")
            url = make_conninfo(server, dbname=name)
            with psycopg.connect(url, autocommit=True) as admin:
                admin.execute(_TABLES.format(**roles))
                admin.execute(_RIGHTS.format(name=name, **roles))
                yield cls(admin, url, name, password)
            root.execute(f"DROP DATABASE {name} WITH (FORCE)")
            for role in roles.values():
                root.execute(f"DROP ROLE {role}")

    def refill(self) -> None:
        """The same rows for every test."""
        self.admin.execute("TRUNCATE shop.orders, shop.secrets, shop.typed")
        self.admin.execute(
            "INSERT INTO shop.orders SELECT n, 'a' || n || '@example.org', n * 1.5 FROM generate_series(1, 5) n"
        )
        self.admin.execute("INSERT INTO shop.secrets VALUES (1, 'hush')")
        self.admin.execute("INSERT INTO shop.typed VALUES (1.5, 'ok')")

    def target(self, who: str, access: Access = Access.READ) -> Target:
        """The target as seen with the credential of `reader`, `writer` or `owner`."""
        url = make_conninfo(self.url, user=f"{self.name}_{who}", password=self.password)
        return Target(f"shop-{who}", EngineKind.POSTGRESQL, access, url, ("shop",))

    def superuser_target(self) -> Target:
        """The target with a credential that must never be used."""
        return Target("shop-root", EngineKind.POSTGRESQL, Access.READ, self.url, ("shop",))

    def elsewhere(self, target: Target, **changes: str | int) -> Target:
        """`target` with other connection parameters."""
        return Target(target.key, target.engine, target.access, make_conninfo(target.url, **changes), ("shop",))

    def words(self, target: Target) -> list[str]:
        """What no message may hold."""
        known = conninfo_to_dict(target.url)
        return [self.password, str(known["user"]), str(known["host"])]

    def state(self) -> str:
        """A digest of everything an attack could change."""
        row = self.admin.execute(_STATE).fetchone()
        assert row is not None
        return str(row[0])
