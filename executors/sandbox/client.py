"""The portal's side of the spawner: acquire a confined child, kill it, and know why scripts are refused."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from executors.base import Refused, Unreachable
from executors.sandbox.probes import Probe, missing_layers
from executors.sandbox.spawner import MESSAGE_BYTES

_ROOT = Path(__file__).resolve().parent.parent.parent
_START_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class SpawnerSettings:
    """`pool` children wait pre-started, `most` may be taken at once, one of them to parse. `allow_missing` is the
    operator's word that scripts may run though a layer of the sandbox is not there. `jit` is for measurements only."""

    pool: int = 2
    most: int = 9
    allow_missing: bool = False
    jit: bool = False


@dataclass(frozen=True, slots=True)
class SandboxChild:
    """A confined process taken for one script. `channel` is the file descriptor of our end of its private socket."""

    number: int
    pid: int
    prestarted: bool
    channel: int

    def close(self) -> None:
        """Close our end of the channel, if it is still open."""
        with suppress(OSError):
            os.close(self.channel)


class SpawnerClient:
    """One spawner process, started when first needed and again if it died. Safe to share between threads."""

    def __init__(self, settings: SpawnerSettings | None = None) -> None:
        self._settings = settings or SpawnerSettings()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._layers: Probe = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def probe(self) -> Probe:
        """Each layer of the sandbox: True, or why it is missing. Starts the spawner."""
        with self._lock:
            self._ready()
            return dict(self._layers)

    def acquire(self, seconds: float) -> SandboxChild:
        """A child for a script that may run `seconds`. Raises `Refused` without a sandbox, `Unreachable` when busy."""
        request = {"do": "take", "processor_seconds": max(2, int(seconds) + 2)}
        with self._lock:
            channel = self._ready()
            self._refuse_without_sandbox()
            try:
                reply, descriptors = _ask(channel, request)
            except OSError:
                # The spawner was killed: one more is started, once.
                self._stop()
                reply, descriptors = _ask(self._ready(), request)
        if not descriptors:
            raise Unreachable(f"No sandbox for the script: {reply.get('error', 'the spawner gave none')}.")
        return SandboxChild(reply["number"], reply["pid"], reply["prestarted"], descriptors[0])

    def kill(self, child: SandboxChild) -> None:
        """Have the child's process group killed; nobody waits for it. Without its spawner it is dead already."""
        with self._lock:
            if self._socket is None:
                return
            try:
                _tell(self._socket, {"do": "release", "number": child.number})
            except OSError:
                self._stop()

    def forget(self) -> None:
        """Let go of a spawner that belongs to the process this one was forked from."""
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            self._process.returncode = 0  # not our child: never wait for it, never warn about it
        self._socket = self._process = None

    def close(self) -> None:
        """End the spawner and with it every child."""
        with self._lock:
            self._stop()

    def _refuse_without_sandbox(self) -> None:
        missing = missing_layers(self._layers)
        if missing and ("deno" in missing or not self._settings.allow_missing):
            reasons = "; ".join(f"{name}: {reason}" for name, reason in missing.items())
            raise Refused(f"Scripts are off: this machine cannot confine them ({reasons}).")

    def _ready(self) -> socket.socket:
        """The socket of a running spawner, starting one if needed."""
        if self._socket is None or self._process is None or self._process.poll() is not None:
            self._stop()
            self._start()
        if self._socket is None:
            raise Unreachable("The script sandbox could not be started.")
        return self._socket

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "executors.sandbox.spawner", json.dumps(asdict(self._settings))],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd=_ROOT,
                # Nothing of the portal's environment: it holds credentials.
                env={"PATH": os.environ.get("PATH", os.defpath), "PYTHONDONTWRITEBYTECODE": "1"},
            )
        ours.settimeout(_START_SECONDS)
        self._socket = ours
        try:
            self._layers = json.loads(ours.recv(MESSAGE_BYTES))["layers"]
        except (OSError, ValueError):
            self._stop()

    def _stop(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._socket = self._process = None


def _tell(channel: socket.socket, request: dict[str, Any]) -> None:
    """Send one request. Raises `OSError` on a dead spawner."""
    channel.send(json.dumps(request).encode())


def _ask(channel: socket.socket, request: dict[str, Any]) -> tuple[dict[str, Any], list[int]]:
    """Send one request; its answer, and the descriptors that came along. Raises `OSError` on a dead spawner."""
    _tell(channel, request)
    message, descriptors, _, _ = socket.recv_fds(channel, MESSAGE_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
    if not message:
        raise ConnectionResetError("the spawner is gone")
    answer: dict[str, Any] = json.loads(message)
    return answer, descriptors
