"""What the editor completes beside a target's names: methods that hold where the text would run, and templates."""

from collections.abc import Mapping, Sequence
from typing import Final

from accounts.models import User
from executors import registry
from executors.base import EngineKind, Language
from queries.models import Template

MOST_TEMPLATES = 100

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


def templates(user: User) -> Sequence[Mapping[str, object]]:
    """The templates that a person may ask with: their names, and for which language and targets they are."""
    return [
        {
            "id": str(template.public_id),
            "name": template.name,
            "language": template.now.language,
            "targets": [target.slug for target in template.now.targets.all()],
        }
        for template in Template.objects.usable_by(user).as_rows()[:MOST_TEMPLATES]
    ]
