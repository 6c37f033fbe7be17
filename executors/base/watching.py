"""What a run does on its target now."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that a run waits for. `state` and `seconds` are unknown ("" and None) where the login may not see them.

    `pid` is 0 for a prepared transaction, which no session holds. `seconds` is how long its transaction is open.
    """

    pid: int
    application: str
    user: str
    state: str
    seconds: int | None


@dataclass(frozen=True, slots=True)
class ConnectionLimit:
    """How many connections a login may have at once, and which setting says so, in words."""

    most: int
    setting: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long command has come, as its server counts it: `done` of `total` in `unit`, null where it does not.

    `phase` is the server's own word. The numbers are those of this phase, not of the whole.
    """

    phase: str
    done: int | None = None
    total: int | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Activity:
    """What a run does on its target at this moment, as its own login may know it; never anybody's statement.

    `state` is the server's own word; `waiting_for` says in a few words what for, "" when it waits for nothing.
    `progress` is told of maintenance alone, and only by servers that count it.
    """

    elapsed_ms: int
    state: str
    waiting_for: str = ""
    blocked_by: tuple[Blocker, ...] = ()
    progress: Progress | None = None
