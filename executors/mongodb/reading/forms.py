"""Other ways to write a call that mongosh takes, turned into the one that everything else here knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bson import ObjectId

from executors.mongodb.reading.command import Path, Value
from executors.mongodb.reading.source import Position

_REMOVED: Final = {"fields": "projection", "new": "returnDocument"}
_VERBOSITY: Final = {True: "allPlansExecution", False: "queryPlanner"}
_PAIR: Final = 2


@dataclass(slots=True)
class Form:
    """A call in its usual form, and which parts of it were written elsewhere: new path by old one."""

    collection: str
    method: str
    args: tuple[Value, ...]
    moves: dict[Path, Path] = field(default_factory=dict)

    def places(self, written: Mapping[Path, Position]) -> dict[Path, Position]:
        """Where the parts of the usual form stand."""
        found = dict(written)
        for old, new in self.moves.items():
            found |= {(*new, *path[len(old) :]): place for path, place in written.items() if path[: len(old)] == old}
        return found


def usual(collection: str, method: str, args: tuple[Value, ...]) -> Form:
    """The call as `METHODS` has it. Raises `ValueError` with a sentence."""
    make = (_OF_COLLECTIONS if collection else _OF_DATABASES).get(method)
    return make(Form(collection, method, args)) if make else Form(collection, method, args)


def is_other(collection: str, method: str) -> bool:
    """Whether a method is only another way to write one that there is."""
    return method in ({"findAndModify", "runCommand"} if collection else set())


def modifier(name: str, args: tuple[Value, ...]) -> tuple[Value, ...]:
    """The arguments of what follows a call, in their usual form."""
    if name == "sort":
        return _sort(args)
    if name == "explain" and len(args) == 1:
        return (_verbosity(args[0]),)
    if name in {"returnKey", "showRecordId"} and not args:
        return (True,)
    return args


def _verbosity(value: Value) -> Value:
    """`true`, or a document that says the verbosity."""
    if isinstance(value, bool):
        return _VERBOSITY[value]
    if isinstance(value, Mapping) and set(value) == {"verbosity"}:
        return value["verbosity"]
    return value


def _sort(args: tuple[Value, ...]) -> tuple[Value, ...]:
    """`("name", -1)`, `("name")`, `([["name", 1], ["age", -1]])` and `(["name", "age"])` as a document."""
    first = args[0] if args else None
    if isinstance(first, str):
        return ({first: args[1] if len(args) == _PAIR else 1},)
    if len(args) != 1 or not isinstance(first, list) or not first:
        return args
    if len(first) == _PAIR and isinstance(first[0], str) and _is_direction(first[1]):
        return ({first[0]: first[1]},)
    pairs = [item if isinstance(item, list) else [item, 1] for item in first]
    if all(len(pair) == _PAIR and isinstance(pair[0], str) for pair in pairs):
        return (dict(pairs),)
    return args


def _is_direction(value: Value) -> bool:
    return value in (1, -1, "asc", "desc", "ascending", "descending")


def _by_id(form: Form) -> Form:
    """`find(ObjectId("…"))`."""
    if form.args and isinstance(form.args[0], ObjectId):
        return Form(form.collection, form.method, ({"_id": form.args[0]}, *form.args[1:]), {(0, 0): (0, 0, "_id")})
    return form


def _stages(form: Form) -> Form:
    """`aggregate({$match: …}, {$limit: 1})`, and no stage at all."""
    if form.args and not isinstance(form.args[0], Mapping):
        return form
    moves: dict[Path, Path] = {(0, number): (0, 0, number) for number in range(len(form.args))}
    return Form(form.collection, form.method, (list(form.args),), moves)


def _operations(form: Form) -> Form:
    """`bulkWrite([{insertOne: {_id: 1}}])`, where the document stands alone."""
    if not form.args or not isinstance(form.args[0], list):
        return form
    moves: dict[Path, Path] = {}
    operations = []
    for number, operation in enumerate(form.args[0]):
        body = operation.get("insertOne") if isinstance(operation, Mapping) and len(operation) == 1 else None
        bare = isinstance(body, Mapping) and "document" not in body
        operations.append({"insertOne": {"document": body}} if bare else operation)
        if bare:
            moves[0, 0, number, "insertOne"] = (0, 0, number, "insertOne", "document")
    return Form(form.collection, form.method, (operations, *form.args[1:]), moves)


def _find_and_modify(form: Form) -> Form:
    """`findAndModify({query, update, …})` as the method that does the same."""
    body = form.args[0] if len(form.args) == 1 else None
    if not isinstance(body, Mapping):
        message = "findAndModify takes one document: {query: …, update: …} or {query: …, remove: true}."
        raise ValueError(message)  # noqa: TRY004 - the caller reports ValueError
    removes = body.get("remove") is True
    if removes == ("update" in body) or not isinstance(body.get("query", {}), Mapping):
        raise ValueError("findAndModify takes a query, and either an update or remove: true.")
    options = {name: value for name, value in body.items() if name not in {"query", "update", "remove"}}
    moves: dict[Path, Path] = {(0, 0, "query"): (0, 0), (0, 0, "update"): (0, 1)}
    at = 1 if removes else 2
    moves |= {(0, 0, name): (0, at, _REMOVED.get(name, name)) for name in options}
    query = body.get("query", {})
    if removes:
        return Form(form.collection, "findOneAndDelete", (query, _named(options, new=False)), moves)
    update = body["update"]
    replaces = isinstance(update, Mapping) and not any(name.startswith("$") for name in update)
    method = "findOneAndReplace" if replaces else "findOneAndUpdate"
    return Form(form.collection, method, (query, update, _named(options, new=True)), moves)


def _named(options: Mapping[str, Value], *, new: bool) -> dict[str, Value]:
    """The options under the names that the method has for them."""
    found = {_REMOVED.get(name, name): value for name, value in options.items() if name != "new"}
    if "new" in options and new:
        found["returnDocument"] = "after" if options["new"] else "before"
    elif options.get("new"):
        raise ValueError("A document that is removed has no new state: leave new out.")
    return found


def _run_command(form: Form) -> Form:
    """`runCommand("ping")`; `db.orders.runCommand("count", {…})` names its collection in the command."""
    first = form.args[0] if form.args else None
    subject: Value = form.collection or 1
    if isinstance(first, str):
        rest = form.args[1] if len(form.args) == _PAIR and form.collection else {}
        if len(form.args) > (_PAIR if form.collection else 1) or not isinstance(rest, Mapping):
            raise ValueError('runCommand takes a command: runCommand({ping: 1}) or runCommand("ping").')
        moves: dict[Path, Path] = {(0, 1): (0, 0), (0, 0): (0, 0, first)}
        return Form("", "runCommand", ({first: subject, **rest},), moves)
    return Form("", "runCommand", form.args)


_Maker = Callable[[Form], Form]
_OF_COLLECTIONS: Final[Mapping[str, _Maker]] = {
    "find": _by_id,
    "findOne": _by_id,
    "aggregate": _stages,
    "bulkWrite": _operations,
    "findAndModify": _find_and_modify,
    "runCommand": _run_command,
}
_OF_DATABASES: Final[Mapping[str, _Maker]] = {"aggregate": _stages, "runCommand": _run_command}


def results(calls: Sequence[str], properties: Sequence[str]) -> tuple[str, tuple[Value, ...]] | None:
    """What a property of a result means as a call: the fields of findOne, the number of an array; None for others."""
    last = calls[-1] if calls else ""
    if last == "toArray" and tuple(properties) == ("length",):
        return "itcount", ()
    if last == "findOne" and len(calls) == 1:
        return "field", (".".join(properties),)
    return None
