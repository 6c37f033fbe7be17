"""CSV, JSON lines and XLSX: exact, distinguishing NULL from nothing, and harmless to a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

import bson
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executors.base import RowEncoding
from queries.results import download, workbook
from queries.results.export import Shape, copy_to_csv, harmless
from queries.tests.results.stored import copy_rows, store, store_cells
from queries.tests.world import TargetDatabase, World
from web.errors import NotFound

Table = list[list[str | None]]

# Text PostgreSQL can hold, with all that CSV, COPY and spreadsheets find special in it.
SPECIAL = st.sampled_from(list("\",;\t\r\n\\'=+-@N. 0eé\u2028\x85\ufeff\uff1d😀\x0b\x0c\x08\x1f"))
TEXT = st.text(SPECIAL | st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(st.none() | TEXT, min_size=width, max_size=width), min_size=1, max_size=8)
)
FORMULAS = [
    "-1.2.3",
    "-.",
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1-1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1+1",
    "-",
    "+",
]
HARMLESS = [
    "1",
    "-1",
    "+1",
    "-1.5e-7",
    "-.5",
    "1E400",
    "-Infinity",
    "Infinity",
    "NaN",
    "",
    "a=1",
    "'quoted",
    " =1",
    "N\\A",
]


def through_csv(table: Table) -> str:
    return copy_to_csv(copy_rows(table), [True] * len(table[0])).decode()


# --- CSV -------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(TABLES)
def test_pythons_csv_module_reads_what_was_stored(table: Table) -> None:
    read = list(csv.reader(io.StringIO(through_csv(table), newline=""), strict=True))
    # A row of one NULL is a line of nothing at all, as PostgreSQL writes it.
    expected = [[harmless(cell or "") for cell in row] if row != [None] else [] for row in table]
    assert read == expected


@pytest.fixture(scope="module")
def loader(target_database: TargetDatabase) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with target_database.connect() as connection:
        yield connection


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=TABLES)
def test_postgresql_reads_back_null_and_empty_apart(
    loader: psycopg.Connection[tuple[object, ...]], table: Table
) -> None:
    names = ", ".join(f"c{n} text" for n in range(len(table[0])))
    loader.execute("DROP TABLE IF EXISTS pg_temp.back")
    loader.execute(f"CREATE TEMP TABLE back (n serial, {names})")
    columns = ", ".join(f"c{n}" for n in range(len(table[0])))
    with loader.cursor().copy(f"COPY back ({columns}) FROM STDIN (FORMAT csv)") as copy:
        copy.write(through_csv(table).encode())
    read = loader.execute(f"SELECT {columns} FROM back ORDER BY n").fetchall()
    assert [list(row) for row in read] == [[None if c is None else harmless(c) for c in row] for row in table]


@settings(max_examples=200, deadline=None)
@given(TABLES)
def test_a_block_is_its_rows_one_by_one(table: Table) -> None:
    assert through_csv(table) == "".join(through_csv([row]) for row in table)


def test_null_is_nothing_and_empty_is_quoted() -> None:
    assert through_csv([[None, "", "x"], [None, None, ""]]) == ',"",x\n,,""\n'


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_formula_is_behind_an_apostrophe(cell: str) -> None:
    rows: Table = [[cell], ["a", cell], [cell, "b"], ["a", cell, "b"]]
    for row in rows:
        (read,) = csv.reader(io.StringIO(through_csv([row]), newline=""))
        assert read == [f"'{value}" if value == cell else value for value in row]


@pytest.mark.parametrize("cell", HARMLESS)
def test_what_is_no_formula_stays_as_it_is(cell: str) -> None:
    (read,) = csv.reader(io.StringIO(through_csv([["a", cell]]), newline=""))
    assert read == ["a", cell]


def test_column_names_cannot_be_formulas_either(world: World) -> None:
    query = store_cells(world, [["1"]], ['=HYPERLINK("x")'])
    assert text(world, query.execution.query, "csv") == '"\'=HYPERLINK(""x"")"\n1\n'


@settings(max_examples=100, deadline=None)
@given(TABLES, st.sampled_from([";", "\t"]))
def test_other_separators_are_read_back_too(table: Table, separator: str) -> None:
    written = copy_to_csv(copy_rows(table), [True] * len(table[0]), separator).decode()
    read = list(csv.reader(io.StringIO(written, newline=""), delimiter=separator, strict=True))
    assert read == [[harmless(cell or "") for cell in row] if row != [None] else [] for row in table]


# --- whole downloads -------------------------------------------------------------------------------


def content(world: World, query: object, fmt: str, *, typed: bool | None = None) -> bytes:
    found = download(actor=world.author, query=query, format=fmt, shape=Shape(typed=typed))  # type: ignore[arg-type]
    return b"".join(found.stream)


def text(world: World, query: object, fmt: str) -> str:
    return content(world, query, fmt).decode()


CELLS: Table = [["1", None, ""], ["0.10", "é😀", '"\\\t\n\r'], ["=1+1", "-5", "\u2028"]]


def test_csv_of_a_result_read_from_the_target(world: World) -> None:
    query = world.executed("SELECT id, name, 1.50::numeric AS n, 'x,y' AS t FROM items ORDER BY id")
    assert text(world, query, "csv") == 'id,name,n,t\n1,one,1.50,"x,y"\n2,"",1.50,"x,y"\n3,,1.50,"x,y"\n'


def test_json_lines_hold_each_row_as_text_and_null(world: World) -> None:
    query = store_cells(world, CELLS, ["a", "b", "c"])
    lines = [json.loads(line) for line in text(world, query, "jsonl").rstrip("\n").split("\n")]
    assert lines == [dict(zip("abc", row, strict=True)) for row in CELLS]


def test_json_lines_of_columns_of_one_name_lose_none(world: World) -> None:
    query = store_cells(world, [["1", "2"]], ["a", "a"])
    assert json.loads(text(world, query, "jsonl")) == ["1", "2"]


def test_a_scripts_rows_are_objects_again_and_their_nested_values_json(world: World) -> None:
    query = store(
        world, RowEncoding.JSON, [b'[12345678901234567890, [1, null], null, "=x"]\n'], ["n", "deep", "no", "t"]
    )
    assert json.loads(text(world, query, "jsonl")) == {
        "n": 12345678901234567890,
        "deep": [1, None],
        "no": None,
        "t": "=x",
    }
    assert text(world, query, "csv") == 'n,deep,no,t\n12345678901234567890,"[1, null]",,\'=x\n'


def test_a_field_that_is_not_there_is_an_empty_cell(world: World) -> None:
    documents = [bson.encode({"a": 1, "b": "x"}), bson.encode({"a": 2})]
    query = store(world, RowEncoding.BSON, documents, ["a", "b"])
    assert text(world, query, "csv").splitlines()[2] == "2,"
    assert sheet(content(world, query, "xlsx", typed=False))[2] == {"A3": "2"}


def test_json_lines_of_documents_are_canonical_extended_json(world: World) -> None:
    document = {"n": bson.Int64(2**40), "d": bson.Decimal128("0.10"), "text": "é"}
    query = store(world, RowEncoding.BSON, [bson.encode(document)], ["n", "d", "text"])
    found = json.loads(text(world, query, "jsonl"))
    assert found == {"n": {"$numberLong": str(2**40)}, "d": {"$numberDecimal": "0.10"}, "text": "é"}


@pytest.mark.parametrize("fmt", ["csv", "jsonl", "xlsx", "parquet"])
def test_rows_without_columns_can_be_downloaded(world: World, fmt: str) -> None:
    query = world.executed("SELECT FROM items")
    assert query.execution.row_count == 3
    assert content(world, query, fmt)


def sheet(data: bytes) -> list[dict[str, str]]:
    """The text cells of a workbook's only sheet, by place; nothing else may be in it."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        assert book.testzip() is None
        root = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314 -- written by ourselves
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    rows = []
    for row in root.iter(f"{space}row"):
        cells = {}
        for cell in row.iter(f"{space}c"):
            assert cell.get("t") == "inlineStr"
            assert cell.find(f"{space}f") is None
            cells[str(cell.get("r"))] = "".join(part.text or "" for part in cell.iter(f"{space}t"))
        rows.append(cells)
    return rows


