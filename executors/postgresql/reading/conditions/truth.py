"""What can be known of a condition, and how AND, OR and NOT put it together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of a condition.

    `value`: "true", "false" or "null" for every row, "never" (false or NULL), or "" where none of these is known.
    `unless_null`: true for every row in which all these columns are not NULL; empty: that is not known.
    `false_unless_null`: the same for false, and never true. `never_false`: true or NULL. `null_test`: is `… IS NULL`.
    `plain`: is made of IS NOT NULL alone, and so means what it says. `itself`: nothing but columns compared with
    expressions of themselves may keep a row out; whether that does, the text does not tell.
    """

    value: str = ""
    unless_null: frozenset[str] = frozenset()
    false_unless_null: frozenset[str] = frozenset()
    never_false: bool = False
    null_test: str = ""
    plain: bool = False
    itself: bool = False

    @property
    def always(self) -> bool:
        """Whether it is true for every row."""
        return self.value == "true"

    @property
    def never(self) -> bool:
        """Whether it is true for no row."""
        return self.value in {"false", "null", "never"} or bool(self.false_unless_null)

    @property
    def nearly_always(self) -> frozenset[str]:
        """The columns whose NULLs alone keep a row out."""
        return frozenset() if self.plain or self.value else self.unless_null


UNKNOWN = Truth()
OF_ITSELF = Truth(itself=True)
TRUE, FALSE, NULL, NEVER = (Truth(value) for value in ("true", "false", "null", "never"))


def holds_unless_null(columns: frozenset[str]) -> Truth:
    """True where none of the columns is NULL, NULL elsewhere."""
    return Truth(unless_null=columns, never_false=True)


def negated(truth: Truth) -> Truth:
    """NOT."""
    opposite = {"true": FALSE, "false": TRUE, "null": NULL}.get(truth.value)
    if opposite is not None:
        return opposite
    if truth.null_test:
        return Truth(unless_null=frozenset({truth.null_test}), plain=True)
    if truth.plain:
        return Truth(null_test=next(iter(truth.unless_null))) if len(truth.unless_null) == 1 else UNKNOWN
    if truth.false_unless_null:
        return holds_unless_null(truth.false_unless_null)
    if truth.never_false and truth.unless_null:
        return Truth(false_unless_null=truth.unless_null)
    return NEVER if truth.never_false else Truth(itself=truth.itself)


def every(parts: Sequence[Truth]) -> Truth:
    """AND."""
    if any(part.value == "false" for part in parts):
        return FALSE
    if any(part.never for part in parts):
        return NEVER
    if all(part.always for part in parts):
        return TRUE
    if all(part.always or part.unless_null for part in parts):
        open_parts = [part for part in parts if not part.always]
        return Truth(
            unless_null=frozenset().union(*(part.unless_null for part in open_parts)),
            never_false=all(part.never_false for part in open_parts),
            plain=all(part.plain for part in open_parts),
        )
    return Truth(itself=all(part.always or part.unless_null or part.itself for part in parts))


def some(parts: Sequence[Truth]) -> Truth:
    """OR."""
    if any(part.always for part in parts):
        return TRUE
    if all(part.value == "false" for part in parts):
        return FALSE
    if all(part.never for part in parts):
        return NEVER
    nulls = {part.null_test for part in parts if part.null_test}
    known = [part for part in parts if part.unless_null]
    if any(part.unless_null <= nulls for part in known):
        return TRUE
    if not known:
        return Truth(itself=any(part.itself for part in parts))
    best = min(known, key=lambda part: (part.plain, len(part.unless_null - nulls), sorted(part.unless_null)))
    never_false = any(part.never_false for part in parts)
    return Truth(unless_null=best.unless_null - nulls, never_false=never_false, plain=best.plain and len(parts) == 1)


def first_known(parts: Sequence[Truth]) -> Truth:
    """COALESCE."""
    parts = [part for part in parts if part.value != "null"]
    if not parts:
        return NULL
    first, *others = parts
    if not others or first.value in {"true", "false"}:
        return first
    rest = first_known(others)
    if first.never_false and rest.always:
        return TRUE
    if first.unless_null:
        return Truth(unless_null=first.unless_null, plain=first.plain)
    return NEVER if first.never and rest.never else UNKNOWN
