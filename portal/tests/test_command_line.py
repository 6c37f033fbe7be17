"""Management commands end with a sentence where they cannot do their work: bad settings, the database away."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import get_commands
from django.db import connection

from portal import env
from queries.tests.world import url_with

ROOT = Path(settings.BASE_DIR)
OURS = {name for name, app in get_commands().items() if app in {"accounts", "audit", "pods", "portal", "queries"}}
MORE = {"maintain": ["--once"], "archive_audit": ["--before", "2026-01", "--to", "."]}
NOWHERE = "postgresql://portal:hidden@127.0.0.1:1/portal"


def manage(command: str, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", command, *MORE.get(command, []), *arguments],
        cwd=ROOT,
        env={**os.environ, "PORTAL_DATABASE_URL": url, "DEMO_PASSWORD": "a long enough pass phrase"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def said(ended: subprocess.CompletedProcess[str]) -> str:
    """The one sentence of a command that could not do its work."""
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr + ended.stdout
    assert "hidden" not in ended.stderr + ended.stdout
    return ended.stderr.strip().splitlines()[-1]


def test_every_command_says_so_when_the_database_is_away() -> None:
    commands = sorted(OURS | {"migrate"})
    with ThreadPoolExecutor(max_workers=2) as pool:
        ends = list(pool.map(lambda command: manage(command, NOWHERE), commands))
    sentences = {command: said(ended) for command, ended in zip(commands, ends, strict=True)}
    assert all(sentence.startswith("The portal's own database failed: ") for sentence in sentences.values()), sentences


@pytest.mark.parametrize(
    "url",
    [
        "", "://", "x", "postgresql://", "postgresql://host", "postgresql://host:hidden/portal", "http://host/portal",
        "mysql://u:hidden@host/portal", "postgresql://[::1/portal", "postgresql://u:hidden@127.0.0.1:99999/portal",
        "postgresql://u:hidden@127.0.0.1/por%00tal",
    ],
)  # fmt: skip
def test_a_malformed_url_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_DATABASE_URL", url)
    with pytest.raises(ImproperlyConfigured, match="PORTAL_DATABASE_URL is not") as caught:
        env.database("PORTAL_DATABASE_URL")
    assert "hidden" not in str(caught.value)


def test_bad_settings_end_a_command_with_a_sentence() -> None:
    assert said(manage("settle", "postgresql://host:hidden/portal")).startswith("Bad settings: PORTAL_DATABASE_URL is")


def test_an_option_that_there_is_not_is_named() -> None:
    assert 'invalid connection option "colour"' in said(manage("settle", f"{NOWHERE}?colour=blue"))


def test_whoever_wants_more_gets_it() -> None:
    assert "Traceback" in manage("settle", NOWHERE, "--traceback").stderr


def test_a_read_only_database_is_named(own_database: None) -> None:
    name = str(connection.settings_dict["NAME"])
    url = url_with(os.environ["PORTAL_DATABASE_URL"], database=name)
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    assert "read-only transaction" in said(manage("tidy", url))
