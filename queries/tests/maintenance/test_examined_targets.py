"""A target's logins are tested by a command and by a button; what was found stands on its page in the admin."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pymongo.database import Database

from audit.models import AuditLog
from pods.examining import examine
from queries.tests.conftest import SignedIn
from queries.tests.world import READ_VARIABLE, UNSET_VARIABLE, WRITE_VARIABLE, TargetDatabase, World, url_with


@pytest.fixture
def boss(world: World, client_of: SignedIn) -> Client:
    return client_of(world.admin)


def words(world: World, *, faults: bool = True) -> str:
    return "\n".join(one.words for one in examine(world.target) if one.fault or not faults)


def test_the_world_of_the_tests_has_no_fault(world: World) -> None:
    assert words(world) == ""


def test_one_login_for_both_is_a_fault(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(READ_VARIABLE, os.environ[WRITE_VARIABLE])
    assert "The login for reading and the login for writing are one: " in words(world)
    assert "The login for reading may write: " in words(world)


def test_two_databases_are_a_fault(
    world: World, target_database: TargetDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(READ_VARIABLE, url_with(target_database.read_url, database="postgres"))
    found = words(world)
    assert f"The login for reading leads to postgres, the login for writing to {target_database.name}" in found
    assert "The URL leads to postgres, a database of the server's own." in found


def test_the_portals_own_database_is_no_target(
    world: World, target_database: TargetDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = str(connection.settings_dict["NAME"])
    monkeypatch.setenv(READ_VARIABLE, url_with(target_database.read_url, database=own))
    assert "The login for reading leads to the portal's own database." in words(world)


@pytest.mark.parametrize(
    ("variable", "url", "said"),
    [
        (READ_VARIABLE, "postgresql://nobody:x@127.0.0.1:1/none", "The login for reading could not be tried: "),
        (WRITE_VARIABLE, "no url at all", "The login for writing could not be tried: "),
    ],
    ids=["nobody-answers", "no-url"],
)
def test_what_cannot_be_tried_is_a_fault(
    world: World, monkeypatch: pytest.MonkeyPatch, variable: str, url: str, said: str
) -> None:
    monkeypatch.setenv(variable, url)
    assert said in words(world)


def test_a_missing_variable_is_named(world: World) -> None:
    world.change_target(write_url_variable=UNSET_VARIABLE)
    assert f"The variable {UNSET_VARIABLE} is not set: there is no login for writing." in words(world)


def test_a_login_that_maintains_has_to_own(world: World) -> None:
    """Where no variable is named for maintenance, the login for writing is judged as the one that maintains."""
    world.change_target(allow_maintenance=True)
    assert words(world) == "The login for maintenance owns no table of the target's schemas, directly or by a role."


def test_mongodb_is_asked_as_well(world: World, on_mongo: Database[dict[str, Any]]) -> None:
    on_mongo["orders"].insert_one({"total": 1})
    assert words(world) == ""


def test_the_command_names_the_fault_and_the_remedy(
    world: World, target_database: TargetDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = f"{target_database.name}_ro"
    with target_database.connect() as connection:
        connection.execute(f"ALTER ROLE {reader} CREATEROLE")
        try:
            with pytest.raises(SystemExit) as end:
                call_command("check_targets")
        finally:
            connection.execute(f"ALTER ROLE {reader} NOCREATEROLE")
    assert end.value.code == 1
    out = capsys.readouterr().out
    assert f"orders, fault: The login {reader} may create roles and change others (CREATEROLE)." in out
    assert f"ALTER ROLE {reader} NOCREATEROLE;" in out


def test_the_button_shows_what_was_found_and_leaves_an_entry(
    world: World, boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = f"/admin/pods/target/{world.target.pk}/change/"
    assert "Not tested yet." in boss.get(page).content.decode()
    monkeypatch.setenv(READ_VARIABLE, os.environ[WRITE_VARIABLE])
    answer = boss.post(f"/admin/pods/target/{world.target.pk}/examine/", follow=True).content.decode()
    assert "to mend: see Last test." in answer
    assert "The login for reading may write" in answer
    entry = AuditLog.objects.filter(action="target.examine").latest("seq")
    assert entry.subject_id == "orders"
    assert json.loads(entry.data)["faults"] > 0
    assert "The target was changed since" not in answer
    world.change_target(search_path="public, other")
    assert "The target was changed since: test it again." in boss.get(page).content.decode()


def test_only_admins_test(world: World, client_of: SignedIn) -> None:
    for person in (world.reviewer, world.auditor):
        answer = client_of(person).post(f"/admin/pods/target/{world.target.pk}/examine/")
        assert answer.status_code in {302, 403}
    assert not AuditLog.objects.filter(action="target.examine").exists()


def test_there_is_nothing_to_test_of_no_target(boss: Client, world: World) -> None:
    assert boss.post("/admin/pods/target/999999/examine/").status_code == 404
