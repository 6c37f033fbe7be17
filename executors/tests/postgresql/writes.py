"""Writes whose effect is told, kept and taken back."""

from __future__ import annotations

from executors.base import Language

# Every one changes rows of tables with a key only, so that each row can be told from the others.
WRITES = {
    "one row": "UPDATE parents SET price = 7 WHERE id = 3",
    "a trigger writes elsewhere": "UPDATE parents SET name = 'z' WHERE id BETWEEN 10 AND 19",
    "a cascade deletes elsewhere": "DELETE FROM parents WHERE id <= 5",
    "a foreign key only locks": "INSERT INTO children VALUES (100, 7, 'new')",
    "insert and update of one row": "INSERT INTO children VALUES (100, 7, 'new'); UPDATE children SET note = 'again' "
    "WHERE id = 100",
    "one row twice": "UPDATE children SET note = 'a' WHERE id < 10; UPDATE children SET note = 'b' WHERE id < 5",
    "update, then delete": "UPDATE children SET note = 'a' WHERE id < 10; DELETE FROM children WHERE id < 5",
    "delete, then insert again": "DELETE FROM children WHERE id = 9; INSERT INTO children VALUES (9, 1, 'back')",
    "insert, then delete": "INSERT INTO children VALUES (100, 7, 'new'); DELETE FROM children WHERE id = 100; "
    "UPDATE children SET note = 'c' WHERE id = 1",
    "the key itself": "UPDATE children SET id = id + 1000 WHERE id < 4",
    "merge": "MERGE INTO children c USING (VALUES (1, 'm'), (2, 'd'), (500, 'n')) v (id, s) ON c.id = v.id "
    "WHEN MATCHED AND v.s = 'd' THEN DELETE WHEN MATCHED THEN UPDATE SET note = v.s "
    "WHEN NOT MATCHED THEN INSERT VALUES (v.id, NULL, v.s)",
    "on conflict": "INSERT INTO children VALUES (1, 1, 'x'), (600, 1, 'y') ON CONFLICT (id) DO UPDATE SET note = 'z'",
    "on conflict do nothing": "INSERT INTO children VALUES (1, 1, 'x'), (600, 1, 'y') ON CONFLICT DO NOTHING",
    "with": "WITH gone AS (DELETE FROM children WHERE id < 3 RETURNING *) INSERT INTO children "
    "SELECT id + 2000, parent, note FROM gone",
    "a returning of its own": "UPDATE children SET note = 'r' WHERE id < 6 RETURNING id",
    "an alias, and a comment at the end": "UPDATE children AS old SET note = 'r' WHERE old.id < 6 -- done",
    "insert select": "INSERT INTO children SELECT id + 700, parent, note FROM children WHERE id < 11",
    "parts": "UPDATE parts SET v = 'x' WHERE k BETWEEN 95 AND 104",
    "from part to part": "UPDATE parts SET k = k + 100 WHERE k < 3",
    "a part by its own name": "DELETE FROM parts_high WHERE k > 190",
    "computed columns": "UPDATE computed SET a = a + 1 WHERE id < 4; INSERT INTO computed (a) VALUES (77)",
    "large values": "UPDATE large SET t = t || 'z' WHERE id = 1",
    "odd names": """UPDATE "odd ""name" SET "B'" = E'new\\\\' WHERE ",a" = 1""",
    "every row": "UPDATE children SET note = 'all'",
    "nulls": "UPDATE children SET note = NULL, parent = NULL WHERE id = 4",
    "values of every kind": "UPDATE parents SET price = -price, mark = 'x', made = made + interval '1 day', "
    "flags = '{}', doc = '[1, 2]', raw = '\\x00ff' WHERE id = 8",
    "truncate": "TRUNCATE parents CASCADE",
    "truncate, then insert": "TRUNCATE children; INSERT INTO children VALUES (1, 1, 'only')",
    "no row": "UPDATE children SET note = 'x' WHERE id = -1",
    "using": "DELETE FROM children USING parents WHERE parents.id = children.parent AND parents.price > 60",
    "from": "UPDATE children SET note = p.name FROM parents p WHERE p.id = children.parent AND p.id < 4",
    "two tables": "UPDATE children SET note = 'x' WHERE id = 1; DELETE FROM parts WHERE k = 5",
}


