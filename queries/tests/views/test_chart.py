"""A result as a chart: what is offered, drawn, left out, and said of it."""

from __future__ import annotations

import json
import re
from typing import Any

import bson
import pytest
from bson import Decimal128
from django.test import Client

from audit.models import AuditLog
from executors.base import RowEncoding
from queries.models import Execution, QueryRequest, Said
from queries.presentation import chart as drawing
from queries.tests.conftest import SignedIn
from queries.tests.results.stored import copy_rows, store
from queries.tests.world import World

TYPES = {"at": "timestamp with time zone", "day": "date", "n": "integer", "amount": "numeric(40,2)", "word": "text"}
MOMENT = "2026-01-01 00:00:00+00"
BIG = "1234567890123456789.25"


@pytest.fixture
def author(world: World, client_of: SignedIn) -> Client:
    return client_of(world.author)


def result(world: World, rows: list[tuple[str | None, ...]], *names: str) -> QueryRequest:
    """A stored result with columns of these names, whose types are those of `TYPES`."""
    made = store(world, RowEncoding.COPY, [copy_rows([row]) for row in rows], names)
    columns = [{"name": name, "type": TYPES[name]} for name in names]
    Execution.objects.filter(pk=made.pk).update(**Said(columns=columns).sealed(made.pk))
    return made


def page(client: Client, query: QueryRequest, asked: str = "", status: int = 200) -> str:
    response = client.get(f"/queries/{query.public_id}/result/?view=chart{asked}")
    assert response.status_code == status
    return re.sub(r"\s+", " ", response.content.decode())


def data(html: str) -> dict[str, Any]:
    found = re.search(r'<script id="chart-data" type="application/json">(.*?)</script>', html)
    assert found
    return dict(json.loads(found[1]))


@pytest.mark.parametrize(
    ("names", "is_offered"),
    [
        (("at", "n"), True),
        (("word", "amount"), True),
        (("n", "amount"), False),
        (("at", "word"), False),
        (("n",), False),
    ],
)
def test_a_chart_is_offered_of_times_or_names_with_numbers(
    world: World, author: Client, names: tuple[str, ...], *, is_offered: bool
) -> None:
    query = result(world, [(None,) * len(names)], *names)
    html = author.get(f"/queries/{query.public_id}/result/").content.decode()
    # Without JavaScript there is nothing to draw with: the script of the page shows the tab.
    assert bool(re.search(r'href="\?view=chart"\s+hidden data-chart-tab', html)) is is_offered
    html = page(author, query, status=200 if is_offered else 404)
    assert ("There is no chart of this result" in html) is not is_offered


def test_moments_are_drawn_one_after_the_other_as_the_server_wrote_them(world: World, author: Client) -> None:
    rows: list[tuple[str | None, ...]] = [
        ("2026-01-01 02:30:00+02", "2.50"),
        ("2026-01-01 00:00:00.5+00", "-1.25"),
        ("1969-12-31 23:59:59+00", None),
    ]
    html = page(author, result(world, rows, "at", "amount"))
    assert data(html) == {
        "time": True,
        "axis": "at",
        "positions": [-1.0, 1767225600.5, 1767227400.0],
        "labels": ["1969-12-31 23:59:59+00", "2026-01-01 00:00:00.5+00", "2026-01-01 02:30:00+02"],
        "series": [{"name": "amount", "values": [None, -1.25, 2.5], "texts": ["NULL", "-1.25", "2.50"]}],
    }
    assert "A line of 3 rows by at, from 1969-12-31 23:59:59+00 to 2026-01-01 02:30:00+02." in html
    assert "least -1.25 (2026-01-01 00:00:00.5+00), greatest 2.50 (2026-01-01 02:30:00+02)." in html
    assert "No number that can be drawn in 1 row." in html
    assert "The axis is in UTC." in html
    assert "approximately" not in html
    assert "Only the first" not in html
    assert html.index('id="chart-words"') < html.index('<table class="datagrid">')


@pytest.mark.parametrize(
    ("text", "value", "is_exact"),
    [
        ("0.1", 0.1, True),
        ("-0", -0.0, True),
        ("1.7976931348623157", 1.7976931348623157, True),
        ("9007199254740993", 9007199254740992.0, False),
        (BIG, float(BIG), False),
        ("0.1234567890123456789", 0.12345678901234568, False),
        ("1e-400", 0.0, False),
        ("NaN", None, True),
        ("-Infinity", None, True),
        ("1e31", None, True),
        ("9" * 400, None, True),
    ],
)
def test_a_number_that_is_drawn_otherwise_is_said(
    world: World, author: Client, text: str, value: float | None, *, is_exact: bool
) -> None:
    html = page(author, result(world, [("a", text), ("b", "1")], "word", "amount"))
    (series,) = data(html)["series"]
    assert series["values"] == [value, 1.0]
    assert series["texts"][0] == (text if len(text) <= drawing.TEXT_CHARACTERS else f"{text[:40]}…")
    assert ("Drawn approximately: 1 number with more digits than a chart tells apart." in html) is not is_exact
    assert ("No number that can be drawn in 1 row." in html) is (value is None)


