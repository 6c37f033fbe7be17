"""What the server is sent: cursors to be streamed, and commands with what becomes of their replies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

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
# What is read and has no meaning here: batches are the portal's own, and its connection says how it reads and writes.
_NO_EFFECT: Final = frozenset(
    {"batchSize", "cursor", "singleBatch", "pretty", "toArray", "readPref", "readConcern", "writeConcern"}
)


def argument(command: Command, index: int) -> Value:
    """An argument of the method; an empty document where there is none."""
    value = command.args[index] if index < len(command.args) else None
    return {} if value is None else value


def split(options: Mapping[str, Value]) -> tuple[Body, int | None, str]:
    """Options without those the portal sets itself: the time limit (which may only shrink) and the comment."""
    rest = {key: value for key, value in options.items() if key not in {"maxTimeMS", "comment", *_NO_EFFECT}}
    comment = options.get("comment")
    return rest, options.get("maxTimeMS") or None, comment if isinstance(comment, str) else ""


def run(
    bodies: Body | Sequence[Body],
    answer: Callable[[Sequence[bytes]], Answer],
    options: Mapping[str, Value],
    *,
    writes: bool = False,
) -> Run:
    """Commands with what the portal sets itself taken out of their options."""
    sent = (bodies,) if isinstance(bodies, dict) else tuple(bodies)
    _, milliseconds, comment = split(options)
    transactional = not any(next(iter(body)) in _UNTRANSACTIONAL for body in sent)
    return Run(sent, answer, writes, transactional, milliseconds, comment)


def aggregate_stream(collection: str, options: Mapping[str, Value]) -> Stream:
    """A pipeline and its options as a cursor."""
    body, milliseconds, comment = split(options)
    last = body["pipeline"][-1] if body["pipeline"] else {}
    return Stream("aggregate", collection, body, milliseconds, comment, writes=not WRITING_STAGES.isdisjoint(last))


def written_collection(stream: Stream) -> str:
    """The collection that a `$out` or `$merge` at the end of a pipeline writes to."""
    ((_, into),) = stream.body["pipeline"][-1].items()
    into = into.get("into", into) if isinstance(into, Mapping) else into
    if isinstance(into, Mapping):
        return ".".join(str(into[part]) for part in ("db", "coll") if part in into)
    return str(into)
