"""The names of the server's own functions and types, up to PostgreSQL 18: anything else is the database's own.

The lists stand in `builtin_functions.txt` and `builtin_types.txt`. After a new release, on a plain new server:

    python -m executors.postgresql.reading.builtin postgresql://…
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

_HERE = Path(__file__).parent

QUERIES = {
    "functions": "SELECT DISTINCT proname FROM pg_catalog.pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace",
    "types": """SELECT typname FROM pg_catalog.pg_type
        WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype <> 'c' AND typname NOT LIKE '\\_%'""",
}


def _names(kind: str) -> frozenset[str]:
    return frozenset((_HERE / f"builtin_{kind}.txt").read_text("utf-8").split())


FUNCTIONS = _names("functions")
TYPES = _names("types")


def main(url: str) -> None:
    """Write the lists for the server at `url`, keeping the names already there."""
    import psycopg  # noqa: PLC0415  only this command needs the driver

    with psycopg.connect(url) as connection:
        for kind, query in QUERIES.items():
            names = _names(kind) | {name for (name,) in connection.execute(query).fetchall()}
            lines = textwrap.fill(" ".join(sorted(names)), 120, break_long_words=False, break_on_hyphens=False)
            (_HERE / f"builtin_{kind}.txt").write_text(lines + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
