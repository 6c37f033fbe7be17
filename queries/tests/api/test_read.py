"""Lists, one request, results and downloads over the API."""

from __future__ import annotations

import io
import json
import re
import uuid
import zipfile
from typing import Any

import pytest
from django.db import connection
from django.test import Client as DjangoClient
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from audit.models import AuditLog
from portal.tests.people import Client, Submit
from queries.filters import NAMES
from queries.models import QueryRequest
from queries.services import approve, rehearse
from web import paging
from web.paging import encode

pytestmark = pytest.mark.django_db

QUERIES = "/api/v1/queries/"


def ran(query: QueryRequest, reviewer: User) -> QueryRequest:
    return approve(actor=reviewer, query_id=query.pk, digest=query.digest)


def test_newest_first_in_pages_that_repeat_nothing(api: Client, author: User, submitted: Submit) -> None:
    made = [str(submitted().public_id) for _ in range(5)]
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api(author).get(QUERIES, {"limit": "2", "cursor": cursor}).json()
        found += [query["id"] for query in page["results"]]
        cursor = page["next"]
    assert found == made[::-1]


def test_a_page_costs_the_same_whatever_its_length(api: Client, reviewer: User, submitted: Submit) -> None:
    counts = []
    for _ in range(2):
        for statement in ("update orders set note = 'x' where id = 1", "update orders set id = 2 where id = 1"):
            submitted()
            query = submitted(statement, access="write")
            rehearse(actor=reviewer, query_id=query.pk, digest=query.digest)
        with CaptureQueriesContext(connection) as asked:
            api(reviewer).get(QUERIES)
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 8


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("status=PENDING", 1),
        ("status=REJECTED", 0),
        ("status=PENDING&status=REJECTED", 1),
        ("pod=shop", 1),
        ("pod=nowhere", 0),
        ("author=author", 1),
        ("target=orders", 1),
        ("target=theirs", 0),
        ("environment=production", 1),
        ("environment=staging", 0),
        ("environment=production&access=read", 1),
        ("access=write", 0),
        ("access=", 1),
        ("q=to see", 1),
        ("q=nothing", 0),
    ],
)
def test_filters(query: str, count: int, api: Client, author: User, submitted: Submit) -> None:
    submitted()
    assert len(api(author).get(f"{QUERIES}?{query}").json()["results"]) == count


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "DONE"),
        ("environment", "prod"),
        ("access", "WRITE"),
        ("cursor", "!"),
        ("cursor", encode(-1)),
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "٣"),
        ("pod", "a\0"),
        ("q", "x" * 201),
        ("statsu", "PENDING"),
    ],
)
def test_filters_that_make_no_sense_are_named(name: str, value: str, api: Client, author: User) -> None:
    answer = api(author).get(QUERIES, {name: value})
    assert answer.status_code == 400
    assert list(answer.json()["error"]["fields"]) == [name]


def test_page_form_and_schema_know_the_same_filters(api: Client, author: User, client: DjangoClient) -> None:
    schema = api(author).get("/api/schema/", HTTP_ACCEPT="application/vnd.oai.openapi+json").json()
    documented = {parameter["name"] for parameter in schema["paths"][QUERIES]["get"]["parameters"]}
    client.force_login(author, backend="django.contrib.auth.backends.ModelBackend")
    form = client.get("/queries/").content.decode().partition('aria-label="This list"')[2].partition("</form>")[0]
    assert set(NAMES) == documented - {"cursor", "limit"} == set(re.findall(r' name="([a-z]+)"', form))


