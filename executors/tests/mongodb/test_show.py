"""Documents as text and as cells: nothing is lost, rounded or mistaken for something else."""

# ruff: noqa: E501 - a table reads best with one case a line, or several

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp, encode
from bson.datetime_ms import DatetimeMS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executors.base import Access, Column
from executors.mongodb.fields import columns
from executors.mongodb.raw import blocks, documents
from executors.mongodb.reading.parse import parse
from executors.mongodb.show import Missing, Table, canonical, date_text
from executors.tests.mongodb.conftest import Bench

OID = ObjectId("65a1b2c3d4e5f60718293a4b")


def field(kind: int, value: bytes, name: bytes = b"v") -> bytes:
    body = bytes([kind]) + name + b"\0" + value
    return struct.pack("<i", len(body) + 5) + body + b"\0"


TEXTS: list[tuple[bytes, str, str | None]] = [
    (encode({"v": 1}), '{"$numberInt": "1"}', "1"),
    (encode({"v": Int64(-(2**63))}), '{"$numberLong": "-9223372036854775808"}', "-9223372036854775808"),
    (encode({"v": 0.1}), '{"$numberDouble": "0.1"}', "0.1"),
    (encode({"v": 5.0}), '{"$numberDouble": "5.0"}', "5"),
    (encode({"v": -0.0}), '{"$numberDouble": "-0.0"}', "-0"),
    (encode({"v": math.nan}), '{"$numberDouble": "NaN"}', "NaN"),
    (encode({"v": -math.inf}), '{"$numberDouble": "-Infinity"}', "-Infinity"),
    (encode({"v": Decimal128("1.10")}), '{"$numberDecimal": "1.10"}', "1.10"),
    (encode({"v": Decimal128("-0E+3")}), '{"$numberDecimal": "-0E+3"}', "-0E+3"),
    (encode({"v": Decimal128("NaN")}), '{"$numberDecimal": "NaN"}', "NaN"),
    (encode({"v": 'a\0"ü'}), '"a\\u0000\\"ü"', 'a\0"ü'),
    (encode({"v": None}), "null", None),
    (encode({"v": True}), "true", "true"),
    (encode({"v": OID}), f'{{"$oid": "{OID}"}}', str(OID)),
    (encode({"v": DatetimeMS(0)}), '{"$date": {"$numberLong": "0"}}', "1970-01-01T00:00:00.000Z"),
    (encode({"v": DatetimeMS(2**63 - 1)}), '{"$date": {"$numberLong": "9223372036854775807"}}', "+292278994-08-17T07:12:55.807Z"),
    (encode({"v": Binary(b"Hi", 0)}), '{"$binary": {"base64": "SGk=", "subType": "00"}}', '{"$binary": {"base64": "SGk=", "subType": "00"}}'),
    (encode({"v": Binary(b"Hi", 2)}), '{"$binary": {"base64": "SGk=", "subType": "02"}}', '{"$binary": {"base64": "SGk=", "subType": "02"}}'),
    (encode({"v": Binary(bytes(16), 4)}), '{"$binary": {"base64": "AAAAAAAAAAAAAAAAAAAAAA==", "subType": "04"}}', "00000000-0000-0000-0000-000000000000"),
    (encode({"v": Regex('a"', "ix")}), '{"$regularExpression": {"pattern": "a\\"", "options": "ix"}}', '/a"/ix'),
    (encode({"v": Timestamp(5, 6)}), '{"$timestamp": {"t": 5, "i": 6}}', "Timestamp(5, 6)"),
    (encode({"v": MinKey()}), '{"$minKey": 1}', "MinKey"),
    (encode({"v": MaxKey()}), '{"$maxKey": 1}', "MaxKey"),
    (encode({"v": Code("f")}), '{"$code": "f"}', '{"$code": "f"}'),
    (encode({"v": Code("f", {"a": 1})}), '{"$code": "f", "$scope": {"a": {"$numberInt": "1"}}}', '{"$code": "f", "$scope": {"a": {"$numberInt": "1"}}}'),
    (encode({"v": DBRef("c", 1)}), '{"$ref": "c", "$id": {"$numberInt": "1"}}', '{"$ref": "c", "$id": {"$numberInt": "1"}}'),
    (encode({"v": [1, {"a": None}]}), '[{"$numberInt": "1"}, {"a": null}]', '[{"$numberInt": "1"}, {"a": null}]'),
    (field(0x06, b""), '{"$undefined": true}', '{"$undefined": true}'),
    (field(0x0E, b"\2\0\0\0s\0"), '{"$symbol": "s"}', "s"),
    (field(0x0C, b"\2\0\0\0c\0" + OID.binary), f'{{"$dbPointer": {{"$ref": "c", "$id": {{"$oid": "{OID}"}}}}}}', f'{{"$dbPointer": {{"$ref": "c", "$id": {{"$oid": "{OID}"}}}}}}'),
    (field(0x02, b"\3\0\0\0a\xff\0"), '"a\\\\xff"', "a\\xff"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "json", "cell"), TEXTS, ids=[case[1][:40] for case in TEXTS])
