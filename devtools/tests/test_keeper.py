"""No server outlives the process that asked for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from devtools import keeper

# A program that says it is there, and leaves a note when it is stopped by SIGINT.
SERVER = """
import pathlib, signal, sys, time
def stop(*_):
    pathlib.Path(sys.argv[1]).write_text("stopped")
    sys.exit(3)
signal.signal(signal.SIGINT, stop)
print("up", flush=True)
time.sleep(60)
"""


@pytest.fixture
def note(tmp_path: Path) -> Path:
    return tmp_path / "note"


def keep(note: Path) -> subprocess.Popen[bytes]:
    line = keeper.command([sys.executable, "-c", SERVER, note], stop=signal.SIGINT, user=None)
    kept = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert kept.stdout
    assert kept.stdout.readline() == b"up\n"
    return kept


def test_closing_the_pipe_stops_the_server_with_the_chosen_signal(note: Path) -> None:
    with keep(note) as kept:
        assert kept.stdin
        kept.stdin.close()
        assert kept.wait(10) == 3
    assert note.read_text() == "stopped"


@pytest.mark.parametrize("unwanted", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_of_the_terminal_do_not_reach_the_server(note: Path, unwanted: signal.Signals) -> None:
    with keep(note) as kept:
        os.kill(kept.pid, unwanted)
        time.sleep(0.1)
        assert kept.poll() is None
        assert not note.exists()
        assert kept.stdin
        kept.stdin.close()


def test_server_stops_when_its_owner_is_killed(note: Path) -> None:
    line = keeper.command([sys.executable, "-c", SERVER, note], stop=signal.SIGINT, user=None)
    owner = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess; subprocess.Popen({line!r}, stdin=subprocess.PIPE).wait()"],
        stdout=subprocess.PIPE,
    )
    with owner:
        assert owner.stdout
        assert owner.stdout.readline() == b"up\n"
        owner.kill()
    deadline = time.monotonic() + 10
    while not note.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert note.read_text() == "stopped"
