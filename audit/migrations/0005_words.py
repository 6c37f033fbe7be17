"""The words of an entry, and the target of a request, are found by an index.

Of the longest entries only the beginning is: none may fail for its length.
"""

from django.db import migrations

FORWARD = """
CREATE INDEX audit_by_words ON audit_logs USING gin (to_tsvector('simple', left(
    actor_label || ' ' || action || ' ' || subject_kind || ' ' || subject_id || ' ' || subject_label || ' ' || data, 50000)));
CREATE INDEX audit_by_target ON audit_logs (substring(data FROM '"target":"([^"]*)"')) WHERE action = 'query.submit'
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_checkpoint_deliveries")]

    operations = [migrations.RunSQL(FORWARD, reverse_sql="DROP INDEX audit_by_target, audit_by_words")]
