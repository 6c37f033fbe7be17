"""A file of statements: read, shown folded, run one by one in one transaction; the one that fails is named."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from executors.text import MAX_BYTES
from queries import services
from queries.lifecycle import Status
from queries.models import QueryRequest
from queries.tests.statements.given import changed
from queries.tests.world import TargetDatabase, World

MOST = 10_000
PAGE_BYTES = 1_000_000


def inserts(count: int, width: int = 0) -> str:
    """So many statements, one a line, each as wide."""
    return "".join(f"INSERT INTO samples (id, name) VALUES ({n}, '{n:x>{width}}');\n" for n in range(10, 10 + count))


def page(lab: World, query: QueryRequest, *, by: User | None = None, **parameters: int | str) -> str:
    client = Client()
    client.force_login(by or lab.author)
    answer = client.get(f"/queries/{query.public_id}/", parameters)
    assert answer.status_code == 200
    assert len(answer.content) < PAGE_BYTES
    return answer.content.decode()


def test_ten_thousand_statements_of_two_megabytes_run(lab: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Bounds in time that a busy machine keeps: what is asked here is that it runs, not how fast.
    monkeypatch.setattr("executors.processes.readers.LONG_READING_SECONDS", 60.0)
    lab.change_target(seconds_limit=300)
    text = inserts(MOST, 150)
    assert 0.99 * MAX_BYTES < len(text) <= MAX_BYTES
    query = lab.submitted(text, access="write")
    waiting = page(lab, query)
    assert "10,000 statements" in waiting
    assert "1 to 10,000:" in waiting
    assert "INSERT ×10,000" in waiting
    query = lab.approved(query)
    assert (query.status, query.execution.failure_code, changed(query)) == (Status.EXECUTED, "", MOST)
    assert len(query.execution.statements) == MOST
    assert "1 to 10,000:" in page(lab, query)
    lab.change_target(seconds_limit=10)


def test_every_line_can_be_read_on_the_page(lab: World) -> None:
    rows = ",\n".join(f"({n})" for n in range(10, 4509))
    query = lab.submitted(
        f"INSERT INTO samples (id) VALUES\n{rows};\nDELETE FROM samples WHERE id = 1;", access="write"
    )
    first, middle, last = page(lab, query), page(lab, query, line=2001), page(lab, query, line=4501)
    assert '<td class="ln">2000</td>' in first
    assert 'href="?view=whole&amp;line=2001#statement"' in first
    assert '<td class="ln">2001</td>' in middle
    assert '<td class="ln">2000</td>' not in middle
    assert "lines 2,001 to 4,000 of 4,501" in " ".join(middle.split())
    assert 'href="?view=whole&amp;line=1#statement"' in middle
    assert "DELETE" in last
    assert '<td class="ln">4501</td>' in last
    assert "line=4502" not in last
    # What stands at its end does not hide behind the rest: the outline has all of it.
    assert "2. DELETE" in first
    for line in ("0", "4502", "9999999", "-1", "x", "1e3", ""):
        assert '<td class="ln">1</td>' in page(lab, query, line=line)


def test_an_outline_of_many_kinds_is_bounded(lab: World) -> None:
    pair = "UPDATE samples SET amount = 1 WHERE id = 1;\nDELETE FROM samples WHERE id = 2;\n"
    query = lab.submitted(pair * 40, access="write")
    shown = " ".join(page(lab, query).split())
    assert "50. DELETE" in shown
    assert "51. UPDATE" not in shown
    assert "30 more statements follow." in shown


@pytest.mark.parametrize(
    ("failing", "says"),
    [
        ("INSERT INTO samples (id) VALUES (1)", "duplicate key"),
        ("UPDATE samples SET amount = 1 / (id - 2)", "division by zero"),
        ("DELETE FROM samples WHERE id = length(name)::text::date - '2000-01-01'", "date"),
        ("DO $$ BEGIN RAISE EXCEPTION 'stop here'; END $$", "stop here"),
        ("SELECT 1 / (id - 1) FROM samples", "division by zero"),
    ],
)
def test_the_statement_that_fails_is_named(
    lab: World, target_database: TargetDatabase, failing: str, says: str
) -> None:
    text = f"-- a file\n{inserts(300)}\n\n  {failing};\n{inserts(0)}DELETE FROM samples;"
    query = lab.approved(lab.submitted(text, access="write"))
    detail = query.execution.failure_detail
    assert query.status == Status.FAILED
    assert says in query.execution.failure_message
    assert (detail["statement"], detail["statements"], detail["line"]) == ("301", "302", "304")
    assert detail["text"] == failing
    shown = " ".join(page(lab, query).split())
    assert "301 of 302" in shown
    assert "?view=whole&amp;line=304#L304" in shown
    with target_database.connect() as connection:
        assert connection.execute("SELECT count(*) FROM lab.samples").fetchone() == (3,)


def test_a_statement_that_fails_alone_has_no_number(lab: World) -> None:
    query = lab.approved(lab.submitted("INSERT INTO samples (id) VALUES (1)", access="write"))
    assert "statement" not in query.execution.failure_detail
    assert "<dt>Statement</dt>" not in page(lab, query)


def test_a_rehearsal_names_the_statement_that_fails(lab: World) -> None:
    query = lab.submitted(f"{inserts(3)}INSERT INTO samples (id) VALUES (1)", access="write")
    services.rehearse(actor=lab.reviewer, query_id=query.pk, digest=query.digest)
    assert "4 of 4" in page(lab, query, by=lab.reviewer)


def test_what_fails_at_the_commit_is_no_statements_fault(lab: World, target_database: TargetDatabase) -> None:
    with target_database.connect() as connection:
        connection.execute("ALTER TABLE lab.samples ADD CONSTRAINT once UNIQUE (amount) DEFERRABLE INITIALLY DEFERRED")
    try:
        query = lab.approved(
            lab.submitted(
                "UPDATE samples SET amount = 20 WHERE id = 1; DELETE FROM samples WHERE id = 3", access="write"
            )
        )
    finally:
        with target_database.connect() as connection:
            connection.execute("ALTER TABLE lab.samples DROP CONSTRAINT once")
    assert query.status == Status.FAILED
    assert "statement" not in query.execution.failure_detail
