"""How many rows and bytes one result may have: counted alike wherever rows are kept."""

from __future__ import annotations

from typing import Self

from executors.base import Limits, TooLarge, Truncation


class Budget:
    """What a result has taken of its limits so far. `truncated` names the limit that cut it short, "" while none did.

    Rows are taken whole and in order: the first that does not fit ends the result. When that is the very first row,
    nothing could be shown, which is a failure and no short result.
    """

    def __init__(self, rows: int, size: int) -> None:
        self.most_rows = rows
        self._most_bytes = size
        self.rows = 0
        self.bytes = 0
        self.truncated: Truncation = ""

    @classmethod
    def of(cls, limits: Limits) -> Self:
        """The budget of one execution."""
        return cls(limits.rows, limits.bytes)

    def admit(self, size: int) -> bool:
        """Count a row of `size` bytes; False when it is to be left out. Raises `TooLarge` when it is the first."""
        if self.truncated:
            return False
        if self.rows >= self.most_rows:
            self.truncated = "rows"
            return False
        if self.bytes + size > self._most_bytes:
            self.end_early("bytes")
            return False
        self.rows += 1
        self.bytes += size
        return True

    def admit_all(self, rows: int, size: int) -> bool:
        """Count a block of rows at once if all of it fits; otherwise nothing is counted: they are admitted singly."""
        fits = not self.truncated and self.rows + rows <= self.most_rows and self.bytes + size <= self._most_bytes
        if fits:
            self.rows += rows
            self.bytes += size
        return fits

    def end_early(self, limit: Truncation) -> None:
        """End the result at a limit that a row would have passed. Raises `TooLarge` when it was to be the first."""
        self.truncated = limit
        if limit == "bytes" and not self.rows:
            raise TooLarge(f"One row is more than the {self._most_bytes:,} bytes a result may have.")
