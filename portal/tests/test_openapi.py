"""The OpenAPI schema is valid, whole, and shown by a page that keeps the strict policy."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client as DjangoClient
from django.urls import URLPattern, get_resolver

from accounts.models import User
from portal.documentation import of_schema


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    loaded: dict[str, Any] = yaml.safe_load(out.getvalue())
    return loaded


def test_every_call_is_described(schema: dict[str, Any]) -> None:
    v1 = next(part for part in get_resolver().url_patterns if str(part.pattern) == "api/v1/")
    flat: list[str] = []
    for part in v1.url_patterns:  # type: ignore[union-attr]
        flat += [str(part.pattern)] if isinstance(part, URLPattern) else [str(p.pattern) for p in part.url_patterns]
    paths = {f"/api/v1/{route.replace('<uuid:', '{').replace('<slug:', '{').replace('>', '}')}" for route in flat}
    assert set(schema["paths"]) == paths


def operations(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(method, call) for methods in schema["paths"].values() for method, call in methods.items()]


def test_every_error_has_the_one_shape(schema: dict[str, Any]) -> None:
    for _, call in operations(schema):
        errors = {status: answer for status, answer in call["responses"].items() if status >= "400"}
        shapes = {answer["content"]["application/json"]["schema"]["$ref"] for answer in errors.values()}
        assert shapes == {"#/components/schemas/Error"}
        assert all(answer["description"] for answer in errors.values())


def test_every_status_that_follows_from_a_call_is_named(schema: dict[str, Any]) -> None:
    for method, call in operations(schema):
        named = set(call["responses"])
        assert "default" not in named
        assert "503" in named
        assert ("401" in named) is (bool(call.get("security")) or call["operationId"].startswith("token"))
        if "requestBody" in call:
            assert {"400", "413", "415"} <= named
        if method == "post" and call.get("security"):
            assert "403" in named


def test_nothing_undescribed_is_in_any_shape(schema: dict[str, Any]) -> None:
    shapes = schema["components"]["schemas"]
    open_ones = [
        name for name, shape in shapes.items() if "properties" in shape and shape["additionalProperties"] is not False
    ]
    assert open_ones == []


def test_what_is_sent_has_bounds(schema: dict[str, Any]) -> None:
    """Every text has a length or a list of values, every list a length; a statement's length is the reader's matter."""
    shapes = schema["components"]["schemas"]
    unbounded = []
    for name in ("SubmitBody", "DraftBody", "ApproveBody", "RejectBody", "CommentBody"):
        for field, described in shapes[name]["properties"].items():
            bounded = described.keys() & {"maxLength", "maxItems", "format", "$ref", "pattern"}
            if not bounded and described.get("type") != "boolean" and field != "statement":
                unbounded.append(f"{name}.{field}")
    assert unbounded == []


def test_every_call_has_an_operation_and_a_description(schema: dict[str, Any]) -> None:
    calls = [call for _, call in operations(schema)]
    assert all(call.get("description") for call in calls)
    assert len({call["operationId"] for call in calls}) == len(calls)


@pytest.mark.django_db
def test_docs_name_every_call_and_shape_and_link_to_what_is_there(
    client: DjangoClient, author: User, schema: dict[str, Any]
) -> None:
    client.force_login(author, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/api/docs/")
    text = page.content.decode()
    assert page.status_code == 200
    assert "'unsafe" not in page["Content-Security-Policy"]
    places = re.findall(r' id="([^"]+)"', text)
    assert len(places) == len(set(places))
    assert {call["operationId"] for _, call in operations(schema)} <= set(places)
    assert {f"shape-{name}" for name in schema["components"]["schemas"]} <= set(places)
    assert set(re.findall(r'href="#([^"]+)"', text)) - {"main"} <= set(places)
    assert len(page.content) < 400_000


@pytest.mark.parametrize(
    ("described", "words", "shape"),
    [
        ({"type": "string", "maxLength": 5}, "string", ""),
        ({"type": "string", "format": "date-time", "nullable": True}, "date-time or null", ""),
        ({"$ref": "#/components/schemas/PodShape"}, "PodShape", "PodShape"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/PodShape"}}, "list of PodShape", "PodShape"),
        ({"allOf": [{"$ref": "#/components/schemas/RoleEnum"}], "nullable": True}, "RoleEnum or null", "RoleEnum"),
        (
            {"oneOf": [{"type": "integer"}, {"$ref": "#/components/schemas/NullEnum"}]},
            "integer or NullEnum",
            "NullEnum",
        ),
        ({"type": "string", "enum": ["", "read"]}, "empty | read", ""),
        ({"enum": [None]}, "null", ""),
        ({}, "any value", ""),
    ],
)
def test_docs_say_what_a_value_is(described: dict[str, Any], words: str, shape: str) -> None:
    path = {"get": {"operationId": "x", "tags": ["me"], "responses": {
        "200": {"content": {"application/json": {"schema": described}}}}}}  # fmt: skip
    ((_, _, (call,)),) = of_schema({"paths": {"/x": path}, "components": {"schemas": {}}}).groups
    (kind,) = call.answers[0].kinds
    assert (kind.words, kind.shape) == (words, shape)


@pytest.mark.parametrize(
    ("described", "bounds"),
    [
        ({"minimum": 1, "maximum": 200, "default": 50}, "at least 1, at most 200, else 50"),
        ({"minimum": 0, "default": False}, "at least 0, else false"),
        ({"default": True}, "else true"),
        ({"default": None}, "else null"),
        ({"default": ""}, "else empty"),
    ],
)
def test_docs_say_what_a_value_is_bound_to(described: dict[str, Any], bounds: str) -> None:
    path = {"get": {"operationId": "x", "tags": ["me"], "responses": {}, "parameters": [
        {"name": "x", "in": "query", "schema": {"type": "integer", **described}}]}}  # fmt: skip
    ((_, _, (call,)),) = of_schema({"paths": {"/x": path}, "components": {"schemas": {}}}).groups
    assert call.parameters[0].kind.bounds == bounds


@pytest.mark.django_db
def test_docs_and_schema_ask_to_sign_in(client: DjangoClient) -> None:
    assert client.get("/api/docs/").status_code == 302
    assert client.get("/api/schema/").status_code == 401
