"""The log as lines of JSON, as `verify_evidence.py` reads it: entries in their order, each checkpoint behind its last.

One form and no other: sorted keys, no spaces, UTF-8; `data` is the text that was hashed.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import connection

from audit.models import Archive, AuditLog, Checkpoint

PIECE = 500
ENTRIES = """
SELECT seq, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at,
    coalesce(actor_id::text, '') AS actor, actor_label, action, subject_kind, subject_id, subject_label, data,
    encode(previous_hash, 'hex') AS previous_hash, encode(hash, 'hex') AS hash
FROM audit_logs WHERE {condition} ORDER BY seq {limit}
"""


def canonical(value: object) -> str:
    """The one form."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def checkpoint_line(checkpoint: Checkpoint) -> str:
    """A checkpoint with its signature, and the end of the line."""
    signature = bytes(checkpoint.signature).hex()
    return f'{{"checkpoint":{checkpoint.body},"signature":"{signature}"}}\n'


def entry_line(entry: Mapping[str, Any], proof: Mapping[str, Any] | None = None) -> str:
    """An entry as `entries_where` gives it, and the end of the line."""
    return canonical({"entry": entry, **({} if proof is None else {"proof": proof})}) + "\n"


def entries_where(
    condition: str, values: Sequence[int | str | list[int]], *, most: int | None = None
) -> list[dict[str, Any]]:
    """Entries as they are written in lines, oldest first. `condition` is SQL of ours over `audit_logs`."""
    limit = "" if most is None else f"LIMIT {most:d}"
    with connection.cursor() as cursor:
        cursor.execute(ENTRIES.format(condition=condition, limit=limit), values)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def archived_line(archive: Archive) -> str:
    """What a log begins with whose first entries were archived: up to which, the checkpoint that ends among them, and
    the hashes behind that."""
    point = archive.point
    checkpoint = point and {"checkpoint": point.facts, "signature": bytes(point.signature).hex()}
    said = {"checkpoint": checkpoint, "hashes": [leaf.hex() for leaf in archive.hashes], "last": archive.last}
    return canonical({"archived": said}) + "\n"


def whole_log(*, end: int = 0) -> Iterator[str]:
    """Every line up to now, or up to entry `end`; each piece is read by itself, and nothing is held in between."""
    newest, archive = AuditLog.objects.first(), Archive.objects.first()
    end, seq = end or (newest.seq if newest else 0), 0
    known = 0
    if archive is not None:
        yield archived_line(archive)
        seq, known = archive.last, archive.point.number if archive.point else 0
    points = checkpoints(after=known)
    point = next(points, None)
    while seq < end:
        for entry in entries_where("seq > %s AND seq <= %s", [seq, end], most=PIECE):
            yield entry_line(entry)
            seq = entry["seq"]
            while point is not None and point.seq == seq:
                yield checkpoint_line(point)
                point = next(points, None)


def checkpoints(*, after: int = 0) -> Iterator[Checkpoint]:
    """Every checkpoint behind number `after`, the first one first."""
    number = after
    while found := list(Checkpoint.objects.filter(number__gt=number).order_by("number")[:PIECE]):
        yield from found
        number = found[-1].number
