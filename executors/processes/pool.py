"""The helpers of one web worker: found warm, started ahead, bounded, reaped."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from executors.base import Access, Target, Unreachable
from executors.processes.helper import Helper

# Executions at once on one target with one access; its role's CONNECTION LIMIT should not be below.
# The portal counts the places of runs; these only bound what one process starts whatever it is asked for.
TARGET_CONCURRENCY = 64
_MOST_HELPERS = 96
_KEPT_IDLE = 4
_IDLE_SECONDS = 300.0
_WAIT_SECONDS = 10.0


class Pool:
    """Helpers of this process. Safe to use from many threads."""

    def __init__(self, at_once: int = TARGET_CONCURRENCY, most: int = _MOST_HELPERS, kept: int = _KEPT_IDLE) -> None:
        """`at_once` helpers for one target with one access, `most` in all, `kept` while nobody needs them."""
        self._at_once, self._most, self._kept = at_once, most, kept
        self._changed = threading.Condition()
        self._idle: list[Helper] = []
        self._busy: set[Helper] = set()
        self._running: dict[tuple[str, Access], int] = {}
        self._closed = False

    @contextmanager
    def helper(self, target: Target, *, patience: float | None = None) -> Iterator[Helper]:
        """A helper for one execution on `target`, one with a warm connection to it if there is one.

        Raises `Unreachable` when the target, or the portal, stays busy for `patience` seconds, ten when left out.
        """
        key = (target.key, target.access)
        helper = self._acquire(target, key, _WAIT_SECONDS if patience is None else patience)
        is_new = not helper.served
        try:
            yield helper
        finally:
            self._release(helper, key)
        if is_new:
            self.start_ahead()

    def close(self) -> None:
        """End every helper."""
        with self._changed:
            self._closed = True
            helpers = [*self._idle, *self._busy]
            self._idle.clear()
            self._changed.notify_all()
        for helper in helpers:
            helper.kill()

    def forget(self) -> None:
        """Let go of helpers inherited over a fork; they go on serving the process that started them."""
        for helper in [*self._idle, *self._busy]:
            helper.forget()

    def _acquire(self, target: Target, key: tuple[str, Access], patience: float) -> Helper:
        by = time.monotonic() + patience
        with self._changed:
            while not self._room(key):
                if not self._changed.wait(by - time.monotonic()):
                    raise _busy(target)
            self._running[key] = self._running.get(key, 0) + 1
            helper = self._pick(target)
            try:
                helper = helper or Helper()
            except BaseException:
                self._finish(key)
                raise
            self._busy.add(helper)
            return helper

    def _room(self, key: tuple[str, Access]) -> bool:
        return self._running.get(key, 0) < self._at_once and len(self._busy) < self._most

    def _pick(self, target: Target) -> Helper | None:
        """An idle helper: one that served this target, else one that served nobody, else any."""
        for dead in [helper for helper in self._idle if not helper.alive()]:
            self._idle.remove(dead)
            dead.kill()
        if not self._idle:
            return None
        best = max(self._idle, key=lambda helper: (target in helper.served, not helper.served, helper.idle_since))
        self._idle.remove(best)
        return best

    def _release(self, helper: Helper, key: tuple[str, Access]) -> None:
        with self._changed:
            self._busy.discard(helper)
            self._finish(key)
            helper.idle_since = time.monotonic()
            if helper.alive() and not self._closed:
                self._idle.append(helper)
            doomed = self._surplus()
            self._changed.notify()
        for helper_ in doomed:
            helper_.kill()

    def _finish(self, key: tuple[str, Access]) -> None:
        self._running[key] -= 1
        if not self._running[key]:
            del self._running[key]

    def _surplus(self) -> list[Helper]:
        """Idle helpers to end: the longest idle above the number kept, and any idle for very long."""
        self._idle.sort(key=lambda helper: helper.idle_since)
        too_old = time.monotonic() - _IDLE_SECONDS
        spare = max(0, len(self._idle) - self._kept)
        doomed = [helper for i, helper in enumerate(self._idle) if i < spare or helper.idle_since < too_old]
        self._idle = [helper for helper in self._idle if helper not in doomed]
        return doomed

    def start_ahead(self) -> None:
        """Have one unused helper waiting, so that more requests at once than ever before need not wait for a start."""
        with self._changed:
            unused = any(not helper.served for helper in self._idle)
            if not (unused or self._closed or len(self._idle) >= self._kept):
                self._idle.append(Helper())


def _busy(target: Target) -> Unreachable:
    return Unreachable(f"The target {target.key} is busy with other requests. Try again in a moment.")
