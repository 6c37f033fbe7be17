"""Parquet: a type where every value of a column fits it, the exact text elsewhere."""

from __future__ import annotations

import datetime as dt
import io
import json
from decimal import Decimal

import pytest
from bson import SON, Int64, ObjectId, encode
from pyarrow import parquet as pq

from executors.base import RowEncoding
from queries.models import Execution, QueryRequest, Said
from queries.results import download, export, parquet
from queries.tests.results import stored
from queries.tests.world import World
from web.errors import NotFound

ZONE = dt.UTC
# An offset with seconds, as there were before clocks agreed.
OLD = "1800-01-01 00:00:00+00:19:32"

# Type of the server; texts it sent; Arrow's type and the values read back.
COLUMNS: list[tuple[str, list[str | None], str, list[object]]] = [
    ("smallint", ["-32768", None], "int16", [-32768, None]),
    ("integer", ["7", "-7"], "int32", [7, -7]),
    ("bigint", ["9223372036854775807", None], "int64", [2**63 - 1, None]),
    ("oid", ["4294967295", "0"], "uint32", [2**32 - 1, 0]),
    ("boolean", ["t", "f"], "bool", [True, False]),
    ("real", ["1.5", "Infinity"], "float", [1.5, float("inf")]),
    ("double precision", ["1.5e-07", "-0"], "double", [1.5e-07, -0.0]),
    ("double precision", ["0.1", "12345678901234568"], "double", [0.1, 12345678901234568.0]),
    ("numeric(10,2)", ["10.50", "-3.00"], "decimal128(4, 2)", [Decimal("10.50"), Decimal("-3.00")]),
    ("numeric", ["1.1", "1" + "0" * 29], "decimal128(31, 1)", [Decimal("1.1"), Decimal(10**29)]),
    ("numeric", ["0.1", "NaN"], "string", ["0.1", "NaN"]),
    ("numeric", ["9" * 30, "0." + "1" * 9], "string", ["9" * 30, "0." + "1" * 9]),
    ("date", ["2026-11-26", "0001-01-01"], "date32[day]", [dt.date(2026, 11, 26), dt.date(1, 1, 1)]),
    ("date", ["2026-11-26", "infinity"], "string", ["2026-11-26", "infinity"]),
    ("date", ["0044-03-15 BC", None], "string", ["0044-03-15 BC", None]),
    ("date", ["26.11.2026", None], "string", ["26.11.2026", None]),
    (
        "timestamp(3) without time zone",
        ["2026-11-26 10:00:00.123456", None],
        "timestamp[us]",
        [dt.datetime(2026, 11, 26, 10, 0, 0, 123456), None],  # noqa: DTZ001 -- it has none
    ),
    (
        "timestamp with time zone",
        ["2026-11-26 10:00:00+02", "2026-11-26 10:00:00.5-03:30"],
        "timestamp[us, tz=UTC]",
        [dt.datetime(2026, 11, 26, 8, tzinfo=ZONE), dt.datetime(2026, 11, 26, 13, 30, 0, 500000, tzinfo=ZONE)],
    ),
    (
        "timestamp with time zone",
        ["1800-01-01 00:00:00+00:19:32", None],
        "string",
        ["1800-01-01 00:00:00+00:19:32", None],
    ),
    ("time without time zone", ["24:00:00", "10:00:00"], "string", ["24:00:00", "10:00:00"]),
    ("bytea", ["\\x00ff", "\\x"], "binary", [b"\x00\xff", b""]),
    ("bytea", ["a\\000b", "\\x00"], "string", ["a\\000b", "\\x00"]),
    ("jsonb", ['{"a": 1.50}', None], "string", ['{"a": 1.50}', None]),
    ("text", ["007", "=1+1"], "string", ["007", "=1+1"]),
    ('"shop"."integer"', ["1", "2"], "string", ["1", "2"]),
    ("integer", [None, None], "int32", [None, None]),
]


def read(world: World, query: QueryRequest) -> pq.ParquetFile:
    return pq.ParquetFile(io.BytesIO(b"".join(download(actor=world.author, query=query, format="parquet").stream)))


