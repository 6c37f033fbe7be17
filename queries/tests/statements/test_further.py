"""What people bring from ORMs, dumps, other products and the web, on a real server from submission to the end."""

# ruff: noqa: E501 - statements as people paste them stand on one line
from __future__ import annotations

import pytest

from queries.tests.statements.given import Refused, Runs, reads, refused, run, shown, writes
from queries.tests.world import World

TWO = reads("SELECT name FROM samples WHERE id = 2", "two")
SET_ONE = writes("UPDATE samples SET amount = 1 WHERE id = 1", 1)

RUN = [
    reads("SELECT id, row_number() OVER (PARTITION BY amount > 15 ORDER BY id DESC) FROM samples ORDER BY id",
          ["1", "1"], ["2", "2"], ["3", "1"]),
    reads("SELECT lag(id) OVER w, ntile(2) OVER w FROM samples WINDOW w AS (ORDER BY id) ORDER BY id LIMIT 1 OFFSET 1",
          ["1", "1"]),
    reads("SELECT s.id, l.n FROM samples s CROSS JOIN LATERAL (SELECT count(*) AS n FROM samples x WHERE x.id <= s.id) l "
          "WHERE s.id = 3", ["3", "3"]),
    reads("WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT sum(n) FROM t", 15),
    reads("""SELECT '{"a": {"b": [1, 2]}}'::jsonb #>> '{a,b,1}'""", 2),
    reads("""SELECT jsonb_path_query('{"a": [1, 2, 3]}', '$.a[*] ? (@ > 1)')""", 2, 3),
    reads("""SELECT * FROM JSON_TABLE('[{"a": 1}]', '$[*]' COLUMNS (a int PATH '$.a'))""", 1),
    reads("""SELECT '{"a": 1}'::jsonb @? '$.a', '{"a": 1}'::jsonb ? 'a'""", ["t", "t"]),
    reads('SELECT "samples"."id" FROM "samples" WHERE ("samples"."amount" > 15 AND NOT ("samples"."name" IS NULL)) '
          'ORDER BY "samples"."id" ASC LIMIT 21', 2),
    reads("SELECT DISTINCT ON (amount > 15) id FROM samples ORDER BY amount > 15, id", 1, 2),
    reads("SELECT count(*) FILTER (WHERE amount > 15), string_agg(name, ',' ORDER BY id) FROM samples", ["2", "one,two"]),
    reads("SELECT count(*) FROM samples GROUP BY ROLLUP (amount > 15) ORDER BY 1", 1, 2, 3),
    reads("SELECT id FROM samples ORDER BY id FETCH FIRST 2 ROWS WITH TIES", 1, 2),
    reads("TABLE samples LIMIT 1", ["1", "one", "10"]),
    reads("VALUES (1), (2)", 1, 2),
    reads("SELECT id FROM samples TABLESAMPLE BERNOULLI (100) ORDER BY 1", 1, 2, 3),
    reads("SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY amount) FROM samples", 20),
    reads("SELECT * FROM ROWS FROM (generate_series(1, 2), generate_series(5, 6)) AS t(a, b)", ["1", "5"], ["2", "6"]),
    reads("SELECT to_tsvector('english', 'fat cats') @@ to_tsquery('cat')", "t"),
    reads("SELECT regexp_replace('a1b2', '\\d', '', 'g'), E'a\\tb' = 'a' || chr(9) || 'b'", ["ab", "t"]),
    reads("SELECT date_trunc('month', timestamptz '2026-01-31 12:00+00') AT TIME ZONE 'UTC'", "2026-01-01 00:00:00"),
    reads("SELECT count(*) >= 0 FROM pg_stat_activity", "t"),
    reads("SELECT pg_size_pretty(pg_total_relation_size('samples')) <> ''", "t"),
    reads("EXPLAIN (COSTS OFF) SELECT FROM samples WHERE false", "Result", "  Replaces: Scan on samples",
          "  One-Time Filter: false"),
    writes("EXPLAIN (ANALYZE, BUFFERS) UPDATE samples SET amount = 1 WHERE id = 1", 1),
    writes("SELECT id FROM samples WHERE id = 1 FOR UPDATE SKIP LOCKED", 0),
    writes("UPDATE samples SET amount = 1 WHERE id = (SELECT id FROM samples ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) "
           "RETURNING id", 1),
    writes("INSERT INTO samples (id, name) VALUES (1, 'uno') ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name", 1),
    writes("INSERT INTO samples (id) SELECT g FROM generate_series(3, 5) g ON CONFLICT DO NOTHING", 2),
    writes("MERGE INTO samples s USING (VALUES (1, 'a'), (9, 'b')) v(id, name) ON s.id = v.id WHEN MATCHED THEN UPDATE "
           "SET name = v.name WHEN NOT MATCHED THEN INSERT (id, name) VALUES (v.id, v.name)", 2),
    writes("UPDATE samples s SET amount = v.a FROM (VALUES (1, 5), (2, 6)) v(id, a) WHERE s.id = v.id", 2),
    writes('DELETE FROM samples s USING "Odd names" o WHERE s.id = o.id - 6', 1),
    writes('WITH moved AS (DELETE FROM samples WHERE id = 3 RETURNING id) INSERT INTO "Odd names" SELECT id FROM moved', 2),
    writes("LOCK TABLE samples IN SHARE MODE; UPDATE samples SET amount = 1 WHERE id = 1", 1),
    writes("CREATE TEMP TABLE t AS SELECT * FROM samples; UPDATE samples SET amount = 0 FROM t WHERE t.id = samples.id", 3),
    writes("CREATE TABLE lab.x (id serial PRIMARY KEY, at timestamptz DEFAULT now()); INSERT INTO lab.x DEFAULT VALUES; "
           "DROP TABLE lab.x", 0),
    writes("ALTER TABLE ONLY samples ADD CONSTRAINT u UNIQUE (name); ALTER TABLE samples DROP CONSTRAINT u", 0),
    writes("CREATE TYPE lab.mood AS ENUM ('a'); ALTER TYPE lab.mood ADD VALUE 'c'; DROP TYPE lab.mood", 0),
    writes("CREATE INDEX i ON samples (name); DROP INDEX i", 0),
    reads("SELECT id FROM samples WHERE id = @id AND id = 1", 1, told="absolute_value"),
]  # fmt: skip

