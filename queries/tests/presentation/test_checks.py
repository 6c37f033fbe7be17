"""What was verified, in words: nothing is said that was not stored."""

import pytest

from executors.base import Verified
from queries.presentation.checks import WORDS, passed


@pytest.mark.parametrize("member", list(Verified))
def test_everything_that_can_be_verified_has_its_own_words(member: Verified) -> None:
    (words,) = passed([member.value])
    assert words.endswith(".")
    assert list(WORDS.values()).count(words) == 1


def test_nothing_stored_claims_nothing() -> None:
    assert passed([]) == []


def test_a_name_from_another_version_claims_nothing() -> None:
    assert passed(["no_such_check", "syntax"]) == ["Its syntax is valid."]


def test_words_stand_in_their_own_order() -> None:
    assert passed([Verified.NOTHING_DROPPED, Verified.SYNTAX]) == passed([Verified.SYNTAX, Verified.NOTHING_DROPPED])
