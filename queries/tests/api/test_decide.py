"""Approve, reject, withdraw, cancel over the API: status, shape, and which error."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from accounts.models import User
from pods.models import Pod, Target
from portal.tests.people import Client, Submit
from queries.models import QueryRequest

pytestmark = pytest.mark.django_db


def url(query: QueryRequest, verb: str) -> str:
    return f"/api/v1/queries/{query.public_id}/{verb}/"


def test_approval_answers_with_the_request_after_it_ran(api: Client, reviewer: User, submitted: Submit) -> None:
    query = submitted("select 1 as one")
    answer = api(reviewer).post(url(query, "approve"), {"digest": query.digest}, format="json")
    assert (answer.status_code, answer.json()["status"]) == (200, "EXECUTED")
    execution = answer.json()["execution"]
    assert (execution["row_count"], execution["failure"], execution["truncated"]) == (1, None, False)


def test_approval_reports_what_the_server_said(api: Client, reviewer: User, submitted: Submit) -> None:
    query = submitted("select ('nowhere ' || now())::int")
    answer = api(reviewer).post(url(query, "approve"), {"digest": query.digest}, format="json").json()
    assert (answer["status"], answer["code"]) == ("FAILED", "ERROR")
    failure = answer["execution"]["failure"]
    assert failure["code"] == "ERROR"
    assert "nowhere" in failure["message"]


def test_first_of_two_approvals_leaves_it_pending(
    api: Client, reviewer: User, second_reviewer: User, target: Target, submitted: Submit
) -> None:
    Target.objects.filter(pk=target.pk).update(approvals_required=2)
    query = submitted()
    first = api(reviewer).post(url(query, "approve"), {"digest": query.digest}, format="json").json()
    assert (first["status"], len(first["decisions"]), first["allowed"]) == ("PENDING", 1, [])
    second = api(second_reviewer).post(url(query, "approve"), {"digest": query.digest}, format="json").json()
    assert second["status"] == "EXECUTED"


def test_wrong_digest_is_not_now_and_nothing_runs(api: Client, reviewer: User, submitted: Submit) -> None:
    query = submitted()
    answer = api(reviewer).post(url(query, "approve"), {"digest": "0" * 64}, format="json")
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "digest_differs"
    assert answer.json()["error"]["state"] == "PENDING"
    query.refresh_from_db()
    assert query.status == "PENDING"


def test_missing_digest_names_the_field(api: Client, reviewer: User, submitted: Submit) -> None:
    answer = api(reviewer).post(url(submitted(), "approve"), {}, format="json")
    assert answer.status_code == 400
    assert answer.json()["error"]["fields"]["digest"][0]["code"] == "required"


def test_second_approval_is_not_now(api: Client, reviewer: User, second_reviewer: User, submitted: Submit) -> None:
    query = submitted()
    api(reviewer).post(url(query, "approve"), {"digest": query.digest}, format="json")
    answer = api(second_reviewer).post(url(query, "approve"), {"digest": query.digest}, format="json")
    assert (answer.status_code, answer.json()["error"]["state"]) == (409, "EXECUTED")


def test_author_may_not_approve(api: Client, author: User, submitted: Submit) -> None:
    query = submitted()
    answer = api(author).post(url(query, "approve"), {"digest": query.digest}, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_allowed")


def test_manager_may_not_approve_own_request(api: Client, reviewer: User, submitted: Submit) -> None:
    query = submitted(actor=reviewer)
    answer = api(reviewer).post(url(query, "approve"), {"digest": query.digest}, format="json")
    assert answer.status_code == 403
    assert "yourself" in answer.json()["error"]["message"]


@pytest.mark.parametrize("verb", ["approve", "reject", "withdraw", "cancel"])
def test_manager_of_another_pod_does_not_learn_of_it(
    verb: str, api: Client, outsider: User, other_pod: Pod, submitted: Submit
) -> None:
    query = submitted()
    body: dict[str, Any] = {"digest": query.digest} if verb == "approve" else {"comment": "no"}
    answer = api(outsider).post(url(query, verb), body, format="json")
    unknown = api(outsider).post(f"/api/v1/queries/{uuid.uuid4()}/{verb}/", body, format="json")
    assert (answer.status_code, answer.json()) == (404, unknown.json())


def test_auditor_sees_but_may_not_decide(api: Client, auditor: User, submitted: Submit) -> None:
    query = submitted()
    assert api(auditor).get(f"/api/v1/queries/{query.public_id}/").json()["allowed"] == []
    answer = api(auditor).post(url(query, "approve"), {"digest": query.digest}, format="json")
    assert answer.status_code == 403


def test_a_bare_rejection_is_one(api: Client, reviewer: User, submitted: Submit) -> None:
    assert api(reviewer).post(url(submitted(), "reject"), {}, format="json").json()["status"] == "REJECTED"


def test_asking_for_changes_needs_words(api: Client, reviewer: User, submitted: Submit) -> None:
    query = submitted()
    bare = api(reviewer).post(url(query, "reject"), {"ask_for_changes": True}, format="json")
    assert bare.json()["error"]["fields"]["comment"][0]["code"] == "required"
    said = api(reviewer).post(url(query, "reject"), {"comment": "Too wide."}, format="json").json()
    assert (said["status"], said["decisions"][0]["comment"]) == ("REJECTED", "Too wide.")


def test_asking_for_changes_says_so(api: Client, reviewer: User, submitted: Submit) -> None:
    body = {"comment": "Add a limit.", "ask_for_changes": True}
    answer = api(reviewer).post(url(submitted(), "reject"), body, format="json").json()
    assert (answer["status"], answer["code"]) == ("REJECTED", "CHANGES_REQUESTED")


@pytest.mark.parametrize("value", ["true", 1, None])
def test_a_boolean_is_a_boolean(value: object, api: Client, reviewer: User, submitted: Submit) -> None:
    body = {"comment": "No.", "ask_for_changes": value}
    answer = api(reviewer).post(url(submitted(), "reject"), body, format="json")
    assert "ask_for_changes" in answer.json()["error"]["fields"]


def test_author_withdraws(api: Client, author: User, submitted: Submit) -> None:
    query = submitted()
    answer = api(author).post(url(query, "withdraw"), {"comment": "Found it."}, format="json").json()
    assert (answer["status"], answer["allowed"]) == ("WITHDRAWN", ["revise"])


def test_reviewer_may_not_withdraw(api: Client, reviewer: User, submitted: Submit) -> None:
    assert api(reviewer).post(url(submitted(), "withdraw"), {}, format="json").status_code == 403


def test_only_a_running_request_can_be_cancelled(api: Client, author: User, submitted: Submit) -> None:
    answer = api(author).post(url(submitted(), "cancel"), {}, format="json")
    assert (answer.status_code, answer.json()["error"]["state"]) == (409, "PENDING")


def test_comment_with_a_nul_byte_is_refused(api: Client, reviewer: User, submitted: Submit) -> None:
    query = submitted()
    answer = api(reviewer).post(url(query, "approve"), {"digest": query.digest, "comment": "a\0b"}, format="json")
    assert answer.json()["error"]["fields"]["comment"][0]["code"] == "nul"
