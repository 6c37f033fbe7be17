"""Checks the log in the database, in constant memory."""

from collections.abc import Iterator
from struct import Struct

from django.db import connection, transaction

from audit import chain, log

# A row of it in binary: how many columns, and before each its length. From the time on that is what the hash covers.
# What is done for each entry is done a million times: one piece of it is read, and looked into once.
ENTRIES = """
COPY (SELECT seq, previous_hash, hash, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    coalesce(actor_id::text, ''), actor_label, action, subject_kind, subject_id, subject_label, data
FROM audit_logs ORDER BY seq) TO STDOUT (FORMAT binary)
"""
_ROW = Struct(">hiqi32si32s")
# One whose hashes are none, which only the table's owner can have written, comes without any.
_BEGINNING = Struct(">hiq")
_HASH_LENGTH = 32
_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
# Behind the signature: flags, and the length of an extension that no server sends.
_BEFORE_ROWS = len(_SIGNATURE) + 8
# Instead of a row: that there are no more.
_END = b"\xff\xff"


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


def _entries() -> Iterator[tuple[int, bytes, bytes, bytes]]:
    """All of them, as the server sends them: what is hashed comes as one piece, several times as fast as by fields."""
    size, unpack, whole = _ROW.size, _ROW.unpack_from, (_HASH_LENGTH, _HASH_LENGTH)
    with connection.connection.cursor() as cursor, cursor.copy(ENTRIES) as rows:
        begin = _BEFORE_ROWS
        for row in rows:
            data = bytes(row)
            if begin:
                data, begin = data[begin:], 0
            if len(data) >= size:
                _, _, seq, before, previous_hash, own, entry_hash = unpack(data)
                yield (seq, data[size:], previous_hash, entry_hash) if (before, own) == whole else (seq, b"", b"", b"")
            elif len(data) > len(_END):
                yield (_BEGINNING.unpack_from(data)[2], b"", b"", b"")
