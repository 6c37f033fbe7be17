"""A result sorted, searched, filtered, jumped in and shown by columns, over all of its rows and without JavaScript."""

from __future__ import annotations

import json
import re
from typing import Any

import bson
import pytest
from django.test import Client
from django.utils import timezone

from audit.models import AuditLog
from executors.base import Column, RowEncoding
from queries.maintenance import tidying
from queries.models import Execution, QueryRequest, ResultOrder, Said
from queries.results import orders, reader
from queries.tests.conftest import SignedIn
from queries.tests.results.stored import copy_rows, store
from queries.tests.world import World

NAMES = ("n", "amount", "word", "at")
TYPES = ("integer", "numeric(10,2)", "text", "timestamp with time zone")
COUNT = 450


def rows() -> list[list[str | None]]:
    """Row n of 450: its number, an amount that goes down, a word of seven, a minute of its own."""
    made: list[list[str | None]] = [
        [str(n), f"{COUNT - n}.50", f"word {n % 7}", f"2026-01-01 {n // 60:02}:{n % 60:02}:00+00"] for n in range(COUNT)
    ]
    made[7][1], made[8][2], made[9][2] = None, "", "<b>Needle</b>"
    return made


@pytest.fixture
def query(world: World) -> QueryRequest:
    made = store(world, RowEncoding.COPY, [copy_rows([row]) for row in rows()], NAMES)
    columns = [{"name": name, "type": kind} for name, kind in zip(NAMES, TYPES, strict=True)]
    Execution.objects.filter(pk=made.pk).update(**Said(columns=columns).sealed(made.pk))
    return made


@pytest.fixture
def author(world: World, client_of: SignedIn) -> Client:
    return client_of(world.author)


def body(client: Client, query: QueryRequest, asked: str, status: int = 200) -> str:
    response = client.get(f"/queries/{query.public_id}/result/{asked}")
    assert response.status_code == status
    return re.sub(r"\s+", " ", response.content.decode())


def numbers(html: str) -> list[int]:
    """The numbers of the rows shown."""
    return [int(text) for text in re.findall(r'name="row"\s+value="\d+">(\d+)<', html)]


# As a stable sort by the word, then downwards by the number.
BY_WORD = [n + 1 for n in sorted(range(COUNT), key=lambda n: (rows()[n][2] or "", -n))]

ASKED: list[tuple[str, list[int], str]] = [
    ("?sort=2", list(range(450, 250, -1)), "Rows 1 to 200 of 450"),
    ("?sort=-2", [*range(1, 8), *range(9, 202)], "Rows 1 to 200 of 450"),
    ("?sort=2&row=400", [*range(50, 8, -1), *range(7, 0, -1), 8], "Rows 401 to 450 of 450"),
    ("?sort=-4&at=449", [2, 1], "Rows 449 to 450 of 450"),
    ("?sort=3&sort=-1&row=0", BY_WORD[:200], "Rows 1 to 200 of 450"),
    ("?q=NEEDLE", [10], "Rows 1 to 1 of 1 that match (450 in all)"),
    ("?q=word+3&sort=-1&row=60", [25, 18, 11, 4], "that match (450 in all)"),
    ("?on=1&is=lt&to=3", [1, 2, 3], "of 3"),
    ("?on=1&is=ge&to=447.5&on=3&is=has&to=WORD", [449, 450], "of 2"),
    ("?on=2&is=null&to=", [8], "of 1"),
    ("?on=3&is=eq&to=", [9], "of 1"),
    ("?on=4&is=ge&to=2026-01-01+07:29%2B00", [450], "of 1"),
    ("?on=4&is=lt&to=2026-01-01+02:01%2B02", [1], "of 1"),
    ("?on=2&is=eq&to=450.5", [1], "of 1"),
    ("?q=nowhere", [], "None of the 450 rows is like that."),
]


@pytest.mark.parametrize(("asked", "expected", "words"), ASKED)
def test_all_rows_are_asked(query: QueryRequest, author: Client, asked: str, expected: list[int], words: str) -> None:
    html = body(author, query, asked)
    assert numbers(html) == expected
    assert words in html


