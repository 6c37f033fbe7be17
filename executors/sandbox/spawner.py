"""The process that starts confined children: `python -m executors.sandbox.spawner`, with a socket as standard input.

It has one thread, so it may fork; the portal's web workers have many and may not. It says one JSON message when
it is ready (what was probed) and then takes one JSON message per request, in order:

    {"do": "take", "processor_seconds": n}   → {"number", "pid", "prestarted"} and the child's channel, or {"error"}
    {"do": "release", "number": n}           → no answer: the child's group is killed

When the other end of the socket closes, everything is killed and it exits.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from typing import Any

from executors.sandbox import confinement, probes, program
from executors.sandbox.children import Children

MESSAGE_BYTES = 65536
# A new child for the pool is not started at once: its start would compete with the script just begun.
_REFILL_SECONDS = 0.3
# Compiled code needs writable pages, which the limit of a hardened child leaves no room for.
_JIT_DATA = 2 * 1024**3


class Spawner:
    """The loop around `Children`."""

    def __init__(self, requests: socket.socket, children: Children, most_children: int) -> None:
        self.requests = requests
        self.children = children
        self.most_children = most_children

    def serve(self) -> None:
        """Answer until the other end closes. While nothing is asked, the pool is filled."""
        while True:
            asked, _, _ = select.select([self.requests], [], [], self._patience())
            if not asked:
                self.children.reap()
                self.children.fill()
                continue
            message = self.requests.recv(MESSAGE_BYTES)
            if not message:
                return
            self._answer(json.loads(message))

    def _patience(self) -> float:
        """Seconds until the pool needs a look: soon when it is short, else once in a while for the dead."""
        return _REFILL_SECONDS if len(self.children.pool) < self.children.pool_size or self.children.ending else 5.0

    def _answer(self, request: dict[str, Any]) -> None:
        if request["do"] == "take":
            self._take(int(request["processor_seconds"]))
        else:
            self.children.release(int(request["number"]))

    def _take(self, processor_seconds: int) -> None:
        if len(self.children.taken) >= self.most_children:
            self._say({"error": "too many scripts are running"})
            return
        number, child, prestarted = self.children.hand_out(processor_seconds)
        reply = {"number": number, "pid": child.pid, "prestarted": prestarted}
        socket.send_fds(self.requests, [json.dumps(reply).encode()], [child.channel.fileno()])
        # Only the receiver may hold our end: the child must see end-of-file when the receiver is gone.
        child.channel.close()

    def _say(self, message: dict[str, Any]) -> None:
        self.requests.send(json.dumps(message).encode())


def _children(settings: dict[str, Any], layers: frozenset[str]) -> Children:
    """The pool for this machine, confined by the layers it has."""
    wanted = program.script_program(jit=bool(settings["jit"]))
    ruleset = None
    if "landlock" in layers:
        ruleset = confinement.landlock_ruleset(executable=wanted.executable, readable=wanted.readable)
    confinement.seccomp_program()  # each child inherits it instead of making its own
    limits = confinement.ResourceLimits(data=_JIT_DATA) if settings["jit"] else confinement.ResourceLimits()
    return Children(wanted, layers, limits, int(settings["pool"]), ruleset)


def main() -> None:
    """Probe, say what was found, serve. With a layer missing and not excused, stop after saying so."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)
    requests = socket.socket(fileno=os.dup(0))
    settings = json.loads(sys.argv[1])
    found = probes.probe()
    requests.send(json.dumps({"layers": found}).encode())
    missing = probes.missing_layers(found)
    if "deno" in missing or (missing and not settings["allow_missing"]):
        return
    children = _children(settings, frozenset(confinement.LAYERS) - missing.keys())
    try:
        children.fill()
        Spawner(requests, children, int(settings["most"])).serve()
    finally:
        children.end_all()


if __name__ == "__main__":
    main()
