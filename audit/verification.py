"""Checks the log in the database, in constant memory."""

from collections.abc import Iterator
from struct import Struct

from django.db import connection, transaction

from audit import chain, log

# A row of it in binary: how many columns, and before each its length. From the time on that is what the hash covers.
ENTRIES = """
COPY (SELECT seq, previous_hash, hash, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    coalesce(actor_id::text, ''), actor_label, action, subject_kind, subject_id, subject_label, data
FROM audit_logs ORDER BY seq) TO STDOUT (FORMAT binary)
"""
_ROW = Struct(">hiqi")
_LENGTH = Struct(">i")
_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
# Behind the signature: flags, and the length of an extension that no server sends.
_BEFORE_ROWS = len(_SIGNATURE) + 8


def verify_log() -> chain.Verdict:
    """Check every entry against the one before it and the head; one consistent snapshot."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SELECT seq, hash FROM audit_head")
            head_seq, head_hash = cursor.fetchone()
        return chain.verify(_entries(), head_seq=head_seq, head_hash=bytes(head_hash))


def verify_and_record(actor: log.Actor) -> chain.Verdict:
    """`verify_log`, and an entry that says so."""
    verdict = verify_log()
    fault = f"{verdict.fault.seq}: {verdict.fault.reason}" if verdict.fault else ""
    with transaction.atomic():
        data = {"entries": verdict.entries, "head": verdict.head.hex(), "fault": fault}
        log.append(log.Action.AUDIT_VERIFY, actor=actor, subject=log.Subject("audit", ""), data=data)
    return verdict


def _entries() -> Iterator[chain.Entry]:
    """All of them, as the server sends them: what is hashed comes as one piece, several times as fast as by fields."""
    with connection.connection.cursor() as cursor, cursor.copy(ENTRIES) as rows:
        for row in rows:
            data = bytes(row)
            entry = _entry(data[_BEFORE_ROWS:] if data.startswith(_SIGNATURE) else data)
            if entry is not None:
                yield entry


def _entry(row: bytes) -> chain.Entry | None:
    """The entry of a row; None of what only marks the beginning or the end."""
    if len(row) < _ROW.size:
        return None
    _, _, seq, length = _ROW.unpack_from(row)
    previous = _ROW.size + length
    (length,) = _LENGTH.unpack_from(row, previous)
    end = previous + _LENGTH.size + length
    return chain.Entry(seq, row[end:], row[_ROW.size : previous], row[previous + _LENGTH.size : end])
