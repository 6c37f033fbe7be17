"""Pages show times where their reader is."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_only_hashes'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='time_zone',
            field=models.CharField(default='UTC', help_text='Times on pages are shown in it; UTC is said on hover.', max_length=64, verbose_name='time zone'),
        ),
    ]
