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
    hash bytea NOT NULL
);
INSERT INTO audit_head (seq, at, hash) VALUES (0, '-infinity', decode(repeat('00', 32), 'hex'));

CREATE FUNCTION audit_field(value text) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog
AS $$ SELECT int4send(octet_length(convert_to(value, 'UTF8'))) || convert_to(value, 'UTF8') $$;

CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    head record;
    body bytea;
BEGIN
    SELECT seq, at, hash INTO STRICT head FROM audit_head FOR UPDATE;
    NEW.seq := head.seq + 1;
    NEW.at := greatest(clock_timestamp(), head.at);
    NEW.previous_hash := head.hash;
    body := '\\x00'::bytea || head.hash || int8send(NEW.seq);
    body := body || audit_field(to_char(NEW.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'));
    body := body || audit_field(coalesce(NEW.actor_id::text, ''));
    body := body || audit_field(NEW.actor_label) || audit_field(NEW.action);
    body := body || audit_field(NEW.subject_kind) || audit_field(NEW.subject_id) || audit_field(NEW.subject_label);
    body := body || audit_field(NEW.data);
    NEW.hash := sha256(body);
    UPDATE audit_head SET seq = NEW.seq, at = NEW.at, hash = NEW.hash;
    RETURN NEW;
END $$;

CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'The audit log is append-only: % on % is refused.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

-- The head moves only from inside audit_chain: there this trigger is the second one deep.
CREATE FUNCTION audit_head_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'The head of the audit log moves only with an entry.' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

DO $$
BEGIN
    -- The schema the portal lives in, whatever its name.
    EXECUTE format('ALTER FUNCTION audit_chain() SET search_path = pg_catalog, %I, pg_temp', current_schema());
END $$;

CREATE TRIGGER audit_chain BEFORE INSERT ON audit_logs FOR EACH ROW EXECUTE FUNCTION audit_chain();
CREATE TRIGGER audit_rows_stay BEFORE UPDATE OR DELETE ON audit_logs FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_table_stays BEFORE TRUNCATE ON audit_logs EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_head_moves BEFORE UPDATE ON audit_head FOR EACH ROW EXECUTE FUNCTION audit_head_guard();
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
DROP FUNCTION audit_head_guard();
DROP FUNCTION audit_refuse();
DROP FUNCTION audit_chain();
DROP FUNCTION audit_field(text);
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, reverse_sql=BACKWARD)]
