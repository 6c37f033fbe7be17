"""Downloads that must be complete before their first byte is known: written to a file of their own, then read."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

READ_BYTES = 64 * 1024


def written(write: Callable[[Path], None]) -> Iterator[bytes]:
    """The bytes of the file that `write` makes at the path it is given, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="portal-download-") as folder:
        path = Path(folder) / "result"
        write(path)
        with path.open("rb") as file:
            while data := file.read(READ_BYTES):
                yield data
