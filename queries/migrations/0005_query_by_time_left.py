from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("queries", "0004_expired_results")]

    operations = [
        migrations.AddIndex(
            model_name="queryrequest",
            index=models.Index(fields=["status", "expires_at", "id"], name="query_by_time_left"),
        )
    ]
