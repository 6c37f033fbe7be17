"""Who is out of office, and who stands in."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_time_zone'),
    ]

    operations = [
        migrations.CreateModel(
            name='Absence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('begins_at', models.DateTimeField(editable=False)),
                ('ends_at', models.DateTimeField(editable=False)),
                ('person', models.OneToOneField(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='absence', to=settings.AUTH_USER_MODEL)),
                ('stand_in', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='stands_in_for', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'absences',
                'default_permissions': ('view',),
                'constraints': [models.CheckConstraint(condition=models.Q(('begins_at__lt', models.F('ends_at'))), name='absence_has_length'), models.CheckConstraint(condition=models.Q(('person', models.F('stand_in')), _negated=True), name='absence_of_another')],
            },
        ),
    ]
