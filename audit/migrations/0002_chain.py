"""The database numbers, stamps and chains each entry, and refuses every change of one.

The functions run as their owner, so that an application role with INSERT and SELECT alone can append. The hash covers the
same bytes as `audit.chain.entry_hash`.
"""

from django.db import migrations

FORWARD = """
CREATE TABLE audit_head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL
);
INSERT INTO audit_head (seq, at, previous_hash, hash) VALUES (0, '-infinity', '', decode(repeat('00', 32), 'hex'));

-- Every write of the portal waits for this: the head is locked, read and moved in one statement, and all that can be
-- made ready before it is. A timestamp is always 27 bytes.
CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    stamp timestamptz := clock_timestamp();
    field text;
    encoded bytea;
    fields bytea := '';
BEGIN
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

CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'The audit log is append-only: % on % is refused.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

DO $$
BEGIN
    -- The schema the portal lives in, whatever its name.
    EXECUTE format('ALTER FUNCTION audit_chain() SET search_path = pg_catalog, %I, pg_temp', current_schema());
END $$;

CREATE TRIGGER audit_chain BEFORE INSERT ON audit_logs FOR EACH ROW EXECUTE FUNCTION audit_chain();
CREATE TRIGGER audit_rows_stay BEFORE UPDATE OR DELETE ON audit_logs FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_table_stays BEFORE TRUNCATE ON audit_logs EXECUTE FUNCTION audit_refuse();
-- The head moves only from inside a trigger: audit_chain.
CREATE TRIGGER audit_head_moves BEFORE UPDATE ON audit_head FOR EACH ROW WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_head_stays BEFORE INSERT OR DELETE ON audit_head FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_head_table_stays BEFORE TRUNCATE ON audit_head EXECUTE FUNCTION audit_refuse();

-- ALWAYS: also for a session that calls itself a replica.
ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER audit_chain;
ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER audit_rows_stay;
ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER audit_table_stays;
ALTER TABLE audit_head ENABLE ALWAYS TRIGGER audit_head_moves;
ALTER TABLE audit_head ENABLE ALWAYS TRIGGER audit_head_stays;
ALTER TABLE audit_head ENABLE ALWAYS TRIGGER audit_head_table_stays;
"""

BACKWARD = """
DROP TRIGGER audit_table_stays ON audit_logs;
DROP TRIGGER audit_rows_stay ON audit_logs;
DROP TRIGGER audit_chain ON audit_logs;
DROP TABLE audit_head;
DROP FUNCTION audit_refuse();
DROP FUNCTION audit_chain();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, reverse_sql=BACKWARD)]
