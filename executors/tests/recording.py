"""A sink and a control that remember what they were told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from executors.base import Call, Column, Images, RowEncoding
from executors.copytext import Row
from executors.rows import decode_rows


@dataclass
class Recorder:
    """Both the sink and the control of one run."""

    announced: list[list[Column]] = field(default_factory=list)
    encoding: RowEncoding = RowEncoding.COPY
    blocks: list[tuple[bytes, int]] = field(default_factory=list)
    backends: list[str] = field(default_factory=list)
    transactions: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    logs: list[tuple[str, str]] = field(default_factory=list)
    progress: list[tuple[int, int]] = field(default_factory=list)
    images: list[Images] = field(default_factory=list)
    stop: bool = False
    veto: bool = False

    def columns(self, columns: Sequence[Column], encoding: RowEncoding) -> None:
        """A new result set: the rows of the one before are dropped."""
        self.announced.append(list(columns))
        self.encoding = encoding
        self.blocks.clear()

    def all_columns(self, columns: Sequence[Column]) -> None:
        """The last result set has these columns in all."""
        self.announced[-1] = list(columns)

    def rows(self, data: bytes, count: int) -> None:
        """Keep a block."""
        self.blocks.append((data, count))

    def started(self, backend: str) -> None:
        """Keep the backend."""
        self.backends.append(backend)

    def committing(self, transaction: str) -> None:
        """Keep the transaction, or forbid the commit."""
        self.transactions.append(transaction)
        if self.veto:
            raise PermissionError

    def kept(self, images: Images) -> None:
        """Keep what an undo would need."""
        self.images.append(images)

    def cancelled(self) -> bool:
        """Whether a test asked to stop."""
        return self.stop

    def progressed(self, done: int, total: int) -> None:
        """Keep how far it was."""
        self.progress.append((done, total))

    def ask_to_stop(self) -> None:
        """As somebody who presses the button."""
        self.stop = True

    def called(self, call: Call) -> None:
        """Keep a script's call."""
        self.calls.append(call)

    def logged(self, level: str, text: str) -> None:
        """Keep a script's log line."""
        self.logs.append((level, text))

    @property
    def decoded(self) -> list[Row]:
        """All rows of the last result set."""
        return [row for data, _ in self.blocks for row in decode_rows(self.encoding, data)]

    @property
    def count(self) -> int:
        """Rows as counted by the blocks."""
        return sum(count for _, count in self.blocks)
