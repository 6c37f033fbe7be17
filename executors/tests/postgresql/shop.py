"""Tables that changes spread over: triggers, cascades, partitions, generated columns, large values, no key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from executors import processes
from executors.base import (
    Access,
    Effect,
    Images,
    Job,
    KeepLimits,
    Language,
    Limits,
    Rehearsing,
    Running,
    ScriptOutcome,
    WriteOutcome,
)
from executors.tests.postgresql.world import Database
from executors.tests.recording import Recorder

LIMITS = Limits(seconds=20, rows=1000, bytes=10_000_000, lock_seconds=2)
KEEP = KeepLimits(rows=1000, bytes=20_000_000)

TABLES = """
CREATE TABLE shop.parents (id int PRIMARY KEY, name text, price numeric(10,2), mark char(5), made timestamptz,
  flags bool[], doc jsonb, raw bytea);
CREATE TABLE shop.children (id int PRIMARY KEY, parent int REFERENCES shop.parents ON DELETE CASCADE, note text);
CREATE TABLE shop.log (what text);
CREATE TABLE shop.plain (a int, b text);
CREATE TABLE shop.parts (id int, k int, v text, PRIMARY KEY (id, k)) PARTITION BY RANGE (k);
CREATE TABLE shop.parts_low PARTITION OF shop.parts FOR VALUES FROM (0) TO (100);
CREATE TABLE shop.parts_high (v text, k int NOT NULL, id int NOT NULL);
ALTER TABLE shop.parts ATTACH PARTITION shop.parts_high FOR VALUES FROM (100) TO (200);
CREATE TABLE shop.computed (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int,
  b int GENERATED ALWAYS AS (a * 2) STORED);
CREATE TABLE shop.large (id int PRIMARY KEY, t text);
CREATE TABLE shop."odd ""name" (",a" int, "B'" text, PRIMARY KEY (",a"));
CREATE TABLE shop.inherited () INHERITS (shop.plain);
CREATE FUNCTION shop.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
  $$BEGIN INSERT INTO shop.log VALUES (tg_op); RETURN coalesce(new, old); END$$;
CREATE TRIGGER note AFTER UPDATE OR DELETE ON shop.parents FOR EACH ROW EXECUTE FUNCTION shop.note();
CREATE FUNCTION shop.empty_plain() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'TRUNCATE shop.plain';
CREATE FUNCTION shop.careful(n int) RETURNS void LANGUAGE plpgsql AS $$BEGIN
  INSERT INTO shop.children (id, note) VALUES (n, 'kept');
  BEGIN INSERT INTO shop.children (id, note) VALUES (n + 1, 'gone'); RAISE EXCEPTION 'no';
  EXCEPTION WHEN OTHERS THEN NULL; END; END$$;
"""

ROWS = """
TRUNCATE shop.parents, shop.children, shop.log, shop.plain, shop.parts, shop.large, shop."odd ""name" CASCADE;
TRUNCATE shop.computed RESTART IDENTITY;
INSERT INTO shop.parents SELECT g, 'p' || g, g * 1.5, 'ab', '2024-01-01T00:00Z', '{t,f}', '{"n": 1}', '\\xff'
  FROM generate_series(1, 50) g;
INSERT INTO shop.children SELECT g, g, repeat('n', 10) FROM generate_series(1, 50) g;
INSERT INTO shop.plain SELECT g % 5, 'x' FROM generate_series(1, 20) g;
INSERT INTO shop.inherited SELECT 9, 'child' FROM generate_series(1, 3) g;
INSERT INTO shop.parts SELECT g, g, 'v' || g FROM generate_series(0, 199) g;
INSERT INTO shop.computed (a) SELECT g FROM generate_series(1, 10) g;
INSERT INTO shop.large SELECT g, repeat(md5(g::text), 10000) FROM generate_series(1, 3) g;
INSERT INTO shop."odd ""name" VALUES (1, E'it''s\\n"x"'), (2, NULL);
"""

ODD = '"odd ""name"'
NAMES = (
    "parents", "children", "log", "plain", "parts", "parts_low", "parts_high", "computed", "large", ODD, "inherited",
)  # fmt: skip


@dataclass(frozen=True)
class Shop:
    """The database with its tables filled."""

    database: Database

    @property
    def admin(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A superuser."""
        return self.database.admin

    def job(self, text: str, purpose: Running | Rehearsing, *parameters: str, language: Language = Language.SQL) -> Job:
        """A write."""
        target = self.database.target("writer", Access.WRITE)
        return Job("effect", target, language, text, LIMITS, parameters, purpose)

    def rehearse(self, text: str, sample: int = 1000, seconds: float = 10, language: Language = Language.SQL) -> Effect:
        """The effect of a write that is rolled back."""
        seen = Recorder()
        job = self.job(text, Rehearsing(sample, seconds), language=language)
        outcome = processes.rehearse(job, seen, seen)
        assert seen.transactions == []
        return outcome.effect

    def run(
        self, text: str, purpose: Running | None = None, *parameters: str, language: Language = Language.SQL
    ) -> tuple[Effect, list[Images]]:
        """The effect of a write that commits, and what was kept of it."""
        seen = Recorder()
        job = self.job(text, purpose or Running(keep=KEEP), *parameters, language=language)
        outcome = processes.run(job, seen, seen)
        assert isinstance(outcome, WriteOutcome | ScriptOutcome)
        assert outcome.effect is not None
        return outcome.effect, seen.images

    def rows(self) -> dict[str, dict[tuple[str, str], str]]:
        """Table → place of a row and who wrote it → the row."""
        found: dict[str, dict[tuple[str, str], str]] = {}
        for name in NAMES:
            root = "parts" if name.startswith("parts_") else name
            sql = f"SELECT t.tableoid::text || t.ctid::text, t.xmin::text, t::text FROM ONLY shop.{name} t"
            found.setdefault(root, {}).update({(a, b): row for a, b, row in self.admin.execute(sql).fetchall()})
        return found


def counts(effect: Effect) -> dict[str, tuple[int, int, int]]:
    return {table.table: (table.inserted, table.updated, table.deleted) for table in effect.tables}