@pytest.mark.parametrize("moment", [None, "infinity", "0044-03-15 BC", "0999-12-31", "10000-01-01"])
def test_rows_without_a_time_that_can_be_drawn_are_counted(world: World, author: Client, moment: str | None) -> None:
    html = page(author, result(world, [(moment, "1"), ("2026-01-01", "2"), ("2026-01-02", "3")], "day", "n"))
    assert data(html)["positions"] == [1767225600.0, 1767312000.0]
    assert "Not drawn: 1 row without a time in the years 1000 to 9999." in html
    assert "The axis is in UTC." not in html


def test_the_least_and_the_greatest_are_told_apart_by_every_digit(world: World, author: Client) -> None:
    html = page(author, result(world, [("a", BIG), ("b", f"{BIG[:-2]}24"), ("c", f"{BIG[:-2]}26")], "word", "amount"))
    assert f"least {BIG[:-2]}24 (b), greatest {BIG[:-2]}26 (c)." in html


def test_what_is_cut_is_said_and_another_order_draws_others(world: World, author: Client) -> None:
    count = drawing.MOST_BARS + 50
    query = result(world, [(f"w{n}", str(n)) for n in range(count)], "word", "n")
    html = page(author, query)
    assert data(html)["labels"] == [f"w{n}" for n in range(drawing.MOST_BARS)]
    assert "Only the first 200 of 250 are drawn, in the order of the table" in html
    html = page(author, query, "&sort=-2&on=2&is=lt&to=245")
    assert data(html)["labels"][:2] == ["w244", "w243"]
    assert "Only the first 200 of 245 are drawn" in html
    entry = AuditLog.objects.filter(action="result.view").latest("pk")
    told = json.loads(entry.data)
    assert (told["first_row"], told["rows"], told["filtered_by"]) == (0, 200, [2])


def test_no_more_is_read_than_there_is_room_for(world: World, author: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "READ_BYTES", 80)
    html = page(author, result(world, [("x" * 30, str(n)) for n in range(5)], "word", "n"))
    assert len(data(html)["positions"]) == 2
    assert "Only the first 2 of 5 are drawn" in html


def test_axis_and_values_are_chosen(world: World, author: Client) -> None:
    query = result(
        world, [("2026-01-01", "a", "1", "2.50"), ("2026-01-02", "b", "3", "4.50")], "day", "word", "n", "amount"
    )
    html = page(author, query, "&x=2&y=4&y=3")
    drawn = data(html)
    assert (drawn["time"], drawn["axis"], drawn["positions"]) == (False, "word", [0.0, 1.0])
    assert [one["name"] for one in drawn["series"]] == ["amount", "n"]
    assert re.findall(r'data-column="(\d)"', html) == ["2", "4", "3"]
    response = author.get(f"/queries/{query.public_id}/result/?form=1&view=chart&x=2&y=3&y=4&sort=-1&q=")
    assert response["Location"] == f"/queries/{query.public_id}/result/?view=chart&sort=-1&x=2&y=3&y=4"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("&x=2", "A column of times or of names stands along the axis"),
        ("&x=99", "A column of times or of names stands along the axis"),
        ("&y=1", "Only columns of numbers can be drawn"),
        ("&y=no", "Only columns of numbers can be drawn"),
        ("&x=1&y=2&on=2&is=lt&to=many", "n is held against a number"),
    ],
)
def test_what_cannot_be_drawn_draws_nothing_and_says_why(world: World, author: Client, asked: str, words: str) -> None:
    html = page(author, result(world, [("a", "1"), ("b", "2")], "word", "n"), asked, 400)
    assert words in html
    assert "chart-data" not in html


def test_one_row_is_a_number_and_none_is_said(world: World, author: Client) -> None:
    query = result(world, [("all <b>", "42")], "word", "n")
    html = page(author, query)
    assert "One value of 1 row by word." in html
    assert "n, all &lt;b&gt;" in html
    assert "chart-data" not in html
    assert "chart.js" not in html
    assert "None of the 1 row is like that." in page(author, query, "&q=nowhere")


def test_documents_are_drawn_where_their_fields_are_alike(world: World, author: Client) -> None:
    documents: list[dict[str, Any]] = [
        {"_id": "a", "n": 1, "price": Decimal128("2.50")},
        {"_id": "b", "n": 2},
        {"_id": "c", "n": None, "price": 3.5},
    ]
    query = store(world, RowEncoding.BSON, [bson.encode(one) for one in documents], ("_id", "n", "price"))
    drawn = data(page(author, query, "&y=2&y=3"))
    assert drawn["labels"] == ["a", "b", "c"]
    assert [one["values"] for one in drawn["series"]] == [[1.0, 2.0, None], [2.5, None, 3.5]]
    assert drawn["series"][1]["texts"] == ["2.50", "absent", "3.5"]
