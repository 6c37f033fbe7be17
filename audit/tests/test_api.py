"""The log over the API: who may, what they see, and that it holds."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction

from audit import log
from audit.models import AuditLog
from portal.tests.people import Client, Submit, make_auditor

AUDIT = "/api/v1/audit/"
VERIFY = "/api/v1/audit/verify/"


@pytest.mark.django_db
@pytest.mark.parametrize("path", [AUDIT, VERIFY])
@pytest.mark.parametrize("person", ["author", "reviewer"])
def test_closed_to_everybody_else(path: str, person: str, api: Client, request: pytest.FixtureRequest) -> None:
    answer = api(request.getfixturevalue(person)).get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_allowed")


@pytest.mark.django_db
@pytest.mark.parametrize("person", ["auditor", "admin"])
def test_open_to_auditors_and_admins(
    person: str, api: Client, submitted: Submit, request: pytest.FixtureRequest
) -> None:
    query = submitted()
    entry = api(request.getfixturevalue(person)).get(AUDIT).json()["results"][0]
    assert (entry["action"], entry["actor"], entry["subject"]["id"]) == ("query.submit", "author", str(query.public_id))
    assert entry["data"]["digest"] == query.digest


@pytest.mark.django_db
def test_pages_repeat_nothing(api: Client, auditor: Any, submitted: Submit) -> None:
    for _ in range(4):
        submitted()
    found: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api(auditor).get(AUDIT, {"limit": "3", "cursor": cursor}).json()
        found += [entry["seq"] for entry in page["results"]]
        cursor = page["next"]
    assert found == list(AuditLog.objects.order_by("-seq").values_list("seq", flat=True))


@pytest.mark.django_db
def test_filters(api: Client, auditor: Any, submitted: Submit) -> None:
    query = submitted()
    submitted()
    for filters, count in (
        ({"action": "query.submit"}, 2),
        ({"actor": "author"}, 2),
        ({"actor": "nobody"}, 0),
        ({"subject": str(query.public_id)}, 1),
        ({"subject": f"query:{query.public_id}"}, 1),
        ({"subject": f"pod:{query.public_id}"}, 0),
    ):
        assert len(api(auditor).get(AUDIT, filters).json()["results"]) == count


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "value"), [("action", "query.eat"), ("cursor", "x"), ("limit", "0"), ("limit", "501"), ("acton", "x")]
)
def test_filters_that_make_no_sense_are_named(name: str, value: str, api: Client, auditor: Any) -> None:
    answer = api(auditor).get(AUDIT, {name: value})
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [name])


def owned(sql: str) -> None:
    """Change the log as nobody can but the owner of its table, past every guard."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_logs DISABLE TRIGGER USER")
        cursor.execute(sql)


def person() -> Any:
    """An auditor, after three sign-ins in the log."""
    user = make_auditor()
    for _ in range(3):
        with transaction.atomic():
            log.append(log.Action.SIGN_IN, actor=user, subject=log.Subject("user", str(user.pk), user.label))
    return user


def test_a_whole_log_is_valid(own_database: None, api: Client) -> None:
    answer = api(person()).get(VERIFY).json()
    assert (answer["valid"], answer["entries"], answer["fault"], len(answer["head"])) == (True, 3, None, 64)


@pytest.mark.parametrize(
    ("sql", "seq"),
    [
        ("UPDATE audit_logs SET actor_label = 'somebody else' WHERE seq = 2", 2),
        ("DELETE FROM audit_logs WHERE seq = 2", 2),
        ("DELETE FROM audit_logs WHERE seq = 3", 3),
    ],
)
def test_the_first_bad_entry_is_named(sql: str, seq: int, own_database: None, api: Client) -> None:
    auditor = person()
    owned(sql)
    answer = api(auditor).get(VERIFY).json()
    assert (answer["valid"], answer["fault"]["seq"]) == (False, seq)


def test_reading_leaves_no_entry_and_recording_leaves_one(own_database: None, api: Client) -> None:
    auditor = person()
    api(auditor).get(VERIFY)
    assert not AuditLog.objects.filter(action="audit.verify").exists()
    assert api(auditor).post(VERIFY).json()["valid"]
    assert AuditLog.objects.get(action="audit.verify").actor == auditor
