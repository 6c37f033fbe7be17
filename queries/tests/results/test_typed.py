"""Values keep a type of their own where nothing is lost by it, and their exact text where something would be."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import zipfile
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.models import AuditLog
from executors.arranging import Kind
from executors.base import Column, RowEncoding, Scalar
from queries.models import Execution, QueryRequest, Said
from queries.results import copy_rows, download
from queries.results.copies import Form
from queries.results.export import Shape
from queries.results.typed import exact_day, exact_number, typed_json
from queries.tests.results import stored
from queries.tests.world import World
from web.errors import BadInput

# Type, text, and the value in JSON lines; None as value stands for the text itself.
VALUES: list[tuple[str, str, str]] = [
    ("integer", "-7", "-7"),
    ("bigint", "999999999999999", "999999999999999"),
    ("bigint", "9007199254740993", '"9007199254740993"'),
    ("numeric(10,2)", "10.50", "10.50"),
    ("numeric", "0.1234567890123456", '"0.1234567890123456"'),
    ("numeric", "-0", '"-0"'),
    ("numeric", "NaN", '"NaN"'),
    ("double precision", "1.5e-07", "1.5e-07"),
    ("double precision", "Infinity", '"Infinity"'),
    ("text", "007", '"007"'),
    ("boolean", "t", "true"),
    ("date", "2026-11-26", '"2026-11-26"'),
    ("jsonb", '{"a": [1.50, null]}', '{"a": [1.50, null]}'),
    ("json", '{"a":\n12345678901234567890}', '{"a": 12345678901234567890}'),
    ("json", '{"a": 1, "a": 2}', '"{\\"a\\": 1, \\"a\\": 2}"'),
    ("bytea", "\\x00ff", '"\\\\x00ff"'),
]
NAMES = [f"c{at}" for at in range(len(VALUES))]


def typed(world: World, rows: list[list[str | None]], types: list[str]) -> QueryRequest:
    names = NAMES[: len(types)]
    query = stored.store_cells(world, rows, names)
    columns = [{"name": name, "type": kind} for name, kind in zip(names, types, strict=True)]
    Execution.objects.filter(pk=query.pk).update(**Said(columns=columns).sealed(query.pk))
    return QueryRequest.objects.get(pk=query.pk)


@pytest.fixture
def query(world: World) -> QueryRequest:
    rows: list[list[str | None]] = [[text for _, text, _ in VALUES], [None] * len(VALUES)]
    return typed(world, rows, [kind for kind, _, _ in VALUES])


def content(world: World, query: QueryRequest, fmt: str, shape: Shape) -> bytes:
    return b"".join(download(actor=world.author, query=query, format=fmt, shape=shape).stream)


def test_json_lines_are_typed_where_that_is_exact(query: QueryRequest, world: World) -> None:
    first, second = content(world, query, "jsonl", Shape(typed=True)).decode().splitlines()
    assert first == "{" + ", ".join(f'"{name}": {v}' for name, (_, _, v) in zip(NAMES, VALUES, strict=True)) + "}"
    assert set(json.loads(second).values()) == {None}
    plain = content(world, query, "jsonl", Shape()).decode().splitlines()[0]
    assert list(json.loads(plain).values()) == [text for _, text, _ in VALUES]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6) | st.integers(-(10**18), 10**18))
def test_a_number_that_counts_as_exact_comes_back_digit_by_digit(value: Decimal | int) -> None:
    found = exact_number(str(value))
    if found is not None:
        assert Decimal(repr(found.value)) == Decimal(value)


@pytest.mark.parametrize("text", ["1e999", "0x10", "1_000", "", "-", "1.", "٣", "00", "-0.0", "1e", " 1"])
def test_what_is_no_exact_number(text: str) -> None:
    assert exact_number(text) is None


def test_mixed_values_are_typed_by_what_they_say_they_are() -> None:
    column = Column("v", "")
    assert typed_json(Kind.MIXED, column, Scalar("5")) == "5"
    assert typed_json(Kind.MIXED, column, "5") == '"5"'
    assert typed_json(Kind.MIXED, column, Scalar("true")) == "true"
    assert typed_json(Kind.MIXED, column, None) == "null"


# --- workbooks -------------------------------------------------------------------------------------


def cells(data: bytes) -> dict[str, tuple[str, str, str]]:
    """Type, value and number format of each cell of the first sheet, by place."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        root = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314 -- written by ourselves
        styles = ET.fromstring(book.read("xl/styles.xml"))  # noqa: S314 -- the same
    custom = {f.get("numFmtId"): f.get("formatCode") for f in styles.iter(f"{space}numFmt")}
    used = [custom.get(xf.get("numFmtId"), xf.get("numFmtId")) for xf in next(styles.iter(f"{space}cellXfs"))]
    found = {}
    for cell in root.iter(f"{space}c"):
        assert cell.find(f"{space}f") is None
        kind, style = cell.get("t", "n"), used[int(cell.get("s", "0"))]
        value = "".join(cell.itertext())
        found[str(cell.get("r"))] = (kind, value, str(style))
    return found


