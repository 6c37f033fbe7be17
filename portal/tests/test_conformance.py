"""The API is what its OpenAPI schema says: tried with generated calls, good and bad, by each of the people.

Nothing undocumented may come back: no status, no content type, no field; and what the schema forbids is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from rest_framework_simplejwt.tokens import AccessToken
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from accounts.models import User
from portal.tests.people import Orders
from portal.wsgi import application
from queries import services
from queries.models import QueryRequest, Template
from queries.tests import world as worlds
from queries.tests.world import World

# What is true of any API; whether well-formed input is *taken* is for the rules of the portal, not for its shape.
TRIED = (
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
    checks.ignored_auth,
)
CALLS_EACH = {GenerationMode.POSITIVE: 8, GenerationMode.NEGATIVE: 6}


@dataclass(frozen=True, slots=True)
class Stage:
    """People, and requests in every state that a call can meet."""

    world: World
    queries: Sequence[QueryRequest]
    templates: Sequence[Template]

    def things(self, path: str) -> dict[str, str]:
        """The digest by the id of everything that a path can be about."""
        if path.startswith("/api/v1/templates/"):
            return {str(template.public_id): template.now.digest for template in self.templates}
        return {str(query.public_id): query.digest for query in self.queries}

    @property
    def people(self) -> dict[str, dict[str, str]]:
        """How each of the people signs their calls."""
        world = self.world
        known = {"developer": world.author, "manager": world.reviewer, "auditor": world.auditor, "admin": world.admin}
        return {"anonymous": {}, **{name: signed(user) for name, user in known.items()}}


def signed(user: User) -> dict[str, str]:
    """The header of somebody who is signed in."""
    return {"Authorization": f"Bearer {AccessToken.for_user(user)}"}


@pytest.fixture
def stage(own_database: None, orders: Orders, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Stage:
    settings.PORTAL_RATE_LIMITS = False
    monkeypatch.setenv(worlds.READ_VARIABLE, orders.read)
    monkeypatch.setenv(worlds.WRITE_VARIABLE, orders.write)
    world = worlds.build()
    queries = [
        world.executed("SELECT id, note FROM orders ORDER BY id LIMIT 130"),
        world.executed("SELECT 1 / 0"),
        world.executed("UPDATE orders SET note = 'x' WHERE id = 1", access="write"),
        *(world.submitted(f"SELECT {n}") for n in range(4)),
    ]
    targets = (world.target.slug,)
    drafts = [
        services.TemplateDraft(world.pod.slug, name, "sql", "read", "SELECT 1", targets)
        for name in ("One", "Another", "A third")
    ]
    templates = [services.create_template(actor=world.author, draft=draft) for draft in drafts]
    return Stage(world, queries, templates)


def schema() -> Any:
    """The schema as it is served."""
    raw = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    found = schemathesis.openapi.from_dict(raw)
    found.app = application
    return found


def calls(operation: Any, mode: GenerationMode, stage: Stage) -> st.SearchStrategy[Any]:
    """Generated calls of one operation, most of them about something that exists."""
    names = {parameter["name"] for parameter in operation.definition.raw.get("parameters", ())}
    there: dict[str, Sequence[str]] = {}
    if "public_id" in names:
        there["public_id"] = list(stage.things(operation.path))
    if "slug" in names:
        there["slug"] = ["orders"]
    anything: st.SearchStrategy[Any] = operation.as_strategy(mode)
    if not there:
        return anything
    chosen = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in there.items()})
    known = chosen.flatmap(lambda path: operation.as_strategy(mode, path_parameters=path))
    return st.one_of(known, known, known, anything)


def make_real(case: Any, stage: Stage) -> None:
    """Let a well-formed body be about something that exists, so that the call gets past looking it up."""
    body = case.body
    if not isinstance(body, dict):
        return
    if "digest" in body:
        body["digest"] = stage.things(case.path).get(str(case.path_parameters["public_id"]), body["digest"])
    if "target" in body:
        body["target"] = stage.world.target.slug
    if "targets" in body:
        body |= {"targets": [stage.world.target.slug], "language": "sql", "access": "read", "statement": "SELECT 1"}
        body["parameters"] = []
    elif "statement" in body:
        body |= {"pod": stage.world.pod.slug, "target": stage.world.target.slug, "language": "sql", "access": "read"}
        body |= {"statement": "SELECT 1", "parameters": []}
        body.pop("revises", None)


@pytest.mark.slow
@pytest.mark.parametrize("mode", CALLS_EACH)
def test_nothing_undocumented_comes_back(mode: GenerationMode, stage: Stage) -> None:
    for found in schema().get_all_operations():
        _try(found.ok(), mode, stage)


def _try(operation: Any, mode: GenerationMode, stage: Stage) -> None:
    @settings(
        max_examples=CALLS_EACH[mode],
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=calls(operation, mode, stage))
    def attempt(case: Any) -> None:
        if mode is GenerationMode.POSITIVE:
            make_real(case, stage)
        for person, headers in stage.people.items():
            note(f"called by {person}")
            # The application is called without a server or a client that would unpack what it packs.
            case.call_and_validate(headers=headers | {"Accept-Encoding": "identity"}, checks=list(TRIED))

    attempt()
