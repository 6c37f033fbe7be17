"""Filters of a list that are kept."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pods', '0003_places'),
        ('queries', '0026_progress_of_statements'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='SavedView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('list', models.CharField(choices=[('review', 'Review'), ('queries:list', 'Requests')], editable=False, max_length=12)),
                ('name', models.CharField(editable=False, max_length=60)),
                ('address', models.CharField(editable=False, max_length=1000)),
                ('position', models.IntegerField(default=0, editable=False)),
                ('person', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('pod', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='pods.pod')),
            ],
            options={
                'db_table': 'saved_views',
                'default_permissions': (),
                'constraints': [models.CheckConstraint(condition=models.Q(('person', None), ('pod', None), _connector='XOR'), name='view_of_a_person_or_a_pod'), models.CheckConstraint(condition=models.Q(('list__in', ['review', 'queries:list'])), name='view_of_a_list'), models.UniqueConstraint(fields=('person', 'pod', 'list', 'name'), name='view_name_once', nulls_distinct=False)],
            },
        ),
    ]
