"""The log is kept by months (UTC): a table for each, which can be archived as a whole.

An entry is put into its month before a trigger may stamp it, so the stamp that chooses the month is asked as the default
of the column, of a function that holds the head from then on. Entries that are there are moved as they are, to the byte;
a log that does not hold is not moved.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FUNCTIONS = """
-- When the entry that comes now is written, never before the one before it. The head is held from here on, so that
-- nobody writes into the next month meanwhile.
CREATE FUNCTION audit_turn() RETURNS timestamptz LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    before timestamptz;
BEGIN
    SELECT at INTO STRICT before FROM audit_head FOR NO KEY UPDATE;
    RETURN greatest(clock_timestamp(), before);
END $$;

CREATE OR REPLACE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    stamp timestamptz := clock_timestamp();
    month_end timestamptz := date_trunc('month', NEW.at, 'UTC') + interval '1 month';
    field text;
    encoded bytea;
    fields bytea := '';
BEGIN
    -- Between the default and here the month may turn. A time of somebody's own in another month is refused by the
    -- partition, in which the stamp does not fit.
    IF stamp >= month_end AND stamp < month_end + interval '1 minute' THEN
        stamp := month_end - interval '1 microsecond';
    END IF;
    FOREACH field IN ARRAY ARRAY[coalesce(NEW.actor_id::text, ''), NEW.actor_label, NEW.action,
                                 NEW.subject_kind, NEW.subject_id, NEW.subject_label, NEW.data] LOOP
        encoded := convert_to(field, 'UTF8');
        fields := fields || int4send(octet_length(encoded)) || encoded;
    END LOOP;
    UPDATE audit_head SET
        seq = seq + 1,
        at = greatest(stamp, at),
        previous_hash = hash,
        hash = sha256('\\x00'::bytea || hash || int8send(seq + 1) || int4send(27) || convert_to(
            to_char(greatest(stamp, at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'UTF8') || fields)
    RETURNING seq, at, previous_hash, hash INTO STRICT NEW.seq, NEW.at, NEW.previous_hash, NEW.hash;
    RETURN NEW;
END $$;

-- What a partition does not get from the table it is part of: its own number is one of its own, and nobody empties it.
CREATE FUNCTION audit_guard(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER audit_table_stays BEFORE TRUNCATE ON %I EXECUTE FUNCTION audit_refuse()', name);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER audit_table_stays', name);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER audit_rows_stay', name);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER audit_chain', name);
END $$;

CREATE FUNCTION audit_month_name(month timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT 'audit_logs_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM')
$$;

CREATE FUNCTION audit_has_month(month timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'audit_logs'::regclass AND relname = audit_month_name(month))
$$;

-- A month, with the entries of it that stand in another table.
CREATE FUNCTION audit_add_month(month timestamptz, held text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text := audit_month_name(month);
    month_end timestamptz := date_trunc('month', month, 'UTC') + interval '1 month';
BEGIN
    EXECUTE format('CREATE TABLE %I (LIKE audit_logs INCLUDING DEFAULTS, PRIMARY KEY (seq))', name);
    IF held IS NOT NULL THEN
        EXECUTE format('INSERT INTO %I SELECT * FROM %I WHERE at >= %L AND at < %L ORDER BY seq', name, held, month,
            month_end);
    END IF;
    EXECUTE format('ALTER TABLE audit_logs ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, month, month_end);
    PERFORM audit_guard(name);
END $$;

CREATE FUNCTION audit_add_rest() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE TABLE audit_logs_rest (LIKE audit_logs INCLUDING DEFAULTS, PRIMARY KEY (seq));
    ALTER TABLE audit_logs ATTACH PARTITION audit_logs_rest DEFAULT;
    PERFORM audit_guard('audit_logs_rest');
END $$;

-- Makes this month and the next two, and moves what was written while a month was missing: how many it made. The
-- portal's own login may call it, and can do no more by it.
CREATE FUNCTION audit_add_months() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    this timestamptz := date_trunc('month', clock_timestamp(), 'UTC');
    held text := NULL;
    due timestamptz;
    made integer := 0;
BEGIN
    IF audit_has_month(this) AND audit_has_month(this + interval '1 month') AND audit_has_month(this + interval '2 months')
        AND NOT EXISTS (SELECT FROM audit_logs_rest) THEN
        RETURN 0;
    END IF;
    -- One at a time.
    LOCK TABLE audit_logs IN SHARE UPDATE EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM audit_logs_rest) THEN
        ALTER TABLE audit_logs DETACH PARTITION audit_logs_rest;
        ALTER TABLE audit_logs_rest RENAME TO audit_logs_held;
        PERFORM audit_add_rest();
        held := 'audit_logs_held';
        FOR due IN EXECUTE 'SELECT DISTINCT date_trunc(''month'', at, ''UTC'') FROM audit_logs_held ORDER BY 1' LOOP
            PERFORM audit_add_month(due, held);
            made := made + 1;
        END LOOP;
        DROP TABLE audit_logs_held;
    END IF;
    FOR due IN SELECT this + months * interval '1 month' FROM generate_series(0, 2) AS months LOOP
        IF NOT audit_has_month(due) THEN
            PERFORM audit_add_month(due, NULL);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;

DO $$
DECLARE
    name text;
BEGIN
    -- The schema the portal lives in, whatever its name; the server's own is always looked into first.
    FOREACH name IN ARRAY ARRAY['audit_turn()', 'audit_chain()', 'audit_guard(text)', 'audit_month_name(timestamptz)',
        'audit_has_month(timestamptz)', 'audit_add_month(timestamptz, text)', 'audit_add_rest()', 'audit_add_months()'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', name, current_schema());
    END LOOP;
END $$;
-- Whoever waits for it keeps others waiting: it is tried again.
ALTER FUNCTION audit_add_months() SET lock_timeout = '2s';
ALTER FUNCTION audit_add_months() SET timezone = 'UTC';
ALTER FUNCTION audit_add_month(timestamptz, text) SET timezone = 'UTC';
REVOKE EXECUTE ON FUNCTION audit_add_months() FROM PUBLIC;
"""

# Nobody appends while the entries are moved.
ASIDE = """
LOCK TABLE audit_head, audit_logs IN ACCESS EXCLUSIVE MODE;
ALTER TABLE audit_logs RENAME TO audit_logs_before;
DROP INDEX audit_by_subject, audit_by_actor, audit_by_action, audit_by_words, audit_by_target;
"""

MOVE = """
CREATE TABLE audit_logs (LIKE audit_logs_before) PARTITION BY RANGE (at);
ALTER TABLE audit_logs ALTER at SET DEFAULT audit_turn();
CREATE TRIGGER audit_chain BEFORE INSERT ON audit_logs FOR EACH ROW EXECUTE FUNCTION audit_chain();
CREATE TRIGGER audit_rows_stay BEFORE UPDATE OR DELETE ON audit_logs FOR EACH ROW EXECUTE FUNCTION audit_refuse();
SELECT audit_add_rest();
SELECT audit_add_month(month, 'audit_logs_before') FROM (
    SELECT date_trunc('month', at, 'UTC') AS month FROM audit_logs_before GROUP BY 1 ORDER BY 1) AS months;
SELECT audit_add_months();
"""

CHECK = """
CREATE FUNCTION pg_temp.field(content text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT int4send(octet_length(convert_to(content, 'UTF8'))) || convert_to(content, 'UTF8')
$$;
DO $$
DECLARE
    bad bigint;
    last record;
BEGIN
    IF (SELECT count(*) FROM audit_logs) <> (SELECT count(*) FROM audit_logs_before)
        OR EXISTS (TABLE audit_logs_before EXCEPT ALL TABLE audit_logs) THEN
        RAISE EXCEPTION 'The audit log is not the same after it was moved: nothing was changed.';
    END IF;
    SELECT seq INTO bad FROM (
        SELECT *, lag(seq, 1, 0::bigint) OVER log AS seq_before,
            lag(hash, 1, decode(repeat('00', 32), 'hex')) OVER log AS hash_before
        FROM audit_logs WINDOW log AS (ORDER BY seq)) AS entry
    WHERE seq <> seq_before + 1 OR previous_hash IS DISTINCT FROM hash_before OR hash IS DISTINCT FROM sha256(
        '\\x00'::bytea || previous_hash || int8send(seq)
        || pg_temp.field(to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
        || pg_temp.field(coalesce(actor_id::text, '')) || pg_temp.field(actor_label) || pg_temp.field(action)
        || pg_temp.field(subject_kind) || pg_temp.field(subject_id) || pg_temp.field(subject_label)
        || pg_temp.field(data))
    ORDER BY seq LIMIT 1;
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION 'The audit log does not hold at entry %: it is not moved, and nothing was changed.', bad
            USING HINT = 'manage.py verify_audit of the release before says what is wrong with it.';
    END IF;
    SELECT head.seq, log.hash = head.hash AS holds INTO last FROM audit_head AS head
        LEFT JOIN audit_logs AS log ON log.seq = head.seq;
    IF last.seq <> (SELECT count(*) FROM audit_logs) OR (last.seq > 0 AND last.holds IS NOT TRUE) THEN
        RAISE EXCEPTION 'The audit log does not end where its head says: it is not moved, and nothing was changed.';
    END IF;
END $$;
DROP FUNCTION pg_temp.field(text);
"""

AROUND = """
ALTER TABLE audit_logs ADD CONSTRAINT audit_logs_actor_fk FOREIGN KEY (actor_id) REFERENCES {people} ({key})
    DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX audit_by_subject ON audit_logs (subject_kind, subject_id, seq DESC);
CREATE INDEX audit_by_actor ON audit_logs (actor_id, seq DESC);
CREATE INDEX audit_by_action ON audit_logs (action, seq DESC);
CREATE INDEX audit_by_words ON audit_logs USING gin (to_tsvector('simple', left(
    actor_label || ' ' || action || ' ' || subject_kind || ' ' || subject_id || ' ' || subject_label || ' ' || data, 50000)));
CREATE INDEX audit_by_target ON audit_logs (substring(data FROM '"target":"([^"]*)"')) WHERE action = 'query.submit';
CREATE TRIGGER audit_table_stays BEFORE TRUNCATE ON audit_logs EXECUTE FUNCTION audit_refuse();
ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER audit_chain;
ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER audit_rows_stay;
ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER audit_table_stays;
"""

# A portal that runs meanwhile keeps its rights.
RIGHTS = """
DO $$
DECLARE
    own record;
BEGIN
    FOR own IN SELECT grantee::regrole::text AS login, string_agg(privilege_type, ', ') AS rights
        FROM pg_class, aclexplode(relacl) WHERE oid = 'audit_logs_before'::regclass
            AND grantee NOT IN (0, relowner) GROUP BY 1 LOOP
        EXECUTE format('GRANT %s ON audit_logs TO %s', own.rights, own.login);
        EXECUTE format('GRANT EXECUTE ON FUNCTION audit_add_months() TO %s', own.login);
    END LOOP;
END $$;
DROP TABLE audit_logs_before;
"""

PLAIN = """
LOCK TABLE audit_head, audit_logs IN ACCESS EXCLUSIVE MODE;
ALTER TABLE audit_logs RENAME TO audit_logs_before;
DROP INDEX audit_by_subject, audit_by_actor, audit_by_action, audit_by_words, audit_by_target;
CREATE TABLE audit_logs (LIKE audit_logs_before, PRIMARY KEY (seq));
INSERT INTO audit_logs SELECT * FROM audit_logs_before ORDER BY seq;
CREATE TRIGGER audit_chain BEFORE INSERT ON audit_logs FOR EACH ROW EXECUTE FUNCTION audit_chain();
CREATE TRIGGER audit_rows_stay BEFORE UPDATE OR DELETE ON audit_logs FOR EACH ROW EXECUTE FUNCTION audit_refuse();
"""

# `audit_chain` stays: where the time is not known before, it is that of the clock.
GONE = """
DROP FUNCTION audit_turn(), audit_guard(text), audit_month_name(timestamptz), audit_has_month(timestamptz),
    audit_add_month(timestamptz, text), audit_add_rest(), audit_add_months();
"""


def _people(apps, schema_editor):  # type: ignore[no-untyped-def]
    meta = apps.get_model(settings.AUTH_USER_MODEL)._meta  # noqa: SLF001 -- Django's documented API
    name = schema_editor.quote_name
    return AROUND.format(people=name(meta.db_table), key=name(meta.pk.column))


def by_months(apps, schema_editor):  # type: ignore[no-untyped-def]
    """Forward, in one transaction."""
    for statements in (FUNCTIONS, ASIDE, MOVE, CHECK, _people(apps, schema_editor), RIGHTS):
        schema_editor.execute(statements, params=None)


def in_one(apps, schema_editor):  # type: ignore[no-untyped-def]
    """Back into one table."""
    rights = RIGHTS.replace("EXECUTE format('GRANT EXECUTE ON FUNCTION audit_add_months() TO %s', own.login);", "")
    for statements in (PLAIN, CHECK, _people(apps, schema_editor), rights, GONE):
        schema_editor.execute(statements, params=None)


class Migration(migrations.Migration):
    dependencies = [("audit", "0006_entry_deliveries")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(by_months, in_one)],
            state_operations=[
                # `audit_by_actor` begins with it.
                migrations.AlterField(
                    "auditlog",
                    "actor",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        )
    ]
