"""What long values and documents look like."""

import json

import pytest

from queries.presentation.documents import shell
from queries.presentation.values import block, cell


def test_short_value_is_itself() -> None:
    assert cell("two words") == "two words"


def test_long_value_is_folded_and_whole_inside() -> None:
    value = "<b>" + "x" * 5000
    html = cell(value)
    assert "<details" in html
    assert "Show all 5,003 characters" in html
    assert "&lt;b&gt;" + "x" * 5000 in html
    assert "<b>" not in html


def test_value_of_a_few_lines_is_open() -> None:
    assert "<details" not in cell("one\ntwo")
    assert "<details" not in block("a\n" * 10)
    assert "Show all 101 lines" in block("a\n" * 100)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ({"$oid": "6b033c2a4c60b64605f7ced9"}, 'ObjectId("6b033c2a4c60b64605f7ced9")'),
        ({"$numberInt": "42"}, "42"),
        ({"$numberLong": "9223372036854775807"}, 'Long("9223372036854775807")'),
        ({"$numberDouble": "1.0"}, "1.0"),
        ({"$numberDouble": "-Infinity"}, "-Infinity"),
        ({"$numberDecimal": "1.10"}, 'Decimal128("1.10")'),
        ({"$date": {"$numberLong": "-1"}}, 'ISODate("1969-12-31T23:59:59.999Z")'),
        ({"$date": {"$numberLong": "9223372036854775807"}}, "new Date(9223372036854775807)"),
        ({"$binary": {"base64": "AAECAwQFBgcICQoLDA0ODw==", "subType": "04"}},
         'UUID("00010203-0405-0607-0809-0a0b0c0d0e0f")'),
        ({"$binary": {"base64": "AAE=", "subType": "80"}}, 'BinData(128, "AAE=")'),
        ({"$timestamp": {"t": 5, "i": 1}}, "Timestamp({ t: 5, i: 1 })"),
        ({"$regularExpression": {"pattern": "a/b", "options": "i"}}, 'BSONRegExp("a/b", "i")'),
        ({"$minKey": 1}, "MinKey()"),
        ({"a b": None, "c": [True, []]}, '{ "a b": null, c: [true, []] }'),
        ({"$date": "not a date"}, '{ "$date": "not a date" }'),
        ({"$oid": {"x": 1}}, '{ "$oid": { x: 1 } }'),
        ("a\u202eb", '"a\u202eb"'),
    ],
)  # fmt: skip
def test_document_is_written_as_mongosh_writes_it(stored: object, shown: str) -> None:
    assert shell(json.dumps(stored)) == shown


def test_fields_of_one_name_are_all_shown() -> None:
    assert shell('{"a": {"$numberInt": "1"}, "a": {"$numberInt": "2"}}') == "{ a: 1, a: 2 }"


def test_long_document_has_a_line_for_each_field() -> None:
    text = shell(json.dumps({f"field_{i}": "x" * 20 for i in range(5)}))
    assert text.split("\n")[1] == '  field_0: "xxxxxxxxxxxxxxxxxxxx",'
    assert len(text.split("\n")) == 7
