"""A run of several statements tells how far it is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("queries", "0025_drafts")]

    operations = [
        migrations.AddField(
            model_name="execution",
            name="statements_done",
            field=models.PositiveIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="execution",
            name="statements_total",
            field=models.PositiveIntegerField(editable=False, null=True),
        ),
    ]
