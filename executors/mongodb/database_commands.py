"""What is sent for a command on the database itself: `db.runCommand(…)`, `db.stats()`, `show collections`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from executors.mongodb import answers
from executors.mongodb.answers import Answer
from executors.mongodb.reading.command import Command, Value
from executors.mongodb.reading.methods import SHOW_DATABASES
from executors.mongodb.sent import Body, Plan, Run, Stream, aggregate_stream, argument, run, split

_COMMAND_WRITES: Final[Mapping[str, Callable[[Sequence[bytes]], Answer]]] = {
    "insert": answers.written,
    "update": answers.written,
    "delete": answers.written,
    "findAndModify": answers.written,
    "createIndexes": answers.reply,
    "dropIndexes": answers.reply,
}


_OF_DATABASES: Final[Mapping[str, tuple[Body, Callable[[Sequence[bytes]], Answer]]]] = {
    "getCollectionNames": (
        {"listCollections": 1, "nameOnly": True, "authorizedCollections": True},
        answers.first_batch,
    ),
    "hello": ({"hello": 1}, answers.reply),
    "serverBuildInfo": ({"buildInfo": 1}, answers.reply),
    "stats": ({"dbStats": 1}, answers.reply),
    "version": ({"buildInfo": 1}, answers.picked({"version": "version"})),
    SHOW_DATABASES: ({"dbStats": 1}, answers.picked({"name": "db", "sizeOnDisk": "totalSize"})),
}
# What is written out in the pipeline itself comes in one reply.
_WHOLE_BATCH: Final = 1_000_000


def _without_collection(command: Command) -> Run:
    options, _, _ = split(argument(command, 1))
    body = {"aggregate": 1, "pipeline": command.args[0], "cursor": {"batchSize": _WHOLE_BATCH}, **options}
    return run(body, answers.only_batch, argument(command, 1))


def database_plan(command: Command) -> Plan:
    """What to send for a command that names no collection in front of its method."""
    if command.method in _OF_DATABASES:
        sent, answer = _OF_DATABASES[command.method]
        return run(dict(sent), answer, {})
    if command.method == "getCollectionInfos":
        listed, _, _ = split({"filter": argument(command, 0), **argument(command, 1)})
        return run({"listCollections": 1, "authorizedCollections": True, **listed}, answers.first_batch, {})
    if command.method == "aggregate":
        return _without_collection(command)
    body = dict(command.args[0])
    name = next(iter(body))
    if name in {"find", "aggregate"}:
        return _cursor_command(name, body)
    rest, _, _ = split({key: value for key, value in body.items() if key != name})
    sent = {name: _explained(body[name]) if name == "explain" else body[name], **rest}
    if name in _COMMAND_WRITES:
        return run(sent, _COMMAND_WRITES[name], body, writes=True)
    return run(sent, answers.first_batch if name.startswith("list") else answers.reply, body)


def _explained(body: Value) -> Value:
    name = next(iter(body))
    rest, _, _ = split({key: value for key, value in body.items() if key != name})
    return {name: body[name], **rest, **({"cursor": {}} if name == "aggregate" else {})}


def _cursor_command(name: str, body: Body) -> Stream:
    collection = str(body.pop(name))
    if name == "aggregate":
        return aggregate_stream(collection, body)
    rest, milliseconds, comment = split({"filter": {}, **body})
    return Stream("find", collection, rest, milliseconds, comment)
