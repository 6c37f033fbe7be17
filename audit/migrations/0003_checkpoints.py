"""Signed checkpoints of the log, which the database never changes either."""

from django.db import migrations, models

FORWARD = """
CREATE TRIGGER audit_checkpoints_stay BEFORE UPDATE OR DELETE ON audit_checkpoints
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_checkpoint_table_stays BEFORE TRUNCATE ON audit_checkpoints EXECUTE FUNCTION audit_refuse();
ALTER TABLE audit_checkpoints ENABLE ALWAYS TRIGGER audit_checkpoints_stay;
ALTER TABLE audit_checkpoints ENABLE ALWAYS TRIGGER audit_checkpoint_table_stays;
"""

BACKWARD = """
DROP TRIGGER audit_checkpoint_table_stays ON audit_checkpoints;
DROP TRIGGER audit_checkpoints_stay ON audit_checkpoints;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_chain")]

    operations = [
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("number", models.BigIntegerField(editable=False, primary_key=True, serialize=False)),
                ("seq", models.BigIntegerField(editable=False)),
                ("at", models.DateTimeField(editable=False)),
                ("body", models.TextField(editable=False)),
                ("signature", models.BinaryField(max_length=64)),
            ],
            options={
                "db_table": "audit_checkpoints",
                "ordering": ("-number",),
                "default_permissions": ("view",),
                "indexes": [models.Index(fields=["seq"], name="checkpoint_by_seq")],
            },
        ),
        migrations.RunSQL(FORWARD, reverse_sql=BACKWARD),
    ]
