"""What reviewers and authors say to each other on the page of a request, and what a revision shows of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from pods.membership import set_members
from queries import services
from queries.models import Comment, QueryRequest
from queries.tests.views.conftest import SignedIn
from queries.tests.world import World


def page(query: QueryRequest) -> str:
    return reverse("queries:detail", args=[query.public_id])


def body(client: Client, query: QueryRequest, view: str = "") -> str:
    return client.get(page(query) + (f"?view={view}" if view else "")).content.decode()


def ask_for_changes(query: QueryRequest, by: User, words: str) -> None:
    services.reject(actor=by, query_id=query.pk, comment=words, ask_for_changes=True)


def revise(world: World, query: QueryRequest, statement: str, **fields: object) -> QueryRequest:
    return services.submit(actor=world.author, draft=world.draft(statement, **fields), revises=query)


def test_a_comment_is_said_and_shown_under_its_line(world: World, client_of: SignedIn) -> None:
    query = world.submitted("SELECT 1\n  AS one")
    client = client_of(world.reviewer)
    answer = client.post(f"{page(query)}comment/", {"text": "Which <one>?", "line": "2"})
    assert answer["Location"] == f"{page(query)}#activity"
    shown = body(client, query)
    assert "Which &lt;one&gt;?" in shown.partition('id="L2"')[2].partition("</tbody>")[0]
    assert "Which &lt;one&gt;?" in shown.partition('id="activity"')[2]


@pytest.mark.parametrize(
    ("sent", "marked", "kept"),
    [
        ({"text": "", "line": "1"}, "id_text", 'value="1"'),
        ({"text": "Look", "line": "9"}, "id_line", ">Look</textarea>"),
        ({"text": "Look", "line": "x"}, "id_line", ">Look</textarea>"),
        ({"text": "Look", "line": "-1"}, "id_line", ">Look</textarea>"),
        ({"text": "Look", "line": "9" * 30}, "id_line", ">Look</textarea>"),
    ],
)
def test_a_refused_comment_is_kept_and_its_field_marked(
    sent: dict[str, str], marked: str, kept: str, world: World, client_of: SignedIn
) -> None:
    query = world.submitted()
    answer = client_of(world.reviewer).post(f"{page(query)}comment/", sent)
    form = answer.content.decode().partition('class="decide remark"')[2].partition("</form>")[0]
    field = form.partition(f'id="{marked}"')[2].partition(">")[0]
    assert answer.status_code == 400
    assert 'aria-invalid="true"' in field
    assert kept in form
    assert not Comment.objects.exists()


def test_whoever_may_not_comment_has_no_form(world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    assert "Say something without deciding" in body(client_of(world.author), query)
    assert "Say something without deciding" not in body(client_of(world.colleague), query)
    assert client_of(world.colleague).post(f"{page(query)}comment/", {"text": "Hi"}).status_code == 403


def test_a_refused_rejection_marks_its_field(world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    sent = {"digest": query.digest, "decision": "reject"}
    shown = client_of(world.reviewer).post(f"{page(query)}reject/", sent).content.decode()
    field = shown.partition('id="id_comment"')[2].partition(">")[0]
    assert 'aria-invalid="true"' in field
    assert 'id="comment-error"' in shown


def test_changes_are_asked_for_with_the_comments_made_before(world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    reviewer = client_of(world.reviewer)
    reviewer.post(f"{page(query)}comment/", {"text": "Name the column", "line": "1"})
    assert "1 comment of yours\n      goes with it" in body(reviewer, query)
    reviewer.post(f"{page(query)}reject/", {"digest": query.digest, "decision": "changes"})
    box = body(client_of(world.author), query).partition("Your request</h2>")[2].partition("</section>")[0]
    assert "asked for changes" in box
    assert "reviewer" in box
    assert "Name the column" in box
    assert 'href="#L1"' in box


def test_whoever_revises_has_all_that_others_said_before_them(world: World, client_of: SignedIn) -> None:
    query = world.submitted("SELECT id\nFROM items", reason="The items")
    services.comment(actor=world.second_reviewer, query_id=query.pk, text="Which of them?", line=2)
    services.comment(actor=world.author, query_id=query.pk, text="A word of my own")
    services.reject(actor=world.reviewer, query_id=query.pk, comment="See the line.", ask_for_changes=True)
    body = client_of(world.author).get(f"/queries/new/?revises={query.public_id}").content.decode()
    said = body.partition('id="request-form"')[0]
    assert said.index("Which of them?") < said.index("See the line.")
    assert f'href="/queries/{query.public_id}/#L2">{query.number},\n  line 2</a>' in said
    assert "asked for changes to" in said
    assert "A word of my own" not in said
    assert "notice--warn said" not in client_of(world.author).get("/queries/new/").content.decode()


def test_the_words_of_earlier_reviewers_stand_above_the_difference(world: World, client_of: SignedIn) -> None:
    first = world.submitted("SELECT 1")
    services.comment(actor=world.second_reviewer, query_id=first.pk, text="Only one?", line=1)
    ask_for_changes(first, world.reviewer, "Name the column")
    second = revise(world, first, "SELECT 1 AS one")
    for person in (world.reviewer, world.second_reviewer, world.author):
        before, _, after = body(client_of(person), second).partition('aria-label="Changes since')
        for words in ("Name the column", "Only one?"):
            assert words in before.partition('aria-label="What was said since"')[2]
        assert '<tr class="add"' in after


def test_a_revision_is_compared_with_the_version_its_reader_saw_last(world: World, client_of: SignedIn) -> None:
    first = world.submitted("SELECT 1")
    reviewer, other = client_of(world.reviewer), client_of(world.second_reviewer)
    body(reviewer, first)
    second = revise(world, first, "SELECT 2")
    body(other, second)
    third = revise(world, second, "SELECT 3")
    assert f"Changes since {first.number}" in body(reviewer, third)
    assert f"Changes since {second.number}" in body(other, third)
    assert f"Changes since {second.number}" in body(client_of(world.author), third)
    assert "You have not seen" not in body(reviewer, third)


def test_who_saw_no_version_is_told_so(world: World, client_of: SignedIn) -> None:
    second = revise(world, world.submitted("SELECT 1"), "SELECT 2")
    shown = body(client_of(world.reviewer), second)
    assert "You have not seen" in shown
    assert "You have not seen" not in body(client_of(world.colleague), second)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"reason": "something else"}, "The reason changed"),
        ({"ticket": "OPS-9"}, "<strong>Ticket</strong> was <code>none</code>, is\n  <code>OPS-9</code>"),
        ({"access": "write", "statement": "DELETE FROM items"}, "<strong>Access</strong> was <code>Read only</code>"),
        (
            {"statement": "SELECT $1::text", "parameters": ("1",)},
            "<strong>Parameter $1</strong> was <code>not there</code>, is\n  <code>1 (text)</code>",
        ),
    ],
)
def test_what_else_changed_is_said(fields: dict[str, Any], said: str, world: World, client_of: SignedIn) -> None:
    first = world.submitted("SELECT 1")
    revised = revise(world, first, **{"statement": "SELECT 1", **fields})
    assert said in body(client_of(world.reviewer), revised)


def test_of_many_parameters_those_are_told_that_differ(world: World, client_of: SignedIn) -> None:
    sql, long = "SELECT $1::int, $2::int, $3::text", "x" * 500
    first = world.submitted(sql, parameters=(1, 2, f"{long}y"))
    shown = body(client_of(world.reviewer), revise(world, first, sql, parameters=(1, 3, f"{long}z")))
    assert (
        "<strong>Parameter $2</strong> was <code>2 (whole number)</code>, is\n  <code>3 (whole number)</code>" in shown
    )
    assert "<strong>Parameter $1</strong>" not in shown
    assert "(text, 501 characters, " in shown.partition("<strong>Parameter $3</strong>")[2].partition("</li>")[0]


def test_nothing_of_another_pods_version_is_shown(world: World, client_of: SignedIn) -> None:
    first = world.submitted("SELECT 'of the first pod'", reason="Words of the first pod")
    services.comment(actor=world.reviewer, query_id=first.pk, text="Said in the first pod")
    ask_for_changes(first, world.reviewer, "Asked for in the first pod")
    set_members(actor=world.admin, pod=world.other_pod, developers=[world.author], managers=[world.other_manager])
    world.target.pod = world.other_pod
    world.target.save()
    second = revise(world, first, "SELECT 'of the second pod'", pod=world.other_pod.slug, reason="Mine")
    shown = body(client_of(world.other_manager), second)
    assert "first pod" not in shown
    assert page(first) not in shown
    assert "Changes since" not in shown
    assert "of the first pod" in body(client_of(world.author), second)


def test_the_bar_of_a_phone_holds_both_decisions(world: World, client_of: SignedIn) -> None:
    shown = body(client_of(world.reviewer), world.submitted())
    bar = shown.partition('class="actionbar"')[2].partition("</div>")[0]
    assert bar.count('form="decision"') == 2
    assert ">Reject</button>" in bar
    assert "Approve and run" in bar


def test_stale_requests_are_rejected_together(world: World, client_of: SignedIn) -> None:
    first, second, third = world.submitted(), world.submitted(), world.submitted()
    client = client_of(world.reviewer)
    assert str(first.public_id) in client.get("/review/?choosing=yes").content.decode().partition('name="chosen"')[2]
    chosen = [str(first.public_id), str(second.public_id)]
    answer = client.post("/review/stale/", {"chosen": chosen, "reason": "Nobody needs it"}, follow=True)
    assert f"Rejected as stale: {first.number}, {second.number}." in answer.content.decode()
    states = {query.pk: query.status for query in QueryRequest.objects.all()}
    assert states == {first.pk: "REJECTED", second.pk: "REJECTED", third.pk: "PENDING"}
    assert {query.decisions.get().comment for query in (first, second)} == {"Nobody needs it"}


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"reason": "Old"}, "Choose at least one request."),
        ({"chosen": ["it"], "reason": " "}, "Say why, so that the authors can act on it."),
        ({"chosen": ["nonsense"], "reason": "Old"}, "There is no such request."),
    ],
)
def test_a_bulk_rejection_that_makes_no_sense_does_nothing(
    sent: dict[str, object], words: str, world: World, client_of: SignedIn
) -> None:
    query = world.submitted()
    if sent.get("chosen") == ["it"]:
        sent = {**sent, "chosen": [str(query.public_id)]}
    answer = client_of(world.reviewer).post("/review/stale/", sent)
    assert answer.status_code == 400
    assert words in answer.content.decode()
    query.refresh_from_db()
    assert query.status == "PENDING"


@pytest.mark.parametrize("name", ["author", "colleague", "auditor", "admin"])
def test_who_may_not_decide_rejects_nothing_in_bulk(name: str, world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    sent = {"chosen": [str(query.public_id)], "reason": "Old"}
    answer = client_of(getattr(world, name)).post("/review/stale/", sent, follow=True)
    assert f"{query.number} was not rejected: " in answer.content.decode()
    query.refresh_from_db()
    assert query.status == "PENDING"


def test_what_one_may_not_know_of_is_passed_over_in_bulk(world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    sent = {"chosen": [str(query.public_id)], "reason": "Old"}
    answer = client_of(world.other_manager).post("/review/stale/", sent, follow=True)
    assert query.number not in answer.content.decode()
    query.refresh_from_db()
    assert query.status == "PENDING"
