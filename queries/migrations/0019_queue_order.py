from django.conf import settings
from django.db import migrations, models

# What waits already is given its place, as far as it can be told from what was stored: how many rows it would change
# comes with the next rehearsal.
PLACES = """
UPDATE query_requests AS q SET queue_order = -(1 + 2
    + CASE WHEN q.findings @? '$[*] ? (@.code == "no_where" || @.code == "no_filter" || @.code == "always_true"
        || @.code == "outer_name" || @.code == "replaces_collection")' THEN 8 ELSE 0 END
    + CASE WHEN q.findings @? '$[*] ? (@.code == "destructive")' THEN 16 ELSE 0 END
    + CASE WHEN t.environment = 'production' THEN 1024 ELSE 0 END)
FROM targets AS t WHERE t.id = q.target_id AND q.status = 'PENDING' AND q.access = 'write'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("pods", "0003_places"),
        ("queries", "0018_structure_rehearsed"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="queryrequest",
            name="queue_order",
            field=models.SmallIntegerField(default=0, editable=False),
        ),
        migrations.RunSQL(PLACES, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="queryrequest",
            index=models.Index(fields=["status", "queue_order", "id"], name="query_by_risk"),
        ),
    ]
