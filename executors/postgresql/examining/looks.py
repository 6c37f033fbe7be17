"""One question to the catalogue for each thing that may be wrong: rows are what it was found of."""

from __future__ import annotations

from dataclasses import dataclass

from executors.base import Access, FlawCode

# Those of the database, in `pg_namespace AS n`.
OWN = r"nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'"
# The target's search path, which `asking` puts there.
IN_PATH = "nspname = ANY (current_setting('portal.path')::text[])"
DATA = (Access.READ, Access.WRITE)
WRITING = (Access.WRITE, Access.MAINTENANCE)


@dataclass(frozen=True, slots=True)
class Look:
    """`sql` gives a row for each thing found: its name, and what the words speak of besides, by column."""

    code: FlawCode
    sql: str
    accesses: tuple[Access, ...]


def look(code: FlawCode, sql: str, *accesses: Access) -> Look:
    """A question for logins of these accesses, of every one unless told otherwise."""
    return Look(code, sql, accesses or tuple(Access))
