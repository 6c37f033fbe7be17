"""The OpenAPI schema is valid, whole, and shown by a page that keeps the strict policy."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client as DjangoClient
from django.urls import URLPattern, get_resolver

from accounts.models import User


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


def test_every_call_names_the_shape_of_errors(schema: dict[str, Any]) -> None:
    calls = [call for methods in schema["paths"].values() for call in methods.values()]
    shapes = {call["responses"]["default"]["content"]["application/json"]["schema"]["$ref"] for call in calls}
    assert shapes == {"#/components/schemas/Error"}


def test_every_call_has_an_operation_and_a_description(schema: dict[str, Any]) -> None:
    calls = [call for methods in schema["paths"].values() for call in methods.values()]
    assert all(call.get("description") for call in calls)
    assert len({call["operationId"] for call in calls}) == len(calls)


@pytest.mark.django_db
def test_docs_have_nothing_inline(client: DjangoClient, author: User) -> None:
    client.force_login(author, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/api/docs/")
    text = page.content.decode()
    assert page.status_code == 200
    assert text.count("<script") == text.count("<script src=") == 3
    assert "<style" not in text
    assert "'unsafe" not in page["Content-Security-Policy"]
    assert client.get("/api/docs/?script=")["Content-Type"] == "application/javascript"


@pytest.mark.django_db
def test_docs_and_schema_ask_to_sign_in(client: DjangoClient) -> None:
    assert client.get("/api/docs/").status_code == 302
    assert client.get("/api/schema/").status_code == 401
