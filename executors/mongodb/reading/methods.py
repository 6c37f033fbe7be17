"""What may be called, with how many arguments of which shape, and what may follow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from executors.base import Access


class Shape(Enum):
    """What an argument has to be."""

    DOCUMENT = "a document"
    DOCUMENTS = "an array of documents"
    FILTER = "a filter document"
    DATA = "the document to store"
    DATA_LIST = "an array of documents to store"
    UPDATE = "a document of update operators, or an update pipeline"
    PIPELINE = "a pipeline (an array of stages)"
    OPTIONS = "a document of options"
    FIELD = "the name of a field in quotes"
    TEXT = "text in quotes"
    NUMBER = "a whole number that is not negative"
    INTEGER = "a whole number"
    FLAG = "true or false"
    CONCERN = "a write concern"
    SORT = "a document of fields and directions"
    INDEX = "the name of an index in quotes, or its keys"
    OPERATIONS = "an array of write operations"
    COMMAND = "a command document"
    PARTS = "an array of {collection: …, documents: $1}, numbered in order"
    VERBOSITY = 'a verbosity: "queryPlanner", "executionStats" or "allPlansExecution"'
    ANY = "a value"


@dataclass(frozen=True, slots=True)
class Method:
    """A method: the shapes of its arguments, how many must be there, what it needs, and what may follow it.

    `parameters`: `$1` and its like may stand among its arguments.
    """

    shapes: tuple[Shape, ...] = ()
    fewest: int = 0
    access: Access = Access.READ
    modifiers: frozenset[str] = frozenset()
    options: frozenset[str] = frozenset()
    usage: str = ""
    parameters: bool = False

    @property
    def most(self) -> int:
        """The most arguments it takes."""
        return len(self.shapes)

    @property
    def explainable(self) -> bool:
        """Whether the server can explain it without running it."""
        return "explain" in self.modifiers


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_S = Shape
_FIND_MODIFIERS = _names(
    "sort limit skip projection hint collation maxTimeMS batchSize comment toArray count explain pretty min max"
    " returnKey showRecordId next hasNext size itcount readPref readConcern"
)
_FIND_OPTIONS = _names(
    "projection sort limit skip hint collation maxTimeMS batchSize comment allowDiskUse let min max returnKey"
    " showRecordId"
)
_AGGREGATE_MODIFIERS = _names(
    "hint collation maxTimeMS batchSize comment toArray explain pretty next hasNext itcount readPref readConcern"
)
_AGGREGATE_OPTIONS = _names("allowDiskUse batchSize collation comment explain hint let maxTimeMS cursor")
_UPDATE_OPTIONS = _names("upsert arrayFilters collation hint let comment maxTimeMS writeConcern")
_DELETE_OPTIONS = _names("collation hint let comment maxTimeMS writeConcern")
_FIND_AND_OPTIONS = _names(
    "projection sort upsert returnDocument returnNewDocument returnOriginal arrayFilters collation hint let comment"
    " maxTimeMS writeConcern"
)
_INDEX_OPTIONS = _names(
    "unique name sparse partialFilterExpression expireAfterSeconds collation weights default_language language_override"
    " textIndexVersion 2dsphereIndexVersion bits min max wildcardProjection hidden background comment maxTimeMS"
    " writeConcern"
)
_WRITE: Final = Access.WRITE
# The portal's own: documents are put back as they were before a write, where they still are what it left.
PUT_BACK: Final = "putBack"

# `show dbs`.
SHOW_DATABASES: Final = "showDatabases"

METHODS: Final[Mapping[str, Method]] = {
    "find": Method((_S.FILTER, _S.DOCUMENT, _S.OPTIONS), 0, modifiers=_FIND_MODIFIERS, options=_FIND_OPTIONS),
    "findOne": Method(
        (_S.FILTER, _S.DOCUMENT, _S.OPTIONS),
        0,
        modifiers=_names("explain pretty field"),
        options=_FIND_OPTIONS - {"limit", "batchSize"},
    ),
    "aggregate": Method((_S.PIPELINE, _S.OPTIONS), 1, modifiers=_AGGREGATE_MODIFIERS, options=_AGGREGATE_OPTIONS),
    "countDocuments": Method(
        (_S.FILTER, _S.OPTIONS),
        0,
        modifiers=_names("explain"),
        options=_names("limit skip hint collation maxTimeMS comment"),
    ),
    "count": Method(
        (_S.FILTER, _S.OPTIONS),
        0,
        modifiers=_names("explain"),
        options=_names("limit skip hint collation maxTimeMS comment"),
    ),
    "estimatedDocumentCount": Method((_S.OPTIONS,), 0, options=_names("maxTimeMS comment")),
    "distinct": Method(
        (_S.FIELD, _S.FILTER, _S.OPTIONS), 1, modifiers=_names("explain"), options=_names("collation maxTimeMS comment")
    ),
    "getIndexes": Method(),
    "stats": Method((_S.OPTIONS,), 0, options=_names("scale")),
    "dataSize": Method(),
    "storageSize": Method(),
    "totalIndexSize": Method(),
    "totalSize": Method(),
    "isCapped": Method(),
    "insertOne": Method((_S.DATA, _S.OPTIONS), 1, _WRITE, options=_names("comment maxTimeMS writeConcern")),
    "insertMany": Method(
        (_S.DATA_LIST, _S.OPTIONS), 1, _WRITE, options=_names("ordered comment maxTimeMS writeConcern")
    ),
    "updateOne": Method((_S.FILTER, _S.UPDATE, _S.OPTIONS), 2, _WRITE, options=_UPDATE_OPTIONS),
    "updateMany": Method((_S.FILTER, _S.UPDATE, _S.OPTIONS), 2, _WRITE, options=_UPDATE_OPTIONS),
    "replaceOne": Method((_S.FILTER, _S.DATA, _S.OPTIONS), 2, _WRITE, options=_UPDATE_OPTIONS - {"arrayFilters"}),
    "deleteOne": Method((_S.FILTER, _S.OPTIONS), 1, _WRITE, options=_DELETE_OPTIONS),
    "deleteMany": Method((_S.FILTER, _S.OPTIONS), 1, _WRITE, options=_DELETE_OPTIONS),
    "bulkWrite": Method(
        (_S.OPERATIONS, _S.OPTIONS), 1, _WRITE, options=_names("ordered let comment maxTimeMS writeConcern")
    ),
    "findOneAndUpdate": Method((_S.FILTER, _S.UPDATE, _S.OPTIONS), 2, _WRITE, options=_FIND_AND_OPTIONS),
    "findOneAndReplace": Method(
        (_S.FILTER, _S.DATA, _S.OPTIONS), 2, _WRITE, options=_FIND_AND_OPTIONS - {"arrayFilters"}
    ),
    "findOneAndDelete": Method(
        (_S.FILTER, _S.OPTIONS),
        1,
        _WRITE,
        options=_names("projection sort collation hint let comment maxTimeMS writeConcern"),
    ),
    "createIndex": Method((_S.DOCUMENT, _S.OPTIONS), 1, _WRITE, options=_INDEX_OPTIONS),
    "createIndexes": Method((_S.DOCUMENTS, _S.OPTIONS), 1, _WRITE, options=_INDEX_OPTIONS - {"name"}),
    "dropIndex": Method((_S.INDEX,), 1, _WRITE),
}

DATABASE_METHODS: Final[Mapping[str, Method]] = {
    "runCommand": Method((_S.COMMAND,), 1, usage='For example db.runCommand({count: "orders"}).'),
    "aggregate": Method((_S.PIPELINE, _S.OPTIONS), 1, options=_AGGREGATE_OPTIONS - {"explain", "hint"}),
    "getCollectionInfos": Method((_S.FILTER, _S.OPTIONS), 0, options=_names("nameOnly authorizedCollections")),
    "getCollectionNames": Method(),
    "hello": Method(),
    "serverBuildInfo": Method(),
    SHOW_DATABASES: Method(),
    "stats": Method(),
    "version": Method(),
    PUT_BACK: Method((_S.PARTS,), 1, _WRITE, parameters=True),
}

MODIFIERS: Final[Mapping[str, Method]] = {
    "sort": Method((_S.SORT,), 1),
    "limit": Method((_S.INTEGER,), 1),
    "skip": Method((_S.NUMBER,), 1),
    "projection": Method((_S.DOCUMENT,), 1),
    "hint": Method((_S.INDEX,), 1),
    "collation": Method((_S.DOCUMENT,), 1),
    "maxTimeMS": Method((_S.NUMBER,), 1),
    "batchSize": Method((_S.NUMBER,), 1),
    "comment": Method((_S.TEXT,), 1),
    "toArray": Method(),
    "count": Method(),
    "explain": Method((_S.VERBOSITY,), 0),
    "pretty": Method(),
    "min": Method((_S.DOCUMENT,), 1),
    "max": Method((_S.DOCUMENT,), 1),
    "returnKey": Method((_S.FLAG,), 1),
    "showRecordId": Method((_S.FLAG,), 1),
    "next": Method(),
    "hasNext": Method(),
    "size": Method(),
    "itcount": Method(),
    "readPref": Method((_S.TEXT, _S.ANY), 1),
    "readConcern": Method((_S.TEXT,), 1),
    # `findOne(…).name`: the path of a property of the result.
    "field": Method((_S.TEXT,), 1),
}

# --- in scripts ---

# The mongo language has these too; a script is a transaction, which has not.
NOT_IN_SCRIPTS: Final = frozenset(
    {"count", "createIndex", "createIndexes", "dropIndex", "stats"}
    | {"dataSize", "isCapped", "storageSize", "totalIndexSize", "totalSize"}
)
# What follows a call in the mongo language and is no method of a script's cursor that shapes it.
NOT_SHAPING: Final = frozenset(
    {"toArray", "count", "explain", "next", "hasNext", "size", "itcount", "field"}
    | {"min", "max", "returnKey", "showRecordId", "readPref", "readConcern"}
)
COLLECTION_METHODS: Final = tuple(name for name in METHODS if name not in NOT_IN_SCRIPTS)
# What a cursor has in a script: what shapes it, and what asks for its rows.
CURSOR_SHAPING: Final = (
    *(name for name in MODIFIERS if name not in NOT_SHAPING),
    "project",
    "map",
)
CURSOR_ASKING: Final = (
    "toArray",
    "count",
    "explain",
    "forEach",
    "hasNext",
    "next",
    "tryNext",
    "close",
)

# What of it people write, for whoever completes it: of `db`, and of a collection.
SHELL: Final[Mapping[str, tuple[str, ...]]] = {
    "database": ("getCollection", *(name for name in DATABASE_METHODS if name not in {SHOW_DATABASES, PUT_BACK})),
    "collection": tuple(METHODS),
}
SUPPORTED: Final = f"Supported: {', '.join(METHODS)}, and db.runCommand."

_ADMINISTRATION: Final = "This is for the administrators of the database, not for a query."
_RESULTS: Final = "Use a script to work on results."
# Names people reach for, and what to do instead.
INSTEAD: Final[Mapping[str, str]] = {
    "insert": "Use insertOne or insertMany.",
    "save": "Use insertOne or replaceOne.",
    "update": "Use updateOne or updateMany.",
    "remove": "Use deleteOne or deleteMany.",
    "findAndModify": "Use findOneAndUpdate, findOneAndReplace or findOneAndDelete.",
    "ensureIndex": "Use createIndex.",
    "dropIndexes": "Use dropIndex, once for each index.",
    "indexes": "Use getIndexes.",
    "getIndices": "Use getIndexes.",
    "mapReduce": "Server-side JavaScript is never run; use aggregate, or a script.",
    "project": "Use projection.",
    "length": "Use .count() or .toArray().length.",
    "getName": "The target names its database: leave it out.",
    **dict.fromkeys(
        ("currentOp", "hideIndex", "killOp", "reIndex", "serverStatus", "unhideIndex", "validate"), _ADMINISTRATION
    ),
    **dict.fromkeys(("initializeOrderedBulkOp", "initializeUnorderedBulkOp"), "Use bulkWrite([…])."),
    **dict.fromkeys(("exec", "lean"), "Leave it out: it is of a library, not of the shell."),
    **dict.fromkeys(("createRole", "createUser", "createView", "dropUser", "grantRolesToUser"), _ADMINISTRATION),
    "forEach": _RESULTS,
    "map": _RESULTS,
    "getSiblingDB": "A target is one database: leave it out if it names that one, else choose the target of the other.",
    **dict.fromkeys(
        (
            "getUsers",
            "getUser",
            "getRoles",
            "getProfilingStatus",
            "setProfilingLevel",
            "getShardDistribution",
            "latencyStats",
            "getPlanCache",
            "getMongo",
            "printReplicationInfo",
            "printShardingStatus",
        ),
        _ADMINISTRATION,
    ),
    **dict.fromkeys(("exists", "listCollections", "printCollectionStats"), "Use db.getCollectionInfos()."),
    "adminCommand": "Only db.runCommand with read and write commands is supported.",
    "watch": "Change streams never end; query the collection.",
    "drop": "Collections are not dropped through the portal: use deleteMany, or ask the owner of the database.",
    "dropDatabase": "Databases are not dropped through the portal.",
    "createCollection": "The first insert creates the collection.",
    "renameCollection": "Collections are not renamed through the portal.",
    "noCursorTimeout": "Every query has a time limit.",
    "tailable": "Every query has a time limit.",
    "allowDiskUse": "Give it as an option: aggregate([…], {allowDiskUse: true}).",
    "let": "Give it as an option: find({…}, {}, {let: {…}}).",
}
