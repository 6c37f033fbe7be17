"""What an undo puts back are rows of the target: sealed, and their digest where they stood.

An undo that still waits cannot be approved after that, for its digest bound the rows themselves: it is prepared anew.
"""

import datetime as dt
import hashlib
import json

import django.db.models.deletion
from django.db import migrations, models
from django.utils import timezone

from queries import vault

BATCH = 20


def seal(apps, _schema_editor):
    requests, sealed = (apps.get_model("queries", name).objects for name in ("QueryRequest", "UndoParameters"))
    for row in requests.exclude(undoes=None).select_related("target").iterator(BATCH):
        text = json.dumps(row.parameters, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        key_id, data = vault.seal(text, vault.place("parameters", row.pk))
        kept_until = timezone.now() + dt.timedelta(days=row.target.retention_days)
        sealed.create(query=row, expires_at=kept_until, key_id=key_id, data=data)
        stands = [{"sealed": hashlib.sha256(text).hexdigest(), "count": len(row.parameters)}]
        requests.filter(pk=row.pk).update(parameters=stands)


def unseal(apps, _schema_editor):
    requests, sealed = (apps.get_model("queries", name).objects for name in ("QueryRequest", "UndoParameters"))
    for row in sealed.iterator(BATCH):
        text = vault.unseal(row.key_id, bytes(row.data), vault.place("parameters", row.pk))
        requests.filter(pk=row.pk).update(parameters=json.loads(text.decode("utf-8", "surrogatepass")))


class Migration(migrations.Migration):
    dependencies = [("queries", "0019_queue_order")]

    operations = [
        migrations.CreateModel(
            name="UndoParameters",
            fields=[
                ("key_id", models.CharField(editable=False, max_length=40)),
                ("data", models.BinaryField()),
                (
                    "query",
                    models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="undo_parameters",
                        serialize=False,
                        to="queries.queryrequest",
                    ),
                ),
                ("expires_at", models.DateTimeField(db_index=True, editable=False)),
            ],
            options={"db_table": "undo_parameters", "default_permissions": ()},
        ),
        migrations.RunSQL(
            "ALTER TABLE query_requests DISABLE TRIGGER query_is_frozen",
            "ALTER TABLE query_requests ENABLE TRIGGER query_is_frozen",
        ),
        migrations.RunPython(seal, unseal, elidable=True),
        migrations.RunSQL(
            "ALTER TABLE query_requests ENABLE TRIGGER query_is_frozen",
            "ALTER TABLE query_requests DISABLE TRIGGER query_is_frozen",
        ),
    ]
