"""The engines' contract on a live MongoDB, through real helper processes."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote, urlsplit

import pytest

from executors.base import EngineKind, Language, Target
from executors.tests.contract import Dialect, EngineContract
from executors.tests.mongodb.conftest import PASSWORD, Bench


@pytest.mark.mongo
class TestMongoDB(EngineContract):
    """See `EngineContract`."""

    engine = EngineKind.MONGODB
    dialect = Dialect(
        language=Language.MONGO,
        rows="db.numbers.find({}, {_id: 0, n: 1}).sort({n: 1})",
        slow=(
            "db.numbers.aggregate([{$project: {a: {$range: [0, 3000]}}}, {$unwind: '$a'},"
            " {$project: {b: {$range: [0, 3000]}}}, {$unwind: '$b'}, {$group: {_id: null, n: {$sum: '$b'}}}])"
        ),
        failing="db.numbers\n  .find({n: {$nope: 1}})",
        failing_at=("2", "4"),
        count="db.orders.countDocuments()",
        insert="db.orders.insertOne({new: true})",
        leave_residue="db.residue.insertOne({a: 1})",
        find_residue="db.residue.countDocuments()",
        no_residue='{"count": {"$numberInt": "0"}}',
    )

    @pytest.fixture
    def reading(self, mongo: Bench) -> Target:
        """The reader, with the numbers in place."""
        mongo.database.numbers.insert_many([{"n": n} for n in range(1, 1001)])
        return mongo.read

    @pytest.fixture
    def writing(self, mongo: Bench) -> Target:
        """The writer."""
        return mongo.write

    def unreachable(self, target: Target) -> Target:
        """Port 1: nobody listens there."""
        parts = urlsplit(target.url)
        return replace(target, url=target.url.replace(f":{parts.port}/", ":1/"))

    def secrets(self, target: Target) -> list[str]:
        """Host, user and password."""
        parts = urlsplit(target.url)
        return [str(parts.hostname), str(parts.username), PASSWORD, quote(PASSWORD, safe="")]