SHEET = [
    ("integer", "-7", ("n", "-7", "1")),
    ("numeric(10,2)", "10.50", ("n", "10.5", "0.00")),
    ("numeric", "1.500", ("n", "1.5", "0.000")),
    ("bigint", "9007199254740993", ("inlineStr", "9007199254740993", "0")),
    ("double precision", "1.5e-07", ("n", "1.5E-07", "0")),
    ("boolean", "f", ("b", "0", "0")),
    ("date", "2026-11-26", ("n", "46352", "yyyy-mm-dd")),
    ("date", "1900-02-28", ("inlineStr", "1900-02-28", "0")),
    ("timestamp without time zone", "2026-11-26 12:00:00", ("n", "46352.5", "yyyy-mm-dd hh:mm:ss")),
    (
        "timestamp(3) without time zone",
        "2026-11-26 18:00:00.250",
        ("n", "46352.75000289352", "yyyy-mm-dd hh:mm:ss.000"),
    ),
    ("timestamp without time zone", "2026-11-26 12:00:00.000001", ("inlineStr", "2026-11-26 12:00:00.000001", "0")),
    ("timestamp with time zone", "2026-11-26 12:00:00+00", ("inlineStr", "2026-11-26 12:00:00+00", "0")),
    ("text", "12", ("inlineStr", "12", "0")),
    ("text", "=1+1", ("inlineStr", "=1+1", "0")),
]


def test_a_workbook_has_real_numbers_and_dates_where_nothing_is_lost(world: World) -> None:
    query = typed(world, [[text for _, text, _ in SHEET]], [kind for kind, _, _ in SHEET])
    found = cells(content(world, query, "xlsx", Shape()))
    for at, (kind, text, (form, value, style)) in enumerate(SHEET):
        got = found[f"{chr(65 + at)}2"]
        assert (got[0], got[2]) == (form, style), kind
        assert float(got[1]) == pytest.approx(float(value), abs=1e-9) if form == "n" else got[1] == value, text
    as_text = cells(content(world, query, "xlsx", Shape(typed=False)))
    assert {form for form, _, _ in as_text.values()} == {"inlineStr"}


@given(st.datetimes(min_value=dt.datetime(1900, 3, 1), max_value=dt.datetime(9999, 12, 31)))  # noqa: DTZ001 -- no zone is the point
def test_a_moment_of_a_workbook_is_that_moment(moment: dt.datetime) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    text = moment.isoformat(" ", "milliseconds" if moment.microsecond else "seconds")
    day = exact_day(Column("at", "timestamp without time zone"), text)
    assert day is not None
    back = dt.datetime(1899, 12, 30) + dt.timedelta(days=int(day.serial))  # noqa: DTZ001 -- the same
    back += dt.timedelta(milliseconds=round(day.serial % 1 * 86_400_000))
    assert back == moment


# --- shapes of CSV ---------------------------------------------------------------------------------


def test_csv_has_the_separator_and_mark_asked_for_and_says_so_in_the_log(world: World) -> None:
    query = typed(world, [["a;b", "1,5", None, "c\td"]], ["text"] * 4)
    assert content(world, query, "csv", Shape("semicolon", mark=True)) == b'\xef\xbb\xbfc0;c1;c2;c3\n"a;b";1,5;;c\td\n'
    assert content(world, query, "csv", Shape("tab")) == b'c0\tc1\tc2\tc3\na;b\t1,5\t\t"c\td"\n'
    told = [json.loads(entry.data) for entry in AuditLog.objects.filter(action="result.download").order_by("seq")]
    assert told == [
        {"format": "csv", "rows": 1, "separator": "semicolon", "mark": True},
        {"format": "csv", "rows": 1, "separator": "tab"},
    ]


# --- copies ----------------------------------------------------------------------------------------

