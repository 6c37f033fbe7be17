"""What the last test of a target's logins found."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pods", "0004_maintenance")]

    operations = [
        migrations.CreateModel(
            name="TargetReport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(auto_now=True)),
                ("told", models.JSONField(default=list)),
                ("about", models.JSONField(default=list)),
                (
                    "target",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="report", to="pods.target"
                    ),
                ),
            ],
            options={"db_table": "target_reports", "default_permissions": ()},
        ),
    ]
