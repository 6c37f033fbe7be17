"""A search looks in statements, too: the beginning of each is put beside the other words, a batch at a time."""

from django.db import connection, migrations

BATCH = 2000
ADD = """
UPDATE query_requests SET search = search || ' ' || lower(left(statement, 8000)) WHERE id > %s AND id <= %s
"""


def add(_apps, _schema_editor):
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM query_requests")
        last = cursor.fetchone()[0]
        for start in range(0, last, BATCH):
            cursor.execute(ADD, [start, start + BATCH])


class Migration(migrations.Migration):
    dependencies = [("queries", "0027_saved_views")]

    operations = [migrations.RunPython(add, migrations.RunPython.noop, elidable=True)]
