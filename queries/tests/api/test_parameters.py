"""Named parameters over the API: what is taken, what is answered, and which field an error stands at."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from pods.models import Target
from portal.tests.people import Client
from queries.models import QueryRequest
from queries.tests.api.test_submit import CHECK, QUERIES, body, errors

pytestmark = pytest.mark.django_db


def named(kind: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"name": "v", "type": kind, "value": value, **more}


# sent → stored and answered
TAKEN = [
    (named("text", ""), ""),
    (named("integer", 12), "12"),
    (named("integer", "-007"), "-7"),
    (named("integer", 2**70), str(2**70)),
    (named("decimal", "0.10"), "0.10"),
    (named("decimal", 3), "3"),
    (named("boolean", False), "false"),
    (named("date", None), None),
    (named("timestamp", "2026-01-31t10:00:00.120z"), "2026-01-31T10:00:00.120Z"),
    (named("json", {"a": [1, None, "x"]}), '{"a": [1, null, "x"]}'),
    (named("json", '{"a": 1.10}'), '{"a": 1.10}'),
    (named("list", [1, "2"], of="integer"), ["1", "2"]),
    (named("list", ["x"]), ["x"]),
    (named("list", None, of="date"), None),
]


@pytest.mark.parametrize(("sent", "value"), TAKEN, ids=str)
def test_value_is_stored_and_answered_in_its_exact_form(
    sent: dict[str, Any], value: object, api: Client, author: User, target: Target
) -> None:
    text = "select :v::text" if sent["type"] in {"text", "json"} else "select :v"
    text = "select :v::text[]" if sent.get("of", "text") == "text" and sent["type"] == "list" else text
    answer = api(author).post(QUERIES, body(statement=text, parameters=[sent]), format="json").json()
    of = {"of": sent.get("of", "text")} if sent["type"] == "list" else {}
    assert answer["parameters"] == [{"name": "v", "type": sent["type"], "value": value, **of}]
    stored = QueryRequest.objects.get()
    assert stored.current_digest() == stored.digest


WRONG = [
    (named("integer", "1.0"), "parameter_value"),
    (named("integer", True), "parameter_value"),
    (named("integer", 1.0), "parameter_value"),
    (named("integer", "١٢"), "parameter_value"),
    (named("decimal", 1.5), "parameter_value"),
    (named("decimal", "NaN"), "parameter_value"),
    (named("boolean", "yes"), "parameter_value"),
    (named("boolean", 1), "parameter_value"),
    (named("date", "2026-02-30"), "parameter_value"),
    (named("date", "31.01.2026"), "parameter_value"),
    (named("timestamp", "2026-01-31T25:00"), "parameter_value"),
    (named("timestamp", "2026-01-31"), "parameter_value"),
    (named("uuid", "123"), "parameter_value"),
    (named("json", "{a: 1}"), "parameter_value"),
    (named("json", "NaN"), "parameter_value"),
    (named("json", {"a": 1.5}), "parameter_value"),
    (named("text", 5), "parameter_value"),
    (named("text", "a\0b"), "parameter_value"),
    (named("list", "1", of="integer"), "parameter_value"),
    (named("list", ["1", None], of="integer"), "parameter_value"),
    (named("list", [["1"]], of="list"), "parameter_value"),
    (named("list", ["x"] * 10_001), "parameter_value"),
    (named("date", "2026-01-01", of="date"), "parameter_value"),
    (named("money", "1"), "parameter_value"),
]


@pytest.mark.parametrize(("sent", "code"), WRONG, ids=lambda value: str(value)[:60])
def test_mistyped_value_is_an_error_at_its_field(
    sent: dict[str, Any], code: str, api: Client, author: User, target: Target
) -> None:
    answer = api(author).post(QUERIES, body(statement="select :v", parameters=[sent]), format="json")
    (error,) = errors(answer, "parameters.v")
    assert error["code"] == code
    assert set(answer.json()["error"]["fields"]) == {"parameters.v"}


@pytest.mark.parametrize(
    ("text", "parameters", "field", "code"),
    [
        ("select :v, :w", [named("text", "x")], "parameters.w", "parameter_missing"),
        ("select :v", [], "parameters.v", "parameter_missing"),
        ("select 1", [named("text", "x")], "parameters.v", "parameter_unused"),
        ("select :v", [named("text", "x"), named("text", "y")], "parameters.v", "twice"),
        ("select :v, $1", [named("text", "x"), "y"], "parameters", "mixed"),
        ("select :v", [{**named("text", "x"), "name": "1v"}], "parameters", "name"),
        ("select :v", [{"name": "v", "type": "text"}], "parameters", "required"),
        ("select :v", [{**named("text", "x"), "kind": "text"}], "parameters", "unknown_field"),
        ("select :v", [{"v": "x"}], "parameters", "unknown_field"),
    ],
    ids=["missing", "none", "surplus", "twice", "mixed", "name", "no value", "unknown key", "plain"],
)
def test_error_stands_at_the_field(
    text: str, parameters: list[Any], field: str, code: str, api: Client, author: User, target: Target
) -> None:
    answer = api(author).post(QUERIES, body(statement=text, parameters=parameters), format="json")
    assert code in [error["code"] for error in errors(answer, field)]


def test_check_names_the_parameter_of_a_finding(api: Client, author: User, target: Target) -> None:
    sent = body(statement="select :v,\n :w", parameters=[named("integer", "1")])
    (finding,) = [
        one for one in api(author).post(CHECK, sent, format="json").json()["findings"] if one["severity"] == "error"
    ]
    assert (finding["code"], finding["parameter"], finding["line"]) == ("parameter_missing", "w", 2)
    wrong = api(author).post(CHECK, body(statement="select :v", parameters=[named("date", "x")]), format="json")
    assert list(wrong.json()["error"]["fields"]) == ["parameters.v"]


def test_digest_binds_names_types_and_values(api: Client, author: User, target: Target) -> None:
    sent = [
        [named("integer", "1")],
        [named("decimal", "1")],
        [named("integer", "2")],
        [named("integer", None)],
        [named("list", ["1"], of="integer")],
        [named("list", ["1"], of="decimal")],
    ]
    answers = [api(author).post(QUERIES, body(statement="select :v", parameters=one), format="json") for one in sent]
    assert len({answer.json()["digest"] for answer in answers}) == len(sent)
