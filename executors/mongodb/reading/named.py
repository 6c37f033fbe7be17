"""The names of fields and collections in a command, wherever it writes them: keys, paths, and texts that name one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from executors.base import Finding
from executors.lookalikes import check_names
from executors.mongodb.reading.command import Command, Path, Value

# Keys whose text is a name and no value.
_NAMING: Final = frozenset(
    "from into coll as localField foreignField startWith connectFromField connectToField depthField includeArrayIndex "
    "field key $unset $count $out $merge".split()
)
# A text with blanks in it is a price, not a path.
_FIELD_PATH: Final = re.compile(r"\$\S+\Z")


def passing_names(command: Command, text: str) -> Iterator[Finding]:
    """Names of a command that hide something or pass for others; `text` is the statement they were read from."""
    places: dict[str, tuple[int, int]] = {}
    for name, path in _names(command):
        if name not in places:
            place = command.place(path) if path else command.position
            places[name] = (place.line, place.column)
    # Fields in people's own letters beside those in Latin ones are what documents are made of.
    yield from check_names(places, text, beside=False)


def _names(command: Command) -> Iterator[tuple[str, Path]]:
    yield command.collection, ()
    calls = (command.args, *(call.args for call in command.modifiers))
    for number, args in enumerate(calls):
        for index, value in enumerate(args):
            naming = command.method == "distinct" and (number, index) == (0, 0)
            yield from _inside(value, (number, index), naming=naming)


def _inside(value: Value, path: Path, *, naming: bool) -> Iterator[tuple[str, Path]]:
    waiting: list[tuple[Value, Path, bool]] = [(value, path, naming)]
    while waiting:
        item, at, named = waiting.pop()
        if isinstance(item, Mapping):
            yield from ((name, (*at, key)) for key in item if not key.startswith("$") for name in key.split("."))
            waiting.extend((inner, (*at, key), key in _NAMING) for key, inner in item.items())
        elif isinstance(item, str):
            if named or _FIELD_PATH.match(item):
                yield from ((name, at) for name in item.lstrip("$").split("."))
        elif isinstance(item, Sequence) and not isinstance(item, bytes):
            waiting.extend((inner, (*at, index), named) for index, inner in enumerate(item))
