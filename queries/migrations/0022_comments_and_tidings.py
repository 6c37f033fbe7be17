"""Words about a request that decide nothing, and what people are told by the bell."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

# As decisions, what was said stays as it was said.
STAYS = """
CREATE FUNCTION comment_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'A comment stays as it was written.' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER comment_stays BEFORE UPDATE OR DELETE ON comments FOR EACH ROW EXECUTE FUNCTION comment_stays();
"""
CHANGES = "DROP TRIGGER comment_stays ON comments; DROP FUNCTION comment_stays();"


class Migration(migrations.Migration):

    dependencies = [
        ("queries", "0021_result_orders"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Comment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField(editable=False)),
                ('line', models.PositiveIntegerField(editable=False, null=True)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('author', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('query', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='comments', to='queries.queryrequest')),
            ],
            options={
                'db_table': 'comments',
                'ordering': ('pk',),
                'default_permissions': ('view',),
                'constraints': [models.CheckConstraint(condition=models.Q(('line', None), ('line__gte', 1), _connector='OR'), name='comment_line_from_1')],
            },
        ),
        migrations.CreateModel(
            name='Tiding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event', models.CharField(choices=[('submit', 'Submit'), ('revise', 'Revise'), ('comment', 'Comment'), ('endorse', 'Endorse'), ('approve', 'Approve'), ('reject', 'Reject'), ('expire', 'Expire'), ('complete', 'Complete'), ('fail', 'Fail'), ('close', 'Close'), ('remind', 'Remind')], editable=False, max_length=8)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), db_index=True, editable=False)),
                ('read_at', models.DateTimeField(editable=False, null=True)),
                ('actor', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('person', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='tidings', to=settings.AUTH_USER_MODEL)),
                ('query', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='tidings', to='queries.queryrequest')),
            ],
            options={
                'db_table': 'tidings',
                'ordering': ('-pk',),
                'default_permissions': (),
                'indexes': [models.Index(fields=['person', '-id'], name='tiding_by_person'), models.Index(condition=models.Q(('read_at', None)), fields=['person', 'query'], name='tiding_unread')],
                'constraints': [models.CheckConstraint(condition=models.Q(('event__in', ['submit', 'revise', 'comment', 'endorse', 'approve', 'reject', 'expire', 'complete', 'fail', 'close', 'remind'])), name='tiding_event_known'), models.CheckConstraint(condition=models.Q(('actor', models.F('person')), _negated=True), name='tiding_not_of_own_act')],
            },
        ),
        migrations.RunSQL(STAYS, reverse_sql=CHANGES),
    ]
