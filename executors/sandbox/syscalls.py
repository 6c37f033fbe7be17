"""System call numbers of the machines the sandbox runs on.

Source: `asm/unistd_64.h` (x86_64) and `asm-generic/unistd.h` (aarch64) of Linux 6.18. A call that a machine does not
have (aarch64 has no `fork`, `iopl` …) is absent from its table.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass

LANDLOCK_CREATE_RULESET = 444
LANDLOCK_ADD_RULE = 445
LANDLOCK_RESTRICT_SELF = 446


@dataclass(frozen=True, slots=True)
class Machine:
    """What a seccomp filter must know of a processor: audit number, `clone`, `prlimit64`, the calls to refuse."""

    audit_arch: int
    clone: int
    prlimit: int
    missing: frozenset[str]
    denied: Mapping[str, int]


# Answered with ENOSYS, so that glibc and tokio fall back to the older call instead of failing.
_ANSWERED_AS_MISSING = frozenset({"clone3", "io_uring_setup"})

_COMMON = {
    "clone3": 435,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "pidfd_open": 434,
    "pidfd_getfd": 438,
    "pidfd_send_signal": 424,
    "mount_setattr": 442,
    "memfd_secret": 447,
}

_X86_64 = {
    "socket": 41,
    "connect": 42,
    "accept": 43,
    "accept4": 288,
    "bind": 49,
    "listen": 50,
    "ptrace": 101,
    "fork": 57,
    "vfork": 58,
    "setsid": 112,
    "setpgid": 109,
    "kill": 62,
    "rt_sigqueueinfo": 129,
    "rt_tgsigqueueinfo": 297,
    "unshare": 272,
    "setns": 308,
    "mount": 165,
    "umount2": 166,
    "pivot_root": 155,
    "chroot": 161,
    "keyctl": 250,
    "add_key": 248,
    "request_key": 249,
    "bpf": 321,
    "perf_event_open": 298,
    "userfaultfd": 323,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "init_module": 175,
    "finit_module": 313,
    "delete_module": 176,
    "kexec_load": 246,
    "kexec_file_load": 320,
    "name_to_handle_at": 303,
    "open_by_handle_at": 304,
    "memfd_create": 319,
    "msgget": 68,
    "semget": 64,
    "shmget": 29,
    "mq_open": 240,
    "swapon": 167,
    "swapoff": 168,
    "reboot": 169,
    "sethostname": 170,
    "setdomainname": 171,
    "iopl": 172,
    "ioperm": 173,
    "acct": 163,
    "quotactl": 179,
    "syslog": 103,
    "personality": 135,
    "execveat": 322,
    "setuid": 105,
    "setgid": 106,
    "kcmp": 312,
    "vmsplice": 278,
    "lookup_dcookie": 212,
    "fanotify_init": 300,
    "inotify_init": 253,
    "inotify_init1": 294,
}

_AARCH64 = {
    "socket": 198,
    "connect": 203,
    "accept": 202,
    "accept4": 242,
    "bind": 200,
    "listen": 201,
    "ptrace": 117,
    "setsid": 157,
    "setpgid": 154,
    "kill": 129,
    "rt_sigqueueinfo": 138,
    "rt_tgsigqueueinfo": 240,
    "unshare": 97,
    "setns": 268,
    "mount": 40,
    "umount2": 39,
    "pivot_root": 41,
    "chroot": 51,
    "keyctl": 219,
    "add_key": 217,
    "request_key": 218,
    "bpf": 280,
    "perf_event_open": 241,
    "userfaultfd": 282,
    "process_vm_readv": 270,
    "process_vm_writev": 271,
    "init_module": 105,
    "finit_module": 273,
    "delete_module": 106,
    "kexec_load": 104,
    "kexec_file_load": 294,
    "name_to_handle_at": 264,
    "open_by_handle_at": 265,
    "memfd_create": 279,
    "msgget": 186,
    "semget": 190,
    "shmget": 194,
    "mq_open": 180,
    "swapon": 224,
    "swapoff": 225,
    "reboot": 142,
    "sethostname": 161,
    "setdomainname": 162,
    "acct": 89,
    "quotactl": 60,
    "syslog": 116,
    "personality": 92,
    "execveat": 281,
    "setuid": 146,
    "setgid": 144,
    "kcmp": 272,
    "vmsplice": 75,
    "lookup_dcookie": 18,
    "fanotify_init": 262,
    "inotify_init1": 26,
}

MACHINES: Mapping[str, Machine] = {
    "x86_64": Machine(0xC000003E, 56, 302, _ANSWERED_AS_MISSING, {**_COMMON, **_X86_64}),
    "aarch64": Machine(0xC00000B7, 220, 261, _ANSWERED_AS_MISSING, {**_COMMON, **_AARCH64}),
}


def machine() -> Machine:
    """The tables of this processor. Raises `OSError` on one the sandbox does not know."""
    name = platform.machine()
    if name not in MACHINES:
        raise OSError(f"the script sandbox does not support this processor ({name})")
    return MACHINES[name]
