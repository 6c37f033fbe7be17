"""Checks the log in the database, in constant memory."""

from collections.abc import Iterator

from django.db import connection, transaction

from audit import chain, log
from audit.models import AuditLog

BATCH = 5000


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
    rows = AuditLog.objects.order_by("seq").values_list(
        "seq",
        "at",
        "actor_id",
        "actor_label",
        "action",
        "subject_kind",
        "subject_id",
        "subject_label",
        "data",
        "previous_hash",
        "hash",
    )
    for seq, at, actor, label, action, kind, subject, subject_label, data, previous, own in rows.iterator(BATCH):
        who = str(actor or "")
        yield chain.Entry(seq, at, who, label, action, kind, subject, subject_label, data, bytes(previous), bytes(own))