SCRIPTS = {
    "a loop of single writes": "for (let i = 1; i <= 5; i++) "
    "await db.query('UPDATE children SET note = $1 WHERE id = $2', ['n' + i, i])",
    "read, then written": "const {rows} = await db.query('SELECT id, note FROM children WHERE id <= 6 ORDER BY id'); "
    "for (const row of rows) if (row.id % 2) await db.query('UPDATE children SET note = $1 WHERE id = $2', "
    "[row.note + '!', row.id])",
    "several tables, one row twice": "await db.query(\"UPDATE children SET note = 'a' WHERE id < 5\"); "
    "await db.query(\"UPDATE children SET note = 'b' WHERE id < 3\"); await db.query('DELETE FROM parts WHERE k = 7'); "
    "await db.query(\"INSERT INTO parts VALUES (900, 8, 'new')\")",
    "an upsert in batches": 'for (const batch of [[1, 2, 500], [501, 502]]) await db.query("INSERT INTO children '
    "SELECT v, 1, 'u' FROM unnest($1::int[]) v ON CONFLICT (id) DO UPDATE SET note = 'u'\", [batch])",
    "a trigger": "for (const id of [3, 4]) await db.query('UPDATE parents SET price = price + 1 WHERE id = $1', [id])",
    "a cascade": "const {rows} = await db.query('DELETE FROM parents WHERE id <= 3 RETURNING id'); "
    "await db.query('INSERT INTO children VALUES ($1, NULL, NULL)', [1000 + rows.length])",
    "merge": "await db.query(\"MERGE INTO children c USING (VALUES (1, 'm'), (500, 'n')) v (id, s) ON c.id = v.id "
    'WHEN MATCHED THEN UPDATE SET note = v.s WHEN NOT MATCHED THEN INSERT VALUES (v.id, NULL, v.s)")',
    "what it added it deletes": "await db.query(\"INSERT INTO children VALUES (700, 1, 'x')\"); "
    "await db.query('UPDATE children SET note = NULL WHERE id = 9'); "
    "await db.query('DELETE FROM children WHERE id = 700')",
    "only what is missing": "const {rows} = await db.query('SELECT id FROM children'); "
    "const there = new Set(rows.map((row) => row.id)); "
    "for (const id of [49, 50, 51, 52]) if (!there.has(id)) await db.query('INSERT INTO children VALUES ($1, 1, $2)', "
    "[id, 'new'])",
}
ONE = "await db.query('UPDATE children SET note = $1 WHERE id = $2', ['a', 1]); "
TWO = "await db.query(\"INSERT INTO children VALUES (800, 1, 'x'), (801, 1, 'y')\"); "
EMPTIED = "TRUNCATE children; INSERT INTO children VALUES (1, 1, 'only'), (99, 1, '')"
FAIL = "await db.query('SELECT 1/0'); "


def attempt(*inside: str) -> str:
    return f"try {{ await db.attempt(async () => {{ {''.join(inside)} }}) }} catch (e) {{ console.log(e.code) }} "


SCRIPTS |= {
    "an attempt that holds": attempt(ONE, TWO),
    "an attempt taken back": attempt(TWO, FAIL) + ONE,
    "only an attempt taken back": attempt(ONE, TWO, FAIL),
    "an attempt thrown out of": ONE + attempt(TWO, "throw new Error('no')"),
    "the same row in and after an attempt": attempt(ONE, FAIL) + "await db.query('DELETE FROM children WHERE id = 1')",
    "the same row before and in an attempt": ONE
    + attempt("await db.query('DELETE FROM children WHERE id = 1'); ", FAIL),
    "an attempt inside of one that is taken back": attempt(ONE, attempt(TWO), FAIL) + TWO,
    "an attempt taken back inside of one that holds": attempt(
        ONE, attempt(TWO, FAIL), "await db.query('DELETE FROM parts WHERE k = 4'); "
    ),
    "three deep": attempt(ONE, attempt(TWO, attempt("await db.query('DELETE FROM parts'); ", FAIL)), FAIL) + TWO,
    "one bad row of many": "for (let i = 45; i <= 55; i++) "
    + attempt("await db.query('INSERT INTO children VALUES ($1, 1, $2)', [i, 'new']); "),
    "a truncation taken back": attempt("await db.query('TRUNCATE children'); ", TWO, FAIL) + ONE,
    "a truncation that stays before one taken back": "await db.query('TRUNCATE children'); "
    + attempt(TWO, "await db.query('TRUNCATE children'); ", FAIL),
    "a trigger and a cascade taken back": attempt(
        "await db.query('UPDATE parents SET price = 0 WHERE id = 2'); ",
        "await db.query('DELETE FROM parents WHERE id = 1'); ",
        FAIL,
    )
    + ONE,
    "rows without a key taken back": attempt("await db.query(\"INSERT INTO plain VALUES (77, 'x')\"); ", FAIL)
    + "await db.query(\"INSERT INTO plain VALUES (78, 'x')\")",
}
EVERY = {name: (Language.SQL, text) for name, text in WRITES.items()}
EVERY |= {f"script: {name}": (Language.SCRIPT, text) for name, text in SCRIPTS.items()}
