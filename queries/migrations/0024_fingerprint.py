from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("queries", "0023_maintenance")]

    operations = [
        migrations.AddField(
            model_name='queryrequest',
            name='fingerprint',
            field=models.CharField(blank=True, default='', editable=False, max_length=64),
        ),
        migrations.AddIndex(
            model_name='queryrequest',
            index=models.Index(fields=['target', 'fingerprint', '-id'], name='query_by_fingerprint'),
        ),
    ]
