from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("queries", "0020_sealed_undo_parameters")]

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
