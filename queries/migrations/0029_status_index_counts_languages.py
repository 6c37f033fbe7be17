"""The index by status holds the language too, so that requests are counted by both without reading them."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The index is built beside the work of a portal that runs.
    atomic = False
    dependencies = [("queries", "0028_search_statements")]

    operations = [
        AddIndexConcurrently(
            "queryrequest",
            models.Index(fields=["status", "-id"], include=["language"], name="query_by_status_counted"),
        ),
        RemoveIndexConcurrently("queryrequest", "query_by_status"),
    ]
