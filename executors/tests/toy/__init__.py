"""A third engine, on SQLite: what CONTRIBUTING asks of one, done in the tests' own code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from executors import registry
from executors.base import EngineKind, Language

NAME = "TOY"


def register() -> EngineKind:
    """The two edits of the shared code: a member of `EngineKind` and a line of the registry."""
    kind = str.__new__(EngineKind, NAME.lower())
    kind._name_, kind._value_ = NAME, NAME.lower()
    EngineKind._member_map_[NAME] = EngineKind._value2member_map_[kind.value] = kind
    EngineKind._member_names_.append(NAME)
    registry.PRODUCTS[kind] = registry.Product(
        "Toy", "executors.tests.toy.engine:ToyEngine", {Language.SQL: "executors.tests.toy.reading:analyse"}
    )
    return kind


@contextmanager
def registered() -> Iterator[EngineKind]:
    """The toy engine, until the end."""
    kind = register()
    try:
        yield kind
    finally:
        del EngineKind._member_map_[NAME], EngineKind._value2member_map_[kind.value], registry.PRODUCTS[kind]
        EngineKind._member_names_.remove(NAME)
