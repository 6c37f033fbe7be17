"""Every status, verb, access, language and failure has its words, in one place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import astuple
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db.models import TextChoices

from accounts.models import Role, Theme
from executors.base import Access, FailureCode, Language
from pods.models import Environment
from queries import words
from queries.lifecycle import Status, Verb
from queries.models import Code, Medium, Verdict
from queries.presentation.states import CODE_LOOKS, LOOKS

ROOT = Path(settings.BASE_DIR)
LISTS: list[tuple[Mapping[Any, Any], type[Enum]]] = [
    (words.STATUSES, Status),
    (words.DID, Verb),
    (words.ACCESSES, Access),
    (words.LANGUAGES, Language),
    (LOOKS, Status),
]
# What a run does not end with.
NO_FAILURE = {Code.NONE, Code.CHANGES_REQUESTED, Code.EXPIRED}


@pytest.mark.parametrize(("found", "members"), LISTS, ids=lambda item: getattr(item, "__name__", ""))
def test_every_member_has_its_words(found: Mapping[Any, Any], members: type[Enum]) -> None:
    assert set(found) == set(members)
    assert all(found.values())


@pytest.mark.parametrize("entry", [*words.STATUSES.values(), *words.ENDED_AS.values()], ids=lambda entry: entry.name)
def test_a_status_has_words_for_every_sentence(entry: words.StatusWords) -> None:
    assert all(astuple(entry))
    assert "{number}" in entry.told


def test_no_two_statuses_are_called_the_same() -> None:
    names = [entry.name for entry in (*words.STATUSES.values(), *words.ENDED_AS.values())]
    assert len(set(names)) == len(names)


def test_every_failure_of_an_executor_is_a_code_with_its_meaning() -> None:
    codes = {Code(code.value) for code in FailureCode}
    assert codes == set(Code) - NO_FAILURE == set(words.FAILURES)
    assert len({entry.name for entry in words.FAILURES.values()}) == len(words.FAILURES)
    assert all(entry.meaning.endswith(".") for entry in words.FAILURES.values())
    assert all(entry.advice.endswith(".") for entry in words.FAILURES.values() if entry.advice)


def test_every_code_that_says_more_than_its_status_has_words_and_looks() -> None:
    assert set(words.ENDED_AS) == set(CODE_LOOKS) == NO_FAILURE - {Code.NONE}


@pytest.mark.parametrize("choices", [Environment, Medium, Role, Theme, Verdict])
def test_stored_choices_carry_names_for_people(choices: type[TextChoices]) -> None:
    assert all(choice.label and choice.label != choice.value for choice in choices if choice.value)


def sources() -> Iterator[tuple[str, str]]:
    """Every file that could hold a second list: code of the portal, pages, scripts of pages."""
    for app in ("accounts", "audit", "pods", "portal", "queries", "web", "templates", "static/js"):
        for path in sorted((ROOT / app).rglob("*")):
            name = str(path.relative_to(ROOT))
            if path.suffix in {".py", ".html", ".js"} and not re.search("/tests/|/migrations/|/management/", name):
                yield name, path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", ["Read only", "MongoDB query", "Waiting for approval", "Withdrawn", "Changes asked for", "Outcome unknown"]
)
def test_nobody_writes_a_name_anew(name: str) -> None:
    """As a text of its own; in a sentence a word is a word."""
    alone = re.compile(rf"""["'>]{re.escape(name)}["'<]""")
    found = [source for source, text in sources() if alone.search(text)]
    assert found in ([], ["queries/words.py"])


def test_no_code_is_said_to_have_run_nothing() -> None:
    """A run that is interrupted may have run for long: only that nothing was committed is known."""
    assert words.name_of_code(Code.INTERRUPTED) == "Interrupted"
    assert words.name_of_code("") == ""


@pytest.mark.parametrize("field", ["status", "code", "failure_code", "language", "access"])
def test_nobody_shows_a_choice_by_the_label_of_its_column(field: str) -> None:
    assert [source for source, text in sources() if f"get_{field}_display" in text] == []
