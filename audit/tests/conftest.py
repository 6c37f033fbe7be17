"""A log to verify, and the verifier."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import verify_evidence
from audit.tests.made import Line, Maker, made, written
from verify_evidence import Wrong


@pytest.fixture(scope="module")
def honest() -> Maker:
    """Twelve entries, a checkpoint behind the fifth and the tenth."""
    return made(12)


@pytest.fixture
def check(tmp_path: Path, honest: Maker) -> Callable[..., str]:
    """What the verifier says of a file, "" when everything holds."""
    key = honest.public(tmp_path / "key.pem")

    def say(data: bytes, *kept: Line) -> str:
        (tmp_path / "file").write_bytes(data)
        (tmp_path / "kept").write_bytes(written(kept))
        try:
            verify_evidence.verified(str(tmp_path / "file"), [str(key)], [str(tmp_path / "kept")] if kept else [])
        except Wrong as wrong:
            return str(wrong)
        return ""

    return say
