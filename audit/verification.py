"""Checks the log in the database, in constant memory: every entry, and the checkpoints signed of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from django.db import connection, transaction

from audit import chain, entries, keys, log
from audit.checkpoints import GENESIS, signed_content
from audit.lines import canonical
from audit.models import Archive, AuditLog, Checkpoint


@dataclass(frozen=True, slots=True)
class Begin:
    """Where a check begins: behind a checkpoint up to which an earlier one found that everything holds, or behind what
    was archived. `leaves` are the hashes before it that the checkpoint covers that comes next."""

    number: int = 0
    place: chain.Place = chain.BEGINNING
    hash: str = GENESIS
    leaves: Sequence[bytes] = ()
    fault: str = ""


def verify_log(*, resume: bool = False) -> chain.Verdict:
    """Check every entry against the one before it, the checkpoints and the head; one consistent snapshot.

    `resume`: only what came after the last checkpoint up to which an earlier check, which the log tells of, found that
    everything holds. What stands before it is taken to be as it was then.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        archive = Archive.objects.first()
        archived = _behind(archive) if archive else Begin()
        begin = max(_last_verified() if resume else Begin(), archived, key=lambda found: found.place.seq)
        points = Checkpoint.objects.filter(number__gt=begin.number).order_by("number")
        read, fault = _points(points.iterator(), begin)
        head = entries.head()
        # A fault leaves the rest unread.
        with closing(entries.stream(after=begin.place.seq)) as rows:
            verdict = chain.verify(rows, head=head, begin=begin.place, points=read, leaves=begin.leaves)
    verdict = replace(verdict, archived=archived.place.seq)
    if archived.fault:
        return replace(verdict, fault=chain.Fault(archived.place.seq, archived.fault))
    if fault and (verdict.fault is None or fault.seq <= verdict.fault.seq):
        return replace(verdict, fault=fault)
    return verdict


def verify_and_record(actor: log.Actor, *, resume: bool = False) -> chain.Verdict:
    """`verify_log`, and an entry that says so."""
    verdict = verify_log(resume=resume)
    record(actor, verdict)
    return verdict


def record(actor: log.Actor, verdict: chain.Verdict) -> None:
    """Write down what a check found; a later one may begin where it came to."""
    fault = f"{verdict.fault.seq}: {verdict.fault.reason}" if verdict.fault else ""
    data = {"entries": verdict.entries, "head": verdict.head.hex(), "fault": fault, "begun": verdict.begun}
    point = Checkpoint.objects.filter(seq__lte=verdict.signed).first()
    if point is not None and not fault:
        data["checkpoint"] = point.number
    with transaction.atomic():
        log.append(log.Action.AUDIT_VERIFY, actor=actor, subject=log.Subject("audit", ""), data=data)


def _behind(archive: Archive) -> Begin:
    """Behind what was archived, if the log tells of it, and what is signed leads there."""
    place, point = chain.Place(archive.last, bytes(archive.head)), archive.point
    number, before = (point.number, point.hash) if point else (0, GENESIS)
    leaves = archive.hashes
    ends = leaves[-1] if leaves else bytes.fromhex(point.facts["head"]) if point and _signature_holds(point) else b""
    fault = ""
    if (point.seq if point else 0) + len(leaves) != archive.last or ends != place.hash:
        fault = "what is kept of the archived entries does not lead to where the log goes on"
    elif not _is_told(archive):
        fault = "the entries up to this one are not there, and no entry tells that they were archived"
    return Begin(number, place, before, leaves, fault)


def _is_told(archive: Archive) -> bool:
    told = AuditLog.objects.newest_first().of_action(log.Action.AUDIT_ARCHIVE).values_list("data", flat=True).first()
    said = json.loads(told) if told else {}
    return (said.get("last"), said.get("head")) == (archive.last, bytes(archive.head).hex())


def _last_verified() -> Begin:
    """Behind the checkpoint that the newest check without a fault came to, if its signature holds."""
    told = AuditLog.objects.newest_first().of_action(log.Action.AUDIT_VERIFY)
    for data in told.values_list("data", flat=True).iterator():
        number = json.loads(data).get("checkpoint")
        point = Checkpoint.objects.filter(number=number).first() if number else None
        if point is not None and _signature_holds(point):
            place = chain.Place(point.seq, bytes.fromhex(point.facts["head"]))
            return Begin(point.number, place, point.hash)
    return Begin()


def _points(found: Iterable[Checkpoint], begin: Begin) -> tuple[list[chain.Point], chain.Fault | None]:
    """What the checkpoints say, up to the first that does not hold by itself, and what is wrong with that."""
    read: list[chain.Point] = []
    number, seq, previous = begin.number, begin.place.seq - len(begin.leaves), begin.hash
    for checkpoint in found:
        reason = _reason(checkpoint, number + 1, seq + 1, previous)
        if reason:
            return read, chain.Fault(checkpoint.seq, f"checkpoint {checkpoint.number} {reason}")
        facts = checkpoint.facts
        head, root = bytes.fromhex(facts["head"]), bytes.fromhex(facts["root"])
        read.append(chain.Point(checkpoint.number, facts["first"], checkpoint.seq, head, root))
        number, seq, previous = checkpoint.number, checkpoint.seq, checkpoint.hash
    return read, None


def _reason(checkpoint: Checkpoint, number: int, first: int, previous: str) -> str:
    """Why a checkpoint does not hold, "" when it does."""
    if checkpoint.number != number:
        return f"stands where checkpoint {number} should"
    if not _signature_holds(checkpoint):
        return "has a signature that does not hold, or of a key that is not known here"
    facts = checkpoint.facts
    if canonical(facts) != checkpoint.body or (facts["number"], facts["seq"]) != (number, checkpoint.seq):
        return "says something else than what was signed"
    if (facts["previous"], facts["first"]) != (previous, first) or facts["seq"] < first - 1:
        return "does not continue the one before it"
    return ""


def _signature_holds(checkpoint: Checkpoint) -> bool:
    try:
        key = str(checkpoint.facts.get("key"))
    except (ValueError, AttributeError):
        return False
    return keys.signed_by(key, bytes(checkpoint.signature), signed_content(checkpoint))
