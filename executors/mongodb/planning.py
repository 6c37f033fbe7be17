"""How MongoDB would go about a command: `explain` of its winning plan, and how many documents its condition finds.

Nothing is run but counting, within the time that is left; where it does not suffice, the number is not told.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import pymongo
from pymongo.errors import OperationFailure, PyMongoError

from executors.base import Asked, Plan, PlanStep, Refused, Target
from executors.base.planning import together
from executors.mongodb.clients import Connected
from executors.mongodb.failures import translate
from executors.mongodb.plan import plan
from executors.mongodb.reading.command import Command, Value
from executors.mongodb.reading.methods import PUT_BACK
from executors.mongodb.runner import read_command, require_allowed
from executors.mongodb.sent import Body, Stream, written_collection

_WORDS: Final = {
    "COLLSCAN": "Reads the whole collection",
    "IXSCAN": "Looks up by index",
    "EXPRESS_IXSCAN": "Looks up by index",
    "EXPRESS_CLUSTERED_IXSCAN": "Looks up by _id",
    "IDHACK": "Looks up by _id",
    "CLUSTERED_IXSCAN": "Looks up by _id",
    "COUNT_SCAN": "Counts in an index",
    "DISTINCT_SCAN": "Steps through an index",
    "RECORD_STORE_FAST_COUNT": "Takes the count that the server keeps",
    "EOF": "Finds nothing: there is no such collection",
    "FETCH": "Fetches the documents",
    "SORT": "Sorts in memory",
    "SORT_MERGE": "Merges sorted parts",
    "LIMIT": "Stops at a number",
    "SKIP": "Skips",
    "COUNT": "Counts",
    "GROUP": "Groups",
    "EQ_LOOKUP": "Looks up in another collection",
    "UPDATE": "Changes documents",
    "DELETE": "Removes documents",
    "OR": "Takes what either finds",
    "SUBPLAN": "Chooses an index for each part of an $or",
}
_WHOLE: Final = "COLLSCAN"
_EXPLAINED: Final = frozenset({"aggregate", "count", "distinct", "findAndModify"})
_PARTS: Final = {"update": "updates", "delete": "deletes"}
_MOST_COMMANDS: Final = 20
# Stages that give as many documents as they take.
_ONE_FOR_ONE: Final = frozenset(
    {"$match", "$sort", "$project", "$addFields", "$set", "$unset", "$replaceRoot", "$replaceWith"}
)
# What a count takes of a command besides its condition.
_COUNTED_WITH: Final = ("collation", "hint", "let")
_LEAST_SECONDS: Final = 0.05


class Explained(NamedTuple):
    """A command to explain, the condition of what it reads or changes, and how many it takes at most (0: all).

    `certain` says that what it returns or changes is what meets the condition, no more and no less.
    """

    body: Body
    collection: str
    condition: Value
    most: int = 0
    certain: bool = True


@dataclass(slots=True)
class Planner:
    """Asks one target until `deadline` (of `time.monotonic`)."""

    connected: Connected
    target: Target
    deadline: float

    def plan(self, item: Asked) -> Plan:
        """The plan of one statement, or a sentence why there is none. Raises `PyMongoError` where nobody answers."""
        if not item.given:
            return Plan.without("its values are only known when the script runs.")
        try:
            command = item.command if isinstance(item.command, Command) else read_command(item.text, item.parameters)
            require_allowed(command, self.target.access)
            return self._command(command)
        except Refused as refused:
            return Plan.without(refused.public_message)
        except OperationFailure as failure:
            return Plan.without(f"The target gave no plan: {translate(failure, self.target).public_message}")

    def _command(self, command: Command) -> Plan:
        if command.method == PUT_BACK:
            return Plan.without("documents are put back by their _id, which an index finds.")
        if command.database not in {"", self.connected.database.name}:
            return Plan.without("it names another database.")
        prepared = plan(command)
        if isinstance(prepared, Stream):
            return self._one(_streamed(prepared), _of_stream(prepared))
        plans = [self._body(body) for body in prepared.bodies[:_MOST_COMMANDS]]
        if len(plans) == 1:
            return plans[0]
        return together(plans, [command.position.line] * len(plans))

    def _body(self, body: Body) -> Plan:
        kind = next(iter(body))
        if kind == "insert":
            return Plan(
                (PlanStep(0, "Adds documents", str(body[kind]), len(body["documents"])),), len(body["documents"])
            )
        if kind in _PARTS:
            parts = body[_PARTS[kind]][:_MOST_COMMANDS]
            plans = [self._one(_part(kind, body, part), ()) for part in parts]
            left = len(body[_PARTS[kind]]) - len(parts)
            return _in_a_row(plans, left)
        if kind in _EXPLAINED and isinstance(body[kind], str):
            return self._one(_whole(kind, body), ())
        return Plan.without(f"{kind} has no plan.")

    def _one(self, asked: Explained, notes: Sequence[str]) -> Plan:
        said = self._send({"explain": asked.body, "verbosity": "queryPlanner"})
        found = list(_steps(said))
        matching = self._count(asked)
        size = self._size(asked.collection) if any(_is_whole(node) for _, node in found) else None
        steps = tuple(_step(depth, node, matching, size, asked.collection) for depth, node in found)
        known = matching is not None and asked.certain
        late = () if matching is not None else ("How many documents match was not counted in the time there was.",)
        rows = min(matching or 0, asked.most) if asked.most else matching
        return Plan(steps, rows if known else None, (*notes, *late))

    def _count(self, asked: Explained) -> int | None:
        """How many documents meet the condition; None when the time does not suffice."""
        if not asked.condition:
            return self._size(asked.collection)
        kept: Body = {name: asked.body[name] for name in _COUNTED_WITH if name in asked.body}
        stages: list[Body] = [{"$match": asked.condition}, {"$count": "n"}]
        try:
            reply = self._send({"aggregate": asked.collection, "pipeline": stages, "cursor": {}, **kept}, of_left=0.5)
        except PyMongoError as problem:
            if problem.timeout or isinstance(problem, OperationFailure):
                return None
            raise
        batch = reply["cursor"]["firstBatch"]
        return int(batch[0]["n"]) if batch else 0

    def _size(self, collection: str) -> int | None:
        try:
            return int(self._send({"count": collection})["n"])
        except OperationFailure:
            return None

    def _send(self, body: Body, *, of_left: float = 1) -> Mapping[str, Any]:
        """Send a command that may take a part of the time that is left; the driver tells the server so."""
        left = (self.deadline - time.monotonic()) * of_left
        with pymongo.timeout(max(left, _LEAST_SECONDS)):
            return self.connected.database.command(body)


def plans(connected: Connected, target: Target, asked: Sequence[Asked], seconds: float) -> list[Plan]:
    """A plan for each statement. Raises `PyMongoError`."""
    planner = Planner(connected, target, time.monotonic() + seconds)
    return [planner.plan(item) for item in asked]


def _of_stream(stream: Stream) -> tuple[str, ...]:
    return (f"What it leaves in {written_collection(stream)} is only known when it runs.",) if stream.writes else ()


def _streamed(stream: Stream) -> Explained:
    body: Body = {stream.kind: stream.collection, **stream.body}
    if stream.kind == "find":
        return Explained(body, stream.collection, body.get("filter") or {}, stream.limit, not body.get("skip"))
    pipeline = body["pipeline"]
    first: Body = next(iter(pipeline), {})
    names = [next(iter(stage), "") for stage in pipeline]
    certain = names.count("$match") <= 1 and _ONE_FOR_ONE.issuperset(names) and "$match" not in names[1:]
    return Explained({**body, "cursor": {}}, stream.collection, first.get("$match") or {}, certain=certain)


def _part(kind: str, body: Body, part: Body) -> Explained:
    """One update or delete of several: `explain` takes one at a time."""
    collection = str(body[kind])
    sent = {kind: collection, _PARTS[kind]: [part], **{k: v for k, v in body.items() if k == "let"}}
    most = int(part.get("limit", 0)) if kind == "delete" else 0 if part.get("multi") else 1
    return Explained(sent, collection, part["q"], most, certain=not part.get("upsert"))


def _whole(kind: str, body: Body) -> Explained:
    collection = str(body[kind])
    if kind == "findAndModify":
        return Explained(body, collection, body.get("query") or {}, 1, certain=not body.get("upsert"))
    first: Body = next(iter(body.get("pipeline", ())), {})
    return Explained(body, collection, body.get("query") or first.get("$match") or {}, certain=False)


def _in_a_row(found: Sequence[Plan], left: int) -> Plan:
    if len(found) == 1 and not left:
        return found[0]
    known = not left and all(one.rows is not None for one in found)
    notes = tuple(dict.fromkeys(note for one in found for note in one.notes))
    more = (f"The plans of {left:,} more operations were not asked for.",) if left else ()
    steps = tuple(step for one in found for step in one.steps)
    return Plan(steps, sum(one.rows or 0 for one in found) if known else None, (*notes, *more))


def _steps(said: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The stages of the winning plan with their depths, from the last to the first."""
    depth = 0
    for stage in reversed([stage for stage in said.get("stages", ()) if "$cursor" not in stage]):
        yield depth, {"stage": next(iter(stage))}
        depth += 1
    stack = [(depth, root) for root in _roots(said)]
    while stack:
        depth, node = stack.pop()
        yield depth, node
        below = [node[name] for name in ("inputStage", "outerStage", "innerStage") if name in node]
        stack.extend((depth + 1, child) for child in reversed([*below, *node.get("inputStages", ())]))


