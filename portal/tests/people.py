"""People, pods and a live target for every test, as a pytest plugin. Statuses are reached through the services."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test.utils import setup_databases, teardown_databases
from pytest_django import DjangoDbBlocker
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import SYSTEM, Role, User
from executors.base import EngineKind
from pods.membership import create_pod, set_members
from pods.models import Pod, Target
from portal import rights
from queries.models import QueryRequest
from queries.services import Draft, submit

PASSWORD = "a long enough pass phrase"
READ, WRITE = "TEST_ORDERS_READ_URL", "TEST_ORDERS_WRITE_URL"
TABLES = """
CREATE TABLE orders (id integer PRIMARY KEY, customer text, total numeric(12,2), note text);
INSERT INTO orders SELECT n, 'customer ' || n, n * 1.10, CASE n % 3 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'x' END
    FROM generate_series(1, 250) AS n;
"""


@dataclass(frozen=True, slots=True)
class Orders:
    """The address of the target's read and write login, and a superuser's to look from outside."""

    read: str
    write: str
    owner: str


def _url(base: str, database: str, user: str = "", password: str = "") -> str:
    parts = psycopg.conninfo.conninfo_to_dict(base)
    user, password = user or str(parts["user"]), password or str(parts["password"])
    return f"postgresql://{user}:{password}@{parts['host']}:{parts['port']}/{database}"


@pytest.fixture(scope="session")
def orders(postgres_url: str) -> Iterator[Orders]:
    """A database `orders_…` of its own with one login that may read and one that may write."""
    name = f"orders_{os.getpid()}"
    urls = Orders(
        _url(postgres_url, name, f"{name}_ro", "ro"),
        _url(postgres_url, name, f"{name}_rw", "rw"),
        _url(postgres_url, name),
    )
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        connection.execute(TABLES)
        for suffix, rights in (("ro", "SELECT"), ("rw", "SELECT, INSERT, UPDATE, DELETE")):
            connection.execute(f"CREATE ROLE {name}_{suffix} LOGIN NOINHERIT PASSWORD '{suffix}'")
            connection.execute(f"GRANT {rights} ON ALL TABLES IN SCHEMA public TO {name}_{suffix}")
    yield urls
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        for suffix in ("ro", "rw"):
            connection.execute(f"DROP OWNED BY {name}_{suffix}; DROP ROLE {name}_{suffix}")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database, whichever tests run: pytest-django makes none where all of them have one of their own."""
    with django_db_blocker.unblock(), rights.as_owner() as login:
        made = setup_databases(verbosity=0, interactive=False)
        if login is not None:
            rights.grant(login)
    yield
    with django_db_blocker.unblock(), rights.as_owner():
        teardown_databases(made, verbosity=0)


def database_owner() -> str:
    """Who owns the portal's tables; the login that the tests run with, unless it was given another one."""
    return str((settings.PORTAL_MIGRATION_DATABASE or connection.settings_dict)["USER"])


@pytest.fixture
def own_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker, postgres_url: str) -> Iterator[None]:
    """A copy of the portal's database where commits are real, dropped afterwards: the audit log cannot be emptied."""
    template = str(connection.settings_dict["NAME"])
    name = f"{template}_{uuid.uuid4().hex[:8]}"
    connection.close()
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER "{database_owner()}"')
    connection.settings_dict["NAME"] = name
    with django_db_blocker.unblock():
        yield
        connection.close()
    connection.settings_dict["NAME"] = template
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(autouse=True)
def _alone(settings: Any) -> None:
    """No test sees what another one looked up, nor waits for a password to be hashed as in production."""
    cache.clear()
    # Static files are found when asked for: no scan of every folder for every client.
    settings.WHITENOISE_AUTOREFRESH = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def make_user(username: str, role: Role, **fields: Any) -> User:
    """A person whose password is `PASSWORD`."""
    return User.objects.create_user(username, password=PASSWORD, role=role, **fields)


def make_auditor() -> User:
    """Somebody who may read the audit log, and is in no pod."""
    return make_user("auditor", Role.DEVELOPER, can_read_audit=True)


@pytest.fixture
def author(db: None) -> User:
    """A developer of the pod."""
    return make_user("author", Role.DEVELOPER)


@pytest.fixture
def reviewer(db: None) -> User:
    """A manager of the pod."""
    return make_user("reviewer", Role.MANAGER)


@pytest.fixture
def second_reviewer(db: None) -> User:
    """Another manager of the pod."""
    return make_user("second_reviewer", Role.MANAGER)


@pytest.fixture
def outsider(db: None) -> User:
    """A manager of the other pod."""
    return make_user("outsider", Role.MANAGER)


@pytest.fixture
def auditor(db: None) -> User:
    """Somebody who may read the audit log, and is in no pod."""
    return make_auditor()


@pytest.fixture
def admin(db: None) -> User:
    """An admin who is in no pod."""
    return make_user("admin", Role.ADMIN, is_staff=True, is_superuser=True)


@pytest.fixture
def pod(author: User, reviewer: User, second_reviewer: User) -> Pod:
    """The author's and the reviewers' pod."""
    pod = create_pod(actor=SYSTEM, name="Shop", slug="shop")
    set_members(actor=SYSTEM, pod=pod, developers=[author], managers=[reviewer, second_reviewer])
    return pod


@pytest.fixture
def other_pod(outsider: User) -> Pod:
    """The outsider's pod."""
    pod = create_pod(actor=SYSTEM, name="Elsewhere", slug="elsewhere")
    set_members(actor=SYSTEM, pod=pod, developers=[], managers=[outsider])
    return pod


@pytest.fixture
def target(pod: Pod, orders: Orders, monkeypatch: pytest.MonkeyPatch) -> Target:
    """The pod's live PostgreSQL: table `orders` with 250 rows."""
    monkeypatch.setenv(READ, orders.read)
    monkeypatch.setenv(WRITE, orders.write)
    return Target.objects.create(
        pod=pod,
        name="Orders",
        slug="orders",
        engine=EngineKind.POSTGRESQL,
        read_url_variable=READ,
        write_url_variable=WRITE,
        seconds_limit=10,
        rows_limit=1000,
    )


@pytest.fixture
def other_target(other_pod: Pod, target: Target) -> Target:
    """The same database as a target of the other pod."""
    return Target.objects.create(
        pod=other_pod, name="Theirs", slug="theirs", engine=EngineKind.POSTGRESQL, read_url_variable=READ
    )


Submit: TypeAlias = Callable[..., QueryRequest]
Client: TypeAlias = Callable[[User], APIClient]


@pytest.fixture
def submitted(author: User, target: Target) -> Submit:
    """Submit as the author: `submitted(statement, access=…, reason=…)`."""

    def submit_one(statement: str = "select 1", **fields: Any) -> QueryRequest:
        facts = {"access": "read", "language": "sql", "reason": "To see it.", **fields}
        actor = facts.pop("actor", author)
        draft = Draft(pod=target.pod.slug, target=target.slug, statement=statement, **facts)
        return submit(actor=actor, draft=draft)

    return submit_one


@pytest.fixture
def api() -> Client:
    """A client of the API with a person's bearer token; errors come back as answers, as in production."""

    def client_of(user: User) -> APIClient:
        client = APIClient(raise_request_exception=False)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(user)}")
        return client

    return client_of
