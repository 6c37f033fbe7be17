"""Which months of the log were archived, and what the rest of it continues."""

from django.db import migrations, models

FORWARD = """
CREATE TRIGGER audit_archives_stay BEFORE UPDATE OR DELETE ON audit_archives
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_archive_table_stays BEFORE TRUNCATE ON audit_archives EXECUTE FUNCTION audit_refuse();
ALTER TABLE audit_archives ENABLE ALWAYS TRIGGER audit_archives_stay;
ALTER TABLE audit_archives ENABLE ALWAYS TRIGGER audit_archive_table_stays;
"""

BACKWARD = """
DROP TRIGGER audit_archive_table_stays ON audit_archives;
DROP TRIGGER audit_archives_stay ON audit_archives;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0007_months")]

    operations = [
        migrations.CreateModel(
            name="Archive",
            fields=[
                ("last", models.BigIntegerField(editable=False, primary_key=True, serialize=False)),
                ("first", models.BigIntegerField(editable=False)),
                ("ends_at", models.DateTimeField(editable=False)),
                ("head", models.BinaryField(max_length=32)),
                ("leaves", models.BinaryField()),
                ("file", models.TextField(editable=False)),
                ("sha256", models.TextField(editable=False)),
            ],
            options={"db_table": "audit_archives", "ordering": ("-last",), "default_permissions": ()},
        ),
        migrations.RunSQL(FORWARD, reverse_sql=BACKWARD),
    ]
