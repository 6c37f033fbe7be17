"""Rows survive their encoding."""

from __future__ import annotations

import pytest
from bson import encode
from hypothesis import given
from hypothesis import strategies as st

from executors.base import RowEncoding
from executors.copytext import decode_copy_row, encode_copy_row
from executors.rows import decode_rows, split_rows

FIELDS = st.lists(st.none() | st.text(st.characters(exclude_characters="\0", codec="utf-8")), min_size=1)


@given(FIELDS)
def test_copy_row_survives(fields: list[str | None]) -> None:
    line = encode_copy_row([None if field is None else field.encode() for field in fields])
    assert line.count(b"\n") == 1
    assert decode_copy_row(line) == tuple(fields)


@pytest.mark.parametrize(
    ("line", "row"),
    [(b"\\N\t\t\\\\N\n", (None, "", "\\N")), (b"a\\tb\\x41\\101\\.\n", ("a\tbAA.",)), (b"\n", ("",))],
)
def test_copy_escapes(line: bytes, row: tuple[str | None, ...]) -> None:
    assert decode_copy_row(line) == row


def test_split_keeps_every_byte() -> None:
    data = b"1\ta\n2\tb\\nc\n"
    assert list(split_rows(RowEncoding.COPY, data)) == [b"1\ta\n", b"2\tb\\nc\n"]


def test_documents_are_split_and_become_extended_json() -> None:
    data = encode({"a": 1}) + encode({"b": [None, "x"]})
    assert b"".join(split_rows(RowEncoding.BSON, data)) == data
    assert list(decode_rows(RowEncoding.BSON, data)) == [('{"a": {"$numberInt": "1"}}',), ('{"b": [null, "x"]}',)]


def test_cut_document_is_an_error() -> None:
    with pytest.raises(ValueError, match="ends inside"):
        list(split_rows(RowEncoding.BSON, encode({"a": 1})[:-1]))


def test_json_lines() -> None:
    assert list(decode_rows(RowEncoding.JSON, b'{"a":1}\n[2]\n')) == [('{"a":1}',), ("[2]",)]