def test_pages_follow_each_other_in_the_order_asked_for(query: QueryRequest, author: Client) -> None:
    seen, at = [], "?q=word&sort=-1"
    while at:
        html = body(author, query, at)
        seen += numbers(html)
        following = re.search(r'href="([^"]*)" rel="next"', html)
        at = following[1].replace("&amp;", "&") if following else ""
    assert seen == [n for n in range(450, 0, -1) if n not in (9, 10)]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("?on=1&is=lt&to=many", "n is held against a number, such as 12.50, and “many” is not."),
        ("?on=4&is=gt&to=yesterday", "at is held against a date or a time"),
        ("?on=9&is=eq&to=1", "There is no such column, or no such comparison."),
        ("?on=1&is=like&to=1", "There is no such column, or no such comparison."),
        (f"?q={'x' * 501}", "Search for 500 characters at most."),
        ("?" + "&".join(["on=1&is=some&to="] * 9), "8 filters are as many as there can be."),
    ],
)
def test_what_cannot_be_asked_shows_no_row_and_says_why(
    query: QueryRequest, author: Client, asked: str, words: str
) -> None:
    html = body(author, query, asked, 400)
    assert words in html
    assert numbers(html) == []


def test_the_form_leads_to_an_address_that_says_only_what_is_asked(query: QueryRequest, author: Client) -> None:
    form = "form=1&view=table&q=&on=1&is=lt&to=9&on=&is=has&to=&sort=2&sort=&by=-3&col=1&col=2&col=3&col=4"
    address = f"/queries/{query.public_id}/result/"
    response = author.get(f"{address}?{form}")
    assert (response.status_code, response["Location"]) == (302, f"{address}?view=table&on=1&is=lt&to=9&sort=-3")
    dropped = author.get(f"{address}?{form}&drop=0&at=12")
    assert dropped["Location"] == f"{address}?view=table&row=11&sort=-3"


def test_a_head_sorts_upwards_then_downwards_then_not(query: QueryRequest, author: Client) -> None:
    def head(html: str) -> tuple[str, ...]:
        match = re.search(r'data-column="2"([^>]*)><button\s+form="arrange"[^>]*value="([^"]*)"', html)
        assert match
        return match.groups()

    assert head(body(author, query, "")) == ("", "2")
    assert head(body(author, query, "?sort=2")) == (' aria-sort="ascending"', "-2")
    assert head(body(author, query, "?sort=-2")) == (' aria-sort="descending"', "")


def test_columns_are_chosen_and_pinned(query: QueryRequest, author: Client) -> None:
    html = body(author, query, "?col=1-2&pin=4&sort=3")
    heads = re.findall(r'<th scope="col" ?(?:class="([^"]*)")? ?data-column="(\d)"', html)
    assert heads == [("is-pinned", "4"), ("num", "1"), ("num", "2")]
    assert "needle" not in html.lower().partition("<tbody>")[2].partition("</form>")[0]
    assert "2026-01-01 00:00:00+00" in html
    assert ">3 of 4<" in html


def test_one_row_by_itself_with_the_rows_around_it(query: QueryRequest, author: Client) -> None:
    html = body(author, query, "?view=record&sort=-1&row=1")
    assert "Row 449 of the result" in html
    assert "Row 2 of 450" in html
    assert '?view=record&amp;row=2&amp;sort=-1" rel="next"' in html
    assert f'href="/queries/{query.public_id}/result/cell/?row=449&amp;column=2"' in html


def test_each_look_is_recorded_without_what_was_looked_for(
    query: QueryRequest, author: Client, world: World, client_of: SignedIn
) -> None:
    body(author, query, "?q=needle&on=1&is=lt&to=77&sort=-2")
    entry = AuditLog.objects.filter(action="result.view").latest("seq")
    expected = {"first_row": 0, "rows": 1, "searched": True, "filtered_by": [1], "order": [-2]}
    told = json.loads(entry.data)
    assert (entry.actor_id, {name: told[name] for name in expected}) == (world.author.pk, expected)
    assert "needle" not in entry.data
    assert client_of(world.colleague).get(f"/queries/{query.public_id}/result/?sort=1").status_code == 403


# --- what is kept ----------------------------------------------------------------------------------


