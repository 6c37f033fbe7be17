"""The queue page over a million requests, at any depth, and the search of them."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import psycopg

from bench.figure import Figure, in_turns, turn_about
from bench.stage import Stage, page, submit

if TYPE_CHECKING:
    from django.test import Client

QUERIES = 1_000_000
FILL = """
INSERT INTO query_requests (public_id, pod_id, target_id, author_id, status, code, language, access, statement,
    parameters, seconds_limit, lock_seconds_limit, rows_limit, bytes_limit, digest, reason, ticket, findings, kinds,
    tables, approvals_required, submitted_at, expires_at, search, verified, queue_order, fingerprint)
SELECT gen_random_uuid(), q.pod_id, q.target_id, q.author_id,
    CASE WHEN n %% 50 = 0 THEN 'PENDING' ELSE 'REJECTED' END, '', q.language, q.access, q.statement,
    q.parameters, q.seconds_limit, q.lock_seconds_limit, q.rows_limit, q.bytes_limit, q.digest, q.reason, q.ticket,
    q.findings, q.kinds, q.tables, q.approvals_required, now(), now() + make_interval(mins => n),
    concat_ws(' ', q.search, 'ops-' || n, CASE WHEN n %% 1000 = 0 THEN 'quarterly' END), q.verified, -(n / 50 %% 32),
    q.fingerprint
FROM (SELECT * FROM query_requests ORDER BY id DESC LIMIT 1) AS q, generate_series(1, %s) AS n
"""
# Words, and how many of the requests have them.
SEARCHES = {
    "found once": "ops-777777",
    "found a thousand times": "quarterly",
    "found everywhere": "measuring",
    "two words": "quarterly measuring",
    "found nowhere": "nowhere",
    "a number": "QR-500000",
}
SEARCHED = 9
SEARCH_MS = 50
INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = 'query_requests'::regclass AND NOT indisunique
"""


def measure(stage: Stage) -> Iterator[Figure]:
    """Deepest page against the first, and how many SQL statements a page needs."""
    from django.db import connection  # noqa: PLC0415 -- the stage has set Django up
    from django.test import Client  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    from accounts.models import User  # noqa: PLC0415
    from queries.models import QueryRequest  # noqa: PLC0415

    submit("select 1")
    _fill(stage)
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.get(username="manager0"), backend="django.contrib.auth.backends.ModelBackend")
    waiting = QueryRequest.objects.filter(status="PENDING").order_by("-queue_order", "-pk")
    oldest = QueryRequest.objects.exclude(status="PENDING").order_by("pk")
    pages: dict[str, tuple[str, dict[str, object]]] = {
        "queue, waiting": ("/review/", {"after": f"{waiting[60].queue_order}_{waiting[60].pk}"}),
        "queue, done": ("/review/", {"view": "done", "after": oldest[60].pk}),
        "list of requests": ("/queries/", {"author": "anyone", "after": oldest[60].pk}),
    }
    for name, (path, query) in pages.items():
        first = f"{path}?{urlencode({key: value for key, value in query.items() if key != 'after'})}"
        deepest = f"{path}?{urlencode(query)}"
        deep, shallow = turn_about(partial(page, client, deepest), partial(page, client, first), 15)
        note = f"{deep * 1000:.0f} ms against {shallow * 1000:.0f} ms"
        yield Figure(f"{name}: deepest page ÷ first, 1M requests", deep / shallow, goal=1.1, note=note)
        with CaptureQueriesContext(connection) as captured:
            page(client, deepest)
        yield Figure(f"{name}: SQL statements", len(captured), "", 4, note="session and person included")
        yield Figure(f"{name}: deepest page, 1M requests", deep * 1000, "ms", SEARCH_MS, note="the whole page")
    yield from _searches(client)


def _searches(client: "Client") -> Iterator[Figure]:
    """More often than a plan lasts that is made for one word: after five times PostgreSQL may keep one for all."""
    for path in ("/review/", "/queries/"):
        urls = [f"{path}?{urlencode({'author': 'anyone', 'q': words})}" for words in SEARCHES.values()]
        taken = in_turns([partial(page, client, url) for url in urls], SEARCHED)
        for found, spent in zip(SEARCHES, taken, strict=True):
            yield Figure(f"{path}?q=, {found}, 1M requests", spent * 1000, "ms", SEARCH_MS, note="the whole page")


def _fill(stage: Stage) -> None:
    """A million requests; the indexes are made after, which is several times as fast."""
    with psycopg.connect(stage.admin_url, autocommit=True) as admin:
        indexes = admin.execute(INDEXES).fetchall()
        for name, _ in indexes:
            admin.execute(f"DROP INDEX {name}")
        admin.execute(FILL, [QUERIES])
        admin.execute("SET maintenance_work_mem = '256MB'")
        for _, definition in indexes:
            admin.execute(definition)
        admin.execute("VACUUM ANALYZE query_requests")
