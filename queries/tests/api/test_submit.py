"""Submitting and checking over the API, and every kind of bad input."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.models import User
from pods.models import Pod, Target
from portal.tests.people import Client, Submit
from queries.models import QueryRequest

pytestmark = pytest.mark.django_db

QUERIES = "/api/v1/queries/"
CHECK = "/api/v1/queries/check/"


def body(**fields: Any) -> dict[str, Any]:
    """A body that would be taken, with `fields` instead."""
    usual = {
        "pod": "shop",
        "target": "orders",
        "language": "sql",
        "statement": "select * from orders",
        "access": "read",
        "reason": "Ticket 12.",
    }
    return {**usual, **fields}


def errors(answer: Any, field: str) -> Any:
    """The errors of one field of a refused request, which stored nothing."""
    assert answer.status_code == 400, answer.json()
    assert not QueryRequest.objects.exists()
    assert answer.json()["error"]["code"] == "bad_input"
    return answer.json()["error"]["fields"][field]


def test_submission_answers_with_the_request(api: Client, author: User, target: Target) -> None:
    answer = api(author).post(QUERIES, body(ticket="SHOP-12"), format="json")
    query = answer.json()
    assert answer.status_code == 201
    assert answer["Location"] == f"/api/v1/queries/{query['id']}/"
    assert (query["status"], query["author"], query["tables"]) == ("PENDING", "author", ["orders"])
    assert (query["execution"], query["allowed"], query["ticket"]) == (None, ["withdraw", "revise"], "SHOP-12")


def test_what_was_verified_is_answered_by_check_and_kept(api: Client, author: User, target: Target) -> None:
    checked = api(author).post(CHECK, body(), format="json").json()["verified"]
    assert {"syntax", "no_hidden_characters"} <= set(checked)
    assert api(author).post(QUERIES, body(), format="json").json()["verified"] == checked


def test_parameters_keep_their_types(api: Client, author: User, target: Target) -> None:
    values = ["a", 1, 2.5, None, True]
    statement = "select $1::text, $2::int, $3::float8, $4::text, $5::bool"
    answer = api(author).post(QUERIES, body(statement=statement, parameters=values), format="json")
    assert answer.json()["parameters"] == values


def test_broken_sql_names_line_and_column(api: Client, author: User, target: Target) -> None:
    answer = api(author).post(QUERIES, body(statement="select *\nfrom orders\nwher id = 1"), format="json")
    error = errors(answer, "statement")[0]
    assert (error["line"], error["column"]) == (3, 6)


@pytest.mark.parametrize(
    ("statement", "code"),
    [("", "empty"), ("select '\0'", "nul_character"), ("select '\ud800'", "invalid_text")],
)
def test_text_that_is_no_statement(statement: str, code: str, api: Client, author: User, target: Target) -> None:
    raw = json.dumps(body(statement=statement))
    checked = api(author).post(CHECK, raw, content_type="application/json").json()
    assert checked["findings"][0]["code"] == code
    answer = api(author).post(QUERIES, raw, content_type="application/json")
    assert errors(answer, "statement")[0]["code"] == code


def test_five_megabytes_are_too_long(api: Client, author: User, target: Target) -> None:
    answer = api(author).post(QUERIES, body(statement="select 1 -- " + "x" * 5_000_000), format="json")
    assert errors(answer, "statement")[0]["code"] == "too_long"


def test_a_body_over_eight_megabytes_is_not_read(api: Client, author: User, target: Target) -> None:
    answer = api(author).post(QUERIES, body(statement="x" * 9_000_000), format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_unknown_pod(api: Client, author: User, target: Target) -> None:
    answer = api(author).post(QUERIES, body(pod="nowhere"), format="json")
    assert errors(answer, "pod")[0]["code"] == "unknown_pod"


def test_pod_of_others_answers_like_an_unknown_one(api: Client, author: User, other_target: Target) -> None:
    theirs = api(author).post(QUERIES, body(pod="elsewhere", target="theirs"), format="json")
    unknown = api(author).post(QUERIES, body(pod="nowhere", target="theirs"), format="json")
    assert theirs.json() == unknown.json()


def test_target_of_another_pod(api: Client, author: User, other_target: Target) -> None:
    answer = api(author).post(QUERIES, body(target="theirs"), format="json")
    assert errors(answer, "target")[0]["code"] == "unknown_target"


def test_read_that_writes_is_refused(api: Client, author: User, target: Target) -> None:
    answer = api(author).post(QUERIES, body(statement="delete from orders"), format="json")
    assert errors(answer, "statement")[0]["message"]


def test_missing_variable_is_named(api: Client, author: User, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(target.read_url_variable)
    error = errors(api(author).post(QUERIES, body(), format="json"), "target")[0]
    assert error["code"] == "credential_missing"
    assert target.read_url_variable in error["message"]


@pytest.mark.parametrize("name", ["pod", "target", "language", "statement", "access", "reason", "ticket"])
@pytest.mark.parametrize("value", [1, True, None, ["x"], {"x": 1}])
def test_text_is_text(name: str, value: object, api: Client, author: User, target: Target) -> None:
    answer = api(author).post(QUERIES, body(**{name: value}), format="json")
    assert errors(answer, name)[0]["code"] in {"invalid_type", "null"}


@pytest.mark.parametrize("name", ["pod", "target", "language", "access", "reason", "ticket"])
@pytest.mark.parametrize(("value", "code"), [("a\0b", "nul"), ("a\ud800", "surrogate")])
def test_characters_that_are_no_text(
    name: str, value: str, code: str, api: Client, author: User, target: Target
) -> None:
    answer = api(author).post(QUERIES, json.dumps(body(**{name: value})), content_type="application/json")
    assert errors(answer, name)[0]["code"] == code


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ('{"x": 1}', "not_a_list"),
        ("[[1]]", "invalid_type"),
        ("[1e999]", "number_too_large"),
        ("[9223372036854775808]", "number_too_large"),
        (r'["a\u0000"]', "nul"),
        (r'["\ud800"]', "surrogate"),
    ],
)
def test_parameters_that_cannot_be_bound(raw: str, code: str, api: Client, author: User, target: Target) -> None:
    text = '{"pod":"shop","target":"orders","language":"sql","statement":"select $1","access":"read","reason":"r",'
    answer = api(author).post(QUERIES, f'{text}"parameters":{raw}}}', content_type="application/json")
    assert errors(answer, "parameters")[0]["code"] == code


def test_a_misspelt_field_is_named(api: Client, author: User, target: Target) -> None:
    answer = api(author).post(QUERIES, body(statment="select 1"), format="json")
    assert errors(answer, "statment")[0]["code"] == "unknown_field"
    odd = api(author).post(QUERIES, r'{"\ud800": 1}', content_type="application/json")
    assert errors(odd, "?")[0]["code"] == "unknown_field"


@pytest.mark.parametrize("missing", ["pod", "target", "language", "statement", "access", "reason"])
def test_a_missing_field_is_named(missing: str, api: Client, author: User, target: Target) -> None:
    sent = {name: value for name, value in body().items() if name != missing}
    assert errors(api(author).post(QUERIES, sent, format="json"), missing)[0]["code"] == "required"


@pytest.mark.parametrize(
    "raw", ["{", "[" * 200_000, "nonsense", '{"pod": NaN}', '"\xff"'], ids=["cut", "deep", "word", "nan", "bytes"]
)
def test_malformed_json(raw: str, api: Client, author: User, target: Target) -> None:
    answer = api(author).post(QUERIES, raw.encode("latin-1"), content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed_json")


@pytest.mark.parametrize("raw", ["[1]", '"text"', "null", "7"])
def test_json_that_is_no_object(raw: str, api: Client, author: User, target: Target) -> None:
    answer = api(author).post(QUERIES, raw, content_type="application/json")
    assert errors(answer, "body")


def test_a_form_is_not_json(api: Client, author: User, target: Target) -> None:
    answer = api(author).post(QUERIES, {"pod": "shop"}, format="multipart")
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")


def test_revision_points_to_what_it_revises(api: Client, author: User, submitted: Submit) -> None:
    old = submitted()
    new = api(author).post(QUERIES, body(revises=str(old.public_id)), format="json").json()
    assert new["revises"] == str(old.public_id)


def test_revising_what_one_cannot_see_is_bad_input(
    api: Client, outsider: User, other_target: Target, submitted: Submit
) -> None:
    sent = body(pod="elsewhere", target="theirs", revises=str(submitted().public_id))
    answer = api(outsider).post(QUERIES, sent, format="json")
    assert answer.json()["error"]["fields"]["revises"][0]["code"] == "unknown_query"


def test_check_stores_nothing(api: Client, author: User, target: Target) -> None:
    answer = api(author).post(CHECK, body(statement="update orders set note = null", access="write"), format="json")
    assert (answer.json()["valid"], answer.json()["access"], answer.json()["tables"]) == (True, "write", ["orders"])
    assert not QueryRequest.objects.exists()


def test_check_reports_a_syntax_error_as_a_finding(api: Client, author: User, target: Target) -> None:
    sent = {key: value for key, value in body(statement="selec 1").items() if key != "reason"}
    answer = api(author).post(CHECK, sent, format="json").json()
    assert answer["valid"] is False
    assert (answer["findings"][0]["severity"], answer["findings"][0]["line"]) == ("error", 1)


@pytest.mark.parametrize(
    ("statement", "column", "meant"),
    [
        ("select nope from ordes", 18, "orders"),
        ("select nte from orders", 8, "note"),
        ("select lenght(note) from orders", 8, "length"),
    ],
)
def test_name_the_target_does_not_know_is_refused_at_its_place(
    api: Client, author: User, target: Target, statement: str, column: int, meant: str
) -> None:
    """page-04."""
    answer = api(author).post(CHECK, body(statement=statement), format="json").json()
    assert answer["valid"] is False
    (found,) = [finding for finding in answer["findings"] if finding["severity"] == "error"]
    assert (found["code"], found["line"], found["column"]) == ("unknown_name", 1, column)
    assert meant in found["hint"]
    (problem,) = errors(api(author).post(QUERIES, body(statement=statement), format="json"), "statement")
    assert (problem["code"], problem["line"], problem["column"]) == ("unknown_name", 1, column)
    assert meant in problem["message"]


def test_target_that_does_not_answer_refuses_nothing(
    api: Client, author: User, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(target.read_url_variable, "postgresql://nobody@127.0.0.1:1/nothing")
    answer = api(author).post(QUERIES, body(statement="select nope from ordes"), format="json")
    assert answer.status_code == 201
    assert [finding["code"] for finding in answer.json()["findings"]] == ["names_not_checked"]
    assert "names_known" not in answer.json()["verified"]


def test_check_of_an_unknown_pod_is_bad_input(api: Client, author: User, target: Target) -> None:
    assert errors(api(author).post(CHECK, body(pod="nowhere"), format="json"), "pod")


def test_inactive_pod_takes_nothing(api: Client, author: User, pod: Pod, target: Target) -> None:
    Pod.objects.filter(pk=pod.pk).update(active=False)
    assert errors(api(author).post(QUERIES, body(), format="json"), "pod")[0]["code"] == "unknown_pod"
