"""A script finds the same world in a child that waited for it and in one started for it, and nothing of another's."""

# ruff: noqa: E501 - scripts as people write them stand on one line
from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from executors.base import ExecutionError, ScriptOutcome
from executors.base.parameters import NamedParameter, ParameterType
from executors.mongodb.engine import MongoDBEngine
from executors.sandbox.client import SandboxChild, SpawnerClient, SpawnerSettings
from executors.script.parsing import Parser
from executors.script.runner import ScriptRunner
from executors.tests.script.conftest import Echo, EchoDatabase, Recorder, make_job

pytestmark = pytest.mark.sandbox

HIDDEN = "const wait = globalThis['set' + 'Time' + 'out']; await new Promise(r => wait(r, 1)); return 1"


SAME = {
    "a value": ("return 1", "[1]"),
    "a call": ("return (await db.query('hello')).rows", '["hello"]'),
    "a timer": ("await new Promise(r => setTimeout(r, 1)); return 'waited'", '["waited"]'),
    "an interval": ("let n = 0; await new Promise(r => setInterval(() => ++n > 2 && r(), 1)); return n", "[3]"),
    "a clock that begins with it": ("return performance.now() < 5000 && performance.timeOrigin > 1.7e12", "[true]"),
    "a module": ("return require('lodash').chunk([1, 2, 3], 2).length", "[2]"),
    "its own globals": (
        "return Object.getOwnPropertyNames(globalThis).filter(n => /^(db|params|console|require|ObjectId)$/.test(n)).sort().join()",
        '["console,db,params,require"]',
    ),
    "no name of what made it": (
        "return [typeof Deno, typeof reportError, typeof makers, typeof host, typeof module].join()",
        '["undefined,undefined,undefined,undefined,undefined"]',
    ),
    "a function's own this": ("return (function () { return this === undefined })()", "[true]"),
}
FAILING = {
    "a timer nobody named": (HIDDEN, "has to name setTimeout"),
    "an error of its own": ("null.x", "TypeError: Cannot read properties of null"),
    "a promise nobody settles": ("await new Promise(() => {})", "never resolve"),
    "a rejection nobody catches": ("Promise.reject(new Error('lost')); await db.query('a'); return 1", "lost"),
    "a call nobody waits for": ("db.query('a'); return 1", "still open"),
    "a text that is none": ("return (", "SyntaxError"),
}


@pytest.fixture(params=["waiting", "at once"], scope="module")
def client(request: pytest.FixtureRequest) -> Iterator[SpawnerClient]:
    """Gives only children of the one kind."""
    ahead = request.param == "waiting"
    with SpawnerClient(SpawnerSettings(pool=1 if ahead else 0)) as made:
        made.probe()
        yield made


@pytest.fixture
def child(client: SpawnerClient) -> Iterator[SandboxChild]:
    ahead = bool(client._settings.pool)
    while (taken := client.acquire(20)).prestarted != ahead:
        client.kill(taken)
        taken.close()
        time.sleep(0.5)  # so that the pool is filled again
    yield taken
    client.kill(taken)
    taken.close()


class OtherEcho(Echo):
    """Answers as `Echo`, to scripts in the world of MongoDB."""

    def script_parameters(self, parameters: Any) -> Any:
        return '{"n": {"$numberLong": "7"}}'


@pytest.mark.parametrize("name", SAME)
def test_a_script_finds_the_same(child: SandboxChild, name: str) -> None:
    text, line = SAME[name]
    seen = Recorder()
    runner = ScriptRunner(Echo(EchoDatabase()), lambda: child.channel)
    outcome = cast("ScriptOutcome", runner.run(make_job(text), seen, seen))
    assert outcome.row_count == 1
    assert [row.decode() for row in seen.lines] == [line]


@pytest.mark.parametrize("name", FAILING)
def test_a_script_fails_the_same(child: SandboxChild, name: str) -> None:
    text, message = FAILING[name]
    seen = Recorder()
    with pytest.raises(ExecutionError, match=re.escape(message)) as caught:
        ScriptRunner(Echo(EchoDatabase()), lambda: child.channel).run(make_job(text), seen, seen)
    if message.startswith("TypeError"):
        assert (caught.value.detail["line"], caught.value.detail["column"]) == ("1", "6")


def test_the_world_is_that_of_the_engine(child: SandboxChild) -> None:
    seen = Recorder()
    engine = OtherEcho(EchoDatabase(), MongoDBEngine().prelude)
    text = "return [typeof ObjectId, typeof db.query, String(params.n), Object.isFrozen(params)].join()"
    ScriptRunner(engine, lambda: child.channel).run(make_job(text), seen, seen)
    assert [row.decode() for row in seen.lines] == ['["function,function,7,true"]']


def test_parameters_are_those_of_the_run(child: SandboxChild) -> None:
    seen = Recorder()
    job = make_job("return [params.name, Object.keys(params).length].join()")
    job = replace(job, parameters=(NamedParameter("name", ParameterType.TEXT, "Ada"),))
    ScriptRunner(Echo(EchoDatabase()), lambda: child.channel).run(job, seen, seen)
    assert [row.decode() for row in seen.lines] == ['["Ada,1"]']


def test_a_text_is_parsed(child: SandboxChild) -> None:
    parser = Parser(socket.socket(fileno=child.channel))
    try:
        assert parser.parse("return 1", 10) is None
        found = parser.parse("let a = 1;\nlet a = 2;", 10)
        assert found is not None
        assert (found.line, found.column) == (2, 5)
        assert parser.parse("return 2", 10) is None
    finally:
        parser.close()
