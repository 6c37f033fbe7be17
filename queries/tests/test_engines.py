"""Engines and languages are the same sets everywhere, and another engine needs no edit in the portal."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from executors import registry
from executors.base import EngineKind, Language
from executors.tests.toy.fixtures import toy_kind, toy_url
from pods.models import Target
from queries import services, words
from queries.lifecycle import Status
from queries.models import QueryRequest
from queries.presentation.code import LEXERS
from queries.results.access import view_page
from queries.tests.world import World
from web.errors import BadInput

__all__ = ["toy_kind", "toy_url"]

READ, WRITE = "TEST_TOY_READ_URL", "TEST_TOY_WRITE_URL"


def choices(model: type[Target | QueryRequest], name: str) -> set[str]:
    """The values a field may have."""
    field: Any = model._meta.get_field(name)
    return {value for value, _ in field.choices}


def test_a_target_may_be_of_every_engine_there_is() -> None:
    assert (
        choices(Target, "engine") == {kind.value for kind in EngineKind} == {kind.value for kind in registry.PRODUCTS}
    )


def test_a_request_may_be_in_every_language_there_is() -> None:
    languages = {language.value for language in Language}
    assert choices(QueryRequest, "language") == languages == set(LEXERS) == set(words.LANGUAGES)


@pytest.mark.parametrize("kind", EngineKind)
def test_a_target_speaks_what_its_engine_does(kind: EngineKind) -> None:
    with_scripts = Target(engine=kind.value, allow_scripts=True).languages
    assert with_scripts == registry.languages(kind)
    assert Target(engine=kind.value).languages == tuple(x for x in with_scripts if x is not Language.SCRIPT)


@pytest.fixture
def toys(world: World, toy_kind: EngineKind, toy_url: str) -> Iterator[World]:
    """Everybody, with a target of the third engine."""
    os.environ |= {READ: toy_url, WRITE: toy_url}
    world.target = Target.objects.create(
        pod=world.pod, name="Toys", slug="toys", engine="toy", read_url_variable=READ, write_url_variable=WRITE
    )
    yield world
    del os.environ[READ], os.environ[WRITE]


def test_a_third_engine_is_submitted_approved_and_read(toys: World) -> None:
    query = toys.executed("SELECT id, customer FROM orders ORDER BY id")
    assert (query.status, query.code) == (Status.EXECUTED, "")
    page = view_page(actor=toys.author, query=query)
    assert [column.name for column in page.columns] == ["id", "customer"]
    assert page.rows == [["1", "one"], ["2", None]]


def test_a_third_engine_is_written_to(toys: World) -> None:
    assert toys.executed("UPDATE orders SET customer = 'x'", access="write").execution.rows_affected == 2
    page = view_page(actor=toys.author, query=toys.executed("SELECT DISTINCT customer FROM orders"))
    assert page.rows == [["x"]]


def test_a_third_engine_fails_in_its_own_words(toys: World) -> None:
    query = toys.executed("SELECT abs(-9223372036854775807 - 1) FROM orders")
    assert (query.status, query.code, query.execution.failure_message) == (
        Status.FAILED,
        "ERROR",
        "integer overflow",
    )


def test_a_third_engine_tells_of_names_it_does_not_know(toys: World) -> None:
    with pytest.raises(BadInput) as caught:
        toys.submitted("SELECT nope FROM orders")
    (problem,) = caught.value.fields["statement"]
    assert (problem.message, problem.line, problem.column) == ("no such column: nope.", 1, 8)


def test_a_third_engine_refuses_at_submission_what_it_cannot_run(toys: World) -> None:
    for fields in ({"statement": "DELETE FROM orders"}, {"statement": "return 1", "language": "script"}):
        with pytest.raises(BadInput):
            services.submit(actor=toys.author, draft=toys.draft(**fields))
