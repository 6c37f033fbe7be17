"""From a `Command` to what the server is sent. Pure: the same command always makes the same plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from bson import ObjectId

from executors.mongodb import answers
from executors.mongodb.answers import Answer
from executors.mongodb.database_commands import database_plan
from executors.mongodb.reading.command import Command, Value
from executors.mongodb.sent import Body, Plan, Run, Stream, aggregate_stream, argument, run, split

# What asks a cursor for a number.
_TAKING: Final = ("count", "size", "itcount", "hasNext")
_FIND_AND: Final = {"findOneAndUpdate": "update", "findOneAndReplace": "update", "findOneAndDelete": "remove"}


def plan(command: Command) -> Plan:
    """What to send for a command that `guard.examine` found nothing wrong with."""
    name = command.method
    if not command.collection:
        return database_plan(command)
    if name in {"find", "findOne"}:
        return _finished(_find(command), command)
    if name == "aggregate":
        return _finished(_aggregate(command), command)
    if name in _FIND_AND:
        return _find_and(command)
    return _METHODS[name](command)


# --- reads -------------------------------------------------------------------------------------------


def _find(command: Command) -> Stream:
    options = {"filter": argument(command, 0), **argument(command, 2)}
    if projection := argument(command, 1):
        options["projection"] = projection
    for call in command.modifiers:
        if call.args:
            options[call.method] = call.args[0]
    for name in ("explain", "field"):
        options.pop(name, None)
    if command.method == "findOne":
        options["limit"] = 1
    body, milliseconds, comment = split(options)
    return Stream("find", command.collection, body, milliseconds, comment)


def _aggregate(command: Command) -> Stream:
    options = {"pipeline": command.args[0], **argument(command, 1)}
    for call in command.modifiers:
        if call.args:
            options[call.method] = call.args[0]
    options.pop("explain", None)
    return aggregate_stream(command.collection, options)


def _finished(stream: Stream, command: Command) -> Plan:
    """The stream itself, or what explain or count makes of it."""
    explain = _verbosity(command)
    limits = {"maxTimeMS": stream.milliseconds, "comment": stream.comment}
    if taken := next((name for name in _TAKING if command.modifier(name)), ""):
        return _taken(taken, stream, limits, explain)
    if field := command.modifier("field"):
        body = {"find": stream.collection, **stream.body, "singleBatch": True}
        return run(body, answers.field(str(field.args[0]).split(".")), limits)
    if command.modifier("next"):
        stream = _first(stream)
    if explain is None:
        return stream
    cursor: Body = {"cursor": {}} if stream.kind == "aggregate" else {}
    return _explained_or_run({stream.kind: stream.collection, **stream.body, **cursor}, answers.reply, limits, explain)


def _taken(taken: str, stream: Stream, limits: Mapping[str, Value], explain: str | None) -> Run:
    """The number of a cursor's documents, or whether there is one."""
    answer = answers.has_next if taken == "hasNext" else answers.number
    if stream.kind == "aggregate":
        stages = [*([{"$limit": 1}] if taken == "hasNext" else []), {"$count": "n"}]
        body = {"aggregate": stream.collection, **stream.body, "pipeline": [*stream.body["pipeline"], *stages]}
        return _explained_or_run({**body, "cursor": {}}, answer, limits, explain)
    kept = {key: value for key, value in stream.body.items() if key in {"limit", "skip", "hint", "collation"}}
    if taken == "hasNext":
        kept["limit"] = 1
    return _explained_or_run(
        {"count": stream.collection, "query": stream.body["filter"], **kept}, answer, limits, explain
    )


def _first(stream: Stream) -> Stream:
    """Only the first of a cursor's documents."""
    if stream.kind == "find":
        return replace(stream, body={**stream.body, "limit": 1})
    return replace(stream, body={**stream.body, "pipeline": [*stream.body["pipeline"], {"$limit": 1}]})


def _verbosity(command: Command) -> str | None:
    call = command.modifier("explain")
    if call is not None:
        return str(call.args[0]) if call.args else "queryPlanner"
    option = argument(command, 1).get("explain") if command.method == "aggregate" else None
    return option if isinstance(option, str) else ("queryPlanner" if option else None)


def _explained_or_run(
    body: Body, answer: Callable[[Sequence[bytes]], Answer], options: Mapping[str, Value], verbosity: str | None
) -> Run:
    if verbosity is None:
        return run(body, answer, options)
    return run({"explain": body, "verbosity": verbosity}, answers.reply, options)


def _count_documents(command: Command) -> Run:
    options = argument(command, 1)
    stages: list[Body] = [{"$match": argument(command, 0)}]
    stages += [{f"${name}": options[name]} for name in ("skip", "limit") if options.get(name)]
    stages.append({"$group": {"_id": 1, "n": {"$sum": 1}}})
    kept = {key: options[key] for key in ("hint", "collation") if key in options}
    body = {"aggregate": command.collection, "pipeline": stages, "cursor": {}, **kept}
    return _explained_or_run(body, answers.counted, options, _verbosity(command))


def _count(command: Command) -> Run:
    options, _, _ = split(argument(command, 1))
    body = {"count": command.collection, "query": argument(command, 0), **options}
    return _explained_or_run(body, answers.count, argument(command, 1), _verbosity(command))


