"""What runs said before is sealed with the first key of `PORTAL_RESULT_KEYS`, and emptied where it stood."""

import json

from django.db import migrations, models

from queries import vault

BATCH = 500


def seal(apps, _schema_editor):
    executions, calls, lines = (apps.get_model('queries', name).objects for name in ('Execution', 'ScriptCall', 'LogLine'))
    said = models.Q(failure_message='') & models.Q(failure_detail={}) & models.Q(columns=[])
    for row in executions.filter(~said, data=None).iterator(BATCH):
        text = json.dumps({'message': row.failure_message, 'detail': row.failure_detail, 'columns': row.columns})
        row.sqlstate = row.failure_detail.get('sqlstate', '')[:5]
        row.key_id, row.data = vault.seal(text.encode(), vault.place('said', row.pk))
        row.failure_message, row.failure_detail, row.columns = '', {}, []
        row.save()
    for row in calls.filter(data=None).iterator(BATCH):
        words = json.dumps([row.statement, row.parameters, row.failure])
        row.key_id, row.data = vault.seal(words.encode(), vault.place('call', row.execution_id, row.number))
        row.statement = row.parameters = row.failure = ''
        row.save()
    for row in lines.filter(data=None).iterator(BATCH):
        row.key_id, row.data = vault.seal(row.text.encode(), vault.place('line', row.execution_id, row.number))
        row.text = ''
        row.save()
    for rows, count in ((calls, 'calls_made'), (lines, 'lines_written')):
        for found in rows.values('execution').annotate(n=models.Count('pk')).order_by('execution'):
            executions.filter(pk=found['execution']).update(**{count: found['n']})


def unseal(apps, _schema_editor):
    executions, calls, lines = (apps.get_model('queries', name).objects for name in ('Execution', 'ScriptCall', 'LogLine'))
    for row in executions.exclude(data=None).iterator(BATCH):
        said = json.loads(vault.unseal(row.key_id, bytes(row.data), vault.place('said', row.pk)))
        row.failure_message, row.failure_detail, row.columns = said['message'], said['detail'], said['columns']
        row.key_id, row.data = '', None
        row.save()
    for row in calls.exclude(data=None).iterator(BATCH):
        where = vault.place('call', row.execution_id, row.number)
        row.statement, row.parameters, row.failure = json.loads(vault.unseal(row.key_id, bytes(row.data), where))
        row.key_id, row.data = '', None
        row.save()
    for row in lines.exclude(data=None).iterator(BATCH):
        where = vault.place('line', row.execution_id, row.number)
        row.text = vault.unseal(row.key_id, bytes(row.data), where).decode()
        row.key_id, row.data = '', None
        row.save()


class Migration(migrations.Migration):

    dependencies = [
        ('queries', '0011_sealed_words'),
    ]

    operations = [
        migrations.RunPython(seal, unseal, elidable=True),
    ]
