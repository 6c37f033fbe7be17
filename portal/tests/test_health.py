"""What an operator's machines ask."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test import Client as DjangoClient
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import User
from portal.tests.people import Submit
from queries.services import reject

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
    text = client.get("/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}").content.decode()
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert (samples["portal_queries", "pending"], samples["portal_queries", "rejected"]) == (1, 1)
    assert 0 <= samples["portal_oldest_pending_seconds",] < timedelta(minutes=1).total_seconds()
    assert samples["portal_audit_entries_total",] >= 3
