"""The commands `db.runCommand` may send, and the operations of `bulkWrite`: their parts, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from executors.base import Access
from executors.mongodb.reading.methods import Shape

Fields: TypeAlias = Mapping[str, tuple[Shape, bool]]

_S = Shape
_CONCERN: Final = {"writeConcern": _S.CONCERN}


def _fields(required: Mapping[str, Shape], optional: Mapping[str, Shape]) -> Fields:
    return {name: (shape, True) for name, shape in required.items()} | {
        name: (shape, False) for name, shape in optional.items()
    }


@dataclass(frozen=True, slots=True)
class ServerCommand:
    """A command: whether it names a collection, what it needs, its fields, and the fields of documents in its lists."""

    fields: Fields = field(default_factory=dict)
    collection: bool = True
    access: Access = Access.READ
    explainable: bool = False
    lists: Mapping[str, Fields] = field(default_factory=dict)


_TIME: Final = {"maxTimeMS": _S.NUMBER, "comment": _S.TEXT}
_READ: Final = {**_TIME, "collation": _S.DOCUMENT, "hint": _S.INDEX}
_UPDATE_PART: Final = {"upsert": _S.ANY, "collation": _S.DOCUMENT, "arrayFilters": _S.DOCUMENTS, "hint": _S.INDEX}
_DELETE_PART: Final = {"collation": _S.DOCUMENT, "hint": _S.INDEX}

COMMANDS: Final[Mapping[str, ServerCommand]] = {
    "ping": ServerCommand(collection=False),
    "hello": ServerCommand(collection=False),
    "buildInfo": ServerCommand(collection=False),
    "count": ServerCommand(
        _fields({}, {**_READ, "query": _S.FILTER, "limit": _S.NUMBER, "skip": _S.NUMBER}), explainable=True
    ),
    "distinct": ServerCommand(_fields({"key": _S.FIELD}, {**_READ, "query": _S.FILTER}), explainable=True),
    "find": ServerCommand(
        _fields(
            {},
            {
                **_READ,
                "filter": _S.FILTER,
                "sort": _S.SORT,
                "projection": _S.DOCUMENT,
                "skip": _S.NUMBER,
                "limit": _S.NUMBER,
                "batchSize": _S.NUMBER,
                "singleBatch": _S.ANY,
                "min": _S.DOCUMENT,
                "max": _S.DOCUMENT,
                "returnKey": _S.ANY,
                "showRecordId": _S.ANY,
                "allowDiskUse": _S.ANY,
                "let": _S.DOCUMENT,
            },
        ),
        explainable=True,
    ),
    "aggregate": ServerCommand(
        _fields(
            {"pipeline": _S.PIPELINE},
            {**_READ, "cursor": _S.DOCUMENT, "allowDiskUse": _S.ANY, "let": _S.DOCUMENT},
        ),
        explainable=True,
    ),
    "collStats": ServerCommand(_fields({}, {**_TIME, "scale": _S.NUMBER})),
    "dbStats": ServerCommand(_fields({}, {**_TIME, "scale": _S.NUMBER}), collection=False),
    "listIndexes": ServerCommand(_fields({}, _TIME)),
    "listCollections": ServerCommand(
        _fields({}, {**_TIME, "filter": _S.FILTER, "nameOnly": _S.ANY, "authorizedCollections": _S.ANY}),
        collection=False,
    ),
    "explain": ServerCommand(_fields({}, {**_TIME, "verbosity": _S.VERBOSITY}), collection=False),
    "insert": ServerCommand(
        _fields({"documents": _S.DATA_LIST}, {**_TIME, **_CONCERN, "ordered": _S.ANY}), access=Access.WRITE
    ),
    "update": ServerCommand(
        _fields({"updates": _S.DOCUMENTS}, {**_TIME, **_CONCERN, "ordered": _S.ANY, "let": _S.DOCUMENT}),
        access=Access.WRITE,
        lists={"updates": _fields({"q": _S.FILTER, "u": _S.UPDATE}, {**_UPDATE_PART, "multi": _S.ANY})},
    ),
    "delete": ServerCommand(
        _fields({"deletes": _S.DOCUMENTS}, {**_TIME, **_CONCERN, "ordered": _S.ANY, "let": _S.DOCUMENT}),
        access=Access.WRITE,
        lists={"deletes": _fields({"q": _S.FILTER, "limit": _S.NUMBER}, _DELETE_PART)},
    ),
    "findAndModify": ServerCommand(
        _fields(
            {},
            {
                **_READ,
                **_CONCERN,
                "query": _S.FILTER,
                "sort": _S.SORT,
                "remove": _S.ANY,
                "update": _S.UPDATE,
                "new": _S.ANY,
                "fields": _S.DOCUMENT,
                "upsert": _S.ANY,
                "arrayFilters": _S.DOCUMENTS,
                "let": _S.DOCUMENT,
            },
        ),
        access=Access.WRITE,
    ),
    "createIndexes": ServerCommand(_fields({"indexes": _S.DOCUMENTS}, {**_TIME, **_CONCERN}), access=Access.WRITE),
    "dropIndexes": ServerCommand(_fields({"index": _S.INDEX}, {**_TIME, **_CONCERN}), access=Access.WRITE),
}

OPERATIONS: Final[Mapping[str, Fields]] = {
    "insertOne": _fields({"document": _S.DATA}, {}),
    "updateOne": _fields({"filter": _S.FILTER, "update": _S.UPDATE}, _UPDATE_PART),
    "updateMany": _fields({"filter": _S.FILTER, "update": _S.UPDATE}, _UPDATE_PART),
    "replaceOne": _fields({"filter": _S.FILTER, "replacement": _S.DATA}, {**_DELETE_PART, "upsert": _S.ANY}),
    "deleteOne": _fields({"filter": _S.FILTER}, _DELETE_PART),
    "deleteMany": _fields({"filter": _S.FILTER}, _DELETE_PART),
}
