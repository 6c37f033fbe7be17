"""Documents as mongosh writes them: every type by its name, data never taken for a type, no field lost."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp, encode
from bson.datetime_ms import DatetimeMS

from executors.mongodb.fields import MAX_COLUMNS, OTHERS, Fields, columns
from executors.mongodb.shell import shell
from executors.mongodb.show import Table, canonical

OID = "6b033c2a4c60b64605f7ced9"


def raw_document(*fields: bytes) -> bytes:
    """A document of fields that are encoded already, as no driver would write it."""
    body = b"".join(fields)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def field(value: dict[str, Any]) -> bytes:
    return encode(value)[4:-1]


TWICE = raw_document(field({"a": 1}), field({"b": "x"}), field({"a": 2}))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (ObjectId(OID), f'ObjectId("{OID}")'),
        (42, "42"),
        (Int64(9223372036854775807), 'Long("9223372036854775807")'),
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (float("-inf"), "-Infinity"),
        (float("nan"), "NaN"),
        (Decimal128("1.10"), 'Decimal128("1.10")'),
        (DatetimeMS(-1), 'ISODate("1969-12-31T23:59:59.999Z")'),
        (DatetimeMS(253_402_300_800_000), 'ISODate("+010000-01-01T00:00:00.000Z")'),
        (DatetimeMS(9223372036854775807), "new Date(9223372036854775807)"),
        (Binary(bytes(range(16)), 4), 'UUID("00010203-0405-0607-0809-0a0b0c0d0e0f")'),
        (Binary(b"\0\1", 128), 'BinData(128, "AAE=")'),
        (Timestamp(5, 1), "Timestamp({ t: 5, i: 1 })"),
        (Regex("a/b", "i"), 'BSONRegExp("a/b", "i")'),
        (MinKey(), "MinKey()"),
        (MaxKey(), "MaxKey()"),
        (Code("f"), 'Code("f")'),
        (Code("f", {"a": 1}), 'Code("f", { a: 1 })'),
        (True, "true"),
        (None, "null"),
        ("a\u202eb", '"a\u202eb"'),
        ({"a b": None, "c": [True, []]}, '{ "a b": null, c: [true, []] }'),
        (DBRef("c", 1), '{ "$ref": "c", "$id": 1 }'),
    ],
)  # fmt: skip
def test_a_value_is_written_as_mongosh_writes_it(value: object, shown: str) -> None:
    assert shell(encode({"v": value})) == (f"{{ v: {shown} }}", True)


@pytest.mark.parametrize(
    ("element", "shown"),
    [
        (b"\x06v\0", "undefined"),
        (b"\x0ev\0\2\0\0\0s\0", 'BSONSymbol("s")'),
        (b"\x0cv\0\2\0\0\0c\0" + ObjectId(OID).binary, f'DBPointer("c", ObjectId("{OID}"))'),
    ],
)
def test_types_of_old_are_named_too(element: bytes, shown: str) -> None:
    """out-09: what looks alike is told apart."""
    assert shell(raw_document(element))[0] == f"{{ v: {shown} }}"


@pytest.mark.parametrize(
    "data",
    [
        {"$oid": OID}, {"$date": {"$numberLong": "0"}}, {"$numberLong": "1"}, {"$numberInt": "1"},
        {"$numberDouble": "NaN"}, {"$numberDecimal": "1"}, {"$binary": {"base64": "AAE=", "subType": "00"}},
        {"$undefined": True}, {"$minKey": 1}, {"$symbol": "s"}, {"$code": "f"}, {"$uuid": "x"},
    ],
    ids=lambda data: next(iter(data)),
)  # fmt: skip
def test_data_that_looks_like_a_type_is_shown_as_data(data: dict[str, Any]) -> None:
    """out-09: a document with the key "$oid" is no ObjectId."""
    name = next(iter(data))
    text, whole = shell(encode({"v": data}))
    assert text.startswith(f'{{ v: {{ "{name}": ')
    assert whole
    # The same JSON, and no reader takes it for the type at a glance.
    assert f'"v": {{"\\u0024{name[1:]}": ' in canonical(encode({"v": data}))
    assert str(Table(columns(encode({"v": data}))).cells(encode({"v": data}))[0]).startswith('{"\\u0024')


def test_fields_of_one_name_are_all_there() -> None:
    """out-09: in the document, in Extended JSON and in the table."""
    assert shell(TWICE)[0] == '{ a: 1, b: "x", a: 2 }'
    assert canonical(TWICE) == '{"a": {"$numberInt": "1"}, "b": "x", "a": {"$numberInt": "2"}}'
    found = columns(TWICE + encode({"a": 3}))
    assert [column.name for column in found] == ["a", "b", "a"]
    assert Table(found).cells(TWICE) == ["1", "x", "2"]
    assert next(str(cell) for cell in Table(found).cells(encode({"a": 3}))) == "3"


def test_nested_fields_of_one_name_are_all_there() -> None:
    nested = raw_document(b"\x03v\0" + TWICE)
    assert shell(nested)[0] == '{ v: { a: 1, b: "x", a: 2 } }'
    assert canonical(nested).count('"a"') == 2


def test_long_document_has_a_line_for_each_field() -> None:
    lines = shell(encode({f"field_{i}": "x" * 20 for i in range(5)}))[0].split("\n")
    assert lines[1] == '  field_0: "xxxxxxxxxxxxxxxxxxxx",'
    assert len(lines) == 7


def test_depth_of_a_hundred_levels() -> None:
    value: Any = 1
    for _ in range(99):
        value = {"a": value}
    assert shell(encode({"v": value}))[0].count("a:") == 99
    assert canonical(encode({"v": value})).count('"a"') == 99


@pytest.mark.parametrize(
    "document", [{"v": "x" * 500_000}, {f"f{n}": n for n in range(50_000)}, {"v": [[1] * 9] * 9_000}]
)
def test_no_more_is_written_than_asked_for(document: dict[str, Any]) -> None:
    """page-01."""
    text, whole = shell(encode(document), 1000)
    assert not whole
    assert len(text) < 5000
    assert "…" in text
    assert 1000 <= len(canonical(encode(document), 1000)) < 5000
    found = Table(columns(encode(document))).cells(encode(document), 1000)
    assert all(len(str(cell)) < 5000 for cell in found)


# --- columns -------------------------------------------------------------------------------------------------


def test_columns_are_those_of_every_document_in_order_of_appearance() -> None:
    """out-08."""
    fields = Fields()
    for block in (encode({"_id": 1}), encode({"_id": 2, "error": "x"}) + encode({"error": 5, "z": None})):
        fields.see(block)
    assert [(column.name, column.type) for column in fields.columns] == [
        ("_id", "int"), ("error", "mixed"), ("z", "null"),
    ]  # fmt: skip


def test_more_fields_than_a_table_has_columns_share_the_last() -> None:
    """out-08: nothing is left out where the number of columns is bounded."""
    document = encode({f"k{n}": n for n in range(MAX_COLUMNS + 3)})
    found = columns(document)
    assert len(found) == MAX_COLUMNS + 1
    assert found[-1].type == OTHERS
    row = Table(found).cells(document)
    assert (
        row[-1] == '{"k1000": {"$numberInt": "1000"}, "k1001": {"$numberInt": "1001"}, "k1002": {"$numberInt": "1002"}}'
    )
    assert row[:2] == ["0", "1"]
