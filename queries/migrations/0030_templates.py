"""Statements that pods keep, what is approved of them in advance, and the requests made of them."""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pods', '0004_maintenance'),
        ('queries', '0029_status_index_counts_languages'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Template',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('name', models.CharField(editable=False, max_length=80)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('retired_at', models.DateTimeField(editable=False, null=True)),
                ('owner', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('pod', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='templates', to='pods.pod')),
                ('retired_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'templates',
                'ordering': ('pk',),
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Grant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('access', models.CharField(default='read', editable=False, max_length=11)),
                ('digest', models.CharField(editable=False, max_length=64)),
                ('target_mark', models.CharField(editable=False, max_length=64)),
                ('login_mark', models.CharField(editable=False, max_length=64)),
                ('tables', models.JSONField(default=list, editable=False)),
                ('approver_membership', models.BigIntegerField(editable=False)),
                ('comment', models.TextField(blank=True, editable=False)),
                ('runs_a_day', models.PositiveIntegerField(editable=False)),
                ('runs_a_person', models.PositiveIntegerField(editable=False)),
                ('until', models.DateField(editable=False)),
                ('for_everyone', models.BooleanField(editable=False)),
                ('granted_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('ended_at', models.DateTimeField(editable=False, null=True)),
                ('ended', models.CharField(blank=True, choices=[('withdrawn', 'It was withdrawn.'), ('replaced', 'Another one took its place.'), ('changed', 'The template was changed.'), ('retired', 'The template was retired.'), ('target', 'Its target was changed.'), ('login', 'The login of its target was changed.'), ('approver', 'Who approved it is no longer a manager of the pod.'), ('lapsed', 'Its last day is over.')], default='', editable=False, max_length=9)),
                ('approver', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='grants', to=settings.AUTH_USER_MODEL)),
                ('ended_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('target', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='grants', to='pods.target')),
                ('template', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='grants', to='queries.template')),
            ],
            options={
                'db_table': 'template_grants',
                'ordering': ('-pk',),
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='TemplateVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(editable=False)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('description', models.TextField(editable=False)),
                ('engine', models.CharField(choices=[('postgresql', 'postgresql'), ('mongodb', 'mongodb')], editable=False, max_length=12)),
                ('language', models.CharField(choices=[('sql', 'sql'), ('mongo', 'mongo'), ('script', 'script')], editable=False, max_length=6)),
                ('access', models.CharField(choices=[('read', 'read'), ('write', 'write'), ('maintenance', 'maintenance')], editable=False, max_length=11)),
                ('statement', models.TextField(editable=False)),
                ('parameters', models.JSONField(default=list, editable=False)),
                ('digest', models.CharField(editable=False, max_length=64)),
                ('author', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('targets', models.ManyToManyField(editable=False, related_name='template_versions', to='pods.target')),
                ('template', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='queries.template')),
            ],
            options={
                'db_table': 'template_versions',
                'ordering': ('-number',),
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='TemplateUse',
            fields=[
                ('query', models.OneToOneField(editable=False, on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='template_use', serialize=False, to='queries.queryrequest')),
                ('day', models.DateField(editable=False, null=True)),
                ('ordinary', models.TextField(blank=True, default='', editable=False)),
                ('grant', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='uses', to='queries.grant')),
                ('person', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('version', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='uses', to='queries.templateversion')),
            ],
            options={
                'db_table': 'template_uses',
                'default_permissions': (),
            },
        ),
        migrations.AddField(
            model_name='template',
            name='current',
            field=models.OneToOneField(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='queries.templateversion'),
        ),
        migrations.AddField(
            model_name='grant',
            name='version',
            field=models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='grants', to='queries.templateversion'),
        ),
        migrations.CreateModel(
            name='GrantedPerson',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('membership', models.BigIntegerField(editable=False)),
                ('grant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='people', to='queries.grant')),
                ('person', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'template_grant_people',
                'ordering': ('pk',),
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('grant', 'person'), name='granted_once')],
            },
        ),
        migrations.AddConstraint(
            model_name='templateversion',
            constraint=models.UniqueConstraint(fields=('template', 'number'), name='template_version_once'),
        ),
        migrations.AddConstraint(
            model_name='templateversion',
            constraint=models.UniqueConstraint(fields=('id', 'access'), name='template_version_and_access'),
        ),
        migrations.AddIndex(
            model_name='templateuse',
            index=models.Index(fields=['grant', 'day', 'person'], name='template_use_by_day'),
        ),
        migrations.AddConstraint(
            model_name='templateuse',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('day', None), ('grant', None)), models.Q(('day__isnull', False), ('grant__isnull', False), ('ordinary', '')), _connector='OR'), name='template_use_counts_or_waits'),
        ),
        migrations.AddConstraint(
            model_name='template',
            constraint=models.UniqueConstraint(models.F('pod'), django.db.models.functions.text.Lower('name'), condition=models.Q(('retired_at', None)), name='template_name_once'),
        ),
        migrations.AddConstraint(
            model_name='template',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('retired_at', None), ('retired_by', None)), models.Q(('retired_at__isnull', False), ('retired_by__isnull', False)), _connector='OR'), name='template_retired_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('template', 'target'), name='grant_once_per_target'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(('access', 'read')), name='grant_of_a_read'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(('runs_a_day__gte', models.F('runs_a_person')), ('runs_a_person__gte', 1)), name='grant_has_limits'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended', ''), ('ended_at', None)), models.Q(('ended_at__isnull', False), models.Q(('ended', ''), _negated=True)), _connector='OR'), name='grant_ended_why'),
        ),
    ]
