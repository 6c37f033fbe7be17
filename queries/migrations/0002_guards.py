"""The database agrees with the code: a decision repeats its query's author, what was frozen stays frozen."""

from django.db import migrations

FORWARD = """
ALTER TABLE decisions ADD CONSTRAINT decision_repeats_author
    FOREIGN KEY (query_id, author_id) REFERENCES query_requests (id, author_id);

CREATE FUNCTION query_is_frozen() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'A request is frozen at submission; revise it with a new one.' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER query_is_frozen
    BEFORE UPDATE OF public_id, pod_id, target_id, author_id, revises_id, language, access, statement, parameters,
        seconds_limit, lock_seconds_limit, rows_limit, bytes_limit, digest, reason, ticket, approvals_required,
        submitted_at, expires_at
    ON query_requests FOR EACH ROW EXECUTE FUNCTION query_is_frozen();

CREATE FUNCTION decision_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'A decision is final.' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER decision_stays BEFORE UPDATE OR DELETE ON decisions FOR EACH ROW EXECUTE FUNCTION decision_stays();

ALTER TABLE result_chunks ALTER COLUMN data SET STORAGE EXTERNAL;
"""

BACKWARD = """
ALTER TABLE result_chunks ALTER COLUMN data SET STORAGE EXTENDED;
DROP TRIGGER decision_stays ON decisions;
DROP FUNCTION decision_stays();
DROP TRIGGER query_is_frozen ON query_requests;
DROP FUNCTION query_is_frozen();
ALTER TABLE decisions DROP CONSTRAINT decision_repeats_author;
"""


class Migration(migrations.Migration):
    dependencies = [("queries", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, reverse_sql=BACKWARD)]
