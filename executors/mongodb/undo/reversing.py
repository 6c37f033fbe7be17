"""The statement that puts documents back: `db.putBack`, with the documents of each collection as a parameter.

A mongosh text cannot hold them: it is limited in size, and there is BSON that no literal writes (a field that stands
twice, a symbol, text that is no UTF-8). Nor does any command of the server compare whole documents to the byte: to
`$eq`, 1 and 1.0 are the same. So what is compared, and how, is the portal's own (`executors.mongodb.undo.putting`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from executors.base import Column, Images, Language, NotReversible, Reverse, RowChange
from executors.mongodb import images
from executors.mongodb.images import Pair
from executors.mongodb.undo import parts

# A parameter is read whole where the statement runs, in a process whose memory is bounded.
_MOST_CHARACTERS: Final = 64_000_000
_ABOUT: Final = {
    (True, False): ("document that was added is deleted", "documents that were added are deleted"),
    (True, True): ("document gets back what it was", "documents get back what they were"),
    (False, True): ("document that was deleted is inserted", "documents that were deleted are inserted"),
}


def reverse(pieces: Sequence[Images], title: str) -> Reverse:
    """See `executors.base.Reverser`."""
    found: dict[str, list[Pair]] = {}
    for piece in pieces:
        # Last first: a value that must be unique is given up in the order in which it was taken.
        pairs = [(now, was) for was, now in images.pairs(piece)]
        found.setdefault(piece.image.table, []).extend(pairs)
    changes = {name: pairs[::-1] for name, pairs in found.items()}
    parameters = tuple(map(parts.written, changes.values()))
    if sum(map(len, parameters)) > _MOST_CHARACTERS:
        message = "What it changed is too large to be put back by one statement."
        raise NotReversible(message)
    return Reverse(Language.MONGO, _statement(changes, title), parameters, sum(map(len, changes.values())))


def _statement(changes: Mapping[str, Sequence[Pair]], title: str) -> str:
    about = "\n".join(f"// {' '.join(line.split())}" for line in (title, *_lines(changes)))
    named = ",\n".join(
        f"  {{collection: {json.dumps(name, ensure_ascii=False)}, documents: ${number}}}"
        for number, name in enumerate(changes, start=1)
    )
    return f"{about}\ndb.putBack([\n{named}\n])"


def _lines(changes: Mapping[str, Sequence[Pair]]) -> Iterator[str]:
    for name, pairs in changes.items():
        ways = [(left is not None, before is not None) for left, before in pairs]
        for way, (one, many) in _ABOUT.items():
            if count := ways.count(way):
                yield f"{name}: {count:,} {one if count == 1 else many}"
    yield "Only where every document still is, to the byte, what the write left; else nothing is changed."


def shown(piece: Images, rows: int) -> tuple[tuple[Column, ...], tuple[RowChange, ...]]:
    """The first `rows` documents of a piece as a difference shows them: a column for each field."""
    return images.shown(images.pairs(piece)[:rows])
