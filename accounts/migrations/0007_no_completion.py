"""Completion as one types can be switched off."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_daily_digest'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='no_completion',
            field=models.BooleanField(default=False, help_text='Do not offer columns, tables and keywords while I type a statement.', verbose_name='no completion as I type'),
        ),
    ]
