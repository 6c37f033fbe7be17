"""What was approved is what runs, and what the target says now holds as well: the stricter of the two."""

import uuid
from collections.abc import Callable
from dataclasses import asdict

import pytest
from django.utils import timezone

from pods.models import Pod, Target
from queries import policies, running, services
from queries.lifecycle import Status
from queries.models import Code, Execution, QueryRequest
from queries.results import view_page
from queries.tests import trail
from queries.tests.world import TargetDatabase, World
from web.errors import NotNow

Change = Callable[[World], None]
SCRIPT = "await db.query(`INSERT INTO effects (tag) VALUES ($1)`, ['{tag}'])"


def switched_off(world: World) -> None:
    Target.objects.filter(pk=world.target.pk).update(active=False)


def moved(world: World) -> None:
    Target.objects.filter(pk=world.target.pk).update(pod=world.other_pod)


def pod_switched_off(world: World) -> None:
    Pod.objects.filter(pk=world.pod.pk).update(active=False)


def no_more_scripts(world: World) -> None:
    Target.objects.filter(pk=world.target.pk).update(allow_scripts=False)


OBSTACLES: dict[str, tuple[Change, str]] = {
    "target_inactive": (switched_off, "switched off"),
    "target_moved": (moved, "moved to another pod"),
    "pod_inactive": (pod_switched_off, "is inactive"),
}
KINDS = ["read", "write", "script"]


def asked(world: World, kind: str, tag: str) -> QueryRequest:
    if kind == "read":
        return world.submitted("SELECT 1")
    if kind == "write":
        return world.insert(tag)
    world.change_target(allow_scripts=True)
    return world.submitted(SCRIPT.format(tag=tag), language="script", access="write")


@pytest.fixture
def approved(monkeypatch: pytest.MonkeyPatch) -> Callable[[World, QueryRequest], QueryRequest]:
    """Approves, and leaves the claim to the test."""

    def approve(world: World, query: QueryRequest) -> QueryRequest:
        with monkeypatch.context() as patch:
            patch.setattr("queries.running.run", lambda query: query)
            found = world.approved(query)
        assert found.state is Status.APPROVED
        return found

    return approve


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("code", OBSTACLES)
def test_guard_06_what_may_not_run_now_is_not_approved(
    world: World, target_database: TargetDatabase, code: str, kind: str
) -> None:
    change, words = OBSTACLES[code]
    tag = uuid.uuid4().hex
    query = asked(world, kind, tag)
    change(world)
    with pytest.raises(NotNow, match=words) as caught:
        world.approved(query)
    assert (caught.value.code, caught.value.state) == (code, "PENDING")
    assert trail.actions(query) == ["query.submit"]
    assert not query.decisions.exists()
    assert target_database.effects(tag) == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("code", OBSTACLES)
def test_guard_06_what_changed_after_the_approval_does_not_run_and_ends(
    world: World,
    target_database: TargetDatabase,
    approved: Callable[[World, QueryRequest], QueryRequest],
    code: str,
    kind: str,
) -> None:
    change, words = OBSTACLES[code]
    tag = uuid.uuid4().hex
    query = approved(world, asked(world, kind, tag))
    change(world)
    with pytest.raises(NotNow, match=f"{words}.*Nothing ran") as caught:
        running.run(query)
    assert (caught.value.code, caught.value.state) == (code, "FAILED")
    ended = QueryRequest.objects.get(pk=query.pk)
    assert (ended.state, ended.code) == (Status.FAILED, Code.REFUSED)
    assert trail.holds(ended)
    assert not Execution.objects.filter(pk=query.pk).exists()
    assert target_database.effects(tag) == 0


def test_guard_06_scripts_that_a_target_takes_no_longer_do_not_run(
    world: World, target_database: TargetDatabase
) -> None:
    tag = uuid.uuid4().hex
    query = asked(world, "script", tag)
    no_more_scripts(world)
    with pytest.raises(NotNow, match="target was changed"):
        world.approved(query)
    assert target_database.effects(tag) == 0


@pytest.mark.parametrize("change", [switched_off, moved], ids=["switched off", "moved"])
def test_what_cannot_be_approved_is_offered_to_be_rejected_and_withdrawn(world: World, change: Change) -> None:
    query = world.submitted()
    change(world)
    seen = services.visible_query(actor=world.reviewer, public_id=query.public_id)
    assert policies.allowed(world.reviewer, seen) == ["reject"]
    assert policies.allowed(world.author, seen) == ["withdraw", "revise"]
    assert services.reject(actor=world.reviewer, query_id=query.pk, comment="gone").state is Status.REJECTED


def test_an_inactive_pod_decides_on_nothing(world: World) -> None:
    query = world.submitted()
    pod_switched_off(world)
    with pytest.raises(NotNow, match="inactive"):
        services.reject(actor=world.reviewer, query_id=query.pk, comment="no")
    assert services.withdraw(actor=world.author, query_id=query.pk).state is Status.WITHDRAWN


