"""How far a run of several statements is, while it runs."""

from __future__ import annotations

import psycopg
import pytest
from django.test import Client
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from queries.lifecycle import Status
from queries.models import Execution, QueryRequest
from queries.tests.running.conftest import Approve, wait_for
from queries.tests.world import TargetDatabase, World

pytestmark = pytest.mark.slow

# The pause makes its end the moment at which it is told how far it is.
TEXT = "INSERT INTO effects (tag) VALUES ('far');\n" * 100 + (
    "SELECT pg_sleep(0.6);\nUPDATE items SET name = name WHERE id = 1;\nDELETE FROM effects WHERE tag = 'far'"
)


def test_people_see_how_many_statements_ran(
    committed: World, approve: Approve, target_database: TargetDatabase
) -> None:
    committed.change_target(seconds_limit=60, lock_seconds_limit=60)
    query = committed.submitted(TEXT, access="write")
    api = APIClient(headers={"Authorization": f"Bearer {AccessToken.for_user(committed.author)}"})
    client = Client()
    client.force_login(committed.author)
    with psycopg.connect(target_database.admin_url) as holder:
        holder.execute("SELECT FROM items WHERE id = 1 FOR UPDATE")
        running = approve(query)
        wait_for(lambda: Execution.objects.filter(pk=query.pk, statements_done=101).exists())
        status = client.get(f"/queries/{query.public_id}/status/").content.decode()
        answer = api.get(f"/api/v1/queries/{query.public_id}/").json()["execution"]["statements"]
        holder.rollback()
    running.result(timeout=60)
    committed.change_target(seconds_limit=10, lock_seconds_limit=5)
    assert "101 of 103 statements ran." in " ".join(status.split())
    assert '<progress id="statements-done" max="103"' in " ".join(status.split())
    assert answer == {"done": 101, "total": 103}
    assert QueryRequest.objects.get(pk=query.pk).status == Status.EXECUTED
    assert api.get(f"/api/v1/queries/{query.public_id}/").json()["execution"]["statements"] is None
