"""What a command may not do, whatever its access, and what it needs and touches.

The database's own roles are the barrier; this explains early, and closes what no role stops: server-side
JavaScript, stages that leave the database, and options that would lift the portal's limits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from bson.code import Code
from bson.dbref import DBRef

from executors.base import Access, FindingCode
from executors.mongodb.reading.command import Command, Path, Value
from executors.mongodb.reading.literals import FLATTER, MAX_DEPTH
from executors.mongodb.reading.methods import DATABASE_METHODS, METHODS, MODIFIERS, Method, Shape
from executors.mongodb.reading.rules import FIRST, Problem, begins, concern, together
from executors.mongodb.reading.server_commands import COMMANDS, OPERATIONS
from executors.mongodb.reading.shapes import VERBOSITIES, fits, is_list, is_number

STAGES: Final = frozenset(
    {"$addFields", "$bucket", "$bucketAuto", "$count", "$densify", "$facet", "$fill", "$geoNear", "$graphLookup"}
    | {"$group", "$limit", "$lookup", "$match", "$project", "$redact", "$replaceRoot", "$replaceWith", "$sample"}
    | {"$collStats", "$documents", "$indexStats"}
    | {"$set", "$setWindowFields", "$skip", "$sort", "$sortByCount", "$unionWith", "$unset", "$unwind"}
)
WRITING_STAGES: Final = frozenset({"$out", "$merge"})
_JAVASCRIPT: Final = frozenset({"$where", "$function", "$accumulator"})
_JAVASCRIPT_HINT: Final = "Use $expr with aggregation operators, or a script, which runs in a sandbox."


class Facts(NamedTuple):
    """What was found: problems (path, code, message, hint), the access needed, and the collections named."""

    problems: tuple[Problem, ...]
    access: Access
    collections: frozenset[str]


def examine(command: Command) -> Facts:
    """Everything this module knows about a command."""
    inspector = _Inspector(command.unknown)
    inspector.command(command)
    return Facts(tuple(inspector.problems), inspector.access, frozenset(inspector.collections))


class _Inspector:
    """Walks one command and gathers what it finds."""

    def __init__(self, unknown: frozenset[Path]) -> None:
        self._unknown = unknown
        self.problems: list[Problem] = []
        self.collections: set[str] = set()
        self.access = Access.READ
        self._on_collection = True

    def _problem(self, path: Path, code: FindingCode, message: str, hint: str = "") -> None:
        if path not in self._unknown:
            self.problems.append((path, code, message, hint))

    # --- the call and its modifiers -------------------------------------------------------------

    def command(self, command: Command) -> None:
        """Examine a whole chain."""
        method = (METHODS if command.collection else DATABASE_METHODS).get(command.method)
        if method is None:
            self._problem((0,), FindingCode.MONGO_METHOD, f"The method {command.method[:40]} is not supported.")
            return
        self._needs(method.access)
        self._on_collection = bool(command.collection) or command.method == "runCommand"
        if command.collection:
            self._collection(command.collection, (0,))
        self._call(0, method, command.args)
        for number, call in enumerate(command.modifiers, start=1):
            if call.method not in method.modifiers:
                self._problem(
                    (number,), FindingCode.MONGO_MODIFIER, f"{call.method[:40]} cannot follow {command.method}."
                )
            else:
                self._call(number, MODIFIERS[call.method], call.args)
        self._all(together(command, self.access))

    def _all(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self._problem(*problem)

    def _needs(self, access: Access) -> None:
        if access is Access.WRITE:
            self.access = Access.WRITE

    def _call(self, number: int, method: Method, args: Sequence[Value]) -> None:
        if not method.fewest <= len(args) <= method.most:
            self._problem(
                (number,),
                FindingCode.MONGO_ARGUMENTS,
                f"{len(args)} arguments stand here; {method.fewest} to {method.most} may.",
            )
            return
        for index, (value, shape) in enumerate(zip(args, method.shapes, strict=False)):
            path: Path = (number, index)
            if value is None and index >= method.fewest:
                continue
            if not fits(value, shape):
                self._problem(path, FindingCode.MONGO_ARGUMENTS, f"This has to be {shape.value}.")
                continue
            self._argument(value, shape, path, method)

    def _argument(self, value: Value, shape: Shape, path: Path, method: Method) -> None:  # noqa: C901 - one line each
        match shape:
            case Shape.OPTIONS:
                self._options(value, path, method.options)
                self._operators(value, path)
            case Shape.PIPELINE:
                self.pipeline(value, path, outer=self._on_collection)
                self._all(begins(value, path, on_collection=self._on_collection))
                self._operators(value, path)
            case Shape.UPDATE:
                self._update(value, path)
            case Shape.DATA | Shape.DATA_LIST:
                self._data(value, path, replacing=method.fewest > 1)
            case Shape.OPERATIONS:
                self._operations(value, path)
            case Shape.COMMAND:
                self._server_command(value, path)
            case Shape.PARTS:
                for index, part in enumerate(value):
                    self._collection(part["collection"], (*path, index, "collection"))
            case Shape.CONCERN:
                self._all(concern(value, path))
            case Shape.INDEX if value == "*":
                self._problem(path, FindingCode.MONGO_ARGUMENTS, "Indexes are dropped one by one.")
            case _:
                self._operators(value, path)

    def _options(self, value: Mapping[str, Value], path: Path, allowed: frozenset[str]) -> None:
        for name, setting in value.items():
            if name not in allowed:
                known = ", ".join(sorted(allowed)) or "none"
                self._problem(
                    (*path, name),
                    FindingCode.MONGO_OPTION,
                    f"The option {name[:40]} is not supported.",
                    f"Supported: {known}.",
                )
            elif name in {"maxTimeMS", "batchSize", "skip"} and not is_number(setting):
                self._problem((*path, name), FindingCode.MONGO_OPTION, f"{name} has to be {Shape.NUMBER.value}.")
            elif name == "writeConcern":
                self._all(concern(setting, (*path, name)))
            elif name == "limit" and not (isinstance(setting, int) and not isinstance(setting, bool)):
                self._problem((*path, name), FindingCode.MONGO_OPTION, "limit has to be a whole number.")
            elif name == "explain" and not isinstance(setting, bool) and setting not in VERBOSITIES:
                self._problem(
                    (*path, name), FindingCode.MONGO_OPTION, f"explain has to be true or {Shape.VERBOSITY.value}."
                )

    # --- values -----------------------------------------------------------------------------------

    def _operators(self, value: Value, path: Path, *, data: bool = False) -> None:
        """Look at every key under `value`; in stored data keys are only names, but code is still refused."""
        stack: list[tuple[Value, Path]] = [(value, path)]
        while stack:
            item, place = stack.pop()
            if len(place) > MAX_DEPTH + len(path):
                self._problem(
                    place[:-1], FindingCode.MONGO_DEPTH, f"Nested more than {MAX_DEPTH} levels deep.", FLATTER
                )
                return
            if isinstance(item, Code):
                self._problem(
                    place,
                    FindingCode.MONGO_JAVASCRIPT,
                    "Code is server-side JavaScript, which is never run.",
                    _JAVASCRIPT_HINT,
                )
            elif isinstance(item, Mapping | DBRef):
                fields = item.as_doc() if isinstance(item, DBRef) else item
                for key, inner in fields.items():
                    if not data:
                        self._key(key, (*place, key))
                    stack.append((inner, (*place, key)))
            elif is_list(item):
                stack.extend((inner, (*place, index)) for index, inner in enumerate(item))

    def _key(self, key: str, path: Path) -> None:
        if key in _JAVASCRIPT:
            self._problem(
                path,
                FindingCode.MONGO_JAVASCRIPT,
                f"{key} is server-side JavaScript, which is never run.",
                _JAVASCRIPT_HINT,
            )
        elif key.startswith("$_"):
            self._problem(path, FindingCode.MONGO_OPERATOR, f"{key[:40]} is internal to the server.", "Leave it out.")

    def _update(self, value: Value, path: Path) -> None:
        self._operators(value, path)
        if isinstance(value, Mapping):
            plain = next((key for key in value if not key.startswith("$")), None)
            if plain is not None or not value:
                where = (*path, plain) if plain is not None else path
                self._problem(
                    where,
                    FindingCode.MONGO_UPDATE,
                    "An update is made of operators such as $set.",
                    "replaceOne replaces a whole document.",
                )
        else:
            self.pipeline(value, path, outer=False)

    def _data(self, value: Value, path: Path, *, replacing: bool) -> None:
        self._operators(value, path, data=True)
        if replacing and isinstance(value, Mapping):
            operator = next((key for key in value if key.startswith("$")), None)
            if operator is not None:
                self._problem(
                    (*path, operator),
                    FindingCode.MONGO_UPDATE,
                    "A replacement holds fields, not operators.",
                    "Use an update method.",
                )

    # --- pipelines ----------------------------------------------------------------------------------

    def pipeline(self, stages: Value, path: Path, *, outer: bool, depth: int = 0) -> None:
        """Check the stages of a pipeline and of those inside it. Only the last stage of an outer one may write."""
        if not fits(stages, Shape.PIPELINE) or depth > MAX_DEPTH:
            self._problem(path, FindingCode.MONGO_ARGUMENTS, f"This has to be {Shape.PIPELINE.value}.")
            return
        for index, stage in enumerate(stages):
            place = (*path, index)
            if len(stage) != 1:
                self._problem(place, FindingCode.MONGO_STAGE, "A stage is a document with one operator.")
                continue
            name, body = next(iter(stage.items()))
            if name in WRITING_STAGES:
                self._writing_stage(name, body, (*place, name), last=outer and index == len(stages) - 1)
            elif name not in STAGES:
                self._problem(
                    (*place, name),
                    FindingCode.MONGO_STAGE,
                    f"The stage {name[:40]} is not supported.",
                    f"Supported: {', '.join(sorted(STAGES))}.",
                )
            elif name in FIRST and index:
                message = f"{name} may only be the first stage of a pipeline."
                self._problem((*place, name), FindingCode.MONGO_STAGE, message, "Put it first.")
            else:
                self._stage(name, body, (*place, name), depth)

    def _writing_stage(self, name: str, body: Value, path: Path, *, last: bool) -> None:
        self._needs(Access.WRITE)
        if not last:
            self._problem(path, FindingCode.MONGO_STAGE, f"{name} may only be the last stage of the whole pipeline.")
        into = body.get("into") if name == "$merge" and isinstance(body, Mapping) else body
        self._other_collection(into, path, name)
        if isinstance(body, Mapping) and is_list(body.get("whenMatched")):
            self.pipeline(body["whenMatched"], (*path, "whenMatched"), outer=False)

    def _stage(self, name: str, body: Value, path: Path, depth: int) -> None:
        if name == "$facet" and isinstance(body, Mapping):
            for key, inner in body.items():
                self.pipeline(inner, (*path, key), outer=False, depth=depth + 1)
        elif name in {"$lookup", "$graphLookup"} and isinstance(body, Mapping):
            if "from" in body:
                self._other_collection(body["from"], (*path, "from"), name)
            self._inner_pipeline(body, path, depth)
        elif name == "$unionWith":
            if isinstance(body, Mapping):
                self._union(body, path, depth)
            else:
                self._other_collection(body, path, name)

    def _union(self, body: Mapping[str, Value], path: Path, depth: int) -> None:
        if "db" in body:
            message, hint = (
                "$unionWith may not leave the database.",
                "Leave db out: another database is another target.",
            )
            self._problem((*path, "db"), FindingCode.MONGO_OTHER_DATABASE, message, hint)
        if "coll" in body:
            self._other_collection(body["coll"], (*path, "coll"), "$unionWith")
        self._inner_pipeline(body, path, depth)

    def _inner_pipeline(self, body: Mapping[str, Value], path: Path, depth: int) -> None:
        if "pipeline" in body:
            self.pipeline(body["pipeline"], (*path, "pipeline"), outer=False, depth=depth + 1)

    def _other_collection(self, name: Value, path: Path, operator: str) -> None:
        if isinstance(name, str):
            self._collection(name, path)
        else:
            self._problem(
                path,
                FindingCode.MONGO_OTHER_DATABASE,
                f"{operator} names a collection of this database in quotes.",
                "Another database is another target.",
            )

    def _collection(self, name: str, path: Path) -> None:
        if not name or "\0" in name or "$" in name or name.startswith((".", "system.")) or name.endswith("."):
            message = f"{name[:40]!r} is not a collection that can be queried."
            self._problem(path, FindingCode.MONGO_COLLECTION, message, "db.getCollectionNames() gives those there are.")
        self.collections.add(name)

    # --- bulk writes and runCommand ---------------------------------------------------------------------

    def _operations(self, operations: Sequence[Mapping[str, Value]], path: Path) -> None:
        for index, operation in enumerate(operations):
            place = (*path, index)
            name = next(iter(operation), "")
            known = OPERATIONS.get(name)
            if len(operation) != 1 or known is None or not isinstance(operation[name], Mapping):
                self._problem(
                    place,
                    FindingCode.MONGO_ARGUMENTS,
                    f"A write operation is one of {', '.join(OPERATIONS)} with a document.",
                )
                continue
            self._fields(operation[name], (*place, name), known)

    def _fields(self, body: Mapping[str, Value], path: Path, known: Mapping[str, tuple[Shape, bool]]) -> None:
        """Check named parts, each with its shape and whether it must be there."""
        for name, (_, required) in known.items():
            if required and name not in body:
                self._problem(path, FindingCode.MONGO_ARGUMENTS, f"{name} is missing.")
        for name, value in body.items():
            place = (*path, name)
            if name not in known:
                self._problem(
                    place,
                    FindingCode.MONGO_OPTION,
                    f"{name[:40]} is not supported here.",
                    f"Supported: {', '.join(known) or 'nothing'}.",
                )
            elif not fits(value, known[name][0]):
                self._problem(place, FindingCode.MONGO_ARGUMENTS, f"This has to be {known[name][0].value}.")
            else:
                self._argument(value, known[name][0], place, Method(fewest=2 if name == "replacement" else 1))

    def _server_command(self, body: Mapping[str, Value], path: Path, *, explained: bool = False) -> None:
        name = next(iter(body), "")
        known = COMMANDS.get(name)
        if known is None or (explained and not known.explainable):
            allowed = sorted(key for key, value in COMMANDS.items() if value.explainable or not explained)
            self._problem(
                (*path, name) if name else path,
                FindingCode.MONGO_COMMAND,
                f"The command {name[:40]} is not supported.",
                f"Supported: {', '.join(allowed)}.",
            )
            return
        self._needs(known.access)
        if known.collection:
            self._command_collection(body[name], (*path, name))
        rest = {key: value for key, value in body.items() if key != name}
        if name == "explain":
            self._explained(body[name], (*path, name))
        self._fields(rest, path, known.fields)
        for key, inner in known.lists.items():
            for index, item in enumerate(rest.get(key) or ()):
                if isinstance(item, Mapping):
                    self._fields(item, (*path, key, index), inner)
        if name == "dropIndexes" and is_list(rest.get("index")):
            self._problem((*path, "index"), FindingCode.MONGO_ARGUMENTS, "Indexes are dropped one by one.")

    def _command_collection(self, value: Value, path: Path) -> None:
        if isinstance(value, str):
            self._collection(value, path)
        else:
            self._problem(path, FindingCode.MONGO_ARGUMENTS, "The name of a collection stands here, in quotes.")

    def _explained(self, value: Value, path: Path) -> None:
        if isinstance(value, Mapping):
            self._server_command(value, path, explained=True)
        else:
            self._problem(path, FindingCode.MONGO_ARGUMENTS, "The command to explain stands here.")
