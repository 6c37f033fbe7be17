"""Syntax newer than the portal's own grammar: read in part, which is said; decided by the server, which runs it."""

from __future__ import annotations

import pytest

from executors.base import FindingCode, Verified
from queries.tests.statements.given import Refused, Runs, changed, refused, run, shown, writes
from queries.tests.world import World

PART = FindingCode.PARTLY_READ.value
# What is claimed of the characters alone.
OF_TEXT = {Verified.NO_HIDDEN_CHARACTERS.value, Verified.NO_LOOKALIKE_NAMES.value}
UPDATE = "UPDATE samples SET amount = amount + 1 WHERE id < 3"

NEWER = [
    writes(f"{UPDATE} RETURNING WITH (OLD AS was, NEW AS now) was.amount, now.amount", 2, told=PART),
    writes(f"{UPDATE} returning with(old as o) o.*, samples.id", 2, told=PART),
    writes("DELETE FROM samples WHERE id = 1 RETURNING WITH (OLD AS gone) gone.*", 1, told=PART),
    writes("INSERT INTO samples VALUES (1, 'x', 1) ON CONFLICT (id) DO UPDATE SET name = 'x' "
           "RETURNING WITH (OLD AS o, NEW AS n) o.name, n.name", 1, told=PART),
    writes("MERGE INTO samples s USING (VALUES (1), (8)) v (id) ON s.id = v.id WHEN MATCHED THEN DELETE "
           "WHEN NOT MATCHED THEN INSERT (id) VALUES (v.id) RETURNING WITH (OLD AS o) merge_action(), o.id", 2,
           told=PART),
    writes(f"WITH a AS ({UPDATE} RETURNING WITH (OLD AS o) o.id) DELETE FROM samples WHERE id = 3", 3, told=PART),
    writes(f"{UPDATE} RETURNING old.amount, new.amount", 2),
    writes("DELETE FROM samples WHERE id = 2 RETURNING OLD.*", 1),
    writes("CREATE TABLE lab.v (a int, b int GENERATED ALWAYS AS (a * 2) VIRTUAL); INSERT INTO lab.v VALUES (1), (2); "
           "DELETE FROM lab.v WHERE b = 4; DROP TABLE lab.v", 0, told=PART),
    writes("CREATE TABLE lab.v (a int, b int GENERATED ALWAYS AS (length('),(')) /* virtual */, c text); "
           "DROP TABLE lab.v", 0, told=PART),
    writes("ALTER TABLE samples ADD COLUMN twice int GENERATED ALWAYS AS (amount * 2) VIRTUAL; "
           "UPDATE samples SET name = 'big' WHERE twice > 30; ALTER TABLE samples DROP COLUMN twice", 2, told=PART),
    writes("CREATE TABLE lab.p (id int4range, at daterange, PRIMARY KEY (id, at WITHOUT OVERLAPS)); "
           "CREATE TABLE lab.c (id int4range, at daterange, FOREIGN KEY (id, PERIOD at) REFERENCES lab.p "
           "(id, PERIOD at)); DROP TABLE lab.c, lab.p", 0, told=PART),
    writes("CREATE TABLE lab.e (a int CHECK (a > 0) NOT ENFORCED); INSERT INTO lab.e VALUES (-1); DROP TABLE lab.e", 0,
           told=PART),
    writes("ALTER TABLE samples ADD CONSTRAINT big CHECK (amount > 100) NOT ENFORCED; "
           "ALTER TABLE samples DROP CONSTRAINT big", 0, told=PART),
    writes("CREATE TABLE lab.f (id int REFERENCES samples (id) NOT ENFORCED); INSERT INTO lab.f VALUES (99); "
           "DELETE FROM lab.f; ALTER TABLE lab.f ALTER CONSTRAINT f_id_fkey ENFORCED; DROP TABLE lab.f", 0, told=PART),
    writes("CREATE TABLE lab.n (a int, CONSTRAINT there NOT NULL a); DROP TABLE lab.n", 0, told=PART),
    writes('CREATE TABLE lab.n ("The one" int); ALTER TABLE lab.n ADD CONSTRAINT c NOT NULL "The one" NOT VALID; '
           "ALTER TABLE lab.n VALIDATE CONSTRAINT c; DROP TABLE lab.n", 0, told=PART),
    writes("CREATE TABLE lab.i (a int CONSTRAINT c NOT NULL); ALTER TABLE lab.i ALTER CONSTRAINT c NO INHERIT; "
           "DROP TABLE lab.i", 0, told=PART),
    writes("ANALYZE ONLY samples", 0, told=PART),
    writes("ANALYZE (VERBOSE) ONLY samples (name)", 0, told=PART),
]  # fmt: skip

REFUSED = [
    Refused("write", "DO $$ BEGIN DELETE FROM samples WHERE id = 1 RETURNING WITH (OLD AS o) o.id; END $$",
            "refused_statement", "outside the body",
            writes("DELETE FROM samples WHERE id = 1 RETURNING WITH (OLD AS o) o.id", 1)),
    Refused("write", "CREATE FUNCTION lab.f() RETURNS int LANGUAGE sql AS $$ UPDATE samples SET amount = 1 "
            "WHERE id = 1 RETURNING WITH (OLD AS o) o.id $$", "refused_statement", "outside the body",
            writes("UPDATE samples SET amount = 1 WHERE id = 1 RETURNING WITH (OLD AS o) o.id", 1)),
    Refused("read", f"{UPDATE} RETURNING WITH (OLD AS o) o.id", "write_in_read", "write access",
            writes(f"{UPDATE} RETURNING WITH (OLD AS o) o.id", 2)),
    Refused("write", f"{UPDATE} RETURNING WITH (OLD AS o) o.amuont", "unknown_name", "amount",
            writes(f"{UPDATE} RETURNING WITH (OLD AS o) o.amount", 2)),
    Refused("write", f"{UPDATE} RETURNING WITH (OLD AS o) o.id, pg_read_file('/etc/passwd')", "refused_function",
            "files",
            writes(f"{UPDATE} RETURNING WITH (OLD AS o) o.id", 2)),
    Refused("write", "CREATE TABLE lab.v (a int, b text GENERATED ALWAYS AS (pg_read_file('x')) VIRTUAL)",
            "refused_function", "files",
            writes("CREATE TABLE lab.v (a int, b text GENERATED ALWAYS AS (a::text) VIRTUAL); DROP TABLE lab.v", 0)),
    # Where the parser is not too old, but the text is no SQL of any version.
    Refused("write", f"{UPDATE} RETURNING WITH (OLD AS o, OLDER AS p) o.id", "target_refuses", "",
            writes(f"{UPDATE} RETURNING WITH (OLD AS o) o.id", 2)),
    Refused("write", "CREATE TABLE lab.v (a int, b int GENERATED ALWAYS AS (a) VIRTUAL VIRTUAL)", "syntax_error", "",
            writes("CREATE TABLE lab.v (a int, b int GENERATED ALWAYS AS (a) VIRTUAL); DROP TABLE lab.v", 0)),
]  # fmt: skip


@pytest.mark.parametrize("given", NEWER, ids=shown)
def test_it_runs_and_nothing_is_claimed_of_it(lab: World, given: Runs) -> None:
    query = run(lab, given)
    if given.told:
        assert set(query.verified) <= OF_TEXT
    assert changed(query) == given.gives


@pytest.mark.parametrize("given", REFUSED, ids=shown)
def test_it_is_refused_with_a_hint_that_works(lab: World, given: Refused) -> None:
    refused(lab, given)