def test_every_type_as_extended_json_and_as_cell(document: bytes, json: str, cell: str | None) -> None:
    assert canonical(document) == f'{{"v": {json}}}'
    assert Table([Column("v", "")]).cells(document) == [cell]


def test_missing_null_and_empty_are_three_things() -> None:
    block = encode({}) + encode({"a": None}) + encode({"a": ""}) + encode({"a": "null"})
    assert [Table([Column("a", "")]).cells(document) for document in documents(block)] == [
        [Missing.MISSING],
        [None],
        [""],
        ["null"],
    ]


def test_duplicate_keys_are_kept_in_the_document() -> None:
    inner = encode({"a": 1})[4:-1] + encode({"a": 2})[4:-1]
    document = struct.pack("<i", len(inner) + 5) + inner + b"\0"
    assert canonical(document) == '{"a": {"$numberInt": "1"}, "a": {"$numberInt": "2"}}'


def test_columns_are_in_order_of_appearance_with_types() -> None:
    block = encode({"b": 1, "a": None}) + encode({"a": "x", "c": []}) + encode({"b": 2.5, "a": None})
    assert columns(block) == (Column("b", "mixed"), Column("a", "string"), Column("c", "array"))


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(-1, "1969-12-31T23:59:59.999Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"), (-62_167_305_600_000, "-000001-12-31T00:00:00.000Z"), (253_402_300_800_000, "+010000-01-01T00:00:00.000Z")],
)  # fmt: skip
def test_dates_of_any_year(milliseconds: int, text: str) -> None:
    assert date_text(milliseconds) == text


@given(st.lists(st.integers(0, 300), max_size=60), st.integers(1, 2000))
def test_blocks_cut_only_between_documents(sizes: list[int], size: int) -> None:
    data = b"".join(encode({"t": "x" * length}) for length in sizes)
    cut = list(blocks(data, size))
    assert b"".join(block for block, _ in cut) == data
    assert [sum(1 for _ in documents(block)) for block, _ in cut] == [count for _, count in cut]


KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8).filter(
    lambda key: not key.startswith("$") and key != "__proto__"
)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**63), 2**63 - 1).map(Int64),
    st.floats(allow_nan=False),
    st.just(math.nan),
    WORDS,
    st.builds(Binary, st.binary(max_size=20), st.integers(0, 255)),
    st.binary(min_size=12, max_size=12).map(ObjectId),
    st.integers(-(2**63), 2**63 - 1).map(DatetimeMS),
    st.decimals(places=4, min_value=-(10**20), max_value=10**20).map(lambda value: Decimal128(str(value))),
    st.sampled_from(["NaN", "Infinity", "-Infinity", "-0", "0E-6176", "9.999E+6144", "1E-6176"]).map(Decimal128),
    st.builds(Regex, WORDS.filter(lambda text: "\0" not in text), st.sampled_from(["", "i", "imsx"])),
    st.builds(Timestamp, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
    st.sampled_from([MinKey(), MaxKey()]),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=5)


@given(DOCUMENTS)
def test_any_document_survives_show_and_parse(document: dict[str, Any]) -> None:
    stored = encode(document)
    assert encode(parse(f"db.c.insertOne({canonical(stored)})").args[0]) == stored


@pytest.mark.mongo
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DOCUMENTS)
def test_any_document_survives_parse_store_show(mongo: Bench, document: dict[str, Any]) -> None:
    shown = canonical(encode({"_id": 1, "v": document}))
    mongo.database.c.drop()
    mongo.run(f"db.c.insertOne({shown})", Access.WRITE)
    mongo.run("db.c.find()")
    assert [canonical(found) for found in documents(mongo.sink.data)] == [shown]
