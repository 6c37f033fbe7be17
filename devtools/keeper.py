"""Runs one server and stops it when whoever asked for it is gone.

`python keeper.py SIGNAL [--user UID:GID] PROGRAM ARG…` starts PROGRAM in a session of its own, so that Ctrl-C in a
terminal does not reach it, and waits for the end of its own standard input. The parent holds the other end of
that pipe: closing it, or dying in any way at all (`kill -9` included), stops the server with SIGNAL.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# PostgreSQL and mongod flush and exit in well under a second here; this is for a machine that is swapping.
PATIENCE_SECONDS = 30.0
POLL_SECONDS = 0.2


def command(program: Sequence[str | Path], *, stop: signal.Signals, user: tuple[int, int] | None) -> list[str]:
    """The command line that keeps `program`, stopped with `stop` and run as `user` (uid, gid)."""
    who = ["--user", f"{user[0]}:{user[1]}"] if user else []
    return [sys.executable, "-I", __file__, stop.name, *who, *map(str, program)]


def _abandoned() -> bool:
    """Whether standard input has ended, waiting `POLL_SECONDS` for it at most."""
    readable, _, _ = select.select([sys.stdin], [], [], POLL_SECONDS)
    return bool(readable) and os.read(sys.stdin.fileno(), 1) == b""


def main(arguments: Sequence[str]) -> int:
    """Keep one program; the exit status is the program's own."""
    stop, *program = arguments
    uid = gid = None
    if program[0] == "--user":
        uid, gid = (int(part) for part in program[1].split(":"))
        program = program[2:]
    for unwanted in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(unwanted, signal.SIG_IGN)
    child = subprocess.Popen(
        program,
        stdin=subprocess.DEVNULL,
        user=uid,
        group=gid,
        extra_groups=[] if uid is not None else None,
        start_new_session=True,
        restore_signals=True,
    )
    while child.poll() is None:
        if _abandoned():
            child.send_signal(signal.Signals[stop])
            try:
                child.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
