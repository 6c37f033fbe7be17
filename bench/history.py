"""The audit log after years: an append and a page, with ten million entries against those of a new portal."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial

import psycopg

from bench.figure import Figure, in_turns, turn_about
from bench.stage import Stage, page

ENTRIES = 10_000_000
PIECE = 1_000_000
# A row with its share of the indexes and of what is written ahead; and what is left alone of the disk.
ENTRY_BYTES, SPARE_BYTES = 900, 5_000_000_000
# The indexes are made after it, and take about as long.
FILL_SECONDS = 150
ROUNDS = 200
PAGES = 25
APPEND_GOAL, PAGE_GOAL = 1.2, 1.2
# Past the trigger that chains them, which takes hours for so many: what is measured is not whether they hold.
FILL = """
INSERT INTO audit_logs (seq, at, actor_label, action, subject_kind, subject_id, subject_label, previous_hash, hash,
    data)
SELECT head.seq + n, %s::timestamptz + n * interval '1 millisecond', 'history', 'query.approve', 'query',
    md5((head.seq + n / 4)::text)::uuid::text, 'QR-' || n / 4, head.hash, head.hash,
    '{"address":"127.0.0.1","digest":"' || repeat('0', 64) || '","from":"PENDING","to":"APPROVED"}'
FROM audit_head AS head, generate_series(1, %s) AS n
"""
# The last one of them is this month.
MONTHS = """
SELECT date_trunc('month', now(), 'UTC') - (%s - n) * interval '1 month' FROM generate_series(1, %s) AS n
"""
ADD_MONTH = "SELECT audit_add_month(%s::timestamptz, NULL) WHERE NOT audit_has_month(%s::timestamptz)"
MOVE = "UPDATE audit_head SET seq = seq + %s"
INDEXES = """
SELECT indexrelid::regclass::text, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') FROM pg_index
WHERE indrelid = 'audit_logs'::regclass AND NOT indisunique
"""

TRIGGERS = """
SELECT tgrelid::regclass::text, quote_ident(tgname) FROM pg_trigger
WHERE tgrelid IN ('audit_logs'::regclass, 'audit_head'::regclass) AND NOT tgisinternal
"""


def measure(stage: Stage) -> Iterator[Figure]:
    """Before and after, and the deepest page against the first."""
    from django.test import Client  # noqa: PLC0415 -- the stage has set Django up

    from accounts.models import User  # noqa: PLC0415

    auditor = User.objects.create_user("auditor", can_read_audit=True)
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(auditor, backend="django.contrib.auth.backends.ModelBackend")
    newest = partial(page, client, "/audit/")
    append = _append()
    before = in_turns([append, newest], ROUNDS)
    entries = _fill(stage)
    after = in_turns([append, newest], ROUNDS)
    held = f"{entries / 1e6:.0f}M entries"
    for name, goal, now, then in zip(
        ("audit append", "page of the audit log"), (APPEND_GOAL, PAGE_GOAL), after, before, strict=True
    ):
        note = f"{now * 1000:.2f} ms against {then * 1000:.2f} ms"
        yield Figure(f"{name}, {held} ÷ a new log", now / then, goal=goal, note=note)
    deep, first = turn_about(partial(page, client, f"/audit/?cursor={_cursor()}"), newest, PAGES)
    note = f"{deep * 1000:.0f} ms against {first * 1000:.0f} ms"
    yield Figure(f"deepest page of the audit log ÷ first, {held}", deep / first, goal=PAGE_GOAL, note=note)


def _append() -> Callable[[], None]:
    from django.db import transaction  # noqa: PLC0415 -- the stage has set Django up

    from accounts.models import SYSTEM  # noqa: PLC0415
    from audit import log  # noqa: PLC0415

    subject = log.Subject("query", "00000000-0000-0000-0000-000000000000", "QR-1")
    data = {"from": "PENDING", "to": "APPROVED", "digest": "0" * 64}

    def append() -> None:
        with transaction.atomic():
            log.append(log.Action.QUERY_APPROVE, actor=SYSTEM, subject=subject, data=data)

    return append


def _cursor() -> str:
    from web.paging import encode  # noqa: PLC0415 -- the stage has set Django up

    return encode(200)


def _fill(stage: Stage) -> int:
    """As many entries as disk and time allow; how many there are."""
    room = max(0, shutil.disk_usage(os.environ.get("TMPDIR", "/tmp")).free - SPARE_BYTES)  # noqa: S108 -- asked, not used
    pieces = min(ENTRIES, room // ENTRY_BYTES) // PIECE
    by = time.monotonic() + FILL_SECONDS
    with psycopg.connect(stage.admin_url, autocommit=True) as admin:
        indexes = admin.execute(INDEXES).fetchall()
        for name, _ in indexes:
            admin.execute(f"DROP INDEX {name}")
        triggers = admin.execute(TRIGGERS).fetchall()
        for table, trigger in triggers:
            admin.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
        for (month,) in admin.execute(MONTHS, [pieces, pieces]).fetchall():
            if time.monotonic() < by:
                admin.execute(ADD_MONTH, [month, month])
                admin.execute(FILL, [month, PIECE])
                admin.execute(MOVE, [PIECE])
        for table, trigger in triggers:
            admin.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")
        admin.execute("SET maintenance_work_mem = '512MB'")
        for _, definition in indexes:
            admin.execute(definition)
        admin.execute("VACUUM ANALYZE audit_logs")
        (entries,) = admin.execute("SELECT seq FROM audit_head").fetchone() or (0,)
    return int(entries)