REFUSED = [
    # placeholders of drivers and templates
    Refused("read", "SELECT name FROM samples WHERE id = %s", "syntax_error", "Write :name", TWO),
    Refused("read", "SELECT name FROM samples WHERE id = %(id)s", "syntax_error", "Write :name", TWO),
    Refused("read", "SELECT s1_0.name FROM samples s1_0 WHERE s1_0.id=?", "syntax_error", "Write :name", TWO),
    Refused("write", "INSERT INTO samples VALUES (?, ?, ?)", "syntax_error", "Write :name",
            writes("INSERT INTO samples VALUES (4, 'x', 1)", 1)),
    Refused("read", "SELECT name FROM samples WHERE id = #{id}", "syntax_error", "Write :name", TWO),
    Refused("read", "SELECT name FROM samples WHERE id = {{ id }}", "syntax_error", "Write :name", TWO),
    Refused("read", "SELECT name FROM samples WHERE id = ${id}", "syntax_error", "Write :name", TWO),
    Refused("read", 'SELECT name FROM samples WHERE id = $1 LIMIT $2  [["id", 2], ["LIMIT", 1]]', "syntax_error",
            "as parameters", TWO),
    # other products
    Refused("read", "SELECT TOP 1 id FROM samples", "syntax_error", "LIMIT", reads("SELECT id FROM samples LIMIT 1", 1)),
    Refused("read", "SELECT id FROM samples LIMIT 1, 1", "syntax_error", "OFFSET",
            reads("SELECT id FROM samples ORDER BY id LIMIT 1 OFFSET 1", 2)),
    Refused("read", "SELECT `name` FROM `samples`", "syntax_error", "double quotes", TWO),
    Refused("read", "SELECT id FROM [Odd names]", "syntax_error", "double quotes", reads('SELECT id FROM "Odd names"', 7)),
    Refused("read", "SELECT now() - INTERVAL 7 DAY < now()", "syntax_error", "interval '7 days'",
            reads("SELECT now() - INTERVAL '7 days' < now()", "t")),
    Refused("read", "DESCRIBE samples", "syntax_error", "information_schema.columns",
            reads("SELECT data_type FROM information_schema.columns WHERE table_name = 'Odd names'", "integer")),
    Refused("read", "USE lab", "syntax_error", "search_path", reads("SET search_path TO lab; SELECT 1", 1)),
    Refused("read", "SHOW TABLES", "refused_statement", "information_schema.tables",
            reads("SELECT table_name FROM information_schema.tables WHERE table_name = 'samples'", "samples")),
    Refused("read", "SHOW COLUMNS FROM samples", "syntax_error", "information_schema.columns",
            reads("SELECT data_type FROM information_schema.columns WHERE table_name = 'Odd names'", "integer")),
    Refused("write", "INSERT INTO samples (id) VALUES (1) ON DUPLICATE KEY UPDATE name = 'x'", "syntax_error",
            "ON CONFLICT", writes("INSERT INTO samples (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = 'x'", 1)),
    Refused("write", "REPLACE INTO samples (id) VALUES (1)", "syntax_error", "ON CONFLICT",
            writes("INSERT INTO samples (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name", 1)),
    Refused("write", "INSERT IGNORE INTO samples (id) VALUES (1), (4)", "syntax_error", "DO NOTHING",
            writes("INSERT INTO samples (id) VALUES (1), (4) ON CONFLICT DO NOTHING", 1)),
    Refused("write", "CREATE TABLE lab.x (id INT AUTO_INCREMENT PRIMARY KEY)", "syntax_error", "IDENTITY",
            writes("CREATE TABLE lab.x (id INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY); DROP TABLE lab.x", 0)),
    Refused("read", "SELECT IFNULL(name, '-') FROM samples WHERE id = 3", "unknown_name", "coalesce",
            reads("SELECT coalesce(name, '-') FROM samples WHERE id = 3", "-")),
    Refused("read", "SELECT NVL(name, '-') FROM samples WHERE id = 3", "unknown_name", "coalesce",
            reads("SELECT coalesce(name, '-') FROM samples WHERE id = 3", "-")),
    Refused("read", "SELECT GETDATE() IS NULL", "unknown_name", "now()", reads("SELECT now() IS NULL", "f")),
    Refused("read", "SELECT DATE_FORMAT(date '2026-01-31', '%Y')", "unknown_name", "to_char",
            reads("SELECT to_char(date '2026-01-31', 'YYYY')", "2026")),
    Refused("read", 'SELECT name FROM samples WHERE name = "two"', "unknown_name", "single quotes",
            reads("SELECT name FROM samples WHERE name = 'two'", "two")),
    Refused("read", "SELECT name FROM samples WHERE name == 'two'", "unknown_name", "one =",
            reads("SELECT name FROM samples WHERE name = 'two'", "two")),
    Refused("read", "SELECT 1 FROM DUAL", "unknown_name", "Leave FROM dual out", reads("SELECT 1", 1)),
    Refused("read", "SELECT name, FROM samples WHERE id = 2", "syntax_error", "comma", TWO),
    # what a request is not
    Refused("read", "SELECT name FROM samples WHERE id = 2 FOR UPDATE", "write_in_read", "write access",
            writes("SELECT name FROM samples WHERE id = 2 FOR UPDATE", 0)),
    Refused("read", "EXPLAIN ANALYZE UPDATE samples SET amount = 1 WHERE id = 1", "write_in_read", "write access",
            writes("EXPLAIN ANALYZE UPDATE samples SET amount = 1 WHERE id = 1", 1)),
    Refused("read", "SELECT * INTO lab.x FROM samples", "write_in_read", "write access",
            writes("SELECT * INTO lab.x FROM samples; DROP TABLE lab.x", 0)),
    Refused("write", "PREPARE q AS SELECT 1; EXECUTE q", "refused_statement", "Submit the statement itself", SET_ONE),
    Refused("write", "DECLARE c CURSOR FOR SELECT * FROM samples; FETCH ALL FROM c", "refused_statement",
            "Submit the SELECT itself", TWO),
    Refused("write", "UPDATE samples SET amount = 1 LIMIT 1", "syntax_error", "choose the rows by their key",
            writes("UPDATE samples SET amount = 1 WHERE id IN (SELECT id FROM samples ORDER BY id LIMIT 1)", 1)),
    Refused("write", "SET client_encoding = 'UTF8'; UPDATE samples SET amount = 1 WHERE id = 1", "refused_statement",
            "Leave it out", SET_ONE),
    Refused("write", "\\restrict abc\nUPDATE samples SET amount = 1 WHERE id = 1;", "client_command", "Remove the line",
            SET_ONE),
    Refused("write", "NOTIFY x, 'y'; UPDATE samples SET amount = 1 WHERE id = 1", "refused_statement", "the program",
            SET_ONE),
]  # fmt: skip


@pytest.mark.parametrize("given", RUN, ids=shown)
def test_it_runs_as_pasted(lab: World, given: Runs) -> None:
    run(lab, given)


@pytest.mark.parametrize("given", REFUSED, ids=shown)
def test_it_is_refused_with_a_hint_that_works(lab: World, given: Refused) -> None:
    refused(lab, given)
