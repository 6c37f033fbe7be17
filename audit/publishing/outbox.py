"""Checkpoints on their way to the places of the settings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from django.conf import settings
from django.utils import timezone

from audit.models import Checkpoint, CheckpointDelivery
from audit.publishing.deliveries import Line
from audit.publishing.places import Place, places

BATCH = 100
# How many times the pause between checkpoints a place may be behind before somebody is told.
PATIENCE = 2


def publish_due(stopping: Callable[[], bool] = lambda: False) -> int:
    """Send what each place has not taken yet; how many were sent."""
    return sum(_publish(place, stopping) for place in places() if not stopping())


def failing() -> list[CheckpointDelivery]:
    """The places of the settings that have taken nothing for too long."""
    since = timezone.now() - dt.timedelta(minutes=PATIENCE * settings.PORTAL_CHECKPOINT_MINUTES)
    names = [place.name for place in places()]
    return list(CheckpointDelivery.objects.filter(place__in=names, failing_since__lt=since).order_by("place"))


def _publish(place: Place, stopping: Callable[[], bool]) -> int:
    line, count = Line(CheckpointDelivery, place.name), 0
    while not stopping() and (waiting := _waiting(place, line.sent)):
        sent = line.deliver(lambda: _send(place, line, waiting), place.pause)
        if sent is None:
            break
        count += sent
    return count


def _waiting(place: Place, sent: int) -> list[Checkpoint]:
    waiting = Checkpoint.objects.filter(number__gt=sent)
    return list(waiting[:1]) if place.newest_alone else list(waiting.order_by("number")[:BATCH])


def _send(place: Place, line: Line, waiting: Sequence[Checkpoint]) -> int:
    for checkpoint in waiting:
        place.take(checkpoint)
        line.took(checkpoint.number)
    return len(waiting)
