from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('queries', '0010_what_a_run_reports'),
    ]

    operations = [
        migrations.AddField(
            model_name='execution',
            name='sqlstate',
            field=models.CharField(blank=True, db_default='', editable=False, max_length=5),
        ),
        migrations.AddField(
            model_name='execution',
            name='calls_made',
            field=models.BigIntegerField(db_default=0, editable=False),
        ),
        migrations.AddField(
            model_name='execution',
            name='lines_written',
            field=models.BigIntegerField(db_default=0, editable=False),
        ),
        migrations.AddField(
            model_name='execution',
            name='console_truncated',
            field=models.BooleanField(db_default=False, editable=False),
        ),
        migrations.AddField(
            model_name='execution',
            name='key_id',
            field=models.CharField(blank=True, db_default='', editable=False, max_length=40),
        ),
        migrations.AddField(
            model_name='execution',
            name='data',
            field=models.BinaryField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='scriptcall',
            name='key_id',
            field=models.CharField(db_default='', editable=False, max_length=40),
        ),
        migrations.AddField(
            model_name='scriptcall',
            name='data',
            field=models.BinaryField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='logline',
            name='key_id',
            field=models.CharField(db_default='', editable=False, max_length=40),
        ),
        migrations.AddField(
            model_name='logline',
            name='data',
            field=models.BinaryField(editable=False, null=True),
        ),
    ]
