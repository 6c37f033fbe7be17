"""Results as pages and files, from a real run on a real target."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from audit.models import AuditLog
from queries import services
from queries.models import QueryRequest
from queries.tests.views.conftest import SignedIn
from queries.tests.world import TargetDatabase, World

VALUES = (
    "SELECT NULL::text AS nothing, '' AS vacant, 12345678901234567890.10::numeric AS amount, 'joi' || 'ned' AS joined"
)


@pytest.fixture
def ran(committed: World) -> QueryRequest:
    return committed.executed(VALUES)


def result(query: QueryRequest, extra: str = "") -> str:
    return reverse("queries:result", args=[query.public_id]) + extra


def test_null_and_empty_differ_and_numbers_keep_every_digit(
    ran: QueryRequest, committed: World, client_of: SignedIn
) -> None:
    body = client_of(committed.author).get(result(ran)).content.decode()
    assert '<i class="null">NULL</i>' in body
    assert '<i class="null">empty</i>' in body
    assert '<td class="num">12345678901234567890.10</td>' in body
    assert "<small>numeric</small>" in body


def test_manager_sees_the_rows_on_the_page_of_the_request(
    ran: QueryRequest, committed: World, client_of: SignedIn
) -> None:
    body = client_of(committed.reviewer).get(reverse("queries:detail", args=[ran.public_id])).content.decode()
    assert "joined</td>" in body


def test_colleague_sees_that_it_ran_but_not_its_rows(ran: QueryRequest, committed: World, client_of: SignedIn) -> None:
    client = client_of(committed.colleague)
    body = client.get(reverse("queries:detail", args=[ran.public_id])).content.decode()
    assert "joined</td>" not in body
    assert "for the author and the managers of Payments" in body
    assert client.get(result(ran)).status_code == 403


def test_viewing_is_recorded(ran: QueryRequest, committed: World, client_of: SignedIn) -> None:
    client_of(committed.author).get(result(ran))
    entry = AuditLog.objects.filter(action="result.view", subject_id=str(ran.public_id)).first()
    assert entry is not None
    assert entry.actor_id == committed.author.pk


@pytest.mark.parametrize("part", ["calls", "console"])
def test_reading_what_a_script_wrote_is_recorded(
    part: str, ran: QueryRequest, committed: World, client_of: SignedIn
) -> None:
    assert client_of(committed.reviewer).get(result(ran, f"?view={part}")).status_code == 200
    entry = AuditLog.objects.filter(action="result.view", subject_id=str(ran.public_id)).first()
    assert entry is not None
    assert (entry.actor_id, json.loads(entry.data)["part"]) == (committed.reviewer.pk, part)


def test_pages_of_rows_follow_each_other(committed: World, client_of: SignedIn) -> None:
    query = committed.executed("SELECT n FROM generate_series(1, 450) AS n")
    client = client_of(committed.author)
    assert "?row=200" in client.get(result(query)).content.decode()
    body = " ".join(client.get(result(query, "?row=400")).content.decode().split())
    assert "Rows 401 to 450 of 450" in body
    assert '<td class="num">450</td>' in body


def test_truncated_result_says_so_loudly(committed: World, client_of: SignedIn) -> None:
    committed.change_target(rows_limit=5)
    query = committed.executed("SELECT n FROM generate_series(1, 50) AS n")
    committed.change_target(rows_limit=50_000)
    assert "This is not the whole result" in client_of(committed.author).get(result(query)).content.decode()


def test_failure_is_explained_and_marked_at_its_line(
    committed: World, client_of: SignedIn, target_database: TargetDatabase
) -> None:
    """The table was there when it was asked for."""
    with target_database.connect() as connection:
        connection.execute("CREATE TABLE here_today (a int); GRANT SELECT ON here_today TO PUBLIC")
    query = committed.submitted("SELECT 1\n  FROM here_today")
    with target_database.connect() as connection:
        connection.execute("DROP TABLE here_today")
    query = committed.approved(query)
    body = client_of(committed.author).get(reverse("queries:detail", args=[query.public_id])).content.decode()
    assert "The database refused it. Nothing was changed." in body
    assert "42P01" in body
    assert 'id="L2" class="noted"' in body


@pytest.mark.parametrize("kind", ["csv", "jsonl", "xlsx", "parquet"])
def test_download_is_a_file(kind: str, ran: QueryRequest, committed: World, client_of: SignedIn) -> None:
    response = client_of(committed.author).get(reverse("queries:download", args=[ran.public_id, kind]))
    assert response["Content-Disposition"].endswith(f'.{kind}"')
    assert len(b"".join(response)) > 50


def test_unknown_format_is_not_found(ran: QueryRequest, committed: World, client_of: SignedIn) -> None:
    assert client_of(committed.author).get(reverse("queries:download", args=[ran.public_id, "exe"])).status_code == 404


def test_approving_runs_and_shows_the_page_again(committed: World, client_of: SignedIn) -> None:
    query = committed.submitted("SELECT 'right away' AS words")
    client = client_of(committed.reviewer)
    address = reverse("queries:approve", args=[query.public_id])
    body = client.post(address, {"digest": query.digest}, follow=True).content.decode()
    assert "ran and finished" in body
    assert "right away" in body


@pytest.mark.parametrize(
    ("statement", "access", "words"),
    [
        ("SELECT 1 / 0", "read", "failed, so there is no result."),
        ("INSERT INTO effects (tag) VALUES ('unseen')", "write", "returned no rows."),
    ],
)
def test_page_and_api_say_the_same_of_a_result_that_is_not_there(
    statement: str, access: str, words: str, committed: World, client_of: SignedIn
) -> None:
    query = committed.executed(statement, access=access)
    client = client_of(committed.author)
    page, call = client.get(result(query)), client.get(f"/api/v1/queries/{query.public_id}/result/")
    assert (page.status_code, call.status_code) == (404, 404)
    assert f"{query.number} {words}" in page.content.decode()
    assert call.json()["error"]["message"] == f"{query.number} {words}"


def test_page_and_api_say_the_same_of_what_never_ran(committed: World, client_of: SignedIn) -> None:
    query = committed.submitted()
    client = client_of(committed.author)
    paths = (result(query), f"/api/v1/queries/{query.public_id}/result/")
    assert [client.get(path).status_code for path in paths] == [409, 409]
    services.withdraw(actor=committed.author, query_id=query.pk)
    assert [client.get(path).status_code for path in paths] == [404, 404]
