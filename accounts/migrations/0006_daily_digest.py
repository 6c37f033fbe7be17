"""One e-mail a day, for whom wants it."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_absences'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='daily_digest',
            field=models.BooleanField(default=False, help_text='Send me one e-mail each morning, of what waits for me and what happened.', verbose_name='e-mail me once a day'),
        ),
        migrations.AddField(
            model_name='user',
            name='digest_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
