"""What is logged can be read by a machine, says which request it is about, and holds nothing of a person's."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import DatabaseError, connection
from django.test import Client as DjangoClient

from accounts.models import User
from audit.context import request_facts
from portal import logs
from portal.tests.people import Client, Submit
from queries.models import QueryRequest
from queries.running import recovery

SECRET = "value-of-a-person"
Lines = Any


@pytest.fixture(params=["json"])
def lines(request: pytest.FixtureRequest) -> Iterator[Lines]:
    """What was logged since, as `lines()`: in one of the formats, by the configuration that the settings make."""
    written = io.StringIO()
    configuration = logs.configuration(request.param, "INFO")
    configuration["handlers"]["stderr"]["stream"] = written
    logging.config.dictConfig(configuration)
    logs.forget()
    yield lambda: written.getvalue().splitlines()
    logs.forget()
    logging.config.dictConfig(django_settings.LOGGING)


def test_an_event_is_one_object_a_line(lines: Lines) -> None:
    with request_facts(request="a-number-1", address="10.0.0.1"):
        logs.about(query_id="7")
        logging.getLogger("queries.some").warning(
            "%s ended\nbadly", "QR-7", extra={"request": SECRET, "status_code": 500}
        )
    (event,) = map(json.loads, lines())
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "QR-7 ended\nbadly",
        "level": "warning",
        "logger": "queries.some",
        "query_id": "7",
        "request_id": "a-number-1",
        "status_code": 500,
    }


@pytest.mark.parametrize("lines", ["json", "line"], indirect=True)
def test_of_an_error_type_and_place_are_told_and_no_words(lines: Lines) -> None:
    try:
        try:
            int(SECRET)
        except ValueError as error:
            raise DatabaseError(f"DETAIL: Key (name)=({SECRET})") from error
    except DatabaseError:
        logging.getLogger("portal").exception("it failed")
    text = "\n".join(lines())
    assert SECRET not in text
    assert "django.db.utils.DatabaseError" in text
    assert "portal/tests/test_logs.py:" in text
    assert "from ValueError at" in text


@pytest.mark.parametrize("lines", ["line"], indirect=True)
def test_nobody_writes_a_line_of_their_own(lines: Lines) -> None:
    logging.getLogger("django.request").warning("Not Found: %s", "/a\n2026-01-01T00:00:00Z info portal all is well")
    (line,) = lines()
    assert "\\n2026" in line


@pytest.mark.django_db
def test_an_error_on_a_page_leads_to_its_request(
    lines: Lines, submitted: Submit, author: User, client: DjangoClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number on the page, in the header and in the log is one; the log names the query, and quotes nothing."""

    def fail(*_args: object, **_fields: object) -> None:
        raise RuntimeError(SECRET)

    query = submitted(f"select '{SECRET}'")
    monkeypatch.setattr("queries.views.detail.render", fail)
    client.force_login(author, backend="django.contrib.auth.backends.ModelBackend")
    client.raise_request_exception = False
    answer = client.get(f"/queries/{query.public_id}/?q={SECRET}", HTTP_X_REQUEST_ID="number-of-a-proxy")
    assert (answer.status_code, answer["X-Request-ID"]) == (500, "number-of-a-proxy")
    assert "number-of-a-proxy" in answer.content.decode()
    event = next(event for event in map(json.loads, lines()) if event["level"] == "error")
    assert (event["request_id"], event["query_id"]) == ("number-of-a-proxy", str(query.public_id))
    assert (event["error"], event["status_code"]) == ("RuntimeError", 500)
    assert SECRET not in "".join(lines())


@pytest.mark.django_db
def test_a_request_is_told_by_its_route(lines: Lines, author: User, api: Client, settings: Any) -> None:
    settings.PORTAL_LOG_REQUESTS = True
    api(author).get(f"/api/v1/queries/?q={SECRET}")
    (event,) = (event for event in map(json.loads, lines()) if event["logger"] == "portal.middleware")
    assert event["event"].startswith("GET /api/v1/queries/ 200 ")
    assert SECRET not in "".join(lines())


@pytest.mark.django_db
def test_a_run_that_cannot_be_settled_names_its_query(
    lines: Lines, submitted: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_query: QueryRequest) -> bool:
        raise RuntimeError(SECRET)

    query = submitted()
    QueryRequest.objects.filter(pk=query.pk).update(status="APPROVED")
    monkeypatch.setattr(recovery, "settle_lost", fail)
    recovery.settle_all_lost()
    (event,) = map(json.loads, lines())
    assert event["query_id"] == str(query.public_id)


def test_statements_of_the_portals_own_database_are_not_logged(lines: Lines, db: None) -> None:
    logging.getLogger("django.db.backends").setLevel(logging.WARNING)
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s", [SECRET])
    assert lines() == []
