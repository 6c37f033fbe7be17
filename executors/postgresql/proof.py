"""When a server's word for a COMMIT whose answer was lost can be taken.

A transaction id means something only on the server that gave it. What a crash, or a failover to a standby that lagged,
lost of the unflushed log is lost with the ids in it, and they are given again: `pg_xact_status` then answers for
somebody else. So a `Witness` is recorded before the COMMIT, beside the id: who the server is and how far it is. `judge`
compares it with who answers later.

*The same incarnation answers* when `pg_postmaster_start_time()` is the same and so is `pg_last_wal_replay_lsn()`. The
second is needed because a postmaster survives the crash of one of its backends: it recovers under its old start time,
and has lost what was unflushed all the same. Recovery leaves that position behind for as long as its incarnation lives,
and each ends further on than the one before. Between the same nothing was lost: whatever it says stands.

*A standby, or another system,* cannot know yet, or at all; the server that was asked may come back: `UNANSWERED`.

*Another incarnation says "committed".* That is ours only if the id cannot have been given again, which one of these
proves; the first two on the same timeline of the same system:

- After a crash, the checkpoint that ended its recovery, as long as it is the latest: its redo position is where the
  replay ended. The replay went past the position we saw, and the checkpoint's next id is above ours, so that this
  incarnation never gave ours to anybody.
- After nothing but clean shutdowns, which lose nothing: the mark of its last crash (statistics start anew with each
  recovery) is the one we saw; and the checkpoint of the shutdown, as long as it is the latest, is past our position and
  id. The latter tells it from a copy made earlier of a server at rest, which bears the same mark.
- Where commit times are tracked, on any timeline: it was committed within the moments in which ours must have been, and
  before the server that answers began to write: before it started, or not after the last commit it replayed.

*Another incarnation says "aborted".* That stands if it has everything from before our COMMIT, because its replay or its
clean shutdown ended at the position we saw or further on: then the COMMIT never came, or was lost, and either way
nothing of it is there. A copy from before us has not come so far when it starts.

*"In progress" and "in the future"* from another incarnation are about somebody else. All else is `UNKNOWN`.

What this cannot see: two crashes in a row, the first of which lost our COMMIT and the second the trace of it, with our
id given and committed in between, and the portal getting no answer in between, although it asks within seconds and
again and again; and a standby whose clock is behind by longer than the failover took. Neither leaves a mark that a
login may read.

Sources: PostgreSQL's `xlogrecovery.c` (`lastReplayedEndRecPtr`), `xlog.c` (`CreateCheckPoint`: the redo position is the
record itself for a shutdown and for the end of a recovery), `pgstat.c` (`pgstat_reset_after_failure`). Measured on 18.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from executors.base import CommitStatus

SAID: Final = {
    "committed": CommitStatus.COMMITTED,
    "aborted": CommitStatus.ABORTED,
    "in progress": CommitStatus.IN_PROGRESS,
}

# From the witness to the commit: a durable write of the portal's own, and the way to the server.
_COMMIT_WINDOW: Final = timedelta(seconds=2)
# Between the end of a replay and the checkpoint that ends it lies the header of a page, but never another checkpoint.
_CLOSE: Final = 100


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a server is. None: it does not say. `timeline` as in the names of WAL files; positions count bytes."""

    started: datetime | None = None
    replayed: int | None = None
    crashed: datetime | None = None
    system: int | None = None
    timeline: str | None = None

    def is_incarnation(self, other: Identity) -> bool:
        """Whether nothing was lost between the two: one start, and no recovery since."""
        return self.started is not None and (self.started, self.replayed) == (other.started, other.replayed)

    def continues(self, other: Identity) -> bool:
        """Whether positions of the two are on one line."""
        line = (self.system, self.timeline)
        return None not in line and line == (other.system, other.timeline)


@dataclass(frozen=True, slots=True)
class Witness(Identity):
    """A transaction about to commit: its full id, its server, and the position and the time there."""

    xid: int = 0
    lsn: int | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The latest checkpoint of a server. `at` is cut to whole seconds, `next_xid` is a full id."""

    at: datetime
    lsn: int
    redo: int
    next_xid: int

    def knows(self, asked: Witness) -> bool:
        """Whether the transaction's id counted as given at this checkpoint, and all that it had written was there."""
        return asked.lsn is not None and self.redo >= asked.lsn and self.next_xid > asked.xid

    @property
    def at_rest(self) -> bool:
        """Whether nothing was written while it was made: the one of a shutdown, or of the end of a recovery."""
        return self.redo == self.lsn


@dataclass(frozen=True, slots=True)
class Answer(Identity):
    """Who answers, and what it knows of its past. `committed_at` is that of the id asked for, where it is tracked."""

    standby: bool | None = None
    replayed_at: datetime | None = None
    checkpoint: Checkpoint | None = None
    committed_at: datetime | None = None


def judge(asked: Witness, answer: Answer, said: str) -> CommitStatus:
    """What became of the transaction, given what the server `said` of its id ("" when it would not say)."""
    if answer.standby or (None not in (asked.system, answer.system) and asked.system != answer.system):
        return CommitStatus.UNANSWERED
    if answer.is_incarnation(asked):
        return SAID.get(said, CommitStatus.UNKNOWN)
    if said == "committed" and (_recovered(asked, answer) or _rested(asked, answer) or _timed(asked, answer)):
        return CommitStatus.COMMITTED
    if said == "aborted" and (_replayed(asked, answer) or _rested(asked, answer)):
        return CommitStatus.ABORTED
    return CommitStatus.UNKNOWN


def _recovered(asked: Witness, answer: Answer) -> bool:
    """Whether the last recovery ended with the id known as given, for its checkpoint is still the latest."""
    checkpoint = answer.checkpoint
    if checkpoint is None or answer.replayed is None or not answer.continues(asked):
        return False
    ended_recovery = checkpoint.at_rest and 0 <= checkpoint.redo - answer.replayed < _CLOSE
    return ended_recovery and checkpoint.knows(asked)


def _rested(asked: Witness, answer: Answer) -> bool:
    """Whether there were only clean shutdowns since, the last of them with the id known as given."""
    checkpoint = answer.checkpoint
    if checkpoint is None or answer.started is None or not answer.continues(asked):
        return False
    no_crash = answer.replayed is None and asked.crashed is not None and asked.crashed == answer.crashed
    shut_down = checkpoint.at_rest and checkpoint.at <= answer.started
    return no_crash and shut_down and checkpoint.knows(asked)


def _timed(asked: Witness, answer: Answer) -> bool:
    """Whether the commit was made when ours must have been, and by an earlier incarnation than the one that answers."""
    at = answer.committed_at
    if at is None or asked.at is None or not asked.at <= at <= asked.at + _COMMIT_WINDOW:
        return False
    before_start = answer.started is not None and at < answer.started
    return before_start or (answer.replayed_at is not None and at <= answer.replayed_at)


def _replayed(asked: Witness, answer: Answer) -> bool:
    """Whether the last recovery brought back everything from before the COMMIT."""
    known = asked.lsn is not None and answer.replayed is not None
    return known and answer.continues(asked) and (answer.replayed or 0) >= (asked.lsn or 0)
