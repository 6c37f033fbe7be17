"""How long requests for a target wait for their decision these days."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import connection

from pods.models import Target

DAYS = 30
# The newest of each target that are looked at, decided or not.
MOST = 100
_WAITS = """
SELECT asked.id, count(*), percentile_cont(0.5)
    WITHIN GROUP (ORDER BY extract(epoch FROM decided.at - query.submitted_at))
FROM unnest(%s::bigint[]) AS asked (id)
CROSS JOIN LATERAL (
    SELECT id, submitted_at, status FROM query_requests WHERE target_id = asked.id ORDER BY id DESC LIMIT %s
) AS query
CROSS JOIN LATERAL (SELECT max(at) AS at FROM decisions WHERE query_id = query.id) AS decided
WHERE query.status <> 'PENDING' AND query.submitted_at > now() - make_interval(days => %s) AND decided.at IS NOT NULL
GROUP BY asked.id
"""


@dataclass(frozen=True, slots=True)
class Wait:
    """Of `count` requests that were decided in the last `DAYS` days, half were within `seconds`."""

    count: int
    seconds: float


def usual_waits(targets: Iterable[Target]) -> Mapping[int, Wait]:
    """By the keys of targets; none for one whose newest requests nobody decided lately."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITS, [[target.pk for target in targets], MOST, DAYS])
        return {key: Wait(count, float(seconds)) for key, count, seconds in cursor.fetchall()}
