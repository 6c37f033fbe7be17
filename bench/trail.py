"""An audit entry against a plain durable insert of as much, and how fast the chain is verified."""

import statistics
from collections.abc import Iterator

from bench.figure import Figure, seconds
from bench.stage import Stage

ROUNDS = 400
PLAIN = "INSERT INTO bench_log (actor, label, action, kind, subject, name, data) VALUES (NULL, %s, %s, %s, %s, %s, %s)"


def measure(_stage: Stage) -> Iterator[Figure]:
    """Append turn about with a plain insert; then verify what is there."""
    from django.db import connection, transaction  # noqa: PLC0415 -- the stage has set Django up

    from accounts.models import SYSTEM  # noqa: PLC0415
    from audit import log  # noqa: PLC0415
    from audit.verification import verify_log  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS bench_log (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
            "at timestamptz DEFAULT clock_timestamp(), actor bigint, label text, action text, kind text, subject text, "
            "name text, data text)"
        )
        cursor.execute("CREATE INDEX IF NOT EXISTS bench_log_subject ON bench_log (kind, subject, seq)")
        cursor.execute("CREATE INDEX IF NOT EXISTS bench_log_actor ON bench_log (actor, seq)")
        cursor.execute("CREATE INDEX IF NOT EXISTS bench_log_action ON bench_log (action, seq)")
    subject = log.Subject("query", "00000000-0000-0000-0000-000000000000", "QR-1")
    data = {"from": "PENDING", "to": "APPROVED", "digest": "0" * 64}

    def append() -> None:
        with transaction.atomic():
            log.append(log.Action.QUERY_APPROVE, actor=SYSTEM, subject=subject, data=data)

    def plain() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            values = (SYSTEM.label, "query.approve", "query", subject.id, subject.label, log.canonical(data))
            cursor.execute(PLAIN, values)

    pairs = [(seconds(append), seconds(plain)) for _ in range(ROUNDS)][20:]
    ours, bare = (statistics.median(pair[i] for pair in pairs) for i in (0, 1))
    note = f"{ours * 1000:.2f} ms against {bare * 1000:.2f} ms"
    yield Figure("audit append ÷ plain durable insert", ours / bare, goal=1.6, note=note)
    entries = verify_log().entries
    yield Figure("verify the chain", entries / seconds(verify_log), "/s")
