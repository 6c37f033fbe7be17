"""How a target would go about a statement, as its own planner says without running it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One step of a plan. `depth` counts from 0: the steps below one give it its rows.

    `relation` is the table, collection or index it is about, "" for none. `rows` is how many the planner expects it to
    give, `cost` the planner's own measure of it with all below, `share` (0 to 1) its own part of the cost of the whole.
    `reads_all` is about how many rows it reads where it reads the whole of `relation`. Each is None where not known.
    `line` is where the statement begins, on the first step of one of several.
    """

    depth: int
    what: str
    relation: str = ""
    rows: int | None = None
    cost: float | None = None
    share: float | None = None
    reads_all: int | None = None
    line: int | None = None

    def reads_more_than(self, rows: int) -> bool:
        """Whether it reads the whole of something that has more than `rows`."""
        return self.reads_all is not None and self.reads_all > rows


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a text, from the last to the first; `rows`: about how many it returns or, of a write, changes.

    `notes` say in sentences what of the text has no plan, and why. A `PlanStep` tells what each number is.
    """

    steps: tuple[PlanStep, ...] = ()
    rows: int | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def without(cls, why: str) -> Plan:
        """What has no plan, in a sentence."""
        return cls(notes=(why,))

    @property
    def cost(self) -> float:
        """The cost of the whole, where its engine has costs."""
        return sum(step.cost or 0 for step in self.steps if step.depth == 0)


def together(plans: Sequence[Plan], lines: Sequence[int], *, counted: bool = True) -> Plan:
    """The plans of several statements, which begin in `lines`, as one. `counted`: each of them runs exactly once."""
    whole = sum(plan.cost for plan in plans)
    parts = [_part(plan, line, plan.cost / whole if whole else 0) for plan, line in zip(plans, lines, strict=True)]
    known = counted and all(plan.rows is not None for plan in plans)
    rows = sum(plan.rows or 0 for plan in plans) if known and plans else None
    return Plan(tuple(step for part in parts for step in part.steps), rows, _once(parts))


def _part(plan: Plan, line: int, share: float) -> Plan:
    steps = [replace(step, share=None if step.share is None else step.share * share) for step in plan.steps]
    if steps:
        steps[0] = replace(steps[0], line=line)
    return Plan(tuple(steps), notes=tuple(f"Line {line}: {note}" for note in plan.notes))


def _once(plans: Sequence[Plan]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note for plan in plans for note in plan.notes))
