"""A portal database that takes no changes: what only reads works, what would write says so, the probes know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from portal.tests.people import PASSWORD, Orders
from queries.models import QueryRequest
from queries.tests import world as worlds
from queries.tests.world import World

WORDS = "takes no changes now: it is read only"


@pytest.fixture
def frozen(own_database: None, orders: Orders, monkeypatch: pytest.MonkeyPatch) -> World:
    """Everybody, a request that waits and one that ran; then the database is set to read only."""
    monkeypatch.setenv(worlds.READ_VARIABLE, orders.read)
    monkeypatch.setenv(worlds.WRITE_VARIABLE, orders.write)
    world = worlds.build()
    world.author.set_password(PASSWORD)
    world.author.save()
    world.executed("SELECT 1 AS one")
    world.submitted("SELECT 2 AS two")
    for person in (world.author, world.reviewer):
        sign_in(person)
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{connection.settings_dict["NAME"]}" SET default_transaction_read_only = on')
    connection.close()
    return world


SESSIONS: dict[str, Client] = {}


def sign_in(person: User) -> None:
    """A session that began while it could be stored."""
    SESSIONS[person.username] = Client()
    SESSIONS[person.username].force_login(person, backend="django.contrib.auth.backends.ModelBackend")


def waiting() -> QueryRequest:
    return QueryRequest.objects.get(status="PENDING")


def ran() -> QueryRequest:
    return QueryRequest.objects.get(status="EXECUTED")


def test_reading_goes_on(frozen: World) -> None:
    client = SESSIONS["reviewer"]
    for path in ("/", "/queries/?author=anyone", "/review/", f"/queries/{waiting().public_id}/", "/pods/"):
        assert client.get(path).status_code == 200, path
    assert client.get("/api/v1/queries/").status_code == 200


WRITES: list[Callable[[], Any]] = [
    lambda: SESSIONS["reviewer"].post(f"/queries/{waiting().public_id}/approve/", {"digest": waiting().digest}),
    lambda: SESSIONS["reviewer"].post(f"/queries/{waiting().public_id}/reject/", {"comment": "No."}),
    lambda: SESSIONS["author"].post(f"/queries/{waiting().public_id}/withdraw/"),
    lambda: SESSIONS["author"].get(f"/queries/{ran().public_id}/result/"),
    lambda: SESSIONS["author"].post("/queries/new/", {"target": "orders", "statement": "SELECT 1", "access": "read"}),
    lambda: SESSIONS["author"].post("/accounts/logout/"),
    lambda: SESSIONS["author"].post("/accounts/profile/", {"first_name": "A", "theme": "dark"}),
    lambda: Client().post("/accounts/login/", {"username": "author", "password": PASSWORD}),
    lambda: Client().post("/queries/new/", {"statement": "SELECT 1"}),
]
CALLS: list[Callable[[], Any]] = [
    lambda: Client().post("/api/v1/auth/token/", {"username": "author", "password": PASSWORD}, "application/json"),
    lambda: Client().post("/api/v1/auth/token/", {"username": "author", "password": "wrong"}, "application/json"),
    lambda: SESSIONS["author"].get(f"/api/v1/queries/{ran().public_id}/result/"),
    lambda: SESSIONS["author"].post("/api/v1/queries/check/", {}, "application/json"),
    lambda: SESSIONS["author"].post(f"/api/v1/queries/{waiting().public_id}/withdraw/", {}, "application/json"),
]


def test_what_would_write_says_so_on_a_page(frozen: World) -> None:
    for write in WRITES:
        answer = write()
        assert (answer.status_code, answer["Retry-After"]) == (503, "10")
        assert WORDS in answer.content.decode()


def test_what_would_write_says_so_to_a_program(frozen: World) -> None:
    for call in CALLS:
        answer = call()
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
        assert WORDS in answer.json()["error"]["message"]


def test_the_probes_know(frozen: World) -> None:
    ready = Client().get("/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    assert ready.json()["problems"] == ["The database takes no changes: its transactions are read only."]
    assert Client().get("/healthz").status_code == 200