def test_a_list_is_bounded_by_all_that_may_be_long(
    api: Client, author: User, submitted: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [submitted(statement="SELECT $1::text", parameters=("x" * 5000,)) for _ in range(3)]
    monkeypatch.setattr(paging.fitting, "__defaults__", (11_000,))
    first = api(author).get(QUERIES).json()
    then = api(author).get(QUERIES, {"cursor": first["next"]}).json()
    assert [len(page["results"]) for page in (first, then)] == [2, 1]
    assert (then["results"][0]["id"], then["next"]) == (str(made[0].public_id), None)


def test_others_see_nothing(api: Client, outsider: User, submitted: Submit) -> None:
    query = submitted()
    assert api(outsider).get(QUERIES).json()["results"] == []
    assert api(outsider).get(f"{QUERIES}{query.public_id}/").status_code == 404


def test_a_request_has_every_part_of_its_schema(api: Client, reviewer: User, submitted: Submit) -> None:
    schema = api(reviewer).get("/api/schema/", HTTP_ACCEPT="application/vnd.oai.openapi+json").json()["components"]
    query = ran(submitted(), reviewer)
    answer = api(reviewer).get(f"{QUERIES}{query.public_id}/").json()
    for part, shape in (
        (answer, "QueryShape"),
        (answer["execution"], "ExecutionShape"),
        (answer["decisions"][0], "DecisionShape"),
    ):
        assert sorted(part) == sorted(schema["schemas"][shape]["properties"])


@pytest.mark.parametrize("name", [str(uuid.UUID(int=7)), "not-a-uuid", "1"])
def test_unknown_requests_are_not_found(name: str, api: Client, author: User) -> None:
    answer = api(author).get(f"{QUERIES}{name}/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_result_pages_hold_the_servers_own_text(api: Client, author: User, reviewer: User, submitted: Submit) -> None:
    query = ran(submitted("select id, total, note from orders order by id"), reviewer)
    first = api(author).get(f"{QUERIES}{query.public_id}/result/", {"limit": 3}).json()
    assert first["columns"][1] == {"name": "total", "type": "numeric(12,2)"}
    assert first["rows"] == [["1", "1.10", ""], ["2", "2.20", "x"], ["3", "3.30", None]]
    assert (first["row_count"], first["truncated"]) == (250, False)
    last = api(author).get(f"{QUERIES}{query.public_id}/result/", {"limit": 1000, "cursor": first["next"]}).json()
    assert (last["rows"][0][0], last["rows"][-1][0], last["next"]) == ("4", "250", None)


def test_a_cut_result_says_so(api: Client, author: User, reviewer: User, submitted: Submit) -> None:
    query = ran(submitted("select generate_series(1, 5000)"), reviewer)
    page = api(author).get(f"{QUERIES}{query.public_id}/result/").json()
    assert (page["row_count"], page["truncated"], page["truncated_by"], len(page["rows"])) == (1000, True, "rows", 100)


@pytest.mark.parametrize("query", ["limit=1001", "limit=x", "cursor=x", "cursor=AAAA"])
def test_result_pages_are_bounded(query: str, api: Client, author: User, reviewer: User, submitted: Submit) -> None:
    public_id = ran(submitted(), reviewer).public_id
    answer = api(author).get(f"{QUERIES}{public_id}/result/?{query}")
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [query.partition("=")[0]])


def test_result_of_what_has_not_run_is_not_now(api: Client, author: User, submitted: Submit) -> None:
    answer = api(author).get(f"{QUERIES}{submitted().public_id}/result/")
    assert (answer.status_code, answer.json()["error"]["state"]) == (409, "PENDING")


def test_auditor_does_not_see_rows(api: Client, auditor: User, reviewer: User, submitted: Submit) -> None:
    query = ran(submitted(), reviewer)
    assert api(auditor).get(f"{QUERIES}{query.public_id}/").status_code == 200
    for name in ("result/", "result.csv"):
        assert api(auditor).get(f"{QUERIES}{query.public_id}/{name}").status_code == 403


def content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_downloads_are_files_of_all_rows(api: Client, author: User, reviewer: User, submitted: Submit) -> None:
    address = f"{QUERIES}{ran(submitted('select id, note from orders order by id'), reviewer).public_id}/result"
    csv = api(author).get(f"{address}.csv", HTTP_ACCEPT="text/csv")
    lines = content(csv).decode().splitlines()
    assert (lines[0], len(lines)) == ("id,note", 251)
    assert csv["Content-Disposition"].startswith('attachment; filename="QR-')
    rows = content(api(author).get(f"{address}.jsonl")).splitlines()
    assert (len(rows), json.loads(rows[2])["note"]) == (250, None)
    book = zipfile.ZipFile(io.BytesIO(content(api(author).get(f"{address}.xlsx"))))
    assert "xl/worksheets/sheet1.xml" in book.namelist()


def test_views_and_downloads_are_recorded(api: Client, author: User, reviewer: User, submitted: Submit) -> None:
    query = ran(submitted(), reviewer)
    api(author).get(f"{QUERIES}{query.public_id}/result/")
    content(api(author).get(f"{QUERIES}{query.public_id}/result.csv"))
    entries = AuditLog.objects.filter(subject_id=str(query.public_id), actor=author).order_by("seq")
    assert [entry.action for entry in entries] == ["query.submit", "result.view", "result.download"]
    assert json.loads(entries[1].data)["address"] == "127.0.0.1"


def test_what_a_server_says_of_a_failure_is_for_those_who_may_see_the_result(
    api: Client, author: User, reviewer: User, auditor: User, submitted: Submit
) -> None:
    query = ran(submitted("SELECT CAST('a secret ' || now() AS int)"), reviewer)
    failures = [
        api(who).get(f"{QUERIES}{query.public_id}/").json()["execution"]["failure"]
        for who in (author, reviewer, auditor)
    ]
    assert ["a secret" in json.dumps(failure) for failure in failures] == [True, True, False]
    assert [failure["detail"]["sqlstate"] for failure in failures] == ["22P02"] * 3
    assert "a secret" not in json.dumps(api(auditor).get(QUERIES).json()["results"][0]["execution"])
