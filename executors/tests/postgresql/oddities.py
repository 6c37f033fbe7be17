"""Tables on which a write does more than its text says, or whose rows are hard to follow."""

SCHEMA = '''
CREATE SCHEMA "My ""shop""";
CREATE TABLE "My ""shop"""."Order" ("Id" int PRIMARY KEY, "select" text);
CREATE TABLE "My ""shop""".children (id int PRIMARY KEY, note text);
CREATE TABLE shop.children (id int PRIMARY KEY, note text);
CREATE TABLE shop.late (id int PRIMARY KEY, note text);
CREATE TABLE shop.late_log (id serial PRIMARY KEY, what text);
CREATE TABLE shop.late_child (id int PRIMARY KEY,
  late int REFERENCES shop.late ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE shop.swap (id int PRIMARY KEY, place int UNIQUE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE shop.tree (id int PRIMARY KEY, parent int REFERENCES shop.tree ON DELETE CASCADE);
CREATE UNLOGGED TABLE shop.unlogged (id int PRIMARY KEY, note text);
CREATE TABLE shop.twice (id int PRIMARY KEY, n int, note text);
CREATE TABLE shop.chained (id int PRIMARY KEY, n int);
CREATE TABLE shop.chained_log (id serial PRIMARY KEY, n int);
CREATE TABLE shop.choosy (id int PRIMARY KEY, note text);
CREATE TABLE shop.ruled (id int PRIMARY KEY, note text);
CREATE TABLE shop.ruled_log (id int PRIMARY KEY, note text);
CREATE RULE also AS ON UPDATE TO shop.ruled DO ALSO INSERT INTO shop.ruled_log VALUES (new.id, new.note);
CREATE VIEW shop.few AS SELECT id, n FROM shop.twice WHERE id < 5;
CREATE VIEW shop.joined AS SELECT c.id, c.n, t.note FROM shop.chained c JOIN shop.twice t USING (id);
CREATE TABLE shop.deep (id int, a int, b int, note text, PRIMARY KEY (id, a, b)) PARTITION BY LIST (a);
CREATE TABLE shop.deep_1 PARTITION OF shop.deep FOR VALUES IN (1) PARTITION BY RANGE (b);
CREATE TABLE shop.deep_1_low PARTITION OF shop.deep_1 FOR VALUES FROM (0) TO (10);
CREATE TABLE shop.deep_1_rest PARTITION OF shop.deep_1 DEFAULT;
CREATE TABLE shop.deep_rest PARTITION OF shop.deep DEFAULT;
CREATE TABLE shop.unkeyed (id int NOT NULL UNIQUE, note text);
CREATE TABLE shop.unkeyed_child (id int PRIMARY KEY, unkeyed int REFERENCES shop.unkeyed (id));
CREATE TABLE shop.guarded (id int PRIMARY KEY, mine bool, note text);
ALTER TABLE shop.guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON shop.guarded USING (mine);
CREATE MATERIALIZED VIEW shop.summary AS SELECT count(*) AS n FROM shop.late;
CREATE FUNCTION shop.log_late() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
  $$BEGIN INSERT INTO shop.late_log (what) VALUES (tg_op); RETURN NULL; END$$;
CREATE CONSTRAINT TRIGGER later AFTER INSERT OR UPDATE OR DELETE ON shop.late DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION shop.log_late();
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS
  $$BEGIN IF pg_trigger_depth() = 1 THEN UPDATE shop.twice SET note = 'touched' WHERE id = new.id; END IF; RETURN NULL;
  END$$;
CREATE TRIGGER touch AFTER UPDATE ON shop.twice FOR EACH ROW EXECUTE FUNCTION shop.touch();
CREATE FUNCTION shop.chain() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
  $$BEGIN IF tg_table_name = 'chained' THEN INSERT INTO shop.chained_log (n) VALUES (new.n);
  ELSE UPDATE shop.unlogged SET note = 'chained' WHERE id = 1; END IF; RETURN NULL; END$$;
CREATE TRIGGER chain AFTER UPDATE ON shop.chained FOR EACH ROW EXECUTE FUNCTION shop.chain();
CREATE TRIGGER chain AFTER INSERT ON shop.chained_log FOR EACH ROW EXECUTE FUNCTION shop.chain();
CREATE FUNCTION shop.choose() RETURNS trigger LANGUAGE plpgsql AS
  $$BEGIN IF old.id % 2 = 0 THEN RETURN NULL; END IF; new.note := new.note || '!'; RETURN new; END$$;
CREATE TRIGGER choose BEFORE UPDATE ON shop.choosy FOR EACH ROW EXECUTE FUNCTION shop.choose();
CREATE FUNCTION shop.instead() RETURNS trigger LANGUAGE plpgsql AS
  $$BEGIN UPDATE shop.chained SET n = new.n WHERE id = new.id; UPDATE shop.choosy SET note = 'v' WHERE id = new.id;
  RETURN new; END$$;
CREATE TRIGGER instead INSTEAD OF UPDATE ON shop.joined FOR EACH ROW EXECUTE FUNCTION shop.instead();
CREATE FUNCTION shop.again_and_again() RETURNS void LANGUAGE plpgsql AS $$BEGIN
  FOR i IN 1..5 LOOP UPDATE shop.swap SET place = place + 100 WHERE id <= 2; END LOOP; END$$;
CREATE FUNCTION shop.half() RETURNS void LANGUAGE plpgsql AS $$BEGIN
  UPDATE shop.tree SET parent = 1 WHERE id = 3;
  FOR i IN 1..3 LOOP
    BEGIN UPDATE shop.tree SET parent = 2 WHERE id IN (3, 4, 5); IF i = 2 THEN RETURN; END IF; RAISE EXCEPTION 'no';
    EXCEPTION WHEN raise_exception THEN NULL; END;
  END LOOP; END$$;
CREATE FUNCTION shop.partly_added() RETURNS void LANGUAGE plpgsql AS $$BEGIN
  BEGIN DELETE FROM shop.late WHERE id > 10; RAISE EXCEPTION 'no'; EXCEPTION WHEN OTHERS THEN NULL; END;
  DELETE FROM shop.late WHERE id = 3; END$$;
'''

