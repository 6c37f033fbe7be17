"""A measured figure beside its goal, and how the two sides of a ratio are timed."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`goal` is the most it may be, or the least when `least` is set; None for what is told only for context."""

    name: str
    value: float
    unit: str = "×"
    goal: float | None = None
    least: bool = False
    note: str = ""

    @property
    def met(self) -> str:
        """`met`, `MISSED` or nothing."""
        if self.goal is None:
            return ""
        return "met" if (self.value >= self.goal if self.least else self.value <= self.goal) else "MISSED"

    def line(self) -> str:
        goal = "" if self.goal is None else f"{'≥' if self.least else '≤'} {self.goal:g} {self.unit}"
        return f"{self.name:<58} {self.value:>10.2f} {self.unit:<4} {goal:<12} {self.met:<7} {self.note}"


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def in_turns(works: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """The median seconds of each, run in turns so that a noisy machine disturbs them alike."""
    for work in works:
        work()
    taken = [[seconds(work) for work in works] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def turn_about(ours: Callable[[], object], bare: Callable[[], object], rounds: int) -> tuple[float, float]:
    """The same of two."""
    first, second = in_turns([ours, bare], rounds)
    return first, second
