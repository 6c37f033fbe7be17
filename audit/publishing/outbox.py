"""Who has which checkpoints: claimed with a lease, sent outside of any transaction, in their order, until taken."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterable

from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from audit.models import Checkpoint, CheckpointDelivery
from audit.publishing.places import Place, places
from audit.publishing.sending import Unsent

logger = logging.getLogger(__name__)

# Longer than one request can take.
LEASE = dt.timedelta(minutes=2)
BATCH = 100
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 30 * 60.0
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
    CheckpointDelivery.objects.bulk_create([CheckpointDelivery(place=place.name)], ignore_conflicts=True)
    count = 0
    while not stopping() and (waiting := _waiting(place)):
        if not _claimed(place):
            break
        try:
            count += _send(place, waiting)
        except Unsent as unsent:
            _failed(place, str(unsent))
            break
    return count


def _waiting(place: Place) -> list[Checkpoint]:
    sent = CheckpointDelivery.objects.filter(place=place.name).values_list("sent", flat=True).get()
    waiting = Checkpoint.objects.filter(number__gt=sent)
    return list(waiting[:1]) if place.newest_alone else list(waiting.order_by("number")[:BATCH])


def _claimed(place: Place) -> bool:
    """Whether it is our turn: nobody else is sending there, and no pause is being kept."""
    free = Q(leased_until=None) | Q(leased_until__lte=Now())
    mine = CheckpointDelivery.objects.filter(free, place=place.name, due_at__lte=Now())
    return bool(mine.update(leased_until=Now() + LEASE))


def _send(place: Place, waiting: Iterable[Checkpoint]) -> int:
    count = 0
    delivery = CheckpointDelivery.objects.filter(place=place.name)
    for checkpoint in waiting:
        place.take(checkpoint)
        delivery.update(
            sent=checkpoint.number,
            sent_at=Now(),
            attempts=0,
            problem="",
            failing_since=None,
            leased_until=Now() + LEASE,
        )
        count += 1
    delivery.update(due_at=Now() + place.pause, leased_until=None)
    return count


def _failed(place: Place, problem: str) -> None:
    delivery = CheckpointDelivery.objects.get(place=place.name)
    pause = min(FIRST_PAUSE_SECONDS * 2 ** min(delivery.attempts, 20), LONGEST_PAUSE_SECONDS)
    logger.warning("a checkpoint did not reach %s: %s", place.name, problem)
    CheckpointDelivery.objects.filter(place=place.name).update(
        attempts=F("attempts") + 1,
        problem=problem,
        failing_since=delivery.failing_since or Now(),
        due_at=Now() + dt.timedelta(seconds=pause),
        leased_until=None,
    )
