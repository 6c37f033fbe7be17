"""The database's own zone and order of dates hold for what it reads; what it writes out is unambiguous."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import psycopg
import pytest

from executors import processes
from executors.base import Access, Job, Language, Limits, Outcome
from executors.tests.postgresql.world import Database
from executors.tests.recording import Recorder

Own: TypeAlias = Callable[[dict[str, str]], None]

LIMITS = Limits(seconds=10, rows=1000, bytes=10_000_000)
# What a direct login makes of text is asked with the same words; the moment it stands for is compared, not its text.
READ_AS = """SELECT extract(epoch FROM '2024-07-01 12:00'::timestamptz), extract(epoch FROM '03/02/01'::timestamptz),
    '01/02/03'::date - '2000-01-01'::date, extract(epoch FROM '-1 2:03:04'::interval),
    extract(epoch FROM date_trunc('day', '2024-07-01 23:30+00'::timestamptz))"""
SETTINGS = [
    {"TimeZone": "Europe/Berlin", "DateStyle": "SQL, DMY"},
    {"TimeZone": "America/St_Johns", "DateStyle": "Postgres, MDY"},
    {"TimeZone": "Asia/Kathmandu", "DateStyle": "German, DMY", "IntervalStyle": "sql_standard"},
    {"TimeZone": "UTC", "DateStyle": "ISO, YMD"},
]


@pytest.fixture(params=["database", "role"])
def own(request: pytest.FixtureRequest, database: Database) -> Iterator[Own]:
    """Sets what the database, or the role in it, has of its own; all of it is reset afterwards."""
    places = [f"DATABASE {database.name}"]
    if request.param == "role":
        places = [f"ROLE {database.name}_{who} IN DATABASE {database.name}" for who in ("reader", "writer")]

    def change(settings: dict[str, str]) -> None:
        processes.close()
        for place in places:
            database.admin.execute(f"ALTER {place} RESET ALL")
            for name, value in settings.items():
                database.admin.execute(f"ALTER {place} SET {name} = '{value}'")

    yield change
    for place in places:
        database.admin.execute(f"ALTER {place} RESET ALL")
    processes.close()


def run(database: Database, statement: str, *parameters: str, access: Access = Access.READ) -> tuple[Outcome, Recorder]:
    recorder = Recorder()
    target = database.target("reader" if access is Access.READ else "writer", access)
    job = Job("own", target, Language.SQL, statement, LIMITS, parameters)
    return processes.run(job, recorder, recorder), recorder


def direct(database: Database, statement: str, who: str = "reader") -> list[str]:
    """What the same login reads without the portal."""
    with psycopg.connect(database.target(who).url) as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return [str(value) for value in row]


@pytest.mark.parametrize("chosen", SETTINGS, ids=lambda chosen: chosen["TimeZone"])
def test_text_is_read_as_by_a_direct_login(own: Own, database: Database, chosen: dict[str, str]) -> None:
    """out-13."""
    own(chosen)
    expected = direct(database, READ_AS)
    assert list(run(database, READ_AS)[1].decoded[0]) == expected
    assert list(run(database, READ_AS + ", $1::text", "x")[1].decoded[0][:-1]) == expected
    # A warm connection, which was asked to forget everything, is no other.
    assert list(run(database, READ_AS)[1].decoded[0]) == expected


@pytest.mark.parametrize("chosen", SETTINGS, ids=lambda chosen: chosen["TimeZone"])
def test_what_a_write_stores_is_what_a_direct_login_stores(
    own: Own, database: Database, chosen: dict[str, str]
) -> None:
    """out-13: '2024-07-01 12:00' and '03/02/01' are the same moments."""
    database.admin.execute("CREATE TABLE IF NOT EXISTS shop.moments (at timestamptz, on_day date)")
    database.admin.execute("TRUNCATE shop.moments")
    database.admin.execute(f"GRANT INSERT, SELECT ON shop.moments TO {database.name}_writer")
    own(chosen)
    insert = "INSERT INTO shop.moments VALUES ('2024-07-01 12:00', '03/02/01')"
    run(database, insert, access=Access.WRITE)
    with psycopg.connect(database.target("writer").url) as connection:
        connection.execute(insert)
    stored = database.admin.execute("SELECT DISTINCT at, on_day FROM shop.moments").fetchall()
    assert len(stored) == 1
    database.admin.execute("DROP TABLE shop.moments")


@pytest.mark.parametrize("access", [Access.READ, Access.WRITE])
def test_what_comes_out_is_unambiguous_and_the_run_says_what_held(own: Own, database: Database, access: Access) -> None:
    """out-13: ISO with its offset, whatever the database would write."""
    own({"TimeZone": "Europe/Berlin", "DateStyle": "SQL, DMY"})
    text = "SELECT '2024-07-01 12:00'::timestamptz, '01/02/2024'::date, '2024-01-01'::timestamp"
    outcome, seen = run(database, text, access=access)
    assert seen.decoded == [("2024-07-01 12:00:00+02", "2024-02-01", "2024-01-01 00:00:00")]
    assert outcome.settings == {"time_zone": "Europe/Berlin", "date_order": "DMY", "interval_style": "postgres"}


def test_the_urls_own_options_hold(database: Database) -> None:
    target = database.elsewhere(database.target("reader"), options="-c TimeZone=Asia/Tokyo")
    recorder = Recorder()
    job = Job("own", target, Language.SQL, "SELECT '2024-07-01 12:00'::timestamptz", LIMITS)
    outcome = processes.run(job, recorder, recorder)
    assert recorder.decoded == [("2024-07-01 12:00:00+09",)]
    assert outcome.settings["time_zone"] == "Asia/Tokyo"


@pytest.mark.sandbox
def test_a_script_reads_as_the_database_does(own: Own, database: Database) -> None:
    """out-13: scripts too."""
    own({"TimeZone": "Europe/Berlin", "DateStyle": "SQL, DMY"})
    text = "return await db.query(\"SELECT '2024-07-01 12:00'::timestamptz AS at, '01/02/2024'::date AS d\")"
    recorder = Recorder()
    job = Job("own", database.target("reader"), Language.SCRIPT, text, LIMITS)
    outcome = processes.run(job, recorder, recorder)
    assert outcome.settings == {"time_zone": "Europe/Berlin", "date_order": "DMY", "interval_style": "postgres"}
    assert recorder.decoded == [('["2024-07-01 12:00:00+02","2024-02-01"]',)]
