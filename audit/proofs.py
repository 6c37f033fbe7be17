"""Entries about one thing, each with the proof that a signed checkpoint covers it."""

from __future__ import annotations

from collections.abc import Iterator

from audit.lines import checkpoint_line, entries_where, entry_line
from audit.log import Subject
from audit.merkle import paths
from audit.models import Archive, AuditLog, Checkpoint

ABOUT = "subject_kind = %s AND subject_id = %s AND seq <= %s"


def entries_about(subject: Subject) -> list[int]:
    """The numbers of the entries about it up to now, in their order."""
    about = AuditLog.objects.filter(subject_kind=subject.kind, subject_id=subject.id)
    return list(about.order_by("seq").values_list("seq", flat=True))


def lines_about(subject: Subject, up_to: int) -> Iterator[str]:
    """The entries about it up to one that a checkpoint covers, in their order, each with its proof; behind them, in
    theirs, the checkpoints that they are proven by."""
    found = entries_where(ABOUT, [subject.kind, subject.id, up_to])
    used: list[Checkpoint] = []
    while found:
        point = _covering(found[0]["seq"])
        used.append(point)
        covered = [entry for entry in found if entry["seq"] <= point.seq]
        found = found[len(covered) :]
        first = point.facts["first"]
        ways = paths(_leaves(first, point.seq), [entry["seq"] - first for entry in covered])
        for entry, way in zip(covered, ways, strict=True):
            yield entry_line(entry, {"checkpoint": point.number, "path": [step.hex() for step in way]})
    yield from map(checkpoint_line, used)


def _covering(seq: int) -> Checkpoint:
    return Checkpoint.objects.filter(seq__gte=seq).order_by("seq", "number")[0]


def _leaves(first: int, last: int) -> list[bytes]:
    hashes = AuditLog.objects.filter(seq__gte=first, seq__lte=last).order_by("seq").values_list("hash", flat=True)
    archive = Archive.objects.first()
    archived = [] if archive is None or first > archive.last else archive.hashes[first - archive.last - 1 :]
    return [*archived, *(bytes(leaf) for leaf in hashes)]