def _roots(said: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    cursors = [stage["$cursor"] for stage in said.get("stages", ()) if "$cursor" in stage]
    for part in cursors or [said]:
        winning = part.get("queryPlanner", {}).get("winningPlan", {})
        for shard in winning.get("shards", ()):
            yield from _unwrapped(shard.get("winningPlan", {}))
        if "shards" not in winning:
            yield from _unwrapped(winning)


def _unwrapped(winning: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The plan as stages, also where the server has compiled it."""
    plan_ = winning.get("queryPlan", winning)
    if plan_:
        yield plan_


def _is_whole(node: Mapping[str, Any]) -> bool:
    return node.get("stage") == _WHOLE


def _step(depth: int, node: Mapping[str, Any], matching: int | None, size: int | None, collection: str) -> PlanStep:
    """The number of documents is known where the condition has been held against them, not of each step before."""
    stage = str(node.get("stage", ""))
    index = str(node.get("indexName", ""))
    words = _WORDS.get(stage, stage)
    whole = _is_whole(node)
    gives = matching if whole or stage == "FETCH" or "IDHACK" in stage or "EXPRESS" in stage else None
    return PlanStep(
        depth,
        f"{words} {index}" if index else words,
        collection if whole else "",
        gives,
        reads_all=size if whole else None,
    )
