"""The portal's side of a running execution: what it is told, what it is asked, and its fence."""

import datetime as dt
import logging
from contextlib import suppress
from dataclasses import replace

from django.db import Error, connection, transaction
from django.utils import timezone

from executors.base import Call, Images
from queries.models import Execution, QueryRequest, UndoPiece
from queries.running import places
from queries.running.claim import hold
from queries.running.texts import stored

logger = logging.getLogger(__name__)

CALLS_KEPT = 10_000
LOG_BYTES_KEPT = 256 * 1024

# Flushed before it returns, and with it the claim before it, also where the server is told not to wait for that: a
# crash that forgot either would have us say that nothing was committed. `durability` is one row, for this transaction.
COMMITTING = """
WITH durability AS MATERIALIZED (SELECT set_config('synchronous_commit',
    CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END,
    true))
UPDATE executions SET transaction = %s, backend = %s, committing_at = clock_timestamp() FROM durability
WHERE query_id = %s AND holder = pg_backend_pid() AND finished_at IS NULL
"""


class Fenced(Exception):
    """This process no longer holds the run: it must not commit."""


class Monitor:
    """The portal's side of a running execution (`executors.base.Control`)."""

    def __init__(self, query: QueryRequest) -> None:
        self._query = query
        self._query_id = query.pk
        self._lost_hold = False
        self._kept_for = dt.timedelta(days=query.target.retention_days)
        self._log_bytes = 0
        self._backend = ""
        self._backend_stored = False
        self.committed_from_here = False
        self.transaction = ""
        self.calls: list[Call] = []
        self.images: list[Images] = []
        self.log_lines: list[tuple[str, str]] = []
        self._progress: tuple[int, int] | None = None
        self.calls_made = 0
        self.lines_written = 0

    def started(self, backend: str) -> None:
        """Remember who runs it on the target; stored once it lasts long enough to be asked about."""
        self._backend = backend

    def committing(self, name: str) -> None:
        """Store, durably, which transaction is about to commit, and what an undo of it needs.

        Raises Fenced when the run is no longer ours.
        """
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(COMMITTING, [name, self._backend, self._query_id])
            if cursor.rowcount != 1:
                raise Fenced
            self._store_images()
        self.committed_from_here = True
        self.transaction = name

    def kept(self, images: Images) -> None:
        """Keep rows that an undo needs; there are no more of them than the job asked for."""
        self.images.append(images)

    def cancelled(self) -> bool:
        """Whether the author or a manager asked to stop."""
        try:
            if self._lost_hold:
                self._hold_again()
            self._store_backend()
            self._store_progress()
            return Execution.objects.filter(pk=self._query_id, cancel_requested_at__isnull=False).exists()
        except Error:
            # Without its own database the portal cannot be asked to stop; a write will not be allowed to commit.
            logger.warning("cannot ask whether to stop: the portal's database does not answer")
            if self._query.maintains and self.committed_from_here:
                connection.close()
                self._lost_hold = True
            return False

    def progressed(self, done: int, total: int) -> None:
        """Remember how far it is; stored when it is next asked whether to stop."""
        self._progress = (done, total)

    def called(self, call: Call) -> None:
        """Keep what a script did, the first of it."""
        self.calls_made += 1
        if len(self.calls) < CALLS_KEPT:
            text = (stored(call.statement), stored(call.parameters), stored(call.failure))
            self.calls.append(replace(call, statement=text[0], parameters=text[1], failure=text[2]))

    def logged(self, level: str, text: str) -> None:
        """Keep what a script said, within bounds."""
        self.lines_written += 1
        line = stored(text)
        self._log_bytes += len(line.encode())
        if self._log_bytes <= LOG_BYTES_KEPT:
            self.log_lines.append((level[:10], line))

    def _hold_again(self) -> None:
        """What was sent outside a transaction goes on without the connection that held it: a new one takes its locks.

        Meanwhile nobody settles it, for the target says that it still runs.
        """
        with suppress(places.NoPlace):
            places.take(self._query)
        self._lost_hold = hold(self._query_id) is None

    def _store_images(self) -> None:
        """Keep them before it commits: an answer to COMMIT may be lost. A run that did not commit loses them again."""
        until = timezone.now() + self._kept_for
        pieces = (UndoPiece.of(self._query_id, *numbered, until) for numbered in enumerate(self.images))
        UndoPiece.objects.bulk_create(pieces, batch_size=20)

    def _store_backend(self) -> None:
        if self._backend and not self._backend_stored:
            Execution.objects.filter(pk=self._query_id).update(backend=self._backend)
            self._backend_stored = True

    def _store_progress(self) -> None:
        if self._progress is not None:
            done, total = self._progress
            Execution.objects.filter(pk=self._query_id).update(statements_done=done, statements_total=total)
            self._progress = None
