"""Only what is text by its type can be a formula."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import pytest
from bson import Decimal128, Int64
from bson.datetime_ms import DatetimeMS
from pymongo.database import Database

from executors.base import Column, RowEncoding
from queries.models import QueryRequest
from queries.results import download, view_page
from queries.results.export import is_text
from queries.tests.results.stored import store
from queries.tests.world import World


def rows(world: World, query: QueryRequest) -> list[list[str]]:
    text = b"".join(download(actor=world.author, query=query, format="csv").stream).decode()
    return list(csv.reader(io.StringIO(text, newline="")))[1:]


VALUES = {
    "'-1 days'::interval": "-1 days",
    "'-00:05'::interval": "-00:05:00",
    "'-1 days'::interval(3)": "-1 days",
    "'-1 year'::interval year to month": "-1 years",
    "(-5.5)::money": "-$5.50",
    "'-infinity'::timestamp": "-infinity",
    "'-infinity'::timestamptz": "-infinity",
    "'-infinity'::date": "-infinity",
    "'-Infinity'::numeric": "-Infinity",
    "'-Infinity'::float8": "-Infinity",
    "(-1.50)::numeric(10,2)": "-1.50",
    "-7": "-7",
    "(-1e-300)::float8": "-1e-300",
}
TEXTS = ["=1+1", "+1+1", "-1-1", "@SUM(A1)", "\t=1", "\r=1", "-1 days", "-infinity", "-$5.50", "=", "\uff1d1"]


def test_no_value_of_another_type_is_behind_an_apostrophe(world: World) -> None:
    """out-10."""
    query = world.executed(f"SELECT {', '.join(VALUES)}")
    assert rows(world, query) == [list(VALUES.values())]


@pytest.mark.parametrize("kind", ["text", "varchar(20)", "char(12)", "name"])
def test_text_is_whatever_its_type_of_text(world: World, kind: str) -> None:
    """out-10."""
    items = ", ".join("E'" + text.replace("\t", "\\t").replace("\r", "\\r") + f"'::{kind}" for text in TEXTS)
    (row,) = rows(world, world.executed(f"SELECT {items}, 'x'::text"))
    assert [cell.rstrip(" ") for cell in row[:-1]] == [f"'{text}" for text in TEXTS]


def test_text_beside_other_types_is_text(world: World) -> None:
    query = world.executed("SELECT '-1 days'::interval, '-1 days'::text, -5, '=1'::text, '-5'::text")
    assert rows(world, query) == [["-1 days", "'-1 days", "-5", "'=1", "-5"]]


@pytest.mark.parametrize(
    "name",
    ["text", "shop.integer", '"integer"', "text[]", "mood", "json", "", "interval[]", "money[]", "record", "citext"],
)
def test_what_may_hold_text_is_text(name: str) -> None:
    assert is_text(Column("c", name))


@pytest.mark.mongo
def test_values_of_documents_are_told_apart_by_their_own_types(
    world: World, on_mongo: Database[dict[str, Any]]
) -> None:
    """out-10."""
    on_mongo.c.insert_many(
        [
            {"_id": 1, "v": -5},
            {"_id": 2, "v": "-5-1"},
            {"_id": 3, "v": Decimal128("-1E+3")},
            {"_id": 4, "v": Int64(-1)},
            {"_id": 5, "v": float("-inf")},
            {"_id": 6, "v": DatetimeMS(-62_167_305_600_000)},
            {"_id": 7, "v": "=1"},
        ]
    )
    found = [row[1] for row in rows(world, world.mongo("db.c.find().sort({_id: 1})"))]
    assert found == ["-5", "'-5-1", "-1E+3", "-1", "-Infinity", "-000001-12-31T00:00:00.000Z", "'=1"]


@pytest.mark.sandbox
def test_values_of_a_script_are_told_apart_by_their_own_types(world: World) -> None:
    """out-10."""
    world.change_target(allow_scripts=True)
    query = world.executed("return [{a: -5, b: '-1 days', c: '=1', d: true}]", language="script")
    assert rows(world, query) == [["-5", "'-1 days", "'=1", "true"]]


def test_fields_of_one_name_are_in_every_download(world: World) -> None:
    """out-09: the table, CSV, JSON lines and the workbook have both."""
    document = b"\x13\0\0\0\x10a\0\1\0\0\0\x10a\0\2\0\0\0\0"
    query = store(world, RowEncoding.BSON, [document], ["a", "a"])
    assert rows(world, query) == [["1", "2"]]
    lines = b"".join(download(actor=world.author, query=query, format="jsonl").stream).decode()
    assert lines == '{"a": {"$numberInt": "1"}, "a": {"$numberInt": "2"}}\n'
    page = view_page(actor=world.author, query=query)
    assert (page.rows, page.documents) == ([["1", "2"]], [lines.strip()])
    workbook = b"".join(download(actor=world.author, query=query, format="xlsx").stream)
    with zipfile.ZipFile(io.BytesIO(workbook)) as book:
        assert book.read("xl/worksheets/sheet1.xml").count(b"<c ") == 4
