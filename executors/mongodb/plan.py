"""From a `Command` to what the server is sent. Pure: the same command always makes the same plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal, TypeAlias

from bson import ObjectId

from executors.mongodb import answers
from executors.mongodb.answers import Answer
from executors.mongodb.reading.command import Command, Value
from executors.mongodb.reading.guard import WRITING_STAGES

Body: TypeAlias = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Stream:
    """A cursor to be streamed: `find` or `aggregate`, its collection, and its options as the server names them."""

    kind: Literal["find", "aggregate"]
    collection: str
    body: Body
    milliseconds: int | None = None
    comment: str = ""
    writes: bool = False

    @property
    def limit(self) -> int:
        """How many documents the author asked for at most; 0 for all."""
        return abs(int(self.body.get("limit") or 0))


@dataclass(frozen=True, slots=True)
class Run:
    """Commands to be sent one after the other, and how their replies (encoded) become rows."""

    bodies: tuple[Body, ...]
    answer: Callable[[Sequence[bytes]], Answer]
    writes: bool = False
    transactional: bool = True
    milliseconds: int | None = None
    comment: str = ""

    @property
    def unordered(self) -> bool:
        """Whether it asks to go on with the next document after one failed."""
        return any(body.get("ordered") is False for body in self.bodies)


Plan: TypeAlias = Stream | Run

_UNTRANSACTIONAL: Final = frozenset({"createIndexes", "dropIndexes"})
_FIND_AND: Final = {"findOneAndUpdate": "update", "findOneAndReplace": "update", "findOneAndDelete": "remove"}
_NO_EFFECT: Final = frozenset({"batchSize", "cursor", "singleBatch", "pretty", "toArray"})


def plan(command: Command) -> Plan:
    """What to send for a command that `guard.examine` found nothing wrong with."""
    name = command.method
    if not command.collection:
        return _database(command)
    if name in {"find", "findOne"}:
        return _finished(_find(command), command)
    if name == "aggregate":
        return _finished(_aggregate(command), command)
    if name in _FIND_AND:
        return _find_and(command)
    return _METHODS[name](command)


def _argument(command: Command, index: int) -> Value:
    value = command.args[index] if index < len(command.args) else None
    return {} if value is None else value


def _split(options: Mapping[str, Value]) -> tuple[Body, int | None, str]:
    """Options without those the portal sets itself: the time limit (which may only shrink) and the comment."""
    rest = {key: value for key, value in options.items() if key not in {"maxTimeMS", "comment", *_NO_EFFECT}}
    comment = options.get("comment")
    return rest, options.get("maxTimeMS") or None, comment if isinstance(comment, str) else ""


def _run(
    bodies: Body | Sequence[Body],
    answer: Callable[[Sequence[bytes]], Answer],
    options: Mapping[str, Value],
    *,
    writes: bool = False,
) -> Run:
    sent = (bodies,) if isinstance(bodies, dict) else tuple(bodies)
    _, milliseconds, comment = _split(options)
    transactional = not any(next(iter(body)) in _UNTRANSACTIONAL for body in sent)
    return Run(sent, answer, writes, transactional, milliseconds, comment)


# --- reads -------------------------------------------------------------------------------------------


def _find(command: Command) -> Stream:
    options = {"filter": _argument(command, 0), **_argument(command, 2)}
    if projection := _argument(command, 1):
        options["projection"] = projection
    for call in command.modifiers:
        if call.args:
            options[call.method] = call.args[0]
    options.pop("explain", None)
    if command.method == "findOne":
        options["limit"] = 1
    body, milliseconds, comment = _split(options)
    return Stream("find", command.collection, body, milliseconds, comment)


def _aggregate(command: Command) -> Stream:
    options = {"pipeline": command.args[0], **_argument(command, 1)}
    for call in command.modifiers:
        if call.args:
            options[call.method] = call.args[0]
    options.pop("explain", None)
    return _aggregate_stream(command.collection, options)


def _aggregate_stream(collection: str, options: Mapping[str, Value]) -> Stream:
    body, milliseconds, comment = _split(options)
    last = body["pipeline"][-1] if body["pipeline"] else {}
    return Stream("aggregate", collection, body, milliseconds, comment, writes=not WRITING_STAGES.isdisjoint(last))


def written_collection(stream: Stream) -> str:
    """The collection that a `$out` or `$merge` at the end of a pipeline writes to."""
    ((_, into),) = stream.body["pipeline"][-1].items()
    into = into.get("into", into) if isinstance(into, Mapping) else into
    if isinstance(into, Mapping):
        return ".".join(str(into[part]) for part in ("db", "coll") if part in into)
    return str(into)


def _finished(stream: Stream, command: Command) -> Plan:
    """The stream itself, or what explain or count makes of it."""
    explain = _verbosity(command)
    limits = {"maxTimeMS": stream.milliseconds, "comment": stream.comment}
    if command.modifier("count"):
        kept = {key: value for key, value in stream.body.items() if key in {"limit", "skip", "hint", "collation"}}
        return _explained_or_run(
            {"count": stream.collection, "query": stream.body["filter"], **kept}, answers.count, limits, explain
        )
    if explain is None:
        return stream
    cursor: Body = {"cursor": {}} if stream.kind == "aggregate" else {}
    return _explained_or_run({stream.kind: stream.collection, **stream.body, **cursor}, answers.reply, limits, explain)


def _verbosity(command: Command) -> str | None:
    call = command.modifier("explain")
    if call is not None:
        return str(call.args[0]) if call.args else "queryPlanner"
    option = _argument(command, 1).get("explain") if command.method == "aggregate" else None
    return option if isinstance(option, str) else ("queryPlanner" if option else None)


def _explained_or_run(
    body: Body, answer: Callable[[Sequence[bytes]], Answer], options: Mapping[str, Value], verbosity: str | None
) -> Run:
    if verbosity is None:
        return _run(body, answer, options)
    return _run({"explain": body, "verbosity": verbosity}, answers.reply, options)


def _count_documents(command: Command) -> Run:
    options = _argument(command, 1)
    stages: list[Body] = [{"$match": _argument(command, 0)}]
    stages += [{f"${name}": options[name]} for name in ("skip", "limit") if options.get(name)]
    stages.append({"$group": {"_id": 1, "n": {"$sum": 1}}})
    kept = {key: options[key] for key in ("hint", "collation") if key in options}
    body = {"aggregate": command.collection, "pipeline": stages, "cursor": {}, **kept}
    return _explained_or_run(body, answers.counted, options, _verbosity(command))


def _estimated_count(command: Command) -> Run:
    return _run({"count": command.collection}, answers.count, _argument(command, 0))


def _distinct(command: Command) -> Run:
    options, _, _ = _split(_argument(command, 2))
    body = {"distinct": command.collection, "key": command.args[0], "query": _argument(command, 1), **options}
    return _explained_or_run(body, answers.values, _argument(command, 2), _verbosity(command))


def _get_indexes(command: Command) -> Run:
    return _run({"listIndexes": command.collection}, answers.first_batch, {})


def _stats(command: Command) -> Run:
    return _run({"collStats": command.collection, **_argument(command, 0)}, answers.reply, {})


# --- writes ------------------------------------------------------------------------------------------


def _with_id(document: Mapping[str, Value]) -> Body:
    """The document with an `_id`, first, as drivers do it, so that the answer can name it."""
    return dict(document) if "_id" in document else {"_id": ObjectId(), **document}


def _insert(command: Command) -> Run:
    many = command.method == "insertMany"
    documents = [_with_id(document) for document in (command.args[0] if many else [command.args[0]])]
    options, _, _ = _split(_argument(command, 1))
    body = {"insert": command.collection, "documents": documents, "ordered": options.get("ordered", True)}
    identifiers = [document["_id"] for document in documents]
    return _run(body, answers.inserted(identifiers, many=many), _argument(command, 1), writes=True)


def _update_part(name: str, query: Value, update: Value, options: Mapping[str, Value]) -> Body:
    kept = {key: options[key] for key in ("upsert", "arrayFilters", "collation", "hint") if key in options}
    return {"q": query, "u": update, "multi": name == "updateMany", **kept}


def _update(command: Command) -> Run:
    options = _argument(command, 2)
    part = _update_part(command.method, command.args[0], command.args[1], options)
    body = {"update": command.collection, "updates": [part], **_let(options)}
    return _run(body, answers.updated, options, writes=True)


def _let(options: Mapping[str, Value]) -> Body:
    return {"let": options["let"]} if "let" in options else {}


def _delete_part(name: str, query: Value, options: Mapping[str, Value]) -> Body:
    kept = {key: options[key] for key in ("collation", "hint") if key in options}
    return {"q": query, "limit": 0 if name == "deleteMany" else 1, **kept}


def _delete(command: Command) -> Run:
    options = _argument(command, 1)
    body = {
        "delete": command.collection,
        "deletes": [_delete_part(command.method, command.args[0], options)],
        **_let(options),
    }
    return _run(body, answers.deleted, options, writes=True)


def _bulk(command: Command) -> Run:
    """Operations in their order; neighbours of one kind go together."""
    options = _argument(command, 1)
    named = [(_bulk_kind(next(iter(operation))), operation) for operation in command.args[0]]
    bodies: list[Body] = []
    identifiers: dict[int, Value] = {}
    starts, number = [], 0
    for kind, group in groupby(named, key=lambda item: item[0]):
        parts = [_bulk_part(*next(iter(operation.items()))) for _, operation in group]
        identifiers |= {number + i: part["_id"] for i, part in enumerate(parts) if kind == "insert"}
        starts.append(number)
        number += len(parts)
        key = {"insert": "documents", "update": "updates", "delete": "deletes"}[kind]
        bodies.append({kind: command.collection, key: parts, "ordered": options.get("ordered", True), **_let(options)})
        if kind == "insert":
            bodies[-1].pop("let", None)
    return _run(bodies, answers.bulk(identifiers, starts), options, writes=True)


def _bulk_kind(name: str) -> str:
    return {"insertOne": "insert", "deleteOne": "delete", "deleteMany": "delete"}.get(name, "update")


def _bulk_part(name: str, operation: Mapping[str, Value]) -> Body:
    if name == "insertOne":
        return _with_id(operation["document"])
    if name.startswith("delete"):
        return _delete_part(name, operation["filter"], operation)
    change = operation["replacement"] if name == "replaceOne" else operation["update"]
    return _update_part(name, operation["filter"], change, operation)


def _find_and(command: Command) -> Run:
    removing = command.method == "findOneAndDelete"
    options = _argument(command, 1 if removing else 2)
    body: Body = {"findAndModify": command.collection, "query": command.args[0]}
    if removing:
        body["remove"] = True
    else:
        body["update"] = command.args[1]
        body["new"] = _returns_new(options)
    body |= {
        key: options[key] for key in ("sort", "upsert", "arrayFilters", "collation", "hint", "let") if key in options
    }
    if "projection" in options:
        body["fields"] = options["projection"]
    return _run(body, answers.found_and_modified, options, writes=True)


def _returns_new(options: Mapping[str, Value]) -> bool:
    return (
        options.get("returnDocument") == "after"
        or options.get("returnNewDocument") is True
        or options.get("returnOriginal") is False
    )


def _create_index(command: Command) -> Run:
    options, _, _ = _split(_argument(command, 1))
    keys = command.args[0]
    name = options.pop("name", None) or "_".join(f"{field}_{kind}" for field, kind in keys.items())
    body = {"createIndexes": command.collection, "indexes": [{"key": keys, "name": name, **options}]}
    return _run(body, answers.named_index(name), _argument(command, 1), writes=True)


def _drop_index(command: Command) -> Run:
    return _run({"dropIndexes": command.collection, "index": command.args[0]}, answers.reply, {}, writes=True)


_METHODS: Final[Mapping[str, Callable[[Command], Run]]] = {
    "countDocuments": _count_documents,
    "estimatedDocumentCount": _estimated_count,
    "distinct": _distinct,
    "getIndexes": _get_indexes,
    "stats": _stats,
    "insertOne": _insert,
    "insertMany": _insert,
    "updateOne": _update,
    "updateMany": _update,
    "replaceOne": _update,
    "deleteOne": _delete,
    "deleteMany": _delete,
    "bulkWrite": _bulk,
    "createIndex": _create_index,
    "dropIndex": _drop_index,
}

# --- commands on the database ---------------------------------------------------------------------------

_COMMAND_WRITES: Final[Mapping[str, Callable[[Sequence[bytes]], Answer]]] = {
    "insert": answers.written,
    "update": answers.written,
    "delete": answers.written,
    "findAndModify": answers.written,
    "createIndexes": answers.reply,
    "dropIndexes": answers.reply,
}


def _database(command: Command) -> Plan:
    if command.method == "getCollectionNames":
        return _run({"listCollections": 1, "nameOnly": True, "authorizedCollections": True}, answers.first_batch, {})
    if command.method == "stats":
        return _run({"dbStats": 1}, answers.reply, {})
    body = dict(command.args[0])
    name = next(iter(body))
    if name in {"find", "aggregate"}:
        return _cursor_command(name, body)
    rest, _, _ = _split({key: value for key, value in body.items() if key != name})
    sent = {name: _explained(body[name]) if name == "explain" else body[name], **rest}
    if name in _COMMAND_WRITES:
        return _run(sent, _COMMAND_WRITES[name], body, writes=True)
    return _run(sent, answers.first_batch if name.startswith("list") else answers.reply, body)


def _explained(body: Value) -> Value:
    name = next(iter(body))
    rest, _, _ = _split({key: value for key, value in body.items() if key != name})
    return {name: body[name], **rest, **({"cursor": {}} if name == "aggregate" else {})}


def _cursor_command(name: str, body: Body) -> Stream:
    collection = str(body.pop(name))
    if name == "aggregate":
        return _aggregate_stream(collection, body)
    rest, milliseconds, comment = _split({"filter": {}, **body})
    return Stream("find", collection, rest, milliseconds, comment)
