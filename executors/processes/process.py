"""A process of the portal's own at the other end of a socket: started clean, watched, ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from executors.processes.frames import Channel

_ROOT = str(Path(__file__).resolve().parents[2])

# What a Python process needs to start and to resolve names; nothing of the portal's own.
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR")


class Process:
    """A process that runs `module` with its end of the socket as argument. Used by one thread at a time."""

    def __init__(self, module: str) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                env=_environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.channel = Channel(ours)
        self.usable = True

    @property
    def pid(self) -> int:
        return self.process.pid

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.usable and self.process.poll() is None

    def kill(self) -> None:
        """End the process at once."""
        self.usable = False
        with suppress(OSError):
            self.process.kill()
        self.channel.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=5)

    def forget(self) -> None:
        """Let go of a process that belongs to the one this was forked from."""
        self.usable = False
        self.channel.close()
        self.process.returncode = 0  # not our child: never wait for it, never warn about it


def _environment() -> dict[str, str]:
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**passed, "PYTHONPATH": _ROOT, "PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "2"}
