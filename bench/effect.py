"""What it costs to see a write's effect: rehearsed, held to its bound, and kept for an undo.

At the door of the executors, without the web: there, what a rehearsal adds is not hidden by what a request costs.
"""

import os
from collections.abc import Callable, Iterator
from itertools import count

import psycopg
from psycopg.conninfo import make_conninfo

from bench.figure import Figure, in_turns
from bench.stage import Stage
from devtools.flights import WRITER
from executors import processes
from executors.base import (
    Access,
    EngineKind,
    Images,
    Job,
    KeepLimits,
    Language,
    Limits,
    Rehearsing,
    Running,
    Target,
)
from executors.concluding import conclude
from executors.postgresql.engine import PostgreSQLEngine

ROWS = 500
ROUNDS = 21
SPARE_MS = 250
LIMITS = Limits(seconds=60, rows=1000, bytes=10_000_000)
KEEP = KeepLimits(rows=10_000, bytes=20_000_000)
# The table of the goals: a million rows of about 140 bytes.
TABLE = """
DROP TABLE IF EXISTS orders;
CREATE TABLE orders (id bigint PRIMARY KEY, status text, total numeric(12, 2), note text) WITH (fillfactor = 90);
INSERT INTO orders SELECT g, 'done', g * 1.5, repeat('x', 100) FROM generate_series(1, 1000000) g;
"""


class _Unheard:
    """Sink and control of a run that nobody looks at."""

    def columns(self, columns: object, encoding: object) -> None:
        """Rows follow."""

    def all_columns(self, columns: object) -> None:
        """More columns than were known."""

    def rows(self, data: bytes, count: int) -> None:
        """Rows."""

    def started(self, backend: str) -> None:
        """It runs."""

    def committing(self, transaction: str) -> None:
        """It may."""

    def kept(self, images: Images) -> None:
        """Rows for an undo."""

    def cancelled(self) -> bool:
        """Never."""
        return False

    def progressed(self, done: int, total: int) -> None:
        """Nobody looks."""

    def called(self, call: object) -> None:
        """No script."""

    def logged(self, level: str, text: str) -> None:
        """No script."""


def measure(stage: Stage) -> Iterator[Figure]:
    """A rehearsal beside the bare statement; a run that counts, and one that keeps, beside one that does neither."""
    with psycopg.connect(make_conninfo(stage.admin_url, dbname="flights"), autocommit=True) as admin:
        admin.execute(TABLE)
        admin.execute(f"GRANT SELECT, UPDATE ON orders TO {WRITER}")
        admin.execute("VACUUM ANALYZE orders")
        target = Target("bench", EngineKind.POSTGRESQL, Access.WRITE, os.environ["BENCH_WRITE_URL"], ("public",))
        yield from _rehearsal(target)
        yield from _runs(target)
        admin.execute("DROP TABLE orders")
    processes.close()


def _texts() -> Iterator[str]:
    """Updates of 500 rows each, none of which another has changed."""
    for number in count():
        first = number * 1000 % 999_000
        yield f"UPDATE orders SET status = 'hold {number}' WHERE id BETWEEN {first + 1} AND {first + ROWS}"


def _rehearsal(target: Target) -> Iterator[Figure]:
    texts, heard = _texts(), _Unheard()

    def rehearse() -> None:
        job = Job("bench", target, Language.SQL, next(texts), LIMITS, purpose=Rehearsing(100, 5))
        effect = processes.rehearse(job, heard, heard).effect
        assert (effect.total, len(effect.tables[0].changes), effect.exact) == (ROWS, 100, True)

    def bare() -> None:
        with psycopg.connect(target.url) as connection:
            connection.execute(next(texts))
            connection.rollback()

    ours, alone = in_turns([rehearse, bare], ROUNDS)
    note = f"{ours * 1000:.0f} ms against {alone * 1000:.0f} ms"
    above = (ours - 1.6 * alone) * 1000
    yield Figure("rehearsal of 500 rows of a million, above 1.6 × bare", above, "ms", SPARE_MS, note=note)


def _runs(target: Target) -> Iterator[Figure]:
    engine, texts = PostgreSQLEngine(), _texts()

    def run(purpose: Running, *, counted: bool) -> Callable[[], None]:
        def once() -> None:
            text, heard = next(texts), _Unheard()
            session = engine.open(Job("bench", target, Language.SQL, text, LIMITS, purpose=purpose), heard)
            session.execute(text, (), heard)
            if counted:
                conclude(purpose, session, heard)
            else:
                session.commit()
            session.close(clean=False)

        return once

    plain, bound, kept = in_turns(
        [
            run(Running(), counted=False),
            run(Running(bound=ROWS), counted=True),
            run(Running(bound=ROWS, keep=KEEP), counted=True),
        ],
        ROUNDS,
    )
    told = f"{plain * 1000:.1f} ms"
    yield Figure(
        "write of 500 rows, held to its bound ÷ neither",
        bound / plain,
        goal=1.15,
        note=f"{bound * 1000:.1f} ms against {told}",
    )
    yield Figure(
        "write of 500 rows, bound and kept ÷ neither",
        kept / plain,
        goal=1.5,
        note=f"{kept * 1000:.1f} ms against {told}",
    )
