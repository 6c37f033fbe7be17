"""Numbers for Prometheus: asked of the database when it asks, so that every replica tells the same.

Only what concerns one replica's processes is its own: its sandbox children.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TypeAlias

from django.conf import settings
from django.db import connection
from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from audit.models import AuditLog, Checkpoint, CheckpointDelivery
from executors.base import Language
from executors.processes import census
from queries.lifecycle import Status
from queries.models import Medium, Notice, QueryRequest
from queries.running import places

Family: TypeAlias = GaugeMetricFamily | CounterMetricFamily

# Of so many runs, the last ones, seconds are told.
RECENT = 1000
SECONDS = """
SELECT query.language, count(*), percentile_cont(ARRAY[0.5, 0.95, 1]) WITHIN GROUP (
    ORDER BY extract(epoch FROM run.finished_at - run.started_at)::float8)
FROM (SELECT query_id, started_at, finished_at FROM executions ORDER BY query_id DESC LIMIT %s) AS run
JOIN query_requests AS query ON query.id = run.query_id WHERE run.finished_at IS NOT NULL GROUP BY 1 ORDER BY 1
"""
QUANTILES = ("0.5", "0.95", "1")


def text() -> bytes:
    """Everything, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(PortalCollector())
    return generate_latest(registry)


class PortalCollector(Collector):
    """Asks anew each time."""

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing beforehand: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Family]:
        """Few queries, each on an index or of few rows."""
        yield from _queries()
        yield from _runs()
        yield from _places()
        yield from _outboxes()
        yield from _audit()
        yield GaugeMetricFamily(
            "portal_sandbox_children",
            "Processes of this replica that run a script, or wait for one.",
            value=census.sandbox_children(),
        )


def _queries() -> Iterator[Family]:
    counted = QueryRequest.objects.order_by().values_list("status", "language").annotate(Count("pk"))
    counts = {(status, language): count for status, language, count in counted}
    family = GaugeMetricFamily("portal_queries", "Requests by status and language.", labels=["status", "language"])
    for status in Status:
        for language in Language:
            family.add_metric([status.value.lower(), language.value], counts.get((status.value, language.value), 0))
    yield family
    oldest = QueryRequest.objects.filter(status=Status.PENDING).aggregate(at=Min("submitted_at"))["at"]
    yield GaugeMetricFamily(
        "portal_oldest_pending_seconds", "Age of the oldest request that waits for a decision.", value=_age(oldest)
    )


def _runs() -> Iterator[Family]:
    family = GaugeMetricFamily(
        "portal_run_seconds",
        f"How long runs took, of the last {RECENT} that began: half, 95 in 100 and all took at most so long.",
        labels=["language", "quantile"],
    )
    counts = GaugeMetricFamily("portal_run_seconds_of", "How many runs that is told of.", labels=["language"])
    with connection.cursor() as cursor:
        cursor.execute(SECONDS, [RECENT])
        for language, count, seconds in cursor.fetchall():
            counts.add_metric([language], count)
            for quantile, value in zip(QUANTILES, seconds, strict=True):
                family.add_metric([language, quantile], value)
    yield family
    yield counts


def _places() -> Iterator[Family]:
    use = places.in_use()
    taken = GaugeMetricFamily("portal_places_in_use", "Places that runs hold now, over all replicas.", labels=["kind"])
    taken.add_metric(["run"], use.runs)
    taken.add_metric(["maintenance"], use.maintenance)
    yield taken
    there = GaugeMetricFamily("portal_places", "Places that there are.", labels=["kind"])
    there.add_metric(["run"], settings.PORTAL_PLACES)
    there.add_metric(["maintenance"], settings.PORTAL_MAINTENANCE_PLACES)
    yield there
    yield GaugeMetricFamily("portal_places_waited_for", "Approvals that wait for a place now.", value=use.waiting)


def _outboxes() -> Iterator[Family]:
    """Notices on their way out, and the checkpoints that some place has not taken."""
    family = GaugeMetricFamily(
        "portal_outbox_age_seconds", "Since when the oldest message that is to be sent waits.", labels=["outbox"]
    )
    for medium in Medium:
        oldest = Notice.objects.unsent().filter(medium=medium).aggregate(at=Min("changed_at"))["at"]
        family.add_metric([medium.value], _age(oldest))
    newest = Checkpoint.objects.values_list("number", flat=True).first() or 0
    behind = CheckpointDelivery.objects.filter(sent__lt=newest).aggregate(at=Min("failing_since"))["at"]
    family.add_metric(["checkpoints"], _age(behind))
    yield family


def _audit() -> Iterator[Family]:
    head = AuditLog.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
    yield CounterMetricFamily("portal_audit_entries", "Entries of the audit log.", value=head)
    family = GaugeMetricFamily("portal_checkpoint_age_seconds", "Age of the last signed checkpoint; none if never.")
    last = Checkpoint.objects.first()
    if last is not None:
        family.add_metric([], _age(last.at))
    yield family


def _age(since: dt.datetime | None) -> float:
    return 0.0 if since is None else max(0.0, (timezone.now() - since).total_seconds())