def test_xlsx_holds_text_only_and_null_is_no_cell(world: World) -> None:
    rows: Table = [["1", None, "0.10"], ["=1+1", "http://x", "12345678901234567890"]]
    found = sheet(content(world, store_cells(world, rows, ["a", "b", "c"]), "xlsx"))
    assert found == [
        {"A1": "a", "B1": "b", "C1": "c"},
        {"A2": "1", "C2": "0.10"},
        {"A3": "=1+1", "B3": "http://x", "C3": "12345678901234567890"},
    ]


def test_xlsx_survives_what_xml_cannot_hold(world: World) -> None:
    query = store_cells(world, [["\x01\x0b<&>", "x" * 40_000]], ["a", "b"])
    (_, row) = sheet(content(world, query, "xlsx"))
    assert row["A2"].endswith("<&>")
    assert row["B2"] == "x" * 32_766 + "…"


def test_a_sheet_that_is_full_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "XLSX_ROWS", 3)
    query = store_cells(world, [["1"], ["2"], ["3"]], ["a"])
    assert [row["A1" if n == 0 else f"A{n + 1}"] for n, row in enumerate(sheet(content(world, query, "xlsx")))] == [
        "a",
        "1",
        "A sheet ends here; the result has 3 rows. Download it as CSV to have all of them.",
    ]


