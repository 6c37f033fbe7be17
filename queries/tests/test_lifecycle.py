"""The lifecycle: the full cross product of status and verb, and the map drawn in the design."""

import itertools

import pytest

from queries.lifecycle import FINAL, TRANSITIONS, NotPossible, Status, Verb, after, possible
from queries.models import QueryRequest

# Every arrow there is. A pair that is not here must be refused.
ARROWS = {
    (Status.PENDING, Verb.ENDORSE): Status.PENDING,
    (Status.PENDING, Verb.APPROVE): Status.APPROVED,
    (Status.PENDING, Verb.REJECT): Status.REJECTED,
    (Status.PENDING, Verb.WITHDRAW): Status.WITHDRAWN,
    (Status.PENDING, Verb.EXPIRE): Status.WITHDRAWN,
    (Status.APPROVED, Verb.CLAIM): Status.EXECUTING,
    (Status.APPROVED, Verb.FAIL): Status.FAILED,
    (Status.EXECUTING, Verb.COMPLETE): Status.EXECUTED,
    (Status.EXECUTING, Verb.FAIL): Status.FAILED,
    (Status.EXECUTING, Verb.CLOSE): Status.FAILED,
    (Status.FAILED, Verb.CLOSE): Status.FAILED,
}


@pytest.mark.parametrize(("status", "verb"), list(itertools.product(Status, Verb)), ids=str)
def test_a_verb_leads_where_the_map_says_and_nowhere_else(status: Status, verb: Verb) -> None:
    expected = ARROWS.get((status, verb))
    assert possible(verb, status) is (expected is not None)
    if expected is not None:
        assert after(verb, status) is expected
        return
    with pytest.raises(NotPossible) as caught:
        after(verb, status)
    assert (caught.value.verb, caught.value.status) == (verb, status)


def test_there_are_exactly_seven_statuses() -> None:
    assert [s.value for s in Status] == [
        "PENDING",
        "APPROVED",
        "EXECUTING",
        "EXECUTED",
        "FAILED",
        "REJECTED",
        "WITHDRAWN",
    ]


def test_every_verb_has_its_arrows() -> None:
    assert set(TRANSITIONS) == set(Verb)


def test_nothing_leads_out_of_a_final_status() -> None:
    left = {status for (status, _), to in ARROWS.items() if to is not status}
    assert set(Status) - left == FINAL


def test_every_status_is_reached_from_pending() -> None:
    reached = {Status.PENDING}
    for _ in Status:
        reached |= {to for (status, _), to in ARROWS.items() if status in reached}
    assert reached == set(Status)


def test_the_column_knows_the_same_statuses() -> None:
    field = QueryRequest._meta.get_field("status")
    assert [value for value, _ in field.choices or ()] == [s.value for s in Status]