TYPES = ["integer", "text", "boolean", "numeric"]
ROWS: list[list[str | None]] = [
    ["1", "it's", "t", "1.50"],
    ["2", None, "f", "NaN"],
    ["1", "a|b\nc\\d <b>", None, "12345678901234567890"],
]
COPIES = {
    Form.TSV: 'c0\tc1\tc2\tc3\n1\tit\'s\tt\t1.50\n2\t\tf\tNaN\n1\t"a|b\nc\\d <b>"\t\t12345678901234567890\n',
    Form.CSV: 'c0,c1,c2,c3\n1,it\'s,t,1.50\n2,,f,NaN\n1,"a|b\nc\\d <b>",,12345678901234567890\n',
    Form.JSON: '[\n  {"c0": 1, "c1": "it\'s", "c2": true, "c3": 1.50},\n'
    '  {"c0": 2, "c1": null, "c2": false, "c3": "NaN"},\n'
    '  {"c0": 1, "c1": "a|b\\nc\\\\d <b>", "c2": null, "c3": "12345678901234567890"}\n]\n',
    Form.MARKDOWN: "| c0 | c1 | c2 | c3 |\n| ---: | --- | --- | ---: |\n| 1 | it's | t | 1.50 |\n"
    "| 2 | NULL | f | NaN |\n| 1 | a\\|b<br>c\\\\d &lt;b> | NULL | 12345678901234567890 |\n",
    Form.IN_LIST: "((1, 'it''s', true, 1.50))\n",
    Form.INSERT: 'INSERT INTO table_name ("c0", "c1", "c2", "c3") VALUES\n  (1, \'it\'\'s\', true, 1.50),\n'
    "  (2, NULL, false, 'NaN'),\n  (1, E'a|b\nc\\\\d <b>', NULL, 12345678901234567890);\n",
}


def test_rows_are_copied_exactly_in_every_form(world: World) -> None:
    query = typed(world, ROWS, TYPES)
    for form, expected in COPIES.items():
        assert copy_rows(actor=world.author, query=query, form=form) == expected
    assert copy_rows(actor=world.author, query=query, form=Form.IN_LIST, places=[0]) == "(1, 2)\n"
    assert copy_rows(actor=world.reviewer, query=query, form=Form.TSV, first_row=1, limit=1, places=[3, 0]) == (
        "c3\tc0\nNaN\t2\n"
    )
    entry = AuditLog.objects.filter(action="result.view").latest("seq")
    assert (entry.actor_id, json.loads(entry.data)) == (
        world.reviewer.pk,
        {"first_row": 1, "rows": 1, "copied_as": "tsv"},
    )


def test_a_copied_insert_puts_the_same_values_back(world: World, target_database: object) -> None:
    query = typed(world, ROWS, TYPES)
    text = copy_rows(actor=world.author, query=query, form=Form.INSERT)
    with target_database.connect() as connection:  # type: ignore[attr-defined]
        connection.execute("CREATE TEMP TABLE table_name (c0 int, c1 text, c2 bool, c3 numeric)")
        connection.execute(text)
        found = connection.execute("SELECT c0::text, c1, left(c2::text, 1), c3::text FROM table_name").fetchall()
    assert [list(row) for row in found] == ROWS


def test_formulas_are_harmless_in_what_a_spreadsheet_takes(world: World) -> None:
    query = typed(world, [["=1+1"]], ["text"])
    assert copy_rows(actor=world.author, query=query, form=Form.TSV) == "c0\n'=1+1\n"
    assert "'=1+1'" in copy_rows(actor=world.author, query=query, form=Form.INSERT)


def test_more_than_a_clipboard_should_hold_is_refused(world: World) -> None:
    query = typed(world, [["x" * 1_100_000]] * 2, ["text"])
    with pytest.raises(BadInput):
        copy_rows(actor=world.author, query=query, form=Form.CSV)
    assert len(copy_rows(actor=world.author, query=query, form=Form.CSV, limit=1)) > 1_000_000


def test_documents_are_copied_as_tables(world: World) -> None:
    query = stored.store(world, RowEncoding.JSON, [b'[1, "x"]\n', b"[[1], null]\n"], ["a", "b"])
    assert re.sub(r"\s+", " ", copy_rows(actor=world.author, query=query, form=Form.JSON)).strip() == (
        '[ {"a": 1, "b": "x"}, {"a": "[1]", "b": null} ]'
    )
