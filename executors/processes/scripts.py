"""The sandbox for scripts, owned by the web worker: one spawner a process, one confined child a script.

The child's channel goes to the helper that runs the script's database calls; the child is killed from here, by its
group, however the run ends.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from executors.base import Job, Language
from executors.sandbox.client import SandboxChild, SpawnerClient, SpawnerSettings
from executors.sandbox.probes import Probe

_clients: dict[int, SpawnerClient] = {}
_settings = SpawnerSettings()
_lock = threading.Lock()


def configure(settings: SpawnerSettings) -> None:
    """Use `settings` for the spawner of this process and of those forked from it, ending one that runs."""
    global _settings  # noqa: PLW0603 - the operator's word, given once at start-up
    _settings = settings
    close()


def probe() -> Probe:
    """Each layer of the sandbox: True, or why it is missing. Starts the spawner, so that the first script need not."""
    return _client().probe()


@contextmanager
def child_for(job: Job) -> Iterator[int | None]:
    """The channel of a fresh child for a script, killed at the end; None for any other language.

    Raises `Refused` where this machine cannot confine it, `Unreachable` when too many run.
    """
    if job.language is not Language.SCRIPT:
        yield None
        return
    child = take(job.limits.seconds)
    try:
        yield child.channel
    finally:
        kill(child)
        child.close()


def take(seconds: float) -> SandboxChild:
    """A fresh child that may compute for `seconds`, to be killed and closed by its taker. Raises as `child_for`."""
    return _client().acquire(seconds)


def kill(child: SandboxChild) -> None:
    """End a child and all that it started."""
    _client().kill(child)


def close() -> None:
    """End the spawner of this process, and with it every child."""
    with _lock:
        client = _clients.pop(os.getpid(), None)
    if client:
        client.close()


def _client() -> SpawnerClient:
    """The spawner of this process: a fork must not speak to its parent's."""
    with _lock:
        return _clients.setdefault(os.getpid(), SpawnerClient(_settings))


def _after_fork() -> None:
    global _lock  # noqa: PLW0603 - another thread of the parent may have held it
    _lock = threading.Lock()
    for client in _clients.values():
        client.forget()
    _clients.clear()


os.register_at_fork(after_in_child=_after_fork)
