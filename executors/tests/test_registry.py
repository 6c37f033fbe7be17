"""What the registry knows is all there is: every engine and language, each with its contract."""

from __future__ import annotations

from importlib import import_module
from inspect import getmembers, isclass
from pathlib import Path

import pytest

import executors
from executors import registry
from executors.base import Access, Engine, EngineKind, Language, ScriptEngine
from executors.tests.contract import EngineContract


def contract_class(kind: EngineKind) -> type[EngineContract]:
    """The one class in an engine's tests that inherits the contract."""
    module = import_module(f"executors.tests.{kind.value}.test_contract")
    (found,) = [
        item
        for _, item in getmembers(module, isclass)
        if issubclass(item, EngineContract) and item.__module__ == module.__name__
    ]
    return found


def test_every_kind_of_engine_is_registered_and_has_its_package() -> None:
    packages = {path.parent.name for path in Path(executors.__file__).parent.glob("*/engine.py")}
    assert {kind.value for kind in EngineKind} == {kind.value for kind in registry.PRODUCTS} == packages


def test_every_language_has_a_runner_and_an_engine_that_speaks_it() -> None:
    spoken = {language for kind in registry.PRODUCTS for language in registry.languages(kind)}
    assert set(Language) == set(registry.RUNNERS) == spoken


@pytest.mark.parametrize("kind", EngineKind)
def test_every_engine_is_held_to_the_contract_in_its_own_language(kind: EngineKind) -> None:
    found = contract_class(kind)
    assert found.engine is kind
    assert found.dialect.language is registry.languages(kind)[0]


@pytest.mark.parametrize("kind", EngineKind)
def test_every_part_that_the_registry_names_is_there(kind: EngineKind) -> None:
    engine: Engine = registry.engine(kind)
    engine.expire()
    assert kind.value in type(engine).__module__
    for language in registry.languages(kind):
        assert callable(registry.runner(language, kind).run)
        assert registry.analyser(language, kind)(kind, "", (), Access.READ).access is Access.READ


@pytest.mark.parametrize("kind", [kind for kind in EngineKind if Language.SCRIPT in registry.languages(kind)])
def test_an_engine_that_scripts_can_use_makes_their_db(kind: EngineKind) -> None:
    engine: ScriptEngine = registry._load(registry.PRODUCTS[kind].engine)()
    assert "db" in engine.prelude
    assert callable(engine.open_for_script)


def test_an_engine_is_one_object_a_process() -> None:
    assert registry.engine(EngineKind.POSTGRESQL) is registry.engine(EngineKind.POSTGRESQL)
    assert registry.engine(EngineKind.POSTGRESQL) in registry.engines_in_use()
