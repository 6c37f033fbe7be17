"""A target with tables worth a word: large ones, keys, triggers, partitions, views. One connection for every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from executors.base import Access, Asked, Finding, Limits, Severity, Target
from executors.postgresql.checking import Check
from executors.postgresql.connections import Connections
from executors.postgresql.options import connection_key
from executors.postgresql.reading.analysis import read
from executors.postgresql.wire import Watch, Wire
from executors.tests.postgresql.world import Database

# `flights` and `events` are large there (from 1,000 rows on), the others are not.
_TABLES = """
CREATE SCHEMA air AUTHORIZATION {owner};
SET ROLE {owner};
CREATE TABLE air.planes (
  tailnum text PRIMARY KEY, seats int, weight float8, built date, owner_email text, model char(10));
CREATE TABLE air.airlines (carrier varchar(3) PRIMARY KEY, name text NOT NULL);
CREATE TABLE air.flights (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, carrier varchar(3) REFERENCES air.airlines,
  tailnum text REFERENCES air.planes ON DELETE CASCADE, delay int, distance int NOT NULL, price numeric(10,2),
  at timestamptz, code char(4), remark text, late bool GENERATED ALWAYS AS (delay > 15) STORED);
CREATE INDEX flights_carrier ON air.flights (carrier);
CREATE INDEX flights_delay ON air.flights (delay);
CREATE INDEX flights_at ON air.flights (at);
CREATE INDEX flights_code ON air.flights (code);
CREATE INDEX flights_price ON air.flights (price);
CREATE INDEX flights_remark ON air.flights (lower(remark), remark);
CREATE INDEX flights_far ON air.flights (distance) WHERE distance > 1000;
CREATE TYPE air.mood AS ENUM ('a');
CREATE TABLE air.notes (flight_id bigint REFERENCES air.flights ON DELETE CASCADE, text text, contact_phone text);
CREATE TABLE air.bags (
  id int PRIMARY KEY, flight_id bigint NOT NULL REFERENCES air.flights ON DELETE SET NULL, weight numeric);
CREATE INDEX ON air.bags (flight_id);
CREATE TABLE air.events (id int, at timestamptz NOT NULL, kind text) PARTITION BY RANGE (at);
CREATE TABLE air.events_old PARTITION OF air.events FOR VALUES FROM (MINVALUE) TO ('2013-01-01');
CREATE TABLE air.events_new PARTITION OF air.events FOR VALUES FROM ('2013-01-01') TO (MAXVALUE);
CREATE VIEW air.late AS SELECT id, carrier, delay FROM air.flights WHERE late;
CREATE MATERIALIZED VIEW air.busy AS SELECT carrier, count(*) AS flights FROM air.flights GROUP BY carrier;
CREATE FUNCTION air.log() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER flights_log AFTER INSERT OR UPDATE OF delay, price OR DELETE ON air.flights
  FOR EACH ROW EXECUTE FUNCTION air.log();
CREATE TRIGGER flights_emptied AFTER TRUNCATE ON air.flights FOR EACH STATEMENT EXECUTE FUNCTION air.log();
CREATE TRIGGER keep_old AFTER DELETE ON air.events_old FOR EACH ROW EXECUTE FUNCTION air.log();
CREATE TRIGGER once_old AFTER DELETE ON air.events_old FOR EACH STATEMENT EXECUTE FUNCTION air.log();
CREATE TRIGGER stopped BEFORE UPDATE ON air.notes FOR EACH ROW EXECUTE FUNCTION air.log();
ALTER TABLE air.notes DISABLE TRIGGER stopped;
CREATE TABLE air.gates (id int UNIQUE, label varchar(20), code char(4), at timestamp, size numeric(10,2), big bigint);
CREATE TABLE air.doors (gate_id int REFERENCES air.gates (id) ON UPDATE CASCADE);
CREATE RULE keep AS ON DELETE TO air.gates DO INSTEAD NOTHING;
ALTER TABLE air.bags ENABLE ROW LEVEL SECURITY;
INSERT INTO air.airlines VALUES ('UA', 'United'), ('AA', 'American');
INSERT INTO air.planes SELECT 'N' || n, 100 + n, n, '2000-01-01', NULL, 'A' FROM generate_series(1, 20) n;
INSERT INTO air.flights (carrier, tailnum, delay, distance, price, at, code, remark)
  SELECT 'UA', 'N1', n % 60, n, n, '2013-01-01'::timestamptz + n * interval '1 hour', 'x', 'y'
  FROM generate_series(1, 2000) n;
INSERT INTO air.events SELECT n, '2012-12-01'::timestamptz + n * interval '1 hour', 'x' FROM generate_series(1, 1500) n;
INSERT INTO air.gates VALUES (1, 'a', 'b', '2020-01-01', 1, 1);
ANALYZE air.gates, air.planes, air.airlines, air.flights, air.events;
RESET ROLE;
GRANT USAGE ON SCHEMA air TO {reader}, {writer};
GRANT SELECT ON ALL TABLES IN SCHEMA air TO {reader}, {writer};
"""
_PERSONAL = ("planes.owner_email",)

Told = Callable[[str], list[Finding]]


@pytest.fixture(scope="session")
def air(postgres_url: str) -> Iterator[Target]:
    """The target, with its read credential."""
    with airport(postgres_url) as target:
        yield target


@contextmanager
def airport(url: str) -> Iterator[Target]:
    """Such a target on some server."""
    with Database.create(url) as made:
        roles = {who: f"{made.name}_{who}" for who in ("reader", "writer", "owner")}
        made.admin.execute(_TABLES.format(**roles))
        target = made.target("reader")
        yield replace(target, key=made.name, search_path=("air",), large_rows=1000, personal=_PERSONAL)


class _Uncancelled:
    def cancelled(self) -> bool:
        return False


@pytest.fixture(scope="session")
def wire(air: Target) -> Iterator[Wire]:
    """A connection to it as a check has one."""
    with connection(air) as opened:
        yield opened


@contextmanager
def connection(target: Target) -> Iterator[Wire]:
    """A connection to a target with its read credential."""
    key = connection_key(target, Limits(seconds=60, rows=1, bytes=1))
    opened = Connections().open(key, Watch(3600, _Uncancelled()))
    yield opened
    opened.close()


@pytest.fixture
def told(air: Target, wire: Wire) -> Told:
    """What reading and the target tell of a text that may be submitted, as `check` puts it together."""

    def tell(text: str) -> list[Finding]:
        access = read(text, (), Access.WRITE).analysis.access
        found = read(text, (), access).analysis.findings
        (answer,) = Check(wire, air, access).answers([Asked(text)])
        everything = [*found, *answer.findings, *answer.noticed]
        assert not [finding for finding in everything if finding.severity is Severity.ERROR], everything
        return everything

    return tell
