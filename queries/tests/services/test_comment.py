"""Comments without a verdict: who says them, about which line, who hears of it, and that they stay."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from queries import services
from queries.models import Comment, Event, Tiding
from queries.services import commenting
from queries.tests import trail
from queries.tests.world import World
from web.errors import BadInput, NotAllowed, NotNow


def told(world: World, event: Event = Event.COMMENT) -> set[str]:
    return set(Tiding.objects.filter(event=event).values_list("person__username", flat=True))


@pytest.mark.parametrize("name", ["author", "reviewer", "second_reviewer"])
def test_the_author_and_reviewers_comment_and_it_is_recorded(world: World, name: str) -> None:
    query = world.submitted("SELECT 1\n  AS one")
    said = services.comment(actor=getattr(world, name), query_id=query.pk, text=" Why? ", line=2)
    assert (said.text, said.line) == ("Why?", 2)
    action, data = list(trail.entries(query))[-1]
    assert (action, data["comment"], data["line"], data["digest"]) == ("query.comment", "Why?", 2, query.digest)


@pytest.mark.parametrize("name", ["colleague", "outsider", "other_manager", "auditor", "admin"])
def test_nobody_else_comments_and_the_attempt_is_recorded(world: World, name: str) -> None:
    query = world.submitted()
    with pytest.raises(NotAllowed):
        services.comment(actor=getattr(world, name), query_id=query.pk, text="Hello")
    assert trail.actions(query) == ["query.submit", "query.refused"]
    assert not Comment.objects.exists()


@pytest.mark.parametrize("text", ["", " \n\t", "\0", "\ud800", "x" * 4001])
def test_it_needs_words_that_can_be_kept(world: World, text: str) -> None:
    with pytest.raises(BadInput) as caught:
        services.comment(actor=world.author, query_id=world.submitted().pk, text=text)
    assert list(caught.value.fields) == ["text"]


@pytest.mark.parametrize(("statement", "last"), [("SELECT 1", 1), ("SELECT 1\n", 1), ("SELECT\n1\n\n", 3)])
def test_a_line_is_one_of_the_statement(world: World, statement: str, last: int) -> None:
    query = world.submitted(statement)
    for line in (0, -1, services.last_line(query) + 1):
        with pytest.raises(BadInput) as caught:
            services.comment(actor=world.author, query_id=query.pk, text="Here", line=line)
        assert list(caught.value.fields) == ["line"]
    assert services.last_line(query) <= last
    services.comment(actor=world.author, query_id=query.pk, text="Here", line=services.last_line(query))


def test_the_author_hears_of_a_reviewer_and_whoever_took_part_hears_of_the_author(world: World) -> None:
    query = world.submitted()
    services.comment(actor=world.reviewer, query_id=query.pk, text="Why?")
    assert told(world) == {"author"}
    services.comment(actor=world.author, query_id=query.pk, text="Because.")
    assert told(world) == {"author", "reviewer"}


def test_an_author_who_speaks_first_is_heard_by_all_reviewers(world: World) -> None:
    services.comment(actor=world.author, query_id=world.submitted().pk, text="It is urgent.")
    assert told(world) == {"reviewer", "second_reviewer"}


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("@colleague do you know?", True),
        ("ask (@colleague), please", True),
        ("as @colleague.", True),
        ("mail me@colleague", False),
        ("@@colleague", False),
        ("colleague", False),
    ],
)
def test_who_is_named_hears_of_it(world: World, text: str, heard: bool) -> None:
    services.comment(actor=world.reviewer, query_id=world.submitted().pk, text=text)
    assert told(world) == {"author", *(["colleague"] if heard else [])}


@pytest.mark.parametrize("name", ["outsider", "other_manager", "auditor", "nobody"])
def test_nobody_outside_of_the_pod_is_told_by_being_named(world: World, name: str) -> None:
    services.comment(actor=world.reviewer, query_id=world.submitted().pk, text=f"@{name} look")
    assert told(world) == {"author"}


def test_what_ended_is_talked_about_as_well(world: World) -> None:
    query = world.executed()
    services.comment(actor=world.reviewer, query_id=query.pk, text="Thank you.")
    assert trail.holds(query)


def test_there_is_an_end_to_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commenting, "MOST_COMMENTS", 1)
    query = world.submitted()
    services.comment(actor=world.author, query_id=query.pk, text="One")
    with pytest.raises(NotNow) as caught:
        services.comment(actor=world.author, query_id=query.pk, text="Two")
    assert caught.value.code == "too_many_comments"


@pytest.mark.parametrize("change", ["UPDATE comments SET text = 'never said'", "DELETE FROM comments"])
def test_the_database_keeps_what_was_said(world: World, change: str) -> None:
    services.comment(actor=world.author, query_id=world.submitted().pk, text="One")
    with pytest.raises(IntegrityError, match="stays as it was written"), transaction.atomic():
        connection.cursor().execute(change)


def test_comments_are_words_enough_to_ask_for_changes(world: World) -> None:
    query = world.submitted()
    with pytest.raises(BadInput):
        services.reject(actor=world.reviewer, query_id=query.pk, ask_for_changes=True)
    services.comment(actor=world.second_reviewer, query_id=query.pk, text="Not mine")
    with pytest.raises(BadInput):
        services.reject(actor=world.reviewer, query_id=query.pk, ask_for_changes=True)
    services.comment(actor=world.reviewer, query_id=query.pk, text="Name the column", line=1)
    assert services.reject(actor=world.reviewer, query_id=query.pk, ask_for_changes=True).code == "CHANGES_REQUESTED"