def test_the_file_is_named_for_request_target_and_time(world: World) -> None:
    query = world.executed()
    found = download(actor=world.author, query=query, format="csv")
    at = query.execution.finished_at
    assert at is not None
    assert found.filename == f"QR-{query.pk}_orders_{at:%Y%m%dT%H%M%SZ}.csv"
    assert found.content_type == "text/csv; charset=utf-8"


def test_there_is_no_other_format(world: World) -> None:
    with pytest.raises(NotFound, match="csv, jsonl, xlsx"):
        download(actor=world.author, query=world.executed(), format="exe")


# --- memory ----------------------------------------------------------------------------------------

MEBIBYTE = 2**20


def peak_of(streams: Sequence[Iterator[bytes]]) -> tuple[int, int]:
    """Most memory held while reading streams to their end, and the bytes that came, in MiB."""
    tracemalloc.start()
    try:
        size = sum(len(part) for stream in streams for part in stream)
        return tracemalloc.get_traced_memory()[1] // MEBIBYTE, size // MEBIBYTE
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_a_big_result_is_stored_and_read_in_little_memory(world: World) -> None:
    query = world.submitted("SELECT repeat(md5(n::text), 40) FROM generate_series(1, 50000) AS n")
    tracemalloc.start()
    try:
        ran = world.approved(query)
        peak = tracemalloc.get_traced_memory()[1] // MEBIBYTE
    finally:
        tracemalloc.stop()
    assert ran.execution.result_bytes // MEBIBYTE > 50
    assert peak < 8
    for fmt in ("csv", "jsonl"):
        peak, size = peak_of([download(actor=world.author, query=ran, format=fmt).stream])
        assert size > 50
        assert peak < 8


@pytest.mark.slow
def test_a_big_workbook_is_written_in_little_memory(world: World) -> None:
    ran = world.executed("SELECT n, md5(n::text), repeat('x', 500) || n FROM generate_series(1, 20000) AS n")
    peak, _ = peak_of([download(actor=world.author, query=ran, format="xlsx").stream])
    assert peak < 8