ROWS = '''
TRUNCATE shop.children, "My ""shop""".children, "My ""shop"""."Order", shop.late, shop.late_log, shop.late_child,
  shop.swap, shop.tree, shop.unlogged, shop.twice, shop.chained, shop.chained_log, shop.choosy, shop.ruled,
  shop.ruled_log, shop.deep, shop.unkeyed, shop.unkeyed_child, shop.guarded;
INSERT INTO "My ""shop"""."Order" SELECT g, 'x' FROM generate_series(1, 9) g;
INSERT INTO shop.children SELECT g, 'x' FROM generate_series(1, 9) g;
INSERT INTO "My ""shop""".children SELECT g, 'x' FROM generate_series(1, 9) g;
ALTER TABLE shop.late DISABLE TRIGGER later;
INSERT INTO shop.late SELECT g, 'x' FROM generate_series(1, 20) g;
ALTER TABLE shop.late ENABLE TRIGGER later;
INSERT INTO shop.late_child SELECT g, g FROM generate_series(1, 20) g;
INSERT INTO shop.swap SELECT g, g FROM generate_series(1, 9) g;
INSERT INTO shop.tree SELECT g, nullif(g / 2, 0) FROM generate_series(1, 15) g;
INSERT INTO shop.unlogged SELECT g, 'x' FROM generate_series(1, 9) g;
INSERT INTO shop.twice SELECT g, g, 'x' FROM generate_series(1, 9) g;
INSERT INTO shop.chained SELECT g, g FROM generate_series(1, 9) g;
INSERT INTO shop.choosy SELECT g, 'x' FROM generate_series(1, 9) g;
INSERT INTO shop.ruled SELECT g, 'x' FROM generate_series(1, 9) g;
INSERT INTO shop.deep SELECT g, g % 3, g, 'x' FROM generate_series(1, 30) g;
INSERT INTO shop.unkeyed SELECT g, 'x' FROM generate_series(1, 9) g;
INSERT INTO shop.unkeyed_child SELECT g, g FROM generate_series(1, 9) g;
INSERT INTO shop.guarded SELECT g, g % 2 = 0, 'x' FROM generate_series(1, 9) g;
REFRESH MATERIALIZED VIEW shop.summary;
'''

