"""Findings in the order in which they are worth reading: what may do harm first, what is good to know last, and few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from queries import risks

# More than that nobody reads at once; the rest is a click away.
MOST_AT_ONCE = 5

_GRAVITY = ("error", "warning")

# A finding as it is stored with its request.
Stored: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Noticed:
    """`first` is to be read, `more` as well but folded; `noted` is for information."""

    first: Sequence[Stored]
    more: Sequence[Stored]
    noted: Sequence[Stored]

    @property
    def warned(self) -> int:
        """How many somebody should look at."""
        return len(self.first) + len(self.more)


def noticed(findings: Sequence[Stored]) -> Noticed:
    """The findings of a request: by gravity, those that its risk is told by first, then as they stand in the text."""
    warned = sorted((finding for finding in findings if finding["severity"] in _GRAVITY), key=_rank)
    noted = sorted((finding for finding in findings if finding["severity"] not in _GRAVITY), key=_place)
    return Noticed(warned[:MOST_AT_ONCE], warned[MOST_AT_ONCE:], noted)


def _rank(finding: Stored) -> tuple[int, bool, tuple[int, int]]:
    return _GRAVITY.index(finding["severity"]), not risks.raises(finding["code"]), _place(finding)


def _place(finding: Stored) -> tuple[int, int]:
    return finding.get("line") or 0, finding.get("column") or 0
