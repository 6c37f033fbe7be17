"""A run that may take hours goes on when the request that approved it has had its answer.

It has a thread of this process, and with it a database connection of its own, whose advisory locks are the run and its
places. Both die with the process: who stops the portal interrupts the run, and its end is found out (`recovery`).
"""

import contextvars
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from django.db import connections

from queries.running.texts import place_of

logger = logging.getLogger(__name__)

B = TypeVar("B")
T = TypeVar("T")


def outlasting(begin: Callable[[], B], go_on: Callable[[B], T], seconds: float) -> T | None:
    """What `go_on` makes of what `begin` returns, both on a thread of their own; None where it goes on after `seconds`.

    `begin` is always waited for. Raises what either of them raised by then; what comes later is logged.
    """
    begun: Future[B] = Future()
    done: Future[T] = Future()

    def work() -> None:
        try:
            begun.set_result(begin())
            done.set_result(go_on(begun.result()))
        except BaseException as error:  # noqa: BLE001 -- whoever waits is told, whatever it was
            (done if begun.done() else begun).set_exception(error)
        finally:
            connections.close_all()

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work,), name="outlasting", daemon=True).start()
    begun.result()
    try:
        return done.result(timeout=seconds)
    except TimeoutError:
        if done.done():
            raise
        done.add_done_callback(_tell)
        return None


def _tell(done: Future[T]) -> None:
    """Nobody waits any more for what it raised."""
    error = done.exception()
    if error is not None:
        # Its words may quote what was on its way.
        logger.error("a run that outlasted its approval failed: %s", place_of(error))
