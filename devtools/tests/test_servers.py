"""The embedded servers keep their data, and let nobody in without a password."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from devtools import mongo, postgres, servers


@pytest.fixture
def folder() -> Iterator[Path]:
    with servers.throwaway_folder() as folder:
        yield folder


def test_postgresql_keeps_its_data_over_a_restart(folder: Path) -> None:
    with postgres.running(folder / "pg", password="secret") as server, psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with postgres.running(folder / "pg", password="secret") as server, psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_postgresql_refuses_a_wrong_password(postgres_url: str) -> None:
    wrong = make_conninfo(postgres_url, password="wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_portal_owner_is_no_superuser(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", [servers.OWNER]).fetchone()
    assert row == (False,)


@pytest.mark.mongo
def test_mongodb_keeps_its_data_and_users_over_a_restart(folder: Path, mongo_url: str) -> None:
    with mongo.running(folder / "mongo", password="secret") as server:
        roles = [{"role": "readWrite", "db": "world"}]
        mongo.put_user(server.url(), name="writer", password="w", roles=roles)
        with MongoClient[dict[str, Any]](server.url("world", user="writer", password="w")) as client:
            client.world.kept.insert_one({"answer": 42})
    with (
        mongo.running(folder / "mongo", password="secret") as server,
        MongoClient[dict[str, Any]](server.url("world", user="writer", password="w")) as client,
    ):
        assert client.world.kept.find_one({}, {"_id": 0}) == {"answer": 42}


@pytest.mark.mongo
def test_mongodb_lets_nobody_in_without_a_user(mongo_url: str) -> None:
    address = mongo_url.partition("@")[2]
    with (
        MongoClient[dict[str, Any]](f"mongodb://{address.partition('/')[0]}/?directConnection=true") as client,
        pytest.raises(OperationFailure, match="requires authentication"),
    ):
        client.world.list_collection_names()


@pytest.mark.mongo
def test_mongodb_has_transactions(mongo_url: str) -> None:
    with MongoClient[dict[str, Any]](mongo_url) as client, client.start_session() as session:
        client.scratch.create_collection("rolled_back", check_exists=False)
        with session.start_transaction():
            client.scratch.rolled_back.insert_one({"x": 1}, session=session)
            session.abort_transaction()
        assert client.scratch.rolled_back.count_documents({}) == 0
        client.drop_database("scratch")
