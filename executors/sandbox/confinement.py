"""What a confined process may do, applied to the calling process just before it becomes the program.

Only for a process with a single thread that is about to call `execve`: a freshly forked child of the spawner.
Every layer is one function that raises `OSError` when the kernel does not have it.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from executors.sandbox import syscalls

# Numbers of prctl, as its manual page names them.
_PR_SET_PDEATHSIG = 1
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2

# unshare(2): user, network, System V IPC and host name. A process namespace would need a second fork.
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_CLONE_NEWIPC = 0x08000000
_CLONE_NEWUTS = 0x04000000
_CLONE_THREAD = 0x00010000

# Landlock's rights and versions.
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_FILE_RIGHTS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15}
_RULE_PATH_BENEATH = 1
_ABI_WITH_NETWORK = 4
_ABI_WITH_SCOPES = 6
_NET_TCP = 0b11
_SCOPE_SIGNAL_AND_ABSTRACT_SOCKET = 0b11

# BPF instructions, and what a seccomp filter may answer.
_RET_KILL_PROCESS = 0x80000000
_RET_ERRNO = 0x00050000
_RET_ALLOW = 0x7FFF0000
_LOAD_WORD = 0x20
_JUMP_EQUAL = 0x15
_JUMP_GREATER_EQUAL = 0x35
_JUMP_BITS = 0x45
_RETURN = 0x06
_OFFSET_NR, _OFFSET_ARCH, _OFFSET_ARG0 = 0, 4, 16
_X32_BIT = 0x40000000
_EPERM, _ENOSYS = 1, 38

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """Resources of one confined process. Bytes, seconds of processor time, number of open files.

    Address space is not limited: V8 reserves tens of gigabytes of it. Private memory is.
    """

    data: int = 320 * 1024 * 1024
    processor_seconds: int = 900
    open_files: int = 32


def _check(result: int, what: str) -> int:
    """The result of a system call, or `OSError` naming the layer."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def die_with_parent() -> None:
    """Be killed when the spawner ends. Set after `unshare`, which may clear it."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "parent death signal")


def no_new_privileges() -> None:
    """Give up gaining privileges through `execve` for good."""
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


def enter_namespaces() -> None:
    """Leave the host's users, network, IPC and host name behind; the new network has no interface that is up."""
    _check(_libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC | _CLONE_NEWUTS), "namespaces")