def test_an_order_is_made_once_and_nothing_of_it_is_in_the_clear(
    query: QueryRequest, author: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = body(author, query, "?q=needle")
    monkeypatch.setattr(orders, "_made", lambda *_: pytest.fail("made again"))
    assert numbers(body(author, query, "?q=needle")) == numbers(first) == [10]
    (piece,) = ResultOrder.objects.all()
    assert list(piece.numbers()) == [9]
    assert (9).to_bytes(4, "little") not in bytes(piece.data)[12:]


def test_a_long_order_is_kept_in_pieces(query: QueryRequest, author: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "PIECE", 64)
    assert numbers(body(author, query, "?sort=-1&row=60")) == list(range(390, 190, -1))
    assert ResultOrder.objects.count() == 8
    ResultOrder.objects.filter(number=1).delete()
    body(author, query, "?sort=-1&row=60", 503)


def test_orders_go_after_an_hour_and_with_their_result(query: QueryRequest, author: Client) -> None:
    body(author, query, "?sort=1")
    assert tidying.delete_result_orders(lambda: False) == 0
    ResultOrder.objects.update(expires_at=timezone.now())
    body(author, query, "?sort=2")
    assert tidying.delete_result_orders(lambda: False) == 1
    Execution.objects.update(result_expires_at=timezone.now())
    assert tidying.delete_expired_results(lambda: False) == 1
    assert not ResultOrder.objects.exists()


def test_only_so_many_orders_of_a_result_are_kept(
    query: QueryRequest, author: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "MOST_KEPT", 2)
    for word in ("a", "b", "c"):
        body(author, query, f"?q={word}")
    assert ResultOrder.objects.count() == 2


def test_rows_far_apart_are_read_with_few_chunks_open(
    query: QueryRequest, author: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "OPENED_BYTES", 10)
    monkeypatch.setattr(orders, "PIECE", 7)
    assert numbers(body(author, query, "?sort=-1&row=440")) == list(range(10, 0, -1))


def test_a_broken_chunk_is_told(query: QueryRequest, author: Client) -> None:
    body(author, query, "?sort=-1")
    query.execution.chunks.all().delete()
    assert "cannot be read" in body(author, query, "?sort=-1", 503)
    assert "cannot be read" in body(author, query, "?sort=1", 503)


# --- documents, wide results -----------------------------------------------------------------------


def test_documents_are_sorted_and_filtered_too(world: World, author: Client) -> None:
    documents: list[dict[str, Any]] = [{"a": 3}, {"a": 10}, {"b": 1}, {"a": "x"}]
    query = store(world, RowEncoding.BSON, [bson.encode(document) for document in documents], ("a", "b"))
    html = body(author, query, "?view=documents&sort=-1&on=1&is=some&to=")
    assert re.findall(r"a: ([^\s<]+)", html) == ["10", "3", "&quot;x&quot;"]


def test_more_columns_than_can_be_listed_are_asked_by_their_numbers(world: World, author: Client) -> None:
    names = [f"c{n}" for n in range(1600)]
    query = store(world, RowEncoding.COPY, [copy_rows([[str(row)] * 1600]) for row in (2, 1)], names)
    html = body(author, query, "?sort=1600&col=1-2,1600")
    assert numbers(html) == [2, 1]
    assert re.findall(r'data-column="(\d+)"', html) == ["1", "2", "1600"]
    assert 'value="1-2 1600"' in html
    assert len(body(author, query, "?sort=1600")) < 1_100_000


# --- one value -------------------------------------------------------------------------------------

CELLS: list[tuple[str, str | None, str, str]] = [
    ("text", None, '<i class="null">NULL</i>', ""),
    ("text", "", "An empty text.", ""),
    ("text", "  a\nb ", "2 lines", ""),
    ("jsonb", '{"a": [1.50, {"b": null}], "a": "x"}', '<span class="json__number">1.50</span>', "2 fields"),
    ("json", '{"a": "<script>"}', "&quot;&lt;script&gt;&quot;", "1 field"),
    ("text", "[1, 2", "[1, 2", "5 characters"),
    ("json", "[" * 5000 + "]" * 5000, "10,000 characters", ""),
    ("bytea", "\\x00ff41", "00000000  00 ff 41", "3 bytes"),
    ("text", "\\x00ff41", "\\x00ff41", "8 characters"),
    ("text", "\u202ea" * 95_000, "Only the beginning is shown here.", "190,000 characters"),
]  # fmt: skip


def test_a_value_by_itself(world: World, author: Client) -> None:
    query = store(world, RowEncoding.COPY, [copy_rows([[cell for _, cell, _, _ in CELLS]])], ["c"] * len(CELLS))
    columns = [{"name": f"c{at}", "type": kind} for at, (kind, *_) in enumerate(CELLS)]
    Execution.objects.filter(pk=query.pk).update(**Said(columns=columns).sealed(query.pk))
    for at, (_, _, words, more) in enumerate(CELLS):
        response = author.get(f"/queries/{query.public_id}/result/cell/?row=1&column={at + 1}")
        html = response.content.decode()
        assert len(html) < 1_100_000
        assert words in html
        assert more in html
    assert AuditLog.objects.filter(action="result.view").count() == len(CELLS)
    assert author.get(f"/queries/{query.public_id}/result/cell/?row=2&column=1").status_code == 404
    assert author.get(f"/queries/{query.public_id}/result/cell/?row=1&column=99").status_code == 404


def test_true_and_false_are_drawn_where_the_type_says_so(world: World, author: Client) -> None:
    query = store(
        world, RowEncoding.COPY, [copy_rows([row]) for row in (["t", "t"], ["f", "f"], [None, "x"])], ("flag", "word")
    )
    columns = [{"name": "flag", "type": "boolean"}, {"name": "word", "type": "text"}]
    Execution.objects.filter(pk=query.pk).update(**Said(columns=columns).sealed(query.pk))
    html = body(author, query, "")
    assert html.count('title="true">t</abbr></td>') == html.count('title="false">f</abbr></td>') == 1
    assert "<td>t</td>" in html


def test_columns_that_cannot_be_read_are_told(query: QueryRequest, author: Client) -> None:
    Execution.objects.filter(pk=query.pk).update(data=b"broken")
    assert "cannot be read" in body(author, query, "?sort=1", 503)


def test_a_column_of_a_script_has_no_type(world: World, author: Client) -> None:
    query = store(world, RowEncoding.JSON, [b"[10]\n", b'["b"]\n', b"[9]\n"], ("value",))
    assert Column(**query.execution.columns[0]).name == "value"
    assert numbers(body(author, query, "?sort=1")) == [3, 1, 2]


# --- copies, downloads, and the same again ---------------------------------------------------------


def test_rows_are_copied_in_the_order_and_the_columns_asked_for(query: QueryRequest, author: Client) -> None:
    address = f"/queries/{query.public_id}/result/copy/?as=csv&sort=-1&pin=3&col=1&row=1&rows=2"
    response = author.get(address)
    assert response.content.decode() == "word,n\nword 0,448\nword 6,447\n"
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    some = author.get(f"{address}&column=4,2").content.decode()
    assert some == "at,amount\n2026-01-01 07:28:00+00,2.50\n2026-01-01 07:27:00+00,3.50\n"
    assert author.get(address.replace("csv", "pdf")).status_code == 400
    assert author.get(f"{address}&on=1&is=lt&to=x").status_code == 400


def test_downloads_are_asked_for_in_their_shapes(query: QueryRequest, author: Client) -> None:
    html = body(author, query, "")
    assert "All 450 rows" in html
    addresses = re.findall(r'<a\s+class="menu__item" href="([^"]+)" download>', html)
    assert len(addresses) == 8
    for address in addresses:
        response = author.get(address.replace("&amp;", "&"))
        assert response.status_code == 200
        assert b"".join(response)
    csv = f"/queries/{query.public_id}/result.csv"
    assert (author.get(f"{csv}?separator=pipe").status_code, author.get(f"{csv}?typed=x").status_code) == (400, 400)


def test_the_same_is_asked_for_again_as_a_request_of_its_own(
    query: QueryRequest, author: Client, world: World, client_of: SignedIn
) -> None:
    Execution.objects.filter(pk=query.pk).update(truncated="rows")
    html = body(author, query, "")
    assert html.count(f"/queries/new/?again={query.public_id}") == 2
    assert "ask again for a part of them" in html
    form = author.get(f"/queries/new/?again={query.public_id}").content.decode()
    assert "SELECT 1 AS one" in form
    assert 'name="revises" value="' not in form.replace('name="revises" value=""', "")
    assert client_of(world.outsider).get(f"/queries/new/?again={query.public_id}").status_code == 404
