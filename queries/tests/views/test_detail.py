"""The page of a request: what it says to whom, and what it keeps when a decision is refused."""

from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from queries import services
from queries.models import QueryRequest, Rehearsal
from queries.tests.views.conftest import SignedIn
from queries.tests.world import World


def page(query: QueryRequest) -> str:
    return reverse("queries:detail", args=[query.public_id])


def verb(name: str, query: QueryRequest) -> str:
    return reverse(f"queries:{name}", args=[query.public_id])


def test_last_approval_says_that_it_runs(world: World, client_of: SignedIn) -> None:
    body = client_of(world.reviewer).get(page(world.submitted())).content.decode()
    assert "Approve and run" in body
    assert "runs right away" in body


def test_first_of_two_approvals_says_that_nothing_runs_yet(world: World, client_of: SignedIn) -> None:
    world.change_target(approvals_required=2)
    body = client_of(world.reviewer).get(page(world.submitted())).content.decode()
    assert "Approve and run" not in body
    assert "1 of 2" in body


def test_author_sees_no_decision_and_is_told_who_can(world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    body = client_of(world.author).get(page(query)).content.decode()
    assert verb("approve", query) not in body
    assert "You asked for this yourself" in body
    assert "second_reviewer" in body
    assert verb("withdraw", query) in body


def test_expired_request_offers_no_decision(world: World, client_of: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    query = world.submitted()
    after = query.expires_at + dt.timedelta(minutes=1)
    monkeypatch.setattr(timezone, "now", lambda: after)
    body = client_of(world.reviewer).get(page(query)).content.decode()
    assert verb("approve", query) not in body
    assert "Expired" in body


def test_wrong_digest_changes_nothing_and_keeps_the_comment(world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    response = client_of(world.reviewer).post(verb("approve", query), {"digest": "0" * 64, "comment": "Looks <fine>"})
    query.refresh_from_db()
    assert (response.status_code, query.status) == (409, "PENDING")
    assert "Looks &lt;fine&gt;" in response.content.decode()
    assert "its digest differs" in response.content.decode()


def test_rejecting_without_words_is_refused(world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    response = client_of(world.reviewer).post(verb("reject", query), {"digest": query.digest, "decision": "reject"})
    query.refresh_from_db()
    assert (response.status_code, query.status) == (400, "PENDING")
    assert "Say why" in response.content.decode()


def test_asking_for_changes_invites_a_revision(world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    body = {"digest": query.digest, "decision": "changes", "comment": "Limit it"}
    client_of(world.reviewer).post(verb("reject", query), body)
    query.refresh_from_db()
    assert (query.status, query.code) == ("REJECTED", "CHANGES_REQUESTED")
    assert verb("revise", query) in client_of(world.author).get(page(query)).content.decode()


def test_withdrawn_request_says_so(world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    assert client_of(world.author).post(verb("withdraw", query)).status_code == 302
    assert "Withdrawn" in client_of(world.reviewer).get(page(query)).content.decode()


def test_revising_leads_to_the_form(world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    client = client_of(world.author)
    client.post(verb("withdraw", query))
    assert client.post(verb("revise", query))["Location"] == f"/queries/new/?revises={query.public_id}"


def test_revision_shows_what_changed_first(world: World, client_of: SignedIn) -> None:
    first = world.submitted("SELECT 1 AS one")
    client = client_of(world.author)
    body = {"target": "orders", "access": "read", "reason": "Again", "statement": "SELECT 1 AS two"}
    client.post("/queries/new/", {**body, "revises": str(first.public_id)})
    shown = client_of(world.reviewer).get(page(QueryRequest.objects.get(revises=first))).content.decode()
    assert f"Changes since {first.number}" in shown
    assert "<del>" in shown
    assert "<ins>" in shown


def test_hidden_character_is_shown_as_its_code_point(world: World, client_of: SignedIn) -> None:
    query = world.submitted("SELECT 'a\u200bb' AS text")
    assert "&lt;U+200B&gt;" in client_of(world.reviewer).get(page(query)).content.decode()


def test_requests_that_wait_are_linked_to_each_other(world: World, client_of: SignedIn) -> None:
    first, second = world.submitted(), world.submitted()
    body = client_of(world.reviewer).get(page(first)).content.decode()
    assert "1 of 2 waiting for you" in body
    assert page(second) in body


def test_status_partial_tells_where_a_request_is(world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    response = client_of(world.author).get(reverse("queries:status", args=[query.public_id]))
    assert response["X-Query-Status"] == "PENDING"
    assert "<html" not in response.content.decode()


@pytest.mark.parametrize("who", ["reviewer", "colleague", "auditor", "admin"])
def test_what_a_server_says_of_a_failure_is_for_those_who_may_see_the_result(
    who: str, committed: World, client_of: SignedIn
) -> None:
    query = committed.executed("SELECT CAST('a se' || 'cret' AS int)")
    body = client_of(getattr(committed, who)).get(page(query)).content.decode()
    assert ("a secret" in body) == (who == "reviewer")
    assert "22P02" in body


def test_checks_that_passed_are_those_that_were_verified(world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    assert "Its syntax is valid." in client_of(world.reviewer).get(page(query)).content.decode()


def test_request_from_before_checks_were_kept_claims_nothing(world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    QueryRequest.objects.filter(pk=query.pk).update(verified=[])
    body = client_of(world.reviewer).get(page(query)).content.decode()
    assert "passed<span" not in body


@pytest.mark.parametrize(
    ("statement", "access"), [("UPDATE items SET name = 'x'", "write"), ("SELECT 1", "read")], ids=["write", "read"]
)
def test_told_14_row_limit_is_of_rows_returned_and_the_bound_of_rows_changed(
    world: World, client_of: SignedIn, statement: str, access: str
) -> None:
    shown = client_of(world.reviewer).get(page(world.submitted(statement, access=access))).content.decode()
    body = " ".join(shown.split())
    assert "10 s, 50,000 rows returned</dd>" in body
    assert ("at most 10,000 rows: the target's own limit" in body) is (access == "write")
    assert "no limit" not in body


def test_author_is_not_told_that_nobody_saw_what_they_may_not_see(world: World, client_of: SignedIn) -> None:
    query = world.submitted("UPDATE items SET name = name", access="write")
    services.rehearse(actor=world.reviewer, query_id=query.pk, digest=query.digest)
    body = client_of(world.author).get(page(query)).content.decode()
    assert "What a rehearsal saw is for those who decide" in body
    assert "not seen" not in body.lower()
    assert "3 rows of items would be changed" in client_of(world.reviewer).get(page(query)).content.decode()


def test_personal_columns_are_masked_in_a_rehearsal(world: World, client_of: SignedIn) -> None:
    world.change_target(personal_columns=["items.name"])
    query = world.submitted("UPDATE items SET name = lower('WELL') || 'hidden'", access="write")
    services.rehearse(actor=world.reviewer, query_id=query.pk, digest=query.digest)
    body = client_of(world.reviewer).get(page(query)).content.decode()
    assert "masked; it changes" in body
    assert "wellhidden" not in body


def test_old_rehearsal_says_so(world: World, client_of: SignedIn) -> None:
    query = world.submitted("UPDATE items SET name = name", access="write")
    services.rehearse(actor=world.reviewer, query_id=query.pk, digest=query.digest)
    Rehearsal.objects.update(at="2020-01-01T00:00Z")
    body = client_of(world.reviewer).get(page(query)).content.decode()
    assert "This rehearsal is too old to count." in body
    assert "as rehearsed" not in body


def test_page_of_a_long_statement_is_bounded_and_says_so(world: World, client_of: SignedIn) -> None:
    text = "SELECT 1" + "\n-- a line of a long statement" * 60_000
    query = world.submitted(text)
    client = client_of(world.reviewer)
    page = client.get(f"/queries/{query.public_id}/").content.decode()
    assert len(page) < 1_000_000
    assert "only the first 2,000 lines of 60,001" in " ".join(page.split())
    assert "Not all of the statement is on this page." in page
    whole = client.get(f"/queries/{query.public_id}/statement.txt")
    assert (whole["Content-Type"], whole.content.decode()) == ("text/plain; charset=utf-8", text)


def test_page_of_a_short_statement_says_nothing_of_a_part(world: World, client_of: SignedIn) -> None:
    page = client_of(world.reviewer).get(f"/queries/{world.submitted().public_id}/").content.decode()
    assert "statement.txt" not in page