def limit_resources(limits: ResourceLimits) -> None:
    """Bound memory, processor time and files; refuse to write any file, lock memory or leave a core dump."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    seconds = limits.processor_seconds
    for what, value in (
        (resource.RLIMIT_CORE, (0, 0)),
        (resource.RLIMIT_FSIZE, (0, 0)),
        (resource.RLIMIT_MEMLOCK, (0, 0)),
        (resource.RLIMIT_MSGQUEUE, (0, 0)),
        (resource.RLIMIT_DATA, (limits.data, limits.data)),
        (resource.RLIMIT_NOFILE, (limits.open_files, limits.open_files)),
        (resource.RLIMIT_CPU, (seconds, seconds + 1)),
    ):
        resource.setrlimit(what, _lowered(what, value))


def _lowered(what: int, value: tuple[int, int]) -> tuple[int, int]:
    """`value`, or what is already lower: the spawner may have limited a child it hands out at once."""
    _, hard = resource.getrlimit(what)
    return value if hard == resource.RLIM_INFINITY else (min(value[0], hard), min(value[1], hard))


# --- Landlock --------------------------------------------------------------------------------------


@cache
def landlock_abi() -> int:
    """The version of Landlock this kernel has. Raises `OSError` if it has none."""
    return _check(
        _libc.syscall(ctypes.c_long(syscalls.LANDLOCK_CREATE_RULESET), None, ctypes.c_size_t(0), ctypes.c_uint32(1)),
        "Landlock",
    )


def _handled_file_rights() -> int:
    return int((1 << _FILE_RIGHTS_BY_ABI.get(landlock_abi(), 16)) - 1)


def landlock_ruleset(*, executable: Sequence[Path], readable: Sequence[Path]) -> int:
    """A file descriptor of rules that allow these files and nothing else: no directory, no write, no TCP.

    Made once by the spawner and used for every child. Raises `OSError` without Landlock or when a file is missing.
    """
    abi = landlock_abi()
    attributes = struct.pack(
        "QQQ",
        _handled_file_rights(),
        _NET_TCP if abi >= _ABI_WITH_NETWORK else 0,
        _SCOPE_SIGNAL_AND_ABSTRACT_SOCKET if abi >= _ABI_WITH_SCOPES else 0,
    )
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    ruleset = _check(
        _libc.syscall(
            ctypes.c_long(syscalls.LANDLOCK_CREATE_RULESET),
            buffer,
            ctypes.c_size_t(len(attributes)),
            ctypes.c_uint32(0),
        ),
        "Landlock rules",
    )
    for path in executable:
        _allow(ruleset, path, _EXECUTE | _READ_FILE)
    for path in readable:
        _allow(ruleset, path, _READ_FILE)
    return ruleset


def _allow(ruleset: int, path: Path, rights: int) -> None:
    """Allow `rights` on one file."""
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", rights, handle)
        buffer = ctypes.create_string_buffer(rule, len(rule))
        _check(
            _libc.syscall(
                ctypes.c_long(syscalls.LANDLOCK_ADD_RULE),
                ctypes.c_int(ruleset),
                ctypes.c_int(_RULE_PATH_BENEATH),
                buffer,
                ctypes.c_uint32(0),
            ),
            f"Landlock rule for {path}",
        )
    finally:
        os.close(handle)


def restrict_files(ruleset: int) -> None:
    """Hold this process to a ruleset for good; needs `no_new_privileges` first."""
    _check(
        _libc.syscall(ctypes.c_long(syscalls.LANDLOCK_RESTRICT_SELF), ctypes.c_int(ruleset), ctypes.c_uint32(0)),
        "Landlock",
    )


# --- seccomp ---------------------------------------------------------------------------------------


def _instruction(code: int, if_true: int, if_false: int, operand: int) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, operand)


@cache
def seccomp_program() -> bytes:
    """The filter as BPF instructions of 8 bytes: sockets, tracing, mounts, keys, other processes … are refused.

    `recvfrom`, `sendto` and `recvmsg` stay allowed: without them Deno panics about a second into any await.
    """
    machine = syscalls.machine()
    program = [
        _instruction(_LOAD_WORD, 0, 0, _OFFSET_ARCH),
        _instruction(_JUMP_EQUAL, 1, 0, machine.audit_arch),
        _instruction(_RETURN, 0, 0, _RET_KILL_PROCESS),
        _instruction(_LOAD_WORD, 0, 0, _OFFSET_NR),
        # The x32 numbers of x86_64 would be a second door to every call below.
        _instruction(_JUMP_GREATER_EQUAL, 0, 1, _X32_BIT),
        _instruction(_RETURN, 0, 0, _RET_KILL_PROCESS),
        # clone makes threads only; a process would be one without CLONE_THREAD.
        _instruction(_JUMP_EQUAL, 0, 4, machine.clone),
        _instruction(_LOAD_WORD, 0, 0, _OFFSET_ARG0),
        _instruction(_JUMP_BITS, 0, 1, _CLONE_THREAD),
        _instruction(_RETURN, 0, 0, _RET_ALLOW),
        _instruction(_RETURN, 0, 0, _RET_ERRNO | _EPERM),
        # prlimit64 on this process only: the uid is still the portal's, whose other processes it could starve.
        _instruction(_JUMP_EQUAL, 0, 4, machine.prlimit),
        _instruction(_LOAD_WORD, 0, 0, _OFFSET_ARG0),
        _instruction(_JUMP_EQUAL, 0, 1, 0),
        _instruction(_RETURN, 0, 0, _RET_ALLOW),
        _instruction(_RETURN, 0, 0, _RET_ERRNO | _EPERM),
    ]
    for name, number in machine.denied.items():
        code = _ENOSYS if name in machine.missing else _EPERM
        program.append(_instruction(_JUMP_EQUAL, 0, 1, number))
        program.append(_instruction(_RETURN, 0, 0, _RET_ERRNO | code))
    program.append(_instruction(_RETURN, 0, 0, _RET_ALLOW))
    return b"".join(program)


def filter_system_calls() -> None:
    """Install the filter for good; needs `no_new_privileges` first."""
    program = seccomp_program()
    instructions = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(instructions))
    descriptor = ctypes.create_string_buffer(header, len(header))
    _check(_libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, descriptor, 0, 0), "seccomp")


# --- all of it -------------------------------------------------------------------------------------

LAYERS = ("resources", "namespaces", "landlock", "seccomp")


def confine(layers: frozenset[str], limits: ResourceLimits, ruleset: int | None) -> None:
    """Apply `layers` to this process, in the only order that works. Raises `OSError` if one cannot be had."""
    os.setsid()
    if "resources" in layers:
        limit_resources(limits)
    if "namespaces" in layers:
        enter_namespaces()
    die_with_parent()
    no_new_privileges()
    if "landlock" in layers and ruleset is not None:
        restrict_files(ruleset)
    if "seccomp" in layers:
        filter_system_calls()
