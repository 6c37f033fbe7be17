"""Maintenance from its submission to its end: approved, outlasting the approval, stopped, killed, refused."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from audit.models import AuditLog
from executors import processes
from executors.base import Access, Aftermath, CommitStatus
from pods.models import Target
from queries import policies, running, services
from queries.lifecycle import Status
from queries.models import Code, Decision, Execution, QueryRequest
from queries.running import places
from queries.running.activity import activity
from queries.running.claim import LOCK_SPACE
from queries.running.ending import MAINTENANCE_UNKNOWN, found_out
from queries.tests.running.conftest import started, wait_for
from queries.tests.world import TargetDatabase, World, url_with
from web.errors import BadInput, Unavailable

pytestmark = pytest.mark.slow

HOLDS = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = %s::bigint::oid AND objid = %s::bigint::oid"
VARIABLE = "TEST_TARGET_MAINTENANCE_URL"
CREATE = "CREATE INDEX CONCURRENTLY by_tag ON kept (tag)"
REPAIR = "DROP INDEX CONCURRENTLY public.by_tag;"


@pytest.fixture(scope="module")
def login(target_database: TargetDatabase, postgres_url: str) -> Iterator[str]:
    """A login that owns what is maintained, named in the environment."""
    name = f"{target_database.name}_mt"
    os.environ[VARIABLE] = url_with(postgres_url, database=target_database.name, user=name, password="target")
    with target_database.connect() as root:
        root.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'target'")
        root.execute(f"CREATE TABLE kept (id int PRIMARY KEY, tag text); ALTER TABLE kept OWNER TO {name}")
        root.execute(f"GRANT SELECT ON kept TO {name.removesuffix('_mt')}_ro; GRANT CREATE ON SCHEMA public TO {name}")
        yield name
        root.execute(f"DROP TABLE kept; DROP OWNED BY {name}; DROP ROLE {name}")
    del os.environ[VARIABLE]


@pytest.fixture
def world(committed: World, login: str, target_database: TargetDatabase) -> Iterator[World]:
    """The target takes maintenance, with a login of its own."""
    del login
    committed.change_target(allow_maintenance=True, maintenance_url_variable=VARIABLE, seconds_limit=60)
    yield committed
    committed.change_target(allow_maintenance=False, maintenance_url_variable="", seconds_limit=10)
    with target_database.connect() as root:
        root.execute("DROP INDEX IF EXISTS by_tag, other")


@contextmanager
def held_up(target_database: TargetDatabase) -> Iterator[None]:
    """An open transaction that wrote to the table: what is built concurrently waits for its end."""
    with psycopg.connect(target_database.admin_url) as other:
        other.execute("LOCK TABLE kept IN ROW EXCLUSIVE MODE")
        yield


def asked(world: World, statement: str = CREATE, **fields: object) -> QueryRequest:
    return world.submitted(statement, access="maintenance", **fields)


def again(query: QueryRequest) -> QueryRequest:
    return QueryRequest.objects.select_related("target", "pod", "execution").get(pk=query.pk)


def under_way(world: World, query: QueryRequest) -> QueryRequest:
    """Approved with a usual limit of one second, and so still running."""
    world.change_target(seconds_limit=1)
    found = world.approved(query)
    assert found.state is Status.EXECUTING
    wait_for(lambda: Execution.objects.filter(pk=query.pk).exclude(transaction="").exists())
    return found


def ended(query: QueryRequest) -> QueryRequest:
    wait_for(lambda: again(query).state in {Status.EXECUTED, Status.FAILED})
    return again(query)


def looks(query: QueryRequest) -> bool:
    """As somebody who looks at it again and again; whether it has ended."""
    return running.settle_lost(again(query)) or again(query).state is Status.FAILED


STATEMENTS = [
    (CREATE, "The index public.by_tag is there and valid."),
    ("DROP INDEX CONCURRENTLY IF EXISTS by_tag", ""),
    ("REINDEX TABLE CONCURRENTLY kept", "Indexes rebuilt: "),
    ("VACUUM (ANALYZE) kept", "public.kept was vacuumed."),
]


@pytest.mark.parametrize(("statement", "said"), STATEMENTS)
def test_it_runs_to_its_end_and_says_what_the_catalogue_says(world: World, statement: str, said: str) -> None:
    query = world.approved(asked(world, statement))
    assert (query.state, query.code) == (Status.EXECUTED, "")
    assert (query.execution.rows_affected, query.execution.effect) == (None, None)
    lines = [line.text for line in query.execution.log_lines.all()]
    assert not said or said in lines[-1]


def test_it_runs_with_its_own_login_and_limits(world: World, target_database: TargetDatabase, login: str) -> None:
    query = asked(world)
    assert (query.limits.seconds, query.limits.lock_seconds) == (3600, 60)
    world.approved(query)
    with target_database.connect() as root:
        owner = root.execute("SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'by_tag'").fetchone()
    assert owner == (login,)
    world.change_target(maintenance_seconds_limit=7)
    assert asked(world, "VACUUM kept").limits_now.seconds == 7
    world.change_target(maintenance_seconds_limit=3600)


def test_its_pages_and_the_api_promise_neither_bound_nor_undo(world: World) -> None:
    query = asked(world)
    client = Client()
    client.force_login(world.reviewer, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/queries/{query.public_id}/").content.decode()
    assert "It runs outside a transaction: nothing of it is rolled back, counted, held to a bound or undone" in page
    assert "Rows it may change at most" not in page
    assert "Outside a transaction" in client.get("/review/").content.decode()
    api = APIClient(headers={"Authorization": f"Bearer {AccessToken.for_user(world.reviewer)}"})
    found = api.get(f"/api/v1/queries/{query.public_id}/").json()
    assert (found["access"], found["bound"], found["rehearsal"]) == ("maintenance", None, None)
    assert sorted(found["allowed"]) == ["approve", "reject"]
    sent = {"digest": query.digest, "bound": 5}
    assert api.post(f"/api/v1/queries/{query.public_id}/approve/", sent, format="json").status_code == 400
    answer = client.post(f"/queries/{query.public_id}/approve/", {"digest": query.digest})
    asking = " ".join(answer.content.decode().split())
    assert "Run this maintenance in production?" in asking
    assert "Not counted, and never undone" in asking
    done = api.post(f"/api/v1/queries/{query.public_id}/approve/", {"digest": query.digest}, format="json").json()
    assert (done["status"], done["execution"]["said"]) == ("EXECUTED", "The index public.by_tag is there and valid.")
    after = client.get(f"/queries/{query.public_id}/").content.decode()
    assert "The index public.by_tag is there and valid." in after
    assert "what it did lasts, and is not undone here" in after
    for verb in (policies.cannot_be_undone, policies.cannot_be_rehearsed, policies.cannot_be_planned):
        stands = verb(again(query))
        assert stands is not None
        assert "aintenance" in stands.message


def test_one_that_outlasts_its_approval_is_polled_and_stopped(world: World, target_database: TargetDatabase) -> None:
    query = asked(world)
    client = Client()
    client.force_login(world.author, backend="django.contrib.auth.backends.ModelBackend")
    with held_up(target_database):
        under_way(world, query)
        wait_for(lambda: (seen := activity(again(query))) is not None and seen.progress is not None)
        page = client.get(f"/queries/{query.public_id}/status/").content.decode()
        assert "waiting for writers before build" in page
        assert "0 of 1 transactions" in page
        services.cancel(actor=world.author, query_id=query.pk)
        found = ended(query)
    assert (found.state, found.code) == (Status.FAILED, Code.CANCELLED)
    assert found.execution.failure_detail["repair"] == REPAIR
    page = client.get(f"/queries/{query.public_id}/").content.decode()
    assert "It was stopped. What it left behind, if anything, its message says." in page
    assert f"<code>{REPAIR}</code>" in page
    assert "Nothing was changed" not in page
    entries = AuditLog.objects.filter(subject_id=str(query.public_id)).order_by("seq")
    assert [entry.action for entry in entries][-2:] == ["query.cancel", "query.fail"]


def test_one_that_outlasts_its_approval_ends_by_itself(world: World, target_database: TargetDatabase) -> None:
    query = asked(world)
    with held_up(target_database):
        under_way(world, query)
    assert ended(query).state is Status.EXECUTED


def test_a_second_one_finds_the_place_taken(
    world: World, target_database: TargetDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "WAIT_SECONDS", 0.3)
    query, second = asked(world), asked(world, "VACUUM kept")
    with held_up(target_database):
        under_way(world, query)
        with pytest.raises(Unavailable, match="All places of maintenance of Orders"):
            world.approved(second)
        assert not Decision.objects.filter(query=second).exists()
        assert again(second).state is Status.PENDING
        # Reads and writes have places of their own.
        assert world.executed().state is Status.EXECUTED
    assert ended(query).state is Status.EXECUTED
    assert world.approved(second).state is Status.EXECUTED


def test_no_more_than_two_run_in_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "WAIT_SECONDS", 0.3)
    query = asked(world)
    with psycopg.connect(_portal_url(), autocommit=True) as other:
        for place in (0, 1):
            other.execute("SELECT pg_advisory_lock(%s, %s)", (places._MAINTENANCE_ALL, place))
        with pytest.raises(Unavailable, match="maintenance in all"):
            world.approved(query)
    assert world.approved(query).state is Status.EXECUTED


def _portal_url() -> str:
    return url_with(os.environ["PORTAL_DATABASE_URL"], database=str(connection.settings_dict["NAME"]))


def test_one_too_long_is_stopped_and_names_what_it_left(world: World, target_database: TargetDatabase) -> None:
    world.change_target(maintenance_seconds_limit=2)
    query = asked(world)
    with held_up(target_database):
        found = world.approved(query)
    world.change_target(maintenance_seconds_limit=3600)
    assert (found.state, found.code) == (Status.FAILED, Code.TIMEOUT)
    assert "The index public.by_tag is not valid" in found.execution.failure_message


def test_a_lost_connection_of_the_portal_neither_ends_it_nor_frees_its_place(
    world: World, target_database: TargetDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "WAIT_SECONDS", 0.3)
    query, second = asked(world), asked(world, "VACUUM kept")
    with held_up(target_database):
        holder = Execution.objects.get(pk=under_way(world, query).pk).holder
        with psycopg.connect(_portal_url(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [holder])
            wait_for(lambda: other.execute(HOLDS, [LOCK_SPACE, query.pk]).fetchone() is not None)
        with pytest.raises(Unavailable, match="All places of maintenance of Orders"):
            world.approved(second)
        assert not running.settle_lost(again(query))
        services.cancel(actor=world.author, query_id=query.pk)
        found = ended(query)
    assert (found.state, found.code) == (Status.FAILED, Code.CANCELLED)
    assert found.execution.failure_detail["repair"] == REPAIR


def test_a_killed_helper_is_found_out_by_asking_the_catalogue(world: World, target_database: TargetDatabase) -> None:
    query = asked(world)
    with held_up(target_database):
        under_way(world, query)
        (helper,) = processes._ours().helpers._busy
        os.kill(helper.pid, signal.SIGKILL)
        wait_for(lambda: looks(query))
    found = again(query)
    assert (found.state, found.code) == (Status.FAILED, Code.INTERRUPTED)
    assert "The index public.by_tag is not valid" in found.execution.failure_message
    assert found.execution.failure_detail["repair"] == REPAIR


@pytest.mark.parametrize("end", ["killed", "stopped"])
def test_a_portal_that_ends_interrupts_it_and_its_end_is_found_out(
    world: World, target_database: TargetDatabase, end: str
) -> None:
    query = asked(world)
    world.change_target(seconds_limit=1)
    with held_up(target_database):
        with started(1) as (portal,):
            portal.order("approve", query, "reviewer")
            assert portal.answer() == "done EXECUTING"
            wait_for(lambda: Execution.objects.filter(pk=query.pk).exclude(transaction="").exists())
            assert not running.settle_lost(again(query))
            if end == "killed":
                portal.kill()
        wait_for(lambda: looks(query))
    found = again(query)
    assert (found.state, found.code) == (Status.FAILED, Code.INTERRUPTED)
    assert "The index public.by_tag is not valid" in found.execution.failure_message


def test_the_end_that_the_catalogue_tells_is_that_of_the_request(world: World) -> None:
    query = asked(world)
    done = found_out(query, Aftermath(CommitStatus.COMMITTED, "It is there."), "maintenance {}", "Lost")
    assert done.error is None
    assert done.log_lines == [("info", "The answer was lost; this is what the target says. It is there.")]
    for status in (CommitStatus.ABORTED, CommitStatus.PARTLY):
        left = found_out(query, Aftermath(status, "Half of it.", "DROP it;"), "maintenance {}", "Lost")
        assert left.error is not None
        assert (left.error.code.value, left.error.public_message) == ("INTERRUPTED", "Lost. Half of it.")
        assert left.error.detail == {"repair": "DROP it;"}
    unknown = found_out(query, Aftermath(CommitStatus.UNKNOWN), "maintenance {}", "Lost")
    assert unknown.error is not None
    assert unknown.error.public_message == MAINTENANCE_UNKNOWN


def test_a_target_says_whether_it_takes_it(world: World) -> None:
    world.change_target(allow_maintenance=False)
    with pytest.raises(BadInput) as caught:
        asked(world)
    assert "takes no maintenance requests" in caught.value.fields["access"][0].message
    world.change_target(allow_maintenance=True)
    query = asked(world)
    world.change_target(allow_maintenance=False)
    stands = policies.obstacle(again(query))
    assert stands is not None
    assert stands.code == "no_maintenance"
    world.change_target(allow_maintenance=True)
    with pytest.raises(BadInput) as caught:
        asked(world, "return 1", language="script")
    assert "language" in caught.value.fields


OFFERED = [
    CREATE,
    "DROP INDEX CONCURRENTLY by_tag",
    "REINDEX TABLE CONCURRENTLY kept",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY sums",
    "VACUUM kept",
    "CLUSTER kept",
    "ALTER TABLE parts DETACH PARTITION part_1 CONCURRENTLY",
]


@pytest.mark.parametrize("access", ["read", "write"])
@pytest.mark.parametrize("statement", OFFERED)
def test_what_another_access_refuses_is_offered_this_one(world: World, statement: str, access: str) -> None:
    with pytest.raises(BadInput) as caught:
        world.submitted(statement, access=access)
    assert "maintenance access" in caught.value.fields["statement"][0].message


def test_rows_are_not_expected_of_it(world: World) -> None:
    with pytest.raises(BadInput) as caught:
        asked(world, expects=3)
    assert "not counted" in caught.value.fields["expects"][0].message


def test_the_login_that_writes_is_used_where_no_other_is_named(world: World) -> None:
    target = Target.objects.get(pk=world.target.pk)
    target.maintenance_url_variable = ""
    assert target.url_variable(Access.MAINTENANCE) == target.write_url_variable
    target.allow_maintenance = False
    assert not target.offers(Access.MAINTENANCE)
