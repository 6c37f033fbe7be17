"""Tables that changes spread over: triggers, cascades, partitions, generated columns, large values, no key."""

TABLES = """
CREATE TABLE shop.parents (id int PRIMARY KEY, name text, price numeric(10,2), mark char(5), made timestamptz,
  flags bool[], doc jsonb, raw bytea);
CREATE TABLE shop.children (id int PRIMARY KEY, parent int REFERENCES shop.parents ON DELETE CASCADE, note text);
CREATE TABLE shop.log (what text);
CREATE TABLE shop.plain (a int, b text);
CREATE TABLE shop.parts (id int, k int, v text, PRIMARY KEY (id, k)) PARTITION BY RANGE (k);
CREATE TABLE shop.parts_low PARTITION OF shop.parts FOR VALUES FROM (0) TO (100);
CREATE TABLE shop.parts_high (v text, k int NOT NULL, id int NOT NULL);
ALTER TABLE shop.parts ATTACH PARTITION shop.parts_high FOR VALUES FROM (100) TO (200);
CREATE TABLE shop.computed (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int,
  b int GENERATED ALWAYS AS (a * 2) STORED);
CREATE TABLE shop.large (id int PRIMARY KEY, t text);
CREATE TABLE shop."odd ""name" (",a" int, "B'" text, PRIMARY KEY (",a"));
CREATE TABLE shop.inherited () INHERITS (shop.plain);
CREATE FUNCTION shop.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
  $$BEGIN INSERT INTO shop.log VALUES (tg_op); RETURN coalesce(new, old); END$$;
CREATE TRIGGER note AFTER UPDATE OR DELETE ON shop.parents FOR EACH ROW EXECUTE FUNCTION shop.note();
CREATE FUNCTION shop.empty_plain() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'TRUNCATE shop.plain';
CREATE FUNCTION shop.careful(n int) RETURNS void LANGUAGE plpgsql AS $$BEGIN
  INSERT INTO shop.children (id, note) VALUES (n, 'kept');
  BEGIN INSERT INTO shop.children (id, note) VALUES (n + 1, 'gone'); RAISE EXCEPTION 'no';
  EXCEPTION WHEN OTHERS THEN NULL; END; END$$;
"""

ROWS = """
TRUNCATE shop.parents, shop.children, shop.log, shop.plain, shop.parts, shop.large, shop."odd ""name" CASCADE;
TRUNCATE shop.computed RESTART IDENTITY;
INSERT INTO shop.parents SELECT g, 'p' || g, g * 1.5, 'ab', '2024-01-01T00:00Z', '{t,f}', '{"n": 1}', '\\xff'
  FROM generate_series(1, 50) g;
INSERT INTO shop.children SELECT g, g, repeat('n', 10) FROM generate_series(1, 50) g;
INSERT INTO shop.plain SELECT g % 5, 'x' FROM generate_series(1, 20) g;
INSERT INTO shop.inherited SELECT 9, 'child' FROM generate_series(1, 3) g;
INSERT INTO shop.parts SELECT g, g, 'v' || g FROM generate_series(0, 199) g;
INSERT INTO shop.computed (a) SELECT g FROM generate_series(1, 10) g;
INSERT INTO shop.large SELECT g, repeat(md5(g::text), 10000) FROM generate_series(1, 3) g;
INSERT INTO shop."odd ""name" VALUES (1, E'it''s\\n"x"'), (2, NULL);
"""

ODD = '"odd ""name"'
NAMES = (
    "parents", "children", "log", "plain", "parts", "parts_low", "parts_high", "computed", "large", ODD, "inherited",
)  # fmt: skip
