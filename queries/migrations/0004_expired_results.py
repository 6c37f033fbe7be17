"""Finds results past their retention without reading those that are gone already."""

from django.db import migrations

FORWARD = """
CREATE INDEX execution_result_kept ON executions (result_expires_at) WHERE result_deleted_at IS NULL;
"""
BACKWARD = "DROP INDEX execution_result_kept;"


class Migration(migrations.Migration):
    dependencies = [("queries", "0003_notices")]

    operations = [migrations.RunSQL(FORWARD, reverse_sql=BACKWARD)]