@pytest.mark.parametrize(
    "change",
    [
        {"read_url_variable": "SOMEWHERE_ELSE_URL"},
        {"search_path": "other"},
        {"environment": "development"},
        {"slug": "renamed"},
    ],
    ids=str,
)
def test_a_changed_target_is_not_approved(world: World, change: dict[str, str]) -> None:
    query = world.submitted("SELECT 1")
    type(query.target).objects.filter(pk=query.target_id).update(**change)
    with pytest.raises(NotNow, match="target was changed"):
        services.approve(actor=world.reviewer, query_id=query.pk, digest=query.digest)


def test_it_can_still_be_rejected(world: World) -> None:
    query = world.submitted("SELECT 1")
    type(query.target).objects.filter(pk=query.target_id).update(search_path="other")
    ended = services.reject(actor=world.reviewer, query_id=query.pk, digest=query.digest, comment="moved")
    assert ended.state is Status.REJECTED


# --- guard-08: approvals ---------------------------------------------------------------------------


def test_guard_08_a_raised_number_of_approvals_reaches_what_waits(world: World) -> None:
    query = world.submitted()
    world.change_target(approvals_required=2)
    assert world.approved(query).state is Status.PENDING
    assert trail.actions(query) == ["query.submit", "query.endorse"]
    assert world.approved(query, by=world.second_reviewer).state is Status.EXECUTED


def test_guard_08_a_lowered_number_of_approvals_does_not(world: World) -> None:
    world.change_target(approvals_required=2)
    query = world.submitted()
    world.change_target(approvals_required=1)
    assert world.approved(query).state is Status.PENDING
    assert world.approved(query, by=world.second_reviewer).state is Status.EXECUTED


def test_guard_08_a_number_raised_after_the_approval_holds_at_the_claim(
    world: World, approved: Callable[[World, QueryRequest], QueryRequest], target_database: TargetDatabase
) -> None:
    tag = uuid.uuid4().hex
    query = approved(world, world.insert(tag))
    world.change_target(approvals_required=2)
    with pytest.raises(NotNow, match="asks for 2 approvals") as caught:
        running.run(query)
    assert caught.value.code == "approvals_missing"
    assert target_database.effects(tag) == 0


def test_guard_08_what_waits_says_how_many_approvals_it_needs_now(world: World) -> None:
    query = world.submitted()
    world.change_target(approvals_required=3)
    assert QueryRequest.objects.get(pk=query.pk).approvals_needed == 3
    services.withdraw(actor=world.author, query_id=query.pk)
    assert QueryRequest.objects.get(pk=query.pk).approvals_needed == 1


# --- guard-08: limits ------------------------------------------------------------------------------


def test_guard_08_lowered_rows_hold_for_what_waits(world: World) -> None:
    query = world.submitted("SELECT * FROM generate_series(1, 50)")
    world.change_target(rows_limit=7)
    ended = world.approved(query)
    assert ended.state is Status.EXECUTED
    page = view_page(actor=world.author, query=ended)
    assert (page.row_count, page.truncated) == (7, "rows")


def test_guard_08_raised_rows_do_not_reach_what_was_asked_for_with_fewer(world: World) -> None:
    world.change_target(rows_limit=7)
    query = world.submitted("SELECT * FROM generate_series(1, 50)")
    world.change_target(rows_limit=40)
    assert world.approved(query).execution.row_count == 7


def test_guard_08_lowered_seconds_stop_what_waits(world: World) -> None:
    query = world.submitted("SELECT pg_sleep(8)")
    world.change_target(seconds_limit=1)
    started = timezone.now()
    ended = world.approved(query)
    assert (ended.state, ended.code) == (Status.FAILED, Code.TIMEOUT)
    assert (timezone.now() - started).total_seconds() < 7


def test_guard_08_limits_lowered_after_the_approval_hold_at_the_run(
    world: World, approved: Callable[[World, QueryRequest], QueryRequest]
) -> None:
    query = approved(world, world.submitted("SELECT * FROM generate_series(1, 50)"))
    world.change_target(rows_limit=3)
    assert running.run(query).state is Status.EXECUTED
    assert Execution.objects.get(pk=query.pk).row_count == 3


def test_guard_08_each_limit_is_the_stricter_by_itself(world: World) -> None:
    world.change_target(seconds_limit=10, lock_seconds_limit=5, rows_limit=100, bytes_limit=5000)
    query = world.submitted()
    world.change_target(seconds_limit=20, lock_seconds_limit=2, rows_limit=50, bytes_limit=90_000)
    found = QueryRequest.objects.get(pk=query.pk)
    assert asdict(found.limits_now) == {"seconds": 10, "lock_seconds": 2, "rows": 50, "bytes": 5000}
    assert found.current_digest() == found.digest
