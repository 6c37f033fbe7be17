"""Maintenance is an access of its own, and has a longer name."""

from django.db import migrations, models

# The type of a column that a trigger names cannot be changed.
WITHOUT_TRIGGER = "DROP TRIGGER query_is_frozen ON query_requests"
WITH_TRIGGER = """
CREATE TRIGGER query_is_frozen
    BEFORE UPDATE OF public_id, pod_id, target_id, author_id, revises_id, language, access, statement, parameters,
        seconds_limit, lock_seconds_limit, rows_limit, bytes_limit, digest, reason, ticket, approvals_required,
        submitted_at, expires_at
    ON query_requests FOR EACH ROW EXECUTE FUNCTION query_is_frozen()
"""


class Migration(migrations.Migration):
    dependencies = [("queries", "0022_comments_and_tidings")]
    operations = [
        migrations.RunSQL(WITHOUT_TRIGGER, WITH_TRIGGER),
        migrations.AlterField(
            model_name="queryrequest",
            name="access",
            field=models.CharField(
                choices=[("read", "read"), ("write", "write"), ("maintenance", "maintenance")],
                editable=False,
                max_length=11,
            ),
        ),
        migrations.RunSQL(WITH_TRIGGER, WITHOUT_TRIGGER),
    ]
