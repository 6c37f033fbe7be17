"""A stand-in is told by the bell of what still waits."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('queries', '0031_template_guards'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='tiding',
            name='tiding_event_known',
        ),
        migrations.AlterField(
            model_name='tiding',
            name='event',
            field=models.CharField(choices=[('submit', 'Submit'), ('revise', 'Revise'), ('comment', 'Comment'), ('endorse', 'Endorse'), ('approve', 'Approve'), ('reject', 'Reject'), ('expire', 'Expire'), ('complete', 'Complete'), ('fail', 'Fail'), ('close', 'Close'), ('remind', 'Remind'), ('stand_in', 'Stand In')], editable=False, max_length=8),
        ),
        migrations.AddConstraint(
            model_name='tiding',
            constraint=models.CheckConstraint(condition=models.Q(('event__in', ['submit', 'revise', 'comment', 'endorse', 'approve', 'reject', 'expire', 'complete', 'fail', 'close', 'remind', 'stand_in'])), name='tiding_event_known'),
        ),
    ]
