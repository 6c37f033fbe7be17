"""Which target two slugs name: asked each time somebody pauses while typing, and so by one plain statement."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.db import connection

from pods.models import Pod, Target
from web.rows import Row, columns, reader


def named(pod: str, target: str) -> Target | None:
    """The active target of that slug in the pod of that slug, with its pod; None where there is none."""
    statement, read_target, read_pod = _read()
    with connection.cursor() as cursor:
        cursor.execute(statement, [target, pod])
        row = cursor.fetchone()
    if row is None:
        return None
    found: Target = read_target(row)
    found.pod = read_pod(row)
    return found


@cache
def _read() -> tuple[str, Callable[[Row], Any], Callable[[Row], Any]]:
    of_target, of_pod = columns(Target, "target"), columns(Pod, "pod")
    statement = (
        f"SELECT {', '.join((*of_target, *of_pod))} FROM targets AS target JOIN pods AS pod ON pod.id = target.pod_id"  # noqa: S608
        " WHERE target.active AND target.slug = %s AND pod.slug = %s"
    )
    return statement, reader(Target), reader(Pod, len(of_target))
