"""Starting, keeping and ending confined children. Used by the spawner only: it forks, so it must have one thread."""

from __future__ import annotations

import os
import resource
import signal
import socket
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

from executors.sandbox import confinement
from executors.sandbox.confinement import ResourceLimits
from executors.sandbox.program import ENVIRONMENT, Program, greeting

_START_FAILED = 126
_EARLY_DEATHS = 3


@dataclass(slots=True)
class Child:
    """One confined process, leader of its own group. `channel` is our end until it is handed over."""

    pid: int
    channel: socket.socket
    status: int | None = None


@dataclass(slots=True)
class Children:
    """All children of a spawner: those waiting in the pool, and those handed out, by number."""

    program: Program
    layers: frozenset[str]
    limits: ResourceLimits
    pool_size: int
    ruleset: int | None
    pool: deque[Child] = field(default_factory=deque)
    taken: dict[int, Child] = field(default_factory=dict)
    ending: list[Child] = field(default_factory=list)
    counter: int = 0
    early_deaths: int = 0
    _ahead: bytes = field(default_factory=lambda: greeting(ahead=True))
    _at_once: bytes = field(default_factory=lambda: greeting(ahead=False))

    def fill(self) -> None:
        """Start children until the pool is full. Gives up after three that died before anybody took them."""
        while len(self.pool) < self.pool_size and self.early_deaths < _EARLY_DEATHS:
            self.pool.append(self._start(self._ahead))

    def hand_out(self, processor_seconds: int) -> tuple[int, Child, bool]:
        """A child nobody has used: its number, itself, and whether it was waiting in the pool."""
        self.early_deaths = 0
        self.reap()
        prestarted = bool(self.pool)
        child = self.pool.popleft() if prestarted else self._start(self._at_once)
        with suppress(OSError):
            resource.prlimit(child.pid, resource.RLIMIT_CPU, (processor_seconds, processor_seconds + 1))
        self.counter += 1
        self.taken[self.counter] = child
        return self.counter, child, prestarted

    def release(self, number: int) -> None:
        """Kill a child's whole group. Its memory is given back while nobody waits: `reap` collects it."""
        child = self.taken.pop(number, None)
        if child is not None and not _collect(child):
            _kill(child)
            self.ending.append(child)

    def reap(self) -> None:
        """Collect children that ended; a dead one leaves the pool."""
        for child in list(self.pool):
            if _collect(child):
                self.pool.remove(child)
                child.channel.close()
                self.early_deaths += 1
        for child in self.taken.values():
            _collect(child)
        self.ending = [child for child in self.ending if not _collect(child)]

    def end_all(self) -> None:
        """Kill everything."""
        for child in (*self.pool, *self.taken.values(), *self.ending):
            child.channel.close()
            if not _collect(child):
                _kill(child)
                os.waitpid(child.pid, 0)

    def _start(self, greeting: bytes) -> Child:
        ours, theirs = socket.socketpair()
        # It fits what a socket holds: nobody reads yet.
        ours.sendall(greeting)
        spawner = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_program(theirs, spawner)
        theirs.close()
        return Child(pid, ours)

    def _become_program(self, channel: socket.socket, spawner: int) -> None:
        """In the forked child: channel as standard input and output, nothing else open, confined, then the program."""
        try:
            os.chdir("/")
            quiet = os.open(os.devnull, os.O_WRONLY)
            for source, target in ((channel.fileno(), 0), (channel.fileno(), 1), (quiet, 2)):
                os.dup2(source, target)
            for name in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGCHLD):
                signal.signal(name, signal.SIG_DFL)
            signal.set_wakeup_fd(-1)
            confinement.confine(self.layers, self.limits, self.ruleset)
            if os.getppid() != spawner:  # it died before the kernel was told to end us with it
                os._exit(_START_FAILED)
            os.execve(self.program.command[0], self.program.command, dict(ENVIRONMENT))  # noqa: S606 - no shell is meant
        finally:
            os._exit(_START_FAILED)


def _collect(child: Child) -> bool:
    """Whether the child has ended; its wait status is kept."""
    if child.status is None:
        pid, status = os.waitpid(child.pid, os.WNOHANG)
        if pid:
            child.status = status
    return child.status is not None


def _kill(child: Child) -> None:
    """Kill a child that was not collected yet: its number is still its own."""
    for kill in (os.killpg, os.kill):  # before it called setsid a child is not yet the leader of a group
        with suppress(ProcessLookupError):
            kill(child.pid, signal.SIGKILL)