def _estimated_count(command: Command) -> Run:
    return run({"count": command.collection}, answers.count, argument(command, 0))


def _distinct(command: Command) -> Run:
    options, _, _ = split(argument(command, 2))
    body = {"distinct": command.collection, "key": command.args[0], "query": argument(command, 1), **options}
    return _explained_or_run(body, answers.values, argument(command, 2), _verbosity(command))


def _get_indexes(command: Command) -> Run:
    return run({"listIndexes": command.collection}, answers.first_batch, {})


def _stats(command: Command) -> Run:
    return run({"collStats": command.collection, **argument(command, 0)}, answers.reply, {})


# The methods that tell one figure of a collection, and where the server's reply has it.
_FIGURES: Final = {
    "dataSize": "size",
    "storageSize": "storageSize",
    "totalIndexSize": "totalIndexSize",
    "totalSize": "totalSize",
    "isCapped": "capped",
}


def _figure(command: Command) -> Run:
    answer = answers.picked({command.method: _FIGURES[command.method]})
    return run({"collStats": command.collection}, answer, {})


# --- writes ------------------------------------------------------------------------------------------


def _with_id(document: Mapping[str, Value]) -> Body:
    """The document with an `_id`, first, as drivers do it, so that the answer can name it."""
    return dict(document) if "_id" in document else {"_id": ObjectId(), **document}


def _insert(command: Command) -> Run:
    many = command.method == "insertMany"
    documents = [_with_id(document) for document in (command.args[0] if many else [command.args[0]])]
    options, _, _ = split(argument(command, 1))
    body = {"insert": command.collection, "documents": documents, "ordered": options.get("ordered", True)}
    identifiers = [document["_id"] for document in documents]
    return run(body, answers.inserted(identifiers, many=many), argument(command, 1), writes=True)


def _update_part(name: str, query: Value, update: Value, options: Mapping[str, Value]) -> Body:
    kept = {key: options[key] for key in ("upsert", "arrayFilters", "collation", "hint") if key in options}
    return {"q": query, "u": update, "multi": name == "updateMany", **kept}


def _update(command: Command) -> Run:
    options = argument(command, 2)
    part = _update_part(command.method, command.args[0], command.args[1], options)
    body = {"update": command.collection, "updates": [part], **_let(options)}
    return run(body, answers.updated, options, writes=True)


def _let(options: Mapping[str, Value]) -> Body:
    return {"let": options["let"]} if "let" in options else {}


def _delete_part(name: str, query: Value, options: Mapping[str, Value]) -> Body:
    kept = {key: options[key] for key in ("collation", "hint") if key in options}
    return {"q": query, "limit": 0 if name == "deleteMany" else 1, **kept}


def _delete(command: Command) -> Run:
    options = argument(command, 1)
    body = {
        "delete": command.collection,
        "deletes": [_delete_part(command.method, command.args[0], options)],
        **_let(options),
    }
    return run(body, answers.deleted, options, writes=True)


def _bulk(command: Command) -> Run:
    """Operations in their order; neighbours of one kind go together."""
    options = argument(command, 1)
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
    return run(bodies, answers.bulk(identifiers, starts), options, writes=True)


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
    options = argument(command, 1 if removing else 2)
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
    return run(body, answers.found_and_modified, options, writes=True)


def _returns_new(options: Mapping[str, Value]) -> bool:
    return (
        options.get("returnDocument") == "after"
        or options.get("returnNewDocument") is True
        or options.get("returnOriginal") is False
    )


def _create_index(command: Command) -> Run:
    options, _, _ = split(argument(command, 1))
    keys = command.args[0]
    name = options.pop("name", None) or _index_name(keys)
    body = {"createIndexes": command.collection, "indexes": [{"key": keys, "name": name, **options}]}
    return run(body, answers.named_index(name), argument(command, 1), writes=True)


def _create_indexes(command: Command) -> Run:
    options, _, _ = split(argument(command, 1))
    indexes = [{"key": keys, "name": _index_name(keys), **options} for keys in command.args[0]]
    names = [index["name"] for index in indexes]
    body = {"createIndexes": command.collection, "indexes": indexes}
    return run(body, answers.named_indexes(names), argument(command, 1), writes=True)


def _index_name(keys: Mapping[str, Value]) -> str:
    return "_".join(f"{field}_{kind}" for field, kind in keys.items())


def _drop_index(command: Command) -> Run:
    return run({"dropIndexes": command.collection, "index": command.args[0]}, answers.reply, {}, writes=True)


_METHODS: Final[Mapping[str, Callable[[Command], Run]]] = {
    "count": _count,
    "countDocuments": _count_documents,
    "estimatedDocumentCount": _estimated_count,
    "distinct": _distinct,
    "getIndexes": _get_indexes,
    "stats": _stats,
    **dict.fromkeys(_FIGURES, _figure),
    "insertOne": _insert,
    "insertMany": _insert,
    "updateOne": _update,
    "updateMany": _update,
    "replaceOne": _update,
    "deleteOne": _delete,
    "deleteMany": _delete,
    "bulkWrite": _bulk,
    "createIndex": _create_index,
    "createIndexes": _create_indexes,
    "dropIndex": _drop_index,
}
