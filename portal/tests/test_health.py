"""What an operator's machines ask."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client as DjangoClient
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import User
from audit import checkpoints
from portal.tests.people import Submit
from queries.models import Notice
from queries.running import places
from queries.running.claim import release
from queries.services import approve, reject

TOKEN = "a-token-of-more-than-24-characters"


def test_healthz_asks_nothing(client: DjangoClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_readyz_when_all_is_there(client: DjangoClient) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "problems": [], "alarms": []})


@pytest.mark.django_db
def test_readyz_names_missing_migrations(client: DjangoClient) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'queries' AND name LIKE '0001%'")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "queries.0001" in answer.json()["problems"][0]


@pytest.mark.django_db
def test_readyz_without_a_database(client: DjangoClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_args: object) -> None:
        raise OperationalError("host secret")

    monkeypatch.setattr(connection, "cursor", gone)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (503, False)
    assert "secret" not in answer.content.decode()


def test_page_02_healthz_speaks_of_the_process_alone(
    client: DjangoClient, author: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """page-02: with a session's cookie, over plain http where that is not taken, for any host, the database away."""
    client.force_login(author, backend="django.contrib.auth.backends.ModelBackend")
    monkeypatch.setattr("django.conf.settings.SECURE_SSL_REDIRECT", True)
    with CaptureQueriesContext(connection) as asked:
        for headers in ({}, {"HTTP_HOST": "10.0.0.7:8000"}, {"HTTP_AUTHORIZATION": "Bearer nonsense"}):
            answer = client.get("/healthz", **headers)  # type: ignore[arg-type]
            assert (answer.status_code, answer.content, answer["Cache-Control"]) == (200, b"ok\n", "no-store")
        assert client.head("/healthz").status_code == 200
        assert client.post("/healthz").status_code == 405
    assert len(asked) == 0


@pytest.mark.django_db
def test_readyz_asks_nobody_to_sign_in_and_no_session(client: DjangoClient, author: User) -> None:
    client.force_login(author, backend="django.contrib.auth.backends.ModelBackend")
    with CaptureQueriesContext(connection) as asked:
        assert client.get("/readyz").status_code == 200
    assert not [query for query in asked.captured_queries if "session" in query["sql"] or "users" in query["sql"]]


@pytest.mark.django_db
@pytest.mark.parametrize("header", ["", "Bearer wrong", f"Basic {TOKEN}", "Bearer ", "Bearer ünï"])
def test_metrics_are_closed(header: str, client: DjangoClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.conf.settings.PORTAL_METRICS_TOKEN", TOKEN)
    assert client.get("/metrics", HTTP_AUTHORIZATION=header).status_code == 403


@pytest.mark.django_db
def test_metrics_without_a_token_set_take_no_empty_one(client: DjangoClient) -> None:
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer ").status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize(("person", "status"), [("author", 403), ("reviewer", 403), ("auditor", 200), ("admin", 200)])
def test_metrics_by_session(person: str, status: int, client: DjangoClient, request: pytest.FixtureRequest) -> None:
    client.force_login(request.getfixturevalue(person), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/metrics").status_code == status


@pytest.mark.django_db
def test_metrics_count_what_is_there(
    client: DjangoClient, submitted: Submit, reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.conf.settings.PORTAL_METRICS_TOKEN", TOKEN)
    submitted()
    reject(actor=reviewer, query_id=submitted().pk, comment="No.")
    samples = numbers(client)
    assert (samples["portal_queries", "sql", "pending"], samples["portal_queries", "sql", "rejected"]) == (1, 1)
    assert samples["portal_queries", "script", "pending"] == 0
    assert 0 <= samples["portal_oldest_pending_seconds",] < timedelta(minutes=1).total_seconds()
    assert samples["portal_audit_entries_total",] >= 3
    # Nothing was signed yet, and nothing is claimed of it.
    assert ("portal_checkpoint_age_seconds",) not in samples


@pytest.mark.django_db
def test_metrics_of_runs_checkpoints_and_what_waits_to_be_sent(
    client: DjangoClient, submitted: Submit, reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.conf.settings.PORTAL_METRICS_TOKEN", TOKEN)
    assert ("portal_run_seconds", "sql", "1") not in numbers(client)
    first, query = submitted("select pg_sleep(0.1)"), submitted("select pg_sleep(0.1)")
    for each in (first, query):
        approve(actor=reviewer, query_id=each.pk, digest=each.digest)
    checkpoints.make_due()
    Notice.objects.create(query=query, medium="email", person=reviewer, changed_at=timezone.now() - timedelta(hours=1))
    samples = numbers(client)
    assert samples["portal_run_seconds_of", "sql"] == 2
    assert 0.1 <= samples["portal_run_seconds", "sql", "0.5"] <= samples["portal_run_seconds", "sql", "1"]
    assert 0 <= samples["portal_checkpoint_age_seconds",] < 60
    assert samples["portal_outbox_age_seconds", "email"] >= timedelta(hours=1).total_seconds()
    assert samples["portal_outbox_age_seconds", "checkpoints"] == 0


@pytest.mark.django_db
def test_metrics_count_places_that_any_process_holds(
    client: DjangoClient, submitted: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.conf.settings.PORTAL_METRICS_TOKEN", TOKEN)
    assert numbers(client)["portal_places_in_use", "run"] == 0
    query = submitted()
    places.take(query)
    samples = numbers(client)
    assert samples["portal_places_in_use", "run"] == 1
    assert samples["portal_places_in_use", "maintenance"] == samples["portal_places_waited_for",] == 0
    release()


COUNTED = """
import time
from executors import processes
from executors.processes import census

def settled(count):
    deadline = time.monotonic() + 15
    while census.sandbox_children() != count and time.monotonic() < deadline:
        time.sleep(0.05)
    return census.sandbox_children()

print(census.sandbox_children())
child = processes.scripts.take(30)
print(census.sandbox_children() >= 1)
processes.scripts.kill(child)
processes.scripts.close()
print(settled(0))
"""


@pytest.mark.sandbox
def test_sandbox_children_are_counted_in_whichever_process_they_are() -> None:
    """In a process of its own: below the tests' own stand servers that have children as well."""
    done = subprocess.run([sys.executable, "-c", COUNTED], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["0", "True", "0"], done.stderr


@pytest.mark.django_db
def test_the_dashboard_asks_for_numbers_that_there_are(
    client: DjangoClient, submitted: Submit, reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every panel of the Grafana file names numbers that `/metrics` has, and each of these is on it."""
    monkeypatch.setattr("django.conf.settings.PORTAL_METRICS_TOKEN", TOKEN)
    query = submitted()
    approve(actor=reviewer, query_id=query.pk, digest=query.digest)
    checkpoints.make_due()
    written = (Path(settings.BASE_DIR) / "deploy" / "grafana-dashboard.json").read_text()
    panels = json.loads(written)["panels"]
    asked = {name for panel in panels for t in panel["targets"] for name in re.findall(r"portal_\w+", t["expr"])}
    assert asked == {name for name, *_ in numbers(client)}


def numbers(client: DjangoClient) -> dict[tuple[str, ...], float]:
    """What `/metrics` says, by name and labels."""
    text = client.get("/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}").content.decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
