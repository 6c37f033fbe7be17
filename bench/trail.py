"""An audit entry against a plain durable insert of as much, and how fast the chain is verified."""

from collections.abc import Iterator

from bench.figure import Figure, seconds, turn_about
from bench.stage import Stage

ROUNDS = 400
VERIFIED = 20_000
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

    for setting, name in (("on", "audit append ÷ plain durable insert"), ("off", "the same, the disk not waited for")):
        with connection.cursor() as cursor:
            cursor.execute(f"SET synchronous_commit = {setting}")
        ours, bare = turn_about(append, plain, ROUNDS)
        note = f"{ours * 1000:.2f} ms against {bare * 1000:.2f} ms"
        yield Figure(name, ours / bare, goal=1.6, note=note)
    for _ in range(VERIFIED):
        append()
    entries = verify_log().entries
    yield Figure("verify the chain", entries / seconds(verify_log), "/s", 200_000, least=True)
