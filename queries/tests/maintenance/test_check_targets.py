"""`manage.py check_targets`: the connections of each login beside the places for it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from psycopg import sql
from pymongo.database import Database

from queries.tests.world import UNSET_VARIABLE, TargetDatabase, World


def said(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    try:
        call_command("check_targets")
    except SystemExit as end:
        return int(str(end.code)), capsys.readouterr().out
    return 0, capsys.readouterr().out


def limit(target_database: TargetDatabase, what: str, number: int) -> None:
    with target_database.connect() as connection:
        connection.execute(sql.SQL(f"ALTER {what} CONNECTION LIMIT {number}"))


def test_enough_is_said_too(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = said(capsys)
    assert code == 0
    assert "orders, read: " in out
    assert "max_connections of the server, less what it reserves; 8 places need 24." in out
    assert "Nothing is to be done." in out


@pytest.mark.parametrize(
    ("what", "setting"),
    [("ROLE {name}_ro", "the CONNECTION LIMIT of the login {name}_ro"), ("DATABASE {name}", "of the database {name}")],
)
def test_too_few_connections_are_a_fault(
    world: World, target_database: TargetDatabase, capsys: pytest.CaptureFixture[str], what: str, setting: str
) -> None:
    name = target_database.name
    limit(target_database, what.format(name=name), 20)
    try:
        code, out = said(capsys)
        assert (code, setting.format(name=name) in out) == (1, True)
        assert "Too few: give it 24, or the target 6 places." in out
        world.change_target(places=6)
        assert said(capsys)[0] == 0
        # Who shares a login shares its connections.
        other = world.target
        other.pk, other.slug, other.name = None, "copy", "Copy"
        other.save(force_insert=True)
        code, out = said(capsys)
        assert "copy, orders, read: 20 connections" in out
        assert code == 1
    finally:
        limit(target_database, what.format(name=name), -1)


def test_login_that_cannot_be_asked_is_a_fault(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.change_target(write_url_variable=UNSET_VARIABLE)
    code, out = said(capsys)
    assert (code, f"orders, write: the variable {UNSET_VARIABLE} is not set." in out) == (1, True)
    world.change_target(active=False)
    assert said(capsys)[0] == 0


def test_mongodb_limits_no_login(
    world: World, on_mongo: Database[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = said(capsys)
    assert (code, "orders, read: nothing limits its connections; 8 places." in out) == (0, True)
