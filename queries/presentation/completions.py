"""The names of methods that the editor completes: only those that hold where the text would run."""

from collections.abc import Mapping, Sequence
from typing import Final

from executors import registry
from executors.base import EngineKind, Language

# Of a script's `db`, as the engine's prelude has them.
SCRIPT_METHODS: Final[Mapping[str, Mapping[str, Sequence[str]]]] = {
    EngineKind.POSTGRESQL.value: {"database": ("query", "one", "iterate", "attempt"), "collection": ()},
    EngineKind.MONGODB.value: {
        "database": ("getCollection", "collection", "listCollections", "getCollectionNames"),
        "collection": (
            "find", "findOne", "aggregate", "countDocuments", "estimatedDocumentCount", "distinct", "getIndexes",
            "insertOne", "insertMany", "updateOne", "updateMany", "replaceOne", "deleteOne", "deleteMany", "bulkWrite",
            "findOneAndUpdate", "findOneAndReplace", "findOneAndDelete",
        ),
    },
}  # fmt: skip


def methods() -> Mapping[str, Mapping[str, Mapping[str, Sequence[str]]]]:
    """By language and engine, the methods of `database` and of `collection`."""
    mongo = EngineKind.MONGODB
    return {Language.SCRIPT.value: SCRIPT_METHODS, Language.MONGO.value: {mongo.value: registry.shell_methods(mongo)}}
