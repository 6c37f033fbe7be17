"""A plan as people read it: a table of steps, and what of it a reviewer should see first."""

from __future__ import annotations

from dataclasses import dataclass

from executors.base import Plan, PlanStep

# Deeper steps stand where the deepest of these does.
DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Step:
    """A step: `indent` from 0 to `DEEPEST`; `percent` its share of the cost of the whole, None where not known.

    `large` says that it reads all of a table with more rows than the target calls large.
    """

    step: PlanStep
    indent: int
    percent: int | None
    large: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """`rows` are those of the whole, None where not known; `large` are tables read wholly, with about their rows."""

    steps: tuple[Step, ...]
    rows: int | None
    large: tuple[tuple[str, int | None], ...]
    notes: tuple[str, ...]
    costs: bool


def show(plan: Plan, *, threshold: int) -> Shown:
    """The plan for a page; more than `threshold` rows are what its target calls a large table."""
    steps = tuple(_step(step, threshold) for step in plan.steps)
    large = dict.fromkeys((shown.step.relation, shown.step.reads_all) for shown in steps if shown.large)
    return Shown(steps, plan.rows, tuple(large), plan.notes, any(step.percent is not None for step in steps))


def _step(step: PlanStep, threshold: int) -> Step:
    percent = None if step.share is None else round(step.share * 100)
    return Step(step, min(step.depth, DEEPEST), percent, step.reads_more_than(threshold))
