"""Archiving a month: it leaves the database as a whole, and only once a file of it was written, read back and verified.

The file holds the lines of an exported log up to the checkpoint that signs its last entry, compressed. That a month was
archived, by whom and into which file, is an entry, written in the transaction that takes its table away: interrupted at
any moment, a second run begins where the first one stood.
"""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from django.db import connection, transaction

from audit import lines, log, months
from audit.models import Archive, AuditLog, Checkpoint
from audit.publishing import forwarding
from audit.verification import verify_log

MONTHS = """
SELECT relname::text, month, month + interval '1 month' FROM (
    SELECT relname, to_timestamp(right(relname, 7) || ' +00', 'YYYY_MM TZH') AS month
    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'audit_logs'::regclass AND relname ~ '^audit_logs_\\d{4}_\\d\\d$') AS months
WHERE month < %s AND month < date_trunc('month', clock_timestamp(), 'UTC') ORDER BY month
"""
# What a partition loses when it is one no more.
KEPT = """
CREATE TRIGGER audit_rows_stay BEFORE INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER audit_rows_stay;
ALTER TABLE {table} ENABLE ALWAYS TRIGGER audit_table_stays;
ALTER TABLE {table} ALTER at DROP DEFAULT
"""
# Whoever waits for the log keeps everybody waiting who writes.
PATIENCE = "SET LOCAL lock_timeout = '5s'"
UNFINISHED = ".part"
OWNER_ONLY = 0o600


class Unarchived(Exception):
    """Why a month cannot be archived, in a sentence."""


@dataclass(frozen=True, slots=True)
class Month:
    """A month that is over: its table, its entries, and the checkpoint that signs the last of them."""

    table: str
    ends_at: dt.datetime
    first: int
    last: int
    head: bytes
    checkpoint: Checkpoint

    @property
    def name(self) -> str:
        """As people write it."""
        return self.table.removeprefix("audit_logs_").replace("_", "-")

    @property
    def filename(self) -> str:
        """What its archive is called."""
        return f"audit-{self.name}.jsonl.gz"


def months_before(moment: dt.datetime) -> Iterator[Month]:
    """The months with entries that ended by then, oldest first. Raises Unarchived at one not signed or not sent."""
    with connection.cursor() as cursor:
        cursor.execute(MONTHS, [moment])
        found = cursor.fetchall()
    yield from filter(None, (_month(*one) for one in found))


def verify() -> None:
    """Every entry into its month. Raises Unarchived where the log does not hold: nothing of it is taken away then."""
    months.make_due()
    fault = verify_log().fault
    if fault is not None:
        raise Unarchived(f"Entry {fault.seq} is bad: {fault.reason}. Nothing is archived.")


def archive(month: Month, folder: Path, *, by: str, keep: bool = False) -> Path:
    """Write the file of the oldest month, read it back, and take its table out of the log.

    Raises Unarchived, OSError; nothing was taken away then.
    """
    before = Archive.objects.first()
    if month.first != (before.last if before else 0) + 1:
        raise Unarchived(f"{month.name} does not begin where what was archived ends. Nothing is archived.")
    path = folder / month.filename
    if not path.exists():
        _write(month, path)
    _sync(folder)
    digest = _read_back(month, path)
    _take_away(month, path, digest, by=by, keep=keep)
    return path


def _month(table: str, begins: dt.datetime, ends: dt.datetime) -> Month | None:
    entries = AuditLog.objects.filter(at__gte=begins, at__lt=ends)
    first, last = entries.order_by("seq").first(), entries.order_by("-seq").first()
    if first is None or last is None:
        return None
    name = f"{begins.astimezone(dt.UTC):%Y-%m}"
    point = Checkpoint.objects.filter(seq__gte=last.seq).order_by("number").first()
    if point is None:
        raise Unarchived(f"No checkpoint signs the last entry of {name}: maintain has to run, with PORTAL_AUDIT_KEY.")
    behind = [place for place, sent in forwarding.taken().items() if sent < last.seq]
    if behind:
        raise Unarchived(f"Entries of {name} did not reach {behind[0]} yet.")
    return Month(table, ends, first.seq, last.seq, bytes(last.hash), point)


def _lines(month: Month) -> Iterator[bytes]:
    """Up to the checkpoint that signs its last entry, and a little into the next month with it."""
    for line in lines.whole_log(end=month.checkpoint.seq):
        yield line.encode()
        if line == lines.checkpoint_line(month.checkpoint):
            return


def _write(month: Month, path: Path) -> None:
    part = path.with_name(path.name + UNFINISHED)
    part.unlink(missing_ok=True)
    with open(part, "wb", opener=lambda name, flags: os.open(name, flags, OWNER_ONLY)) as file:
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
            for line in _lines(month):
                packed.write(line)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _read_back(month: Month, path: Path) -> str:
    """The SHA-256 of the file, which says to the byte what the log says."""
    try:
        with gzip.open(path, "rb") as file:
            same = all(ours == theirs for ours, theirs in zip_longest(_lines(month), file))
    except (OSError, EOFError, zlib.error) as error:
        raise Unarchived(f"{path} cannot be read back ({type(error).__name__}). Nothing is archived.") from error
    if not same:
        raise Unarchived(f"{path} does not say what the log says. Move it away and try again; nothing is archived.")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _take_away(month: Month, path: Path, digest: str, *, by: str, keep: bool) -> None:
    leaves = _leaves(month)
    data = {
        "by": by,
        "checkpoint": month.checkpoint.number,
        "entries": month.last - month.first + 1,
        "file": str(path),
        "first": month.first,
        "head": month.head.hex(),
        "kept": month.table if keep else "",
        "last": month.last,
        "sha256": digest,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(PATIENCE)
        cursor.execute(f"ALTER TABLE audit_logs DETACH PARTITION {month.table}")
        Archive.objects.create(
            last=month.last, first=month.first, ends_at=month.ends_at, head=month.head, leaves=leaves, file=str(path),
            sha256=digest,
        )  # fmt: skip
        subject = log.Subject("audit", month.name, month.name)
        log.append(log.Action.AUDIT_ARCHIVE, actor=log.PORTAL, subject=subject, data=data)
        cursor.execute(KEPT.format(table=month.table) if keep else f"DROP TABLE {month.table}")


def _leaves(month: Month) -> bytes:
    """The hashes up to its last entry that belong to a checkpoint which ends behind it."""
    first: int = month.checkpoint.facts["first"]
    if month.checkpoint.seq == month.last:
        return b""
    before = Archive.objects.first()
    archived = [] if before is None or first > before.last else before.hashes[first - before.last - 1 :]
    found = AuditLog.objects.filter(seq__gte=first, seq__lte=month.last).order_by("seq").values_list("hash", flat=True)
    return b"".join([*archived, *(bytes(leaf) for leaf in found)])
