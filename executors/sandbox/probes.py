"""Which layers of confinement this machine really has: each is put on a child process, which then tries to break it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

from executors.sandbox import confinement
from executors.sandbox.confinement import ResourceLimits
from executors.sandbox.program import script_program

# True, or why the layer is missing.
Probe = dict[str, bool | str]

_MEBIBYTE = 1024 * 1024


def probe() -> Probe:
    """Every layer of `confinement.LAYERS`, and `deno`. Forks: call it where there is a single thread."""
    checks: dict[str, Callable[[], None]] = {
        "resources": _resources,
        "namespaces": _namespaces,
        "landlock": _landlock,
        "seccomp": _seccomp,
    }
    found: Probe = {name: _in_child(check) for name, check in checks.items()}
    found["deno"] = _deno()
    return found


def missing_layers(found: Probe) -> dict[str, str]:
    """The layers a probe did not find, and why."""
    return {name: str(reason) for name, reason in found.items() if reason is not True}


def _deno() -> bool | str:
    try:
        script_program()
    except (OSError, ValueError) as error:
        return f"no Deno: {error}"
    return True


def _in_child(check: Callable[[], None]) -> bool | str:
    """Run `check` in a forked child; its error text, or True."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _report(check, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as answers:
        answer = answers.read().decode(errors="replace")
    os.waitpid(child, 0)
    return True if answer == "ok" else answer or "the probe was killed"


def _report(check: Callable[[], None], writer: int) -> None:
    """In the child: run the check, write how it went, and end without any clean-up of the parent's."""
    try:
        check()
        text = "ok"
    except BaseException as error:  # noqa: BLE001 - a forked child must never return into the parent's code
        text = str(error) or type(error).__name__
    os.write(writer, text.encode()[:4000])
    os._exit(0)


def _resources() -> None:
    confinement.limit_resources(ResourceLimits(data=64 * _MEBIBYTE))
    try:
        bytearray(128 * _MEBIBYTE)
    except MemoryError:
        return
    raise OSError("memory is not limited")


def _namespaces() -> None:
    before = str(Path("/proc/self/ns/net").readlink())
    confinement.enter_namespaces()
    if str(Path("/proc/self/ns/net").readlink()) == before:
        raise OSError("the network namespace did not change")


def _landlock() -> None:
    confinement.no_new_privileges()
    confinement.restrict_files(confinement.landlock_ruleset(executable=(), readable=(Path("/dev/null"),)))
    with Path("/dev/null").open("rb"):
        pass
    try:
        list(Path("/").iterdir())
    except PermissionError:
        return
    raise OSError("files are still open to the process")


def _seccomp() -> None:
    confinement.no_new_privileges()
    confinement.filter_system_calls()
    try:
        socket.socket().close()
    except PermissionError:
        return
    raise OSError("system calls are not filtered")
