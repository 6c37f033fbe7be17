"""Two results of the same statement held against each other: rows added, removed and changed, by key."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client

from audit.models import AuditLog
from executors.base import RowEncoding
from queries.models import Execution, QueryRequest, ResultOrder, Said
from queries.results import differences
from queries.tests.conftest import SignedIn
from queries.tests.results.stored import store, store_cells
from queries.tests.world import World

BEFORE: list[list[str | None]] = [["1", "one"], ["2", "two"], ["3", None], ["4", "<four>"]]
AFTER: list[list[str | None]] = [["4", "<FOUR>"], ["1", "one"], ["3", ""], ["5", "five"]]


@pytest.fixture
def earlier(world: World) -> QueryRequest:
    return store_cells(world, BEFORE, ["id", "word"])


@pytest.fixture
def later(world: World, earlier: QueryRequest) -> QueryRequest:
    return store_cells(world, AFTER, ["id", "word"])


@pytest.fixture
def author(world: World, client_of: SignedIn) -> Client:
    return client_of(world.author)


def body(client: Client, query: QueryRequest, asked: str, status: int = 200) -> str:
    response = client.get(f"/queries/{query.public_id}/result/difference/{asked}")
    assert response.status_code == status
    return " ".join(response.content.decode().split())


def counts(html: str) -> dict[str, int]:
    return {kind.lower(): int(count) for kind, count in re.findall(r'>(\w+) <span class="count">([\d,]+)<', html)}


def rows(html: str) -> list[tuple[str, str]]:
    return re.findall(r'<td class="rownum">(\d*)</td><td class="rownum">(\d*)</td>', html)


def test_rows_are_matched_by_the_columns_chosen(earlier: QueryRequest, later: QueryRequest, author: Client) -> None:
    for query, other in ((later, earlier), (earlier, later)):
        html = body(author, query, f"?with={other.public_id}&key=1")
        assert f"From {earlier.number} to {later.number}" in html
        assert counts(html) == {"changed": 2, "added": 1, "removed": 1}
        assert "1 row the same" in html
        assert rows(html) == [("3", "3"), ("4", "1")]
        assert "&lt;four&gt;</del> <ins>" in html
        assert (
            '<i class="null">NULL</i></del> <ins><span class="vh">after: </span><i class="null">empty</i></ins>' in html
        )
        assert rows(body(author, query, f"?with={other.public_id}&key=1&show=added")) == [("", "4")]
        assert rows(body(author, query, f"?with={other.public_id}&key=1&show=removed")) == [("2", "")]


def test_without_a_key_only_equal_rows_are_the_same(earlier: QueryRequest, later: QueryRequest, author: Client) -> None:
    html = body(author, later, f"?with={earlier.public_id}")
    assert counts(html) == {"changed": 0, "added": 3, "removed": 3}
    assert rows(html) == [("", "1"), ("", "3"), ("", "4")]
    same = body(author, later, f"?with={earlier.public_id}&show=changed")
    assert "a row that changed is one that was removed and one that was added" in same


def test_a_key_that_tells_no_row_apart_is_said(world: World, author: Client) -> None:
    one = store_cells(world, [["1", "a"], ["1", "b"]], ["id", "word"])
    two = store_cells(world, [["1", "c"]], ["id", "word"])
    html = body(author, two, f"?with={one.public_id}&key=1")
    assert "1 key stands more than once" in html
    assert counts(html) == {"changed": 1, "added": 0, "removed": 1}


def test_equal_results_and_cut_ones_say_so(world: World, author: Client) -> None:
    one, two = (store_cells(world, BEFORE, ["id", "word"]) for _ in range(2))
    Execution.objects.filter(pk=one.pk).update(truncated="rows")
    html = body(author, two, f"?with={one.public_id}&key=1")
    assert "Every row is the same." in html
    assert f"{one.number} was cut at a limit." in html


def test_pages_of_differences_follow_each_other(world: World, author: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queries.views.differences.PAGE_ROWS", 2)
    one = store_cells(world, [[str(n), "a"] for n in range(5)], ["id", "word"])
    two = store_cells(world, [[str(n), "b"] for n in range(5)], ["id", "word"])
    seen, at = [], f"?with={one.public_id}&key=1"
    while at:
        html = body(author, two, at)
        seen += rows(html)
        following = re.search(r'href="([^"]*)" rel="next"', html)
        at = following[1].replace("&amp;", "&") if following else ""
    assert seen == [(str(n), str(n)) for n in range(1, 6)]


def test_long_values_that_differ_at_their_end_are_shown_as_changed(world: World, author: Client) -> None:
    one = store_cells(world, [["1", "x" * 5000 + "a"]], ["id", "word"])
    two = store_cells(world, [["1", "x" * 5000 + "b"]], ["id", "word"])
    html = body(author, two, f"?with={one.public_id}&key=1")
    assert html.count("the whole value") == 2
    assert f"/queries/{one.public_id}/result/value/?row=0&amp;column=1" in html


def test_other_columns_are_refused(world: World, earlier: QueryRequest, author: Client) -> None:
    other = store_cells(world, BEFORE, ["id", "name"])
    assert "different columns" in body(author, other, f"?with={earlier.public_id}&key=1", 400)


def test_only_results_that_may_be_read_are_offered(
    world: World, earlier: QueryRequest, later: QueryRequest, client_of: SignedIn, author: Client
) -> None:
    gone = store_cells(world, BEFORE, ["id", "word"])
    Execution.objects.filter(pk=gone.pk).update(encoding="")
    elsewhere = world.executed("SELECT 2 AS two")
    html = body(author, later, "")
    assert f'value="{earlier.public_id}"' in html
    assert str(gone.public_id) not in html
    assert str(elsewhere.public_id) not in html
    body(author, later, f"?with={elsewhere.public_id}", 404)
    assert "There is no other result" in body(author, elsewhere, "")
    body(client_of(world.colleague), later, f"?with={earlier.public_id}", 403)


def test_a_look_at_a_difference_is_recorded_for_both(
    earlier: QueryRequest, later: QueryRequest, author: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    body(author, later, f"?with={earlier.public_id}&key=1")
    monkeypatch.setattr(differences, "_told", lambda *_: pytest.fail("made again"))
    body(author, later, f"?with={earlier.public_id}&key=1")
    entries = AuditLog.objects.filter(action="result.view").order_by("seq")
    told = [(entry.subject_id, json.loads(entry.data)["compared_with"]) for entry in entries]
    assert told == [(str(earlier.public_id), later.number), (str(later.public_id), earlier.number)] * 2
    assert ResultOrder.objects.filter(execution=later.execution).count() == 4


def test_what_a_script_returned_is_compared_by_value_and_type(world: World, author: Client) -> None:
    one = store(world, RowEncoding.JSON, [b'[1, "1"]\n'], ["id", "v"])
    two = store(world, RowEncoding.JSON, [b"[1, 1]\n"], ["id", "v"])
    Execution.objects.filter(pk=two.pk).update(**Said(columns=one.execution.columns).sealed(two.pk))
    html = body(author, two, f"?with={one.public_id}&key=1")
    assert counts(html)["changed"] == 1
    assert "<ins>" in html
