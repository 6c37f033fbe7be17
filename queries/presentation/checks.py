"""The closed line under the findings that a person should read: what was verified, in words."""

from collections.abc import Iterable

from executors.base import Verified

# In the order in which they are read. What was verified was verified by the analyser; nothing is inferred here.
WORDS = {
    Verified.SYNTAX: "Its syntax is valid.",
    Verified.NO_HIDDEN_CHARACTERS: "No character in it hides or reorders text.",
    Verified.NO_LOOKALIKE_NAMES: "No name in it passes for another by letters that look alike.",
    Verified.ALLOWED_KIND: "It is of a kind that the portal runs.",
    Verified.STATEMENTS_WRITTEN_OUT: "Every database call in it is written out.",
    Verified.NAMES_KNOWN: "The target knows its tables and columns.",
    Verified.ONLY_READS: "Nothing in its text writes.",
    Verified.NO_OUTSIDE_FUNCTIONS: "It calls functions of the server alone, none that acts outside the transaction.",
    Verified.NO_SERVER_JAVASCRIPT: "Nothing in it runs as JavaScript on the database's server.",
    Verified.ONE_DATABASE: "It names no other database.",
    Verified.EVERY_WRITE_FILTERED: "Every update and delete in it has a condition, and none is true for every row.",
    Verified.NOTHING_DROPPED: "Nothing in its text drops or empties anything.",
    Verified.NO_TABLE_LOCKED: "Nothing in its text locks a whole table.",
}


def passed(verified: Iterable[str]) -> list[str]:
    """The sentences for what was stored as verified with a request. A name no longer known says nothing."""
    stored = set(verified)
    return [words for member, words in WORDS.items() if member.value in stored]
