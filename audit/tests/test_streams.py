"""The log is searched by words, followed for a person, a target or a request, and taken as a file."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client as DjangoClient
from django.test.utils import CaptureQueriesContext

from audit import lines, log, streams
from audit.models import AuditLog
from audit.reading import chosen
from audit.tests.test_log import write
from portal.tests.people import Submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(auditor: Any) -> DjangoClient:
    found = DjangoClient()
    found.force_login(auditor, backend="django.contrib.auth.backends.ModelBackend")
    return found


def seqs(client: DjangoClient, **filters: str) -> list[int]:
    answer = client.get("/api/v1/audit/", filters)
    assert answer.status_code == 200, answer.content
    return [entry["seq"] for entry in answer.json()["results"]]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("penguin", True),
        ("PENGUIN antarctic", True),
        ("penguin sahara", False),
        ('"the penguin of"', True),
        ('"penguin the"', False),
        ("penguin -antarctic", False),
        ("sahara or penguin", True),
        ("Umlautär", True),
        ("' & | ! ( ) :* \\", False),
        ("user.sign_in", True),
    ],
)
def test_words_are_found_wherever_they_stand(words: str, found: bool, client: DjangoClient) -> None:
    entry = write("Umlautär", text="the penguin of the antarctic")
    write("Else", text="something")
    assert (entry.seq in seqs(client, q=words)) is found


def test_an_entry_of_any_length_is_written_and_found_by_its_beginning(client: DjangoClient) -> None:
    entry = write(a="penguin", b=" ".join(f"w{number}" for number in range(300_000)))
    assert seqs(client, q="penguin") == [entry.seq]


def test_words_are_looked_up_in_the_index(client: DjangoClient) -> None:
    write()
    with connection.cursor() as cursor, CaptureQueriesContext(connection) as asked:
        list(AuditLog.objects.worded("penguin").order_by("seq"))
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
        cursor.execute(f"EXPLAIN {asked.captured_queries[0]['sql']}")
        # Each month has its part of `audit_by_words`.
        assert "to_tsvector_idx" in str(cursor.fetchall())


def test_timelines_of_a_person_a_target_and_a_request(
    submitted: Submit, author: Any, reviewer: Any, client: DjangoClient
) -> None:
    query = submitted()
    with transaction.atomic():
        log.append(log.Action.ADMIN_CHANGE, actor=log.PORTAL, subject=log.Subject("user", str(author.pk), "Ada"))
        log.append(log.Action.ADMIN_CHANGE, actor=log.PORTAL, subject=log.Subject("target", query.target.slug, "T"))
        log.append(
            log.Action.QUERY_COMMENT, actor=reviewer, subject=log.Subject("query", str(query.public_id), query.number)
        )
    about = {entry.seq: entry for entry in AuditLog.objects.all()}

    def acts(**filters: str) -> list[tuple[str, str]]:
        return [(about[seq].action, about[seq].subject_kind) for seq in seqs(client, **filters)]

    request = [("query.comment", "query"), ("query.submit", "query")]
    assert acts(request=query.number) == acts(request=str(query.public_id)) == request
    assert acts(target=query.target.slug) == [request[0], ("admin.change", "target"), request[1]]
    assert acts(target="nothing") == acts(person="nobody") == acts(request="QR-0") == []
    person = acts(person="author")
    assert ("admin.change", "user") in person
    assert ("query.submit", "query") in person
    assert request[0] not in person


def test_a_page_leads_to_its_timelines_and_files(submitted: Submit, client: DjangoClient) -> None:
    query = submitted()
    body = client.get("/audit/", {"request": query.number, "q": "query.submit"}).content.decode()
    assert f"Timeline of the request {query.number}." in body
    assert f'href="/audit/?request={query.public_id}"' in body
    assert 'href="/audit/?person=author"' in body
    assert f'href="/audit/entries.csv?q=query.submit&amp;request={query.number}"' in body


@pytest.mark.parametrize("door", ["/audit/", "/api/v1/audit/"])
def test_files_hold_what_the_filters_leave_and_leave_an_entry(door: str, client: DjangoClient) -> None:
    kept = [write("=HYPERLINK(1)", text="penguin", number=number).seq for number in range(3)]
    write("Else")
    answer: Any = client.get(f"{door}entries.csv", {"q": "penguin"})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [int(row["seq"]) for row in rows] == kept
    assert {row["subject_label"] for row in rows} == {"'=HYPERLINK(1)"}
    entry = AuditLog.objects.latest("seq")
    assert entry.action == "audit.export"
    assert json.loads(entry.data)["filters"] == {"q": "penguin"}
    # By now the entry of the first file speaks of penguins as well.
    answer = client.get(f"{door}entries.jsonl", {"q": "penguin", "action": "user.sign_in"})
    text = b"".join(answer.streaming_content).decode()
    assert text == "".join(map(lines.entry_line, lines.entries_where("seq = ANY (%s)", [kept])))


def test_a_filter_that_makes_no_sense_gives_no_file(client: DjangoClient) -> None:
    assert client.get("/api/v1/audit/entries.csv", {"since": "soon"}).status_code == 400
    assert client.get("/audit/entries.jsonl", {"no": "such"}).status_code == 400


def test_a_file_is_read_piece_by_piece(monkeypatch: pytest.MonkeyPatch, client: DjangoClient) -> None:
    monkeypatch.setattr(streams, "PIECE", 2)
    written = [write(n=number).seq for number in range(5)]
    request = client.get("/audit/").wsgi_request
    with CaptureQueriesContext(connection) as asked:
        stream = streams.stream(chosen(request.GET), "jsonl", written[-1])
        assert json.loads(next(stream))["entry"]["seq"] == written[0]
        assert len(asked) == 2
        assert [json.loads(line)["entry"]["seq"] for line in stream] == written[1:]
