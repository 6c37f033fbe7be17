"""The life of a request as one pure table: which verb leads from which status to which. No model, no database."""

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """The seven statuses; there are no others."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    EXECUTING = "EXECUTING"
    EXECUTED = "EXECUTED"
    FAILED = "FAILED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"


class Verb(StrEnum):
    """What can happen to a request. `endorse` is an approval that is not the last one needed."""

    ENDORSE = "endorse"
    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    CLAIM = "claim"
    COMPLETE = "complete"
    FAIL = "fail"
    CLOSE = "close"


TRANSITIONS: Final[dict[Verb, tuple[frozenset[Status], Status]]] = {
    Verb.ENDORSE: (frozenset({Status.PENDING}), Status.PENDING),
    Verb.APPROVE: (frozenset({Status.PENDING}), Status.APPROVED),
    Verb.REJECT: (frozenset({Status.PENDING}), Status.REJECTED),
    Verb.WITHDRAW: (frozenset({Status.PENDING}), Status.WITHDRAWN),
    Verb.EXPIRE: (frozenset({Status.PENDING}), Status.WITHDRAWN),
    Verb.CLAIM: (frozenset({Status.APPROVED}), Status.EXECUTING),
    Verb.COMPLETE: (frozenset({Status.EXECUTING}), Status.EXECUTED),
    # An approved request whose process died before the claim fails without having started.
    Verb.FAIL: (frozenset({Status.APPROVED, Status.EXECUTING}), Status.FAILED),
    # A person ends the search for an outcome, or says what they found where it stayed unknown; it failed either way.
    Verb.CLOSE: (frozenset({Status.EXECUTING, Status.FAILED}), Status.FAILED),
}

FINAL: Final = frozenset({Status.EXECUTED, Status.FAILED, Status.REJECTED, Status.WITHDRAWN})


class NotPossible(Exception):
    """The verb does not lead anywhere from this status."""

    def __init__(self, verb: Verb, status: Status) -> None:
        super().__init__(f"{verb} is not possible from {status}")
        self.verb = verb
        self.status = status


def possible(verb: Verb, status: Status) -> bool:
    """Whether `verb` leads somewhere from `status`."""
    return status in TRANSITIONS[verb][0]


def after(verb: Verb, status: Status) -> Status:
    """The status `verb` leads to from `status`. Raises NotPossible."""
    if not possible(verb, status):
        raise NotPossible(verb, status)
    return TRANSITIONS[verb][1]
