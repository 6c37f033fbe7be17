from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('queries', '0012_seal_words'),
    ]

    operations = [
        migrations.RemoveField(model_name='execution', name='failure_message'),
        migrations.RemoveField(model_name='execution', name='failure_detail'),
        migrations.RemoveField(model_name='execution', name='columns'),
        # Each gets a default, so that the way back finds one for rows that are there.
        migrations.AlterField(model_name='scriptcall', name='statement', field=models.TextField(db_default='', editable=False)),
        migrations.AlterField(model_name='scriptcall', name='parameters', field=models.TextField(blank=True, db_default='', editable=False)),
        migrations.AlterField(model_name='scriptcall', name='failure', field=models.TextField(blank=True, db_default='', editable=False)),
        migrations.AlterField(model_name='logline', name='text', field=models.TextField(db_default='', editable=False)),
        migrations.RemoveField(model_name='scriptcall', name='statement'),
        migrations.RemoveField(model_name='scriptcall', name='parameters'),
        migrations.RemoveField(model_name='scriptcall', name='failure'),
        migrations.RemoveField(model_name='logline', name='text'),
        migrations.AlterField(model_name='scriptcall', name='key_id', field=models.CharField(editable=False, max_length=40)),
        migrations.AlterField(model_name='scriptcall', name='data', field=models.BinaryField(editable=False)),
        migrations.AlterField(model_name='logline', name='key_id', field=models.CharField(editable=False, max_length=40)),
        migrations.AlterField(model_name='logline', name='data', field=models.BinaryField(editable=False)),
    ]
