"""What a server's word for a lost COMMIT is worth: each proof, and what it is worth with one part of it missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from executors.base import CommitStatus
from executors.postgresql.proof import Answer, Checkpoint, Witness, judge

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)
SYSTEM, LINE = 7712421776541882751, "00000001"
ASKED = Witness(started=NOON - timedelta(days=1), crashed=NOON - timedelta(days=9), system=SYSTEM, timeline=LINE,
                xid=(3 << 32) + 100, lsn=5000, at=NOON)  # fmt: skip
AFTER_CRASH = Answer(started=LATER, replayed=6000, crashed=LATER, system=SYSTEM, timeline=LINE, standby=False,
                     checkpoint=Checkpoint(LATER, 6000, 6000, ASKED.xid + 1))  # fmt: skip
AFTER_REST = replace(AFTER_CRASH, replayed=None, crashed=ASKED.crashed,
                     checkpoint=Checkpoint(LATER, 6000, 6000, ASKED.xid + 1))  # fmt: skip
SAME = replace(AFTER_CRASH, started=ASKED.started, replayed=None, crashed=ASKED.crashed, checkpoint=None)
TIMED = replace(AFTER_CRASH, checkpoint=None, committed_at=NOON + timedelta(milliseconds=20))
PROMOTED = replace(TIMED, started=ASKED.started, timeline="00000002", replayed_at=NOON + timedelta(seconds=1))


def changed(answer: Answer, **fields: Any) -> Answer:
    """The answer with fields of it, or of its checkpoint, replaced."""
    own = {name: value for name, value in fields.items() if hasattr(answer, name)}
    rest = {name: value for name, value in fields.items() if name not in own}
    found = replace(answer, **own)
    return replace(found, checkpoint=replace(found.checkpoint, **rest)) if rest and found.checkpoint else found


@pytest.mark.parametrize("said", ["committed", "aborted", "in progress"])
def test_the_same_incarnation_is_believed(said: str) -> None:
    assert judge(ASKED, SAME, said) == said


@pytest.mark.parametrize("said", ["", "something new"])
def test_what_it_would_not_say_is_not_known(said: str) -> None:
    assert judge(ASKED, SAME, said) is CommitStatus.UNKNOWN


@pytest.mark.parametrize(
    "answer",
    [
        changed(SAME, replayed=5500),
        changed(SAME, started=LATER),
        changed(SAME, started=None),
    ],
    ids=["recovered under the same postmaster", "started again", "does not say"],
)
@pytest.mark.parametrize("said", ["committed", "in progress", ""])
def test_another_incarnation_is_not_believed_without_a_proof(answer: Answer, said: str) -> None:
    assert judge(ASKED, answer, said) is CommitStatus.UNKNOWN


def test_a_witness_that_does_not_say_who_it_was_proves_nothing() -> None:
    nobody = Witness(xid=ASKED.xid)
    for answer in (SAME, AFTER_CRASH, AFTER_REST, TIMED, changed(SAME, started=None)):
        for said in ("committed", "aborted"):
            assert judge(nobody, answer, said) is CommitStatus.UNKNOWN


@pytest.mark.parametrize("answer", [changed(SAME, standby=True), changed(SAME, system=1)], ids=["standby", "another"])
@pytest.mark.parametrize("said", ["committed", "aborted", "in progress", ""])
def test_who_cannot_know_does_not_answer(answer: Answer, said: str) -> None:
    assert judge(ASKED, answer, said) is CommitStatus.UNANSWERED


@pytest.mark.parametrize(
    "answer", [AFTER_CRASH, AFTER_REST, TIMED, PROMOTED], ids=["crash", "rest", "time", "promoted"]
)
def test_each_proof_of_a_commit_is_one_by_itself(answer: Answer) -> None:
    assert judge(ASKED, answer, "committed") is CommitStatus.COMMITTED


@pytest.mark.parametrize(
    "flaw",
    [
        {"next_xid": ASKED.xid},
        {"next_xid": ASKED.xid - (1 << 32) + 1},
        {"redo": 4999, "lsn": 4999},
        {"redo": 5990},
        {"lsn": 6010},
        {"redo": 6200, "lsn": 6200},
        {"redo": 5999, "lsn": 5999},
        {"timeline": "00000002"},
        {"timeline": None},
        {"system": None},
        {"checkpoint": None},
        {"replayed": None},
    ],
    ids=str,
)
def test_a_crash_proves_nothing_when(flaw: dict[str, Any]) -> None:
    assert judge(ASKED, changed(AFTER_CRASH, **flaw), "committed") is CommitStatus.UNKNOWN


@pytest.mark.parametrize(
    "flaw",
    [
        {"crashed": LATER},
        {"crashed": None},
        {"next_xid": ASKED.xid},
        {"redo": 4999, "lsn": 4999},
        {"lsn": 6010},
        {"at": LATER + timedelta(seconds=1)},
        {"timeline": "00000002"},
        {"checkpoint": None},
        {"replayed": 4000},
    ],
    ids=str,
)
def test_a_clean_shutdown_proves_nothing_when(flaw: dict[str, Any]) -> None:
    answer = changed(AFTER_REST, **flaw)
    assert judge(ASKED, answer, "committed") is CommitStatus.UNKNOWN
    assert judge(ASKED, answer, "aborted") is CommitStatus.UNKNOWN


@pytest.mark.parametrize(
    "flaw",
    [
        {"committed_at": NOON - timedelta(milliseconds=1)},
        {"committed_at": NOON + timedelta(seconds=3)},
        {"committed_at": None},
        {"started": NOON + timedelta(milliseconds=10)},
        {"started": None},
    ],
    ids=str,
)
def test_a_commit_time_proves_nothing_when(flaw: dict[str, Any]) -> None:
    assert judge(ASKED, changed(TIMED, **flaw), "committed") is CommitStatus.UNKNOWN


def test_a_commit_after_the_last_that_a_promoted_standby_replayed_is_its_own() -> None:
    answer = changed(PROMOTED, replayed_at=NOON + timedelta(milliseconds=10))
    assert judge(ASKED, answer, "committed") is CommitStatus.UNKNOWN


def test_aborted_stands_when_everything_before_the_commit_came_back() -> None:
    checkpointed_since = changed(AFTER_CRASH, checkpoint=None)
    assert judge(ASKED, checkpointed_since, "aborted") is CommitStatus.ABORTED
    assert judge(ASKED, AFTER_REST, "aborted") is CommitStatus.ABORTED


@pytest.mark.parametrize("flaw", [{"replayed": 4999}, {"timeline": "00000002"}, {"system": None}], ids=str)
def test_aborted_does_not_stand_when(flaw: dict[str, Any]) -> None:
    assert judge(ASKED, changed(AFTER_CRASH, **flaw), "aborted") is CommitStatus.UNKNOWN


@pytest.mark.parametrize("answer", [AFTER_CRASH, AFTER_REST, TIMED], ids=["crash", "rest", "time"])
@pytest.mark.parametrize("said", ["in progress", ""])
def test_what_runs_or_is_to_come_elsewhere_is_somebody_elses(answer: Answer, said: str) -> None:
    assert judge(ASKED, answer, said) is CommitStatus.UNKNOWN
