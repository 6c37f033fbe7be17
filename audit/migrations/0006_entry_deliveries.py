"""Which SIEM has which entries."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_words")]

    operations = [
        migrations.CreateModel(
            name="EntryDelivery",
            fields=[
                ("place", models.TextField(editable=False, primary_key=True, serialize=False)),
                ("sent", models.BigIntegerField(db_default=0, editable=False)),
                ("sent_at", models.DateTimeField(editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(db_default=0, editable=False)),
                ("problem", models.TextField(db_default="", editable=False)),
                ("failing_since", models.DateTimeField(editable=False, null=True)),
                ("due_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ("leased_until", models.DateTimeField(editable=False, null=True)),
            ],
            options={"db_table": "entry_deliveries", "default_permissions": ()},
        ),
    ]