@pytest.fixture
def query(world: World) -> QueryRequest:
    rows = [[texts[at] for _, texts, _, _ in COLUMNS] for at in range(2)]
    names = [f"c{at}" for at in range(len(COLUMNS))]
    query = stored.store_cells(world, rows, names)
    columns = [{"name": name, "type": kind[0]} for name, kind in zip(names, COLUMNS, strict=True)]
    Execution.objects.filter(pk=query.pk).update(**Said(columns=columns).sealed(query.pk))
    return QueryRequest.objects.get(pk=query.pk)


def test_each_column_has_the_type_that_all_of_its_values_fit(world: World, query: QueryRequest) -> None:
    file = read(world, query)
    table = file.read()
    for at, (kind, _, arrow, values) in enumerate(COLUMNS):
        column = table.column(at)
        assert (str(column.type), column.to_pylist()) == (arrow, values), kind
        assert file.schema_arrow.field(at).metadata[b"type"] == kind.encode()
    assert json.loads(file.schema_arrow.metadata[b"query_portal"]) == {"rows": 2, "cut_at": None}


def test_a_value_in_a_later_group_decides_for_the_whole_column(
    world: World, query: QueryRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "GROUP_BYTES", 1)
    rows: list[list[str | None]] = [["1", "2026-01-01", "1.5"], ["2", "infinity", "22.25"], [None, None, None]]
    query = stored.store_cells(world, rows, ["a", "b", "c"])
    columns = [{"name": name, "type": kind} for name, kind in (("a", "integer"), ("b", "date"), ("c", "numeric"))]
    Execution.objects.filter(pk=query.pk).update(**Said(columns=columns).sealed(query.pk))
    file = read(world, QueryRequest.objects.get(pk=query.pk))
    table = file.read()
    assert table.column("a").to_pylist() == [1, 2, None]
    assert table.column("b").to_pylist() == ["2026-01-01", "infinity", None]
    assert table.column("c").to_pylist() == [Decimal("1.50"), Decimal("22.25"), None]


@pytest.mark.parametrize(
    ("rows", "names", "read_as"),
    [
        ([["1", "2", "3", "4"]], ["a", "a", "a_2", "a"], ["a", "a_3", "a_2", "a_4"]),
        ([], ["a", "b"], ["a", "b"]),
        ([["é\n\"', 日本"]], [""], [""]),
    ],
    ids=["one name several times", "no rows", "odd text, no name"],
)
def test_columns_are_found_by_name(
    world: World, rows: list[list[str | None]], names: list[str], read_as: list[str]
) -> None:
    table = read(world, stored.store_cells(world, rows, names)).read()
    assert table.column_names == read_as
    assert [list(row.values()) for row in table.to_pylist()] == rows


def test_documents_and_what_scripts_return_are_typed_by_what_is_there(world: World) -> None:
    documents: list[SON[str, object]] = [
        SON(_id=ObjectId("65a0f0f0f0f0f0f0f0f0f0f0"), n=Int64(2**53 + 1), f=1.5, t=True, m=1, s="1"),
        SON(_id=ObjectId("65a0f0f0f0f0f0f0f0f0f0f1"), n=-1, f=2.0, t=None, m="1"),
    ]
    names = ["_id", "n", "f", "t", "m", "s", "gone"]
    query = stored.store(world, RowEncoding.BSON, list(map(encode, documents)), names)
    table = read(world, query).read()
    assert {name: str(table.column(name).type) for name in names} == {
        "_id": "string", "n": "int64", "f": "double", "t": "string", "m": "string", "s": "string", "gone": "string",
    }  # fmt: skip
    assert table.column("n").to_pylist() == [2**53 + 1, -1]
    assert table.column("t").to_pylist() == ["true", None]
    assert table.column("m").to_pylist() == ["1", "1"]
    lines = [json.dumps(row).encode() + b"\n" for row in ([1, "a", 1e400, -0.0], [2, None, 1.5, 1.0])]
    table = read(world, stored.store(world, RowEncoding.JSON, lines[1:], ["a", "b", "c", "d"])).read()
    assert table.to_pylist() == [{"a": 2, "b": None, "c": 1.5, "d": 1.0}]


def test_without_pyarrow_it_is_not_offered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "is_available", lambda: False)
    query = stored.store_cells(world, [["1"]], ["a"])
    with pytest.raises(NotFound, match=r"Results come as csv, jsonl, xlsx\."):
        download(actor=world.author, query=query, format="parquet")
