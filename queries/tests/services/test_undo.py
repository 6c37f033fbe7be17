"""Taking a write back: a request of its own that puts the rows back as they were, or nothing."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.db import connection
from django.utils import timezone

from audit.models import AuditLog
from executors.base import CommitStatus, OutcomeUnknown
from queries import policies, services
from queries.api import serializers
from queries.lifecycle import Status
from queries.maintenance.rotation import sealed_models
from queries.maintenance.tidying import tidy
from queries.models import Code, Decision, Execution, QueryRequest, UndoParameters, UndoPiece
from queries.notices.sending import never
from queries.results import rehearsals
from queries.running.monitor import Monitor
from queries.tests import trail
from queries.tests.conftest import SignedIn
from queries.tests.world import TargetDatabase, World
from web.errors import BadInput, NotAllowed, NotNow

ITEMS = [(1, "one"), (2, ""), (3, None)]
RENAME = "UPDATE items SET name = 'changed' WHERE id < 3"


def items(database: TargetDatabase) -> list[tuple[object, ...]]:
    with database.connect() as connection:
        return connection.execute("SELECT id, name FROM items ORDER BY id").fetchall()


def on_target(database: TargetDatabase, statement: str) -> None:
    with database.connect() as connection:
        connection.execute(statement)


def written(world: World, statement: str = RENAME, **fields: object) -> QueryRequest:
    return world.executed(statement, access="write", **fields)


def undo(world: World, query: QueryRequest, reason: str = "") -> QueryRequest:
    return services.undo(actor=world.author, query_id=query.pk, reason=reason)


@pytest.mark.parametrize(
    "statement",
    [
        RENAME,
        "DELETE FROM items",
        "INSERT INTO items VALUES (4, 'four'), (5, NULL)",
        "UPDATE items SET id = id + 10",
        "DELETE FROM items WHERE id = 1; UPDATE items SET name = 'x' WHERE id = 2; INSERT INTO items VALUES (9, '')",
    ],
)
def test_it_puts_every_row_back_and_can_be_taken_back_itself(
    world: World, target_database: TargetDatabase, statement: str
) -> None:
    query = written(world, statement)
    after = items(target_database)
    assert after != ITEMS
    undone = world.approved(undo(world, query))
    assert (undone.state, undone.undoes_id) == (Status.EXECUTED, query.pk)
    assert items(target_database) == ITEMS
    assert world.approved(undo(world, undone)).state is Status.EXECUTED
    assert items(target_database) == after


def test_a_script_that_wrote_is_taken_back_in_sql(world: World, target_database: TargetDatabase) -> None:
    world.change_target(allow_scripts=True)
    query = written(world, "await db.query(`UPDATE items SET name = 'x'`)", language="script")
    prepared = undo(world, query)
    assert prepared.language == "sql"
    assert world.approved(prepared).state is Status.EXECUTED
    assert items(target_database) == ITEMS


def test_it_waits_for_a_review_as_any_request(world: World, target_database: TargetDatabase) -> None:
    query = written(world, ticket="OPS-1")
    prepared = undo(world, query, "It was the wrong table")
    assert prepared.state is Status.PENDING
    assert (prepared.author, prepared.access, prepared.expects) == (world.author, "write", 2)
    assert (prepared.reason, prepared.ticket) == ("It was the wrong table", "OPS-1")
    assert prepared.digest == prepared.current_digest()
    assert items(target_database)[0] == (1, "changed")
    with pytest.raises(NotAllowed):
        world.approved(prepared, by=world.author)


def test_it_is_bound_to_the_rows_it_names(world: World) -> None:
    prepared = undo(world, written(world))
    rehearsal = services.rehearse(actor=world.reviewer, query_id=prepared.pk, digest=prepared.digest)
    seen = rehearsals.effect(rehearsal)
    assert seen is not None
    assert {change.after for change in seen.tables[0].changes} == {("1", "one"), ("2", "")}
    world.approved(prepared)
    assert Decision.objects.get(query=prepared).bound == 2


@pytest.mark.parametrize(
    "since",
    ["UPDATE items SET name = 'theirs' WHERE id = 2", "DELETE FROM items WHERE id = 2"],
)
def test_a_row_that_changed_since_refuses_all(world: World, target_database: TargetDatabase, since: str) -> None:
    prepared = undo(world, written(world))
    on_target(target_database, since)
    left = items(target_database)
    ended = world.approved(prepared)
    assert (ended.state, ended.code) == (Status.FAILED, Code.REFUSED)
    assert "items: id 2" in ended.execution.failure_message
    # Its words name rows by their keys: they are not for everybody who may see that it failed.
    assert "items: id 2" in policies.failure_words(world.reviewer, ended, ended.execution)[0]
    assert policies.failure_words(world.auditor, ended, ended.execution)[0] == policies.QUOTING
    assert items(target_database) == left


def test_a_key_that_was_taken_again_refuses_all(world: World, target_database: TargetDatabase) -> None:
    prepared = undo(world, written(world, "DELETE FROM items"))
    on_target(target_database, "INSERT INTO items VALUES (2, 'theirs')")
    assert world.approved(prepared).code == Code.REFUSED
    assert items(target_database) == [(2, "theirs")]


def test_one_at_a_time(world: World) -> None:
    query = written(world)
    first = undo(world, query)
    with pytest.raises(NotNow, match=f"{first.number} takes it back already"):
        undo(world, query)
    services.withdraw(actor=world.author, query_id=first.pk)
    second = undo(world, query)
    world.approved(second)
    with pytest.raises(NotNow, match=f"{second.number} took it back already"):
        undo(world, query)


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("CREATE TABLE fresh (id int PRIMARY KEY)", "changed the schema"),
        ("UPDATE items SET name = 'x' WHERE id = -1", "changed no row"),
    ],
)
def test_what_cannot_be_taken_back_is_said(
    world: World, target_database: TargetDatabase, statement: str, why: str
) -> None:
    writer = f"{target_database.name}_rw"
    on_target(target_database, f"GRANT CREATE ON SCHEMA public TO {writer}")
    try:
        query = written(world, statement)
        assert query.state is Status.EXECUTED
        with pytest.raises(NotNow, match=why):
            undo(world, query)
        assert policies.UNDO not in policies.allowed(world.author, query)
    finally:
        on_target(target_database, "DROP TABLE IF EXISTS fresh")
        on_target(target_database, f"REVOKE CREATE ON SCHEMA public FROM {writer}")


def test_a_log_without_a_key_that_a_trigger_keeps_is_put_back_too(
    world: World, target_database: TargetDatabase
) -> None:
    writer = f"{target_database.name}_rw"
    on_target(
        target_database,
        "CREATE TABLE loose (a int, b text); INSERT INTO loose VALUES (1, 'one'); CREATE FUNCTION note() RETURNS "
        "trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO loose VALUES (old.id, old.name); RETURN new; END$$; "
        f"CREATE TRIGGER note AFTER UPDATE ON items FOR EACH ROW EXECUTE FUNCTION note(); GRANT ALL ON loose "
        f"TO {writer}; GRANT SELECT ON loose TO {target_database.name}_ro",
    )
    try:
        prepared = undo(world, written(world, "UPDATE items SET name = 'x' WHERE id = 1"))
        assert (prepared.expects, sorted(prepared.tables)) == (2, ["public.items", "public.loose"])
        seen = services.rehearse(actor=world.reviewer, query_id=prepared.pk, digest=prepared.digest).effect
        assert seen is not None
        told = {table["table"]: (table["inserted"], table["updated"], table["deleted"]) for table in seen["tables"]}
        assert told == {"items": (0, 1, 0), "loose": (1, 0, 1)}
        assert world.approved(prepared).state is Status.EXECUTED
        assert items(target_database) == ITEMS
        with target_database.connect() as connection:
            assert connection.execute("SELECT * FROM loose ORDER BY 2").fetchall() == [(1, "one"), (1, "x")]
    finally:
        on_target(target_database, "DROP TRIGGER note ON items; DROP FUNCTION note; DROP TABLE loose")


@pytest.mark.parametrize("limits", [{"undo_rows": 1}, {"undo_rows": 0}])
def test_beyond_the_limits_nothing_is_kept(world: World, limits: dict[str, int]) -> None:
    world.change_target(**limits)
    query = written(world)
    assert not UndoPiece.objects.exists()
    with pytest.raises(NotNow, match="cannot be taken back"):
        undo(world, query)


def test_a_read_and_what_has_not_run_have_no_undo(world: World) -> None:
    for query in (world.executed(), world.submitted(RENAME, access="write")):
        with pytest.raises(NotNow):
            undo(world, query)


@pytest.mark.parametrize("name", ["outsider", "other_manager", "auditor", "admin"])
def test_whoever_may_not_ask_for_a_write_may_not_take_one_back(world: World, name: str) -> None:
    query = written(world)
    with pytest.raises(NotAllowed):
        services.undo(actor=getattr(world, name), query_id=query.pk)
    assert QueryRequest.objects.count() == 1


def test_rows_in_it_are_for_those_who_may_see_results(world: World) -> None:
    prepared = undo(world, written(world))
    assert not policies.cannot_see_parameters(world.reviewer, prepared)
    assert policies.cannot_see_parameters(world.colleague, prepared)
    assert not policies.cannot_see_parameters(world.colleague, world.submitted())


def test_it_is_not_revised(world: World) -> None:
    prepared = undo(world, written(world))
    assert policies.REVISE not in policies.allowed(world.author, prepared)
    with pytest.raises(NotNow, match="not revised"):
        services.submit(actor=world.author, draft=world.draft(), revises=prepared)


def test_a_switched_off_target_has_no_undo(world: World) -> None:
    query = written(world)
    world.change_target(active=False)
    with pytest.raises(BadInput):
        undo(world, query)


def test_both_requests_have_their_entry(world: World) -> None:
    query = written(world)
    prepared = undo(world, query)
    assert "query.undo" in trail.actions(query)
    submitted = AuditLog.objects.get(action="query.submit", subject_id=str(prepared.public_id))
    assert json.loads(submitted.data)["undoes"] == str(query.public_id)
    assert "changed" not in AuditLog.objects.get(action="query.undo").data


# --- the rows in the request itself -----------------------------------------------------------------


def test_rows_in_it_are_sealed_and_bound_by_its_digest(world: World, target_database: TargetDatabase) -> None:
    on_target(target_database, "UPDATE items SET name = 'a secret' WHERE id = 1")
    prepared = undo(world, written(world))
    with connection.cursor() as cursor:
        for table in ("query_requests", "undo_parameters", "audit_logs", "notices"):
            cursor.execute(f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE '%a secret%'")
            assert cursor.fetchone() == (0,)
    assert UndoParameters in sealed_models()
    stored = QueryRequest.objects.get(pk=prepared.pk)
    assert "a secret" in str(stored.values())
    assert stored.parameter_count == len(stored.values())
    assert stored.current_digest() == prepared.digest
    ended = services.approve(actor=world.reviewer, query_id=prepared.pk, digest=prepared.digest)
    assert ended.state is Status.EXECUTED
    assert (1, "a secret") in items(target_database)


def test_other_rows_than_those_reviewed_are_never_put_back(world: World, target_database: TargetDatabase) -> None:
    """Not even what was sealed for another request, or by whoever has the key."""
    prepared = undo(world, written(world))
    forged = [str(value).replace("one", "two") for value in prepared.values()]
    UndoParameters.of(prepared, forged, timezone.now() + dt.timedelta(days=1)).save(force_update=True)
    left = items(target_database)
    ended = services.approve(actor=world.reviewer, query_id=prepared.pk, digest=prepared.digest, bound=10)
    assert (ended.state, ended.code) == (Status.FAILED, Code.REFUSED)
    assert items(target_database) == left


def test_they_go_after_the_retention_time_and_it_can_be_approved_no_more(world: World) -> None:
    prepared = undo(world, written(world))
    UndoParameters.objects.update(expires_at=timezone.now())
    assert tidy(never)["rows that an undo puts back"] == 1
    with pytest.raises(NotNow, match="no longer kept"):
        services.approve(actor=world.reviewer, query_id=prepared.pk, digest=prepared.digest)
    assert policies.allowed(world.author, prepared) == ["withdraw"]


def test_the_api_answers_them_to_those_who_may_see_results(
    world: World, client_of: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = undo(world, written(world))
    address = f"/api/v1/queries/{prepared.public_id}/"
    answers = {
        name: client_of(getattr(world, name)).get(address).json() for name in ("author", "reviewer", "colleague")
    }
    assert [bool(answer["parameters"]) for answer in answers.values()] == [True, True, False]
    listed = client_of(world.reviewer).get("/api/v1/queries/").json()["results"]
    assert {one["parameters"] is None for one in listed if one["undoes"]} == {True}
    monkeypatch.setattr(serializers, "ANSWER_BYTES", 10)
    assert client_of(world.author).get(address).json()["parameters"] is None
    UndoParameters.objects.all().delete()
    assert client_of(world.author).get(address).json()["parameters"] is None


# --- what is kept ----------------------------------------------------------------------------------


def test_rows_are_kept_sealed_and_rotated(world: World) -> None:
    query = written(world, "UPDATE items SET name = 'a secret' WHERE id = 1")
    piece = UndoPiece.objects.get(execution=query.pk)
    assert b"a secret" not in bytes(piece.data)
    (change,) = piece.images.changes
    assert (change.before, change.after) == (("1", "one"), ("1", "a secret"))
    assert UndoPiece in sealed_models()


def test_rows_go_after_the_retention_time(world: World) -> None:
    query = written(world)
    left = UndoPiece.objects.get().expires_at - timezone.now()
    assert dt.timedelta(0) < dt.timedelta(days=world.target.retention_days) - left < dt.timedelta(minutes=5)
    UndoPiece.objects.update(expires_at=timezone.now())
    assert tidy(never)["rows kept for an undo"] == 1
    with pytest.raises(NotNow, match="not any more"):
        undo(world, query)


@pytest.mark.parametrize(
    ("says", "kept"),
    [(CommitStatus.ABORTED, False), (CommitStatus.UNKNOWN, True)],
)
def test_a_write_that_did_not_commit_keeps_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, says: CommitStatus, kept: bool
) -> None:
    store = Monitor.committing

    def fail(self: Monitor, name: str) -> None:
        store(self, name)
        assert UndoPiece.objects.exists()
        message = "no answer"
        raise OutcomeUnknown(message)

    monkeypatch.setattr(Monitor, "committing", fail)
    monkeypatch.setattr("queries.running.ending.processes.commit_status", lambda *_, **__: says)
    query = written(world)
    assert query.state is Status.FAILED
    assert UndoPiece.objects.filter(execution=query.pk).exists() == kept


def test_a_write_whose_answer_was_lost_can_be_taken_back(world: World, target_database: TargetDatabase) -> None:
    prepared = undo(world, written(world))
    Execution.objects.filter(query=prepared.undoes).update(effect=None, rows_affected=None, affected_known=False)
    assert prepared.undoes is not None
    query = QueryRequest.objects.get(pk=prepared.undoes.pk)
    services.withdraw(actor=world.author, query_id=prepared.pk)
    assert policies.UNDO in policies.allowed(world.author, query)
    world.approved(undo(world, query))
    assert items(target_database) == ITEMS
