"""The spawner: its probe, its pool, and that nothing outlives it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from executors.base import Refused, Unreachable
from executors.sandbox.client import SpawnerClient, SpawnerSettings
from executors.script import handover, modules

pytestmark = pytest.mark.sandbox


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def waiting(sandbox: SpawnerClient) -> int:
    """How many children of the spawner live; before a test takes one, all of them wait in its pool."""
    sandbox.probe()
    assert sandbox._process is not None
    spawner = sandbox._process.pid
    return sum(map(alive, map(int, Path(f"/proc/{spawner}/task/{spawner}/children").read_text().split())))


def soon(condition: Callable[[], bool]) -> bool:
    by = time.monotonic() + 20
    while not condition() and time.monotonic() < by:
        time.sleep(0.02)
    return condition()


def test_every_layer_is_found_here(sandbox: SpawnerClient) -> None:
    assert set(sandbox.probe().values()) == {True}


def test_a_missing_layer_refuses_scripts() -> None:
    with SpawnerClient() as client:
        client.probe()
        client._layers["seccomp"] = "not in this kernel"
        with pytest.raises(Refused, match="seccomp: not in this kernel"):
            client.acquire(5)


def test_the_pool_is_refilled_and_never_reused() -> None:
    with SpawnerClient() as client:
        assert soon(lambda: waiting(client) >= 2)
        children = [client.acquire(5) for _ in range(4)]
        for child in children:
            client.kill(child)
            child.close()
        assert len({child.pid for child in children}) == 4
        assert [child.prestarted for child in children][:2] == [True, True]
        assert soon(lambda: not any(alive(child.pid) for child in children))


def test_children_are_bounded() -> None:
    with SpawnerClient(SpawnerSettings(pool=0, most=1)) as client:
        first = client.acquire(5)
        with pytest.raises(Unreachable, match="too many"):
            client.acquire(5)
        first.close()


@pytest.mark.parametrize("end", ["close", "kill"])
def test_nothing_outlives_the_spawner(end: str) -> None:
    client = SpawnerClient()
    child = client.acquire(5)
    assert client._process is not None
    if end == "kill":
        os.kill(client._process.pid, signal.SIGKILL)
    else:
        client.close()
    assert soon(lambda: not alive(child.pid))
    client.close()
    child.close()


def test_a_killed_spawner_is_replaced(sandbox: SpawnerClient) -> None:
    sandbox.probe()
    assert sandbox._process is not None
    os.kill(sandbox._process.pid, signal.SIGKILL)
    sandbox._process.wait()
    child = sandbox.acquire(5)
    assert alive(child.pid)
    sandbox.kill(child)
    child.close()


def test_a_run_without_a_child_is_refused() -> None:
    with pytest.raises(Refused):
        handover.receive()


@pytest.mark.parametrize("name", modules.available())
def test_vendored_modules_are_the_locked_ones(name: str) -> None:
    assert modules.source(name)