# What it is → the write, and what it changes: table → rows added, changed, removed.
Counts = tuple[int, int, int]
WRITES: dict[str, tuple[str, dict[str, Counts]]] = {
    "a trigger that waits for COMMIT": (
        "UPDATE late SET note = 'y' WHERE id <= 3", {"late": (0, 3, 0), "late_log": (3, 0, 0)},
    ),
    "a trigger that waits, beside others": (
        "DELETE FROM late WHERE id = 4; INSERT INTO late VALUES (99, 'n')",
        {"late": (1, 0, 1), "late_log": (2, 0, 0), "late_child": (0, 1, 0)},
    ),
    "a key that others follow": (
        "UPDATE late SET id = id + 500 WHERE id = 5",
        {"late": (1, 0, 1), "late_log": (1, 0, 0), "late_child": (0, 1, 0)},
    ),
    "a child before its parent": (
        "INSERT INTO late_child VALUES (200, 200); INSERT INTO late VALUES (200, 'n')",
        {"late_child": (1, 0, 0), "late": (1, 0, 0), "late_log": (1, 0, 0)},
    ),
    "values that change places": ("UPDATE swap SET place = 10 - place", {"swap": (0, 9, 0)}),
    "keys that change places": ("UPDATE swap SET id = -id WHERE id < 4", {"swap": (3, 0, 3)}),
    "a tree": ("DELETE FROM tree WHERE id = 2", {"tree": (0, 0, 7)}),
    "an unlogged table": ("UPDATE unlogged SET note = 'y' WHERE id < 5", {"unlogged": (0, 4, 0)}),
    "a trigger that changes the row again": ("UPDATE twice SET n = 0 WHERE id < 4", {"twice": (0, 3, 0)}),
    "triggers of triggers": (
        "UPDATE chained SET n = 0 WHERE id < 4",
        {"chained": (0, 3, 0), "chained_log": (3, 0, 0), "unlogged": (0, 1, 0)},
    ),
    "a trigger that leaves rows out": ("UPDATE choosy SET note = 'y'", {"choosy": (0, 5, 0)}),
    "a rule that writes as well": (
        "UPDATE ruled SET note = 'y' WHERE id < 4", {"ruled": (0, 3, 0), "ruled_log": (3, 0, 0)},
    ),
    "a view": ("UPDATE few SET n = 0", {"twice": (0, 4, 0)}),
    "a view with a trigger": (
        "UPDATE joined SET n = 0 WHERE id < 4",
        {"chained": (0, 3, 0), "chained_log": (3, 0, 0), "unlogged": (0, 1, 0), "choosy": (0, 2, 0)},
    ),
    "names in quotes": (
        'UPDATE "My ""shop"""."Order" AS "o.x" SET "select" = \'y\' WHERE "o.x"."Id" < 4',
        {'My "shop".Order': (0, 3, 0)},
    ),
    "two tables of one name": (
        'UPDATE "My ""shop""".children SET note = \'y\'; UPDATE children SET note = \'y\' WHERE id = 1',
        {'My "shop".children': (0, 9, 0), "children": (0, 1, 0)},
    ),
    "parts of parts": (
        "UPDATE deep SET b = b + 1, note = 'y' WHERE a = 1", {"deep": (10, 0, 10)},
    ),
    "to another part": ("UPDATE deep SET a = 7 WHERE id < 4", {"deep": (3, 0, 3)}),
    "a part of a part by its own name": ("DELETE FROM deep_1_low", {"deep": (0, 0, 3)}),
    "a row five times": ("SELECT again_and_again()", {"swap": (0, 2, 0)}),
    "a savepoint that was rolled back": ("SELECT half()", {"tree": (0, 3, 0)}),
    "all of some tables": ("TRUNCATE deep, ruled_log RESTART IDENTITY", {"deep": (0, 0, 30)}),
    "no key, but a parent": ("UPDATE unkeyed SET note = 'y' WHERE id < 3", {"unkeyed": (0, 2, 0)}),
    "a table made, and rows": (
        "CREATE TABLE made (id int PRIMARY KEY); INSERT INTO made VALUES (1); UPDATE unlogged SET note = 'i'",
        {"made": (1, 0, 0), "unlogged": (0, 9, 0)},
    ),
    "a table made of another": ("CREATE TABLE made AS SELECT * FROM late WHERE id < 6", {"made": (5, 0, 0)}),
}  # fmt: skip

# Those that an undo can take back to the byte.
REVERSIBLE = (
    "values that change places", "keys that change places", "a tree", "an unlogged table", "names in quotes",
    "a trigger that leaves rows out", "two tables of one name", "parts of parts", "to another part", "a row five times",
    "a part of a part by its own name", "all of some tables",
)  # fmt: skip
