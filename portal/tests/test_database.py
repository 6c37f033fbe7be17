"""A kept connection is asked whether it works only where something came on it; one that was ended is noticed."""

from __future__ import annotations

import os
from typing import Any

import psycopg
import pytest
from django.db import connection

from devtools.servers import POSTGRES_URL


@pytest.fixture
def kept(own_database: None) -> int:
    """The process of the server behind this connection."""
    connection.ensure_connection()
    return int(connection.connection.info.backend_pid)


def test_nothing_is_sent_on_a_quiet_connection(kept: int) -> None:
    with psycopg.connect(os.environ[POSTGRES_URL], autocommit=True) as server:
        asked = "SELECT query_start FROM pg_stat_activity WHERE pid = %s"
        before = server.execute(asked, [kept]).fetchone()
        assert connection.is_usable()
        assert server.execute(asked, [kept]).fetchone() == before


def test_a_connection_that_the_server_ended_is_made_anew(kept: int) -> None:
    with psycopg.connect(os.environ[POSTGRES_URL], autocommit=True) as server:
        server.execute("SELECT pg_terminate_backend(%s, 5000)", [kept])
    assert not connection.is_usable()
    kept_one: Any = connection
    kept_one.health_check_enabled, kept_one.health_check_done = True, False
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone()[0] != kept


def test_what_only_came_by_itself_does_not_end_it(kept: int) -> None:
    """A notice, such as a reload of the server's settings sends, is read and the connection goes on."""
    with connection.cursor() as cursor:
        cursor.execute("LISTEN bench")
    with psycopg.connect(os.environ[POSTGRES_URL], autocommit=True) as server:
        name = connection.settings_dict["NAME"]
        with psycopg.connect(server.info.dsn, password=server.info.password, dbname=name, autocommit=True) as other:
            other.execute("NOTIFY bench")
    assert connection.is_usable()
    assert connection.connection.info.backend_pid == kept


def test_a_connection_closed_from_here_is_not_usable(kept: int) -> None:
    connection.connection.close()
    assert not connection.is_usable()
