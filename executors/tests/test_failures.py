"""One list of failure codes: each has its error, which arrives from a helper process as it was raised."""

from __future__ import annotations

import pytest

from executors.base import ERRORS, ExecutionError, FailureCode
from executors.processes import messages


def subclasses(kind: type[ExecutionError]) -> set[type[ExecutionError]]:
    """All of them, however deep, but those of tests."""
    found = {item for item in kind.__subclasses__() if item.__module__.startswith("executors.base")}
    return found.union(*(subclasses(item) for item in found))


def test_every_code_has_one_error_and_every_error_one_code() -> None:
    errors = subclasses(ExecutionError)
    assert set(ERRORS) == set(FailureCode)
    assert set(ERRORS.values()) == errors
    assert len({error.code for error in errors}) == len(errors)


@pytest.mark.parametrize("code", FailureCode)
def test_an_error_crosses_the_border_of_a_process_as_itself(code: FailureCode) -> None:
    error = ERRORS[code]("It failed.", detail={"hint": "Look."})
    back = messages.to_error(messages.from_error(error))
    assert type(back) is type(error)
    assert (back.code, back.public_message, back.detail) == (code, "It failed.", {"hint": "Look."})


def test_an_error_without_a_code_does_not_exist() -> None:
    assert not hasattr(ExecutionError("It failed."), "code")
