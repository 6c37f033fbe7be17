"""Runs an approved request to its end."""

import logging
import time

from executors import processes
from executors.base import ExecutionError, Interrupted, OutcomeUnknown, Refused, Running, Unreachable
from queries import bounds, vault
from queries.models import QueryRequest
from queries.results.writer import ChunkWriter
from queries.running.claim import claim, release, released
from queries.running.ending import Ending, ask_target
from queries.running.monitor import Fenced, Monitor
from queries.running.settling import settle_surely
from queries.running.texts import place_of

logger = logging.getLogger(__name__)


def run(approved: QueryRequest) -> QueryRequest:
    """Run an approved request to its end, and return it as `joined.shown` does. Raises NotNow when another has it."""
    try:
        query = claim(approved)
        writer = ChunkWriter(query.pk)
        ending = _execute(query, writer)
        settle_surely(query, ending, writer)
    except BaseException:
        # Also after a claim that failed: the hold outlives its transaction.
        release()
        raise
    return released(query.pk)


def _execute(query: QueryRequest, writer: ChunkWriter) -> Ending:
    try:
        job = query.job(_purpose(query))
    except vault.Unreadable as error:
        return Ending(error=Refused(f"{error} Nothing was sent."))
    except KeyError as error:
        message = f"The variable {error.args[0]} is not set; nothing was sent. Tell an admin."
        return Ending(error=Unreachable(message))
    monitor = Monitor(query)
    started = time.monotonic()
    ending = Ending(calls=monitor.calls, log_lines=monitor.log_lines)
    try:
        ending.outcome = processes.run(job, writer, monitor)
    except ExecutionError as error:
        ending.error = error
    except Fenced:
        ending.error = Interrupted("The portal lost hold of this run before it could commit; nothing was changed.")
    except Exception as error:  # noqa: BLE001 -- whatever it was, the run must be settled
        # Its words may quote what was on its way.
        logger.error("the run of %s failed inside the portal: %s", query.number, place_of(error))  # noqa: TRY400
        ending.error = _fault(monitor)
    ending.duration_ms = (time.monotonic() - started) * 1000
    ending.result_lost = writer.lost
    ending.calls_made, ending.lines_written = monitor.calls_made, monitor.lines_written
    if isinstance(ending.error, OutcomeUnknown):
        ask_target(query, ending, monitor.transaction)
    return ending


def _purpose(query: QueryRequest) -> Running:
    """What a write is held to, and what is kept of it; a read changes nothing."""
    if not query.writes:
        return Running()
    return Running(bounds.in_force(query), query.target.undo_limits, all_or_nothing=query.undoes_id is not None)


def _fault(monitor: Monitor) -> ExecutionError:
    if monitor.committed_from_here:
        return OutcomeUnknown("The portal failed while the target was committing.")
    return Interrupted("The portal failed before anything was committed; nothing was changed.")
