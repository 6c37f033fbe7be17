"""How far each place has got: claimed with a lease, sent outside of any transaction, in order, until it is taken.

What was sent and not confirmed is sent again: a place may get something twice, and never misses anything.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from typing import TypeAlias

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from audit.models import CheckpointDelivery, Delivery, EntryDelivery
from audit.publishing.sending import Unsent

logger = logging.getLogger(__name__)

# Longer than one attempt can take.
LEASE = dt.timedelta(minutes=2)
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 30 * 60.0
Deliveries: TypeAlias = QuerySet[CheckpointDelivery] | QuerySet[EntryDelivery]


class Line:
    """What one place gets, in the table of its kind."""

    def __init__(self, kind: type[CheckpointDelivery | EntryDelivery], place: str) -> None:
        self.place = place
        self._kind = kind
        kind._default_manager.get_or_create(place=place)  # noqa: SLF001 -- Django's API

    @property
    def sent(self) -> int:
        """Up to which number the place has everything."""
        return self._row.sent

    def claimed(self) -> bool:
        """Whether it is our turn: nobody else is sending there, and no pause is being kept."""
        free = Q(leased_until=None) | Q(leased_until__lte=Now())
        return bool(self._rows.filter(free, due_at__lte=Now()).update(leased_until=Now() + LEASE))

    def took(self, number: int) -> None:
        """It has everything up to this one; the next is ours to send as well."""
        self._rows.update(
            sent=number, sent_at=Now(), attempts=0, problem="", failing_since=None, leased_until=Now() + LEASE
        )

    def rest(self, pause: dt.timedelta = dt.timedelta()) -> None:
        """Nothing more is sent for now."""
        self._rows.update(due_at=Now() + pause, leased_until=None)

    def failed(self, problem: str) -> None:
        """It is tried again after a pause, each time a longer one."""
        row = self._row
        pause = min(FIRST_PAUSE_SECONDS * 2 ** min(row.attempts, 20), LONGEST_PAUSE_SECONDS)
        logger.warning("%s took nothing: %s", self.place, problem)
        self._rows.update(
            attempts=F("attempts") + 1,
            problem=problem,
            failing_since=row.failing_since or Now(),
            due_at=Now() + dt.timedelta(seconds=pause),
            leased_until=None,
        )

    def deliver(self, send: Callable[[], int], pause: dt.timedelta = dt.timedelta()) -> int | None:
        """Send what waits, if it is our turn: how many, None where none may be sent now."""
        if not self.claimed():
            return None
        try:
            count = send()
        except Unsent as unsent:
            self.failed(str(unsent))
            return None
        self.rest(pause)
        return count

    @property
    def _rows(self) -> Deliveries:
        return self._kind._default_manager.filter(place=self.place)  # noqa: SLF001 -- the same

    @property
    def _row(self) -> Delivery:
        return self._rows.get()
