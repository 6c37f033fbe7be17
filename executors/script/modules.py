"""The JavaScript modules a script may `require`: vendored from npm, each pinned by version and digest."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import cast

_DIRECTORY = Path(__file__).parent / "vendor" / "modules"


@cache
def available() -> tuple[str, ...]:
    """The names of all vendored modules."""
    return tuple(_lock())


@cache
def _lock() -> dict[str, dict[str, str]]:
    return cast("dict[str, dict[str, str]]", json.loads((_DIRECTORY / "lock.json").read_text("utf-8")))


@cache
def source(name: str) -> str:
    """The source of one module. Raises `ValueError` if the file is not the one that was locked."""
    entry = _lock()[name]
    data = (_DIRECTORY / entry["file"]).read_bytes()
    digest = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    if digest != entry["bundle"]:
        raise ValueError(f"the vendored module {name} is not the one in lock.json")
    return data.decode("utf-8")


def sources_for(statement: str, allowed: Sequence[str]) -> dict[str, str]:
    """The sources a script could need: those allowed whose name stands in its text. The rest would only cost time."""
    return {name: source(name) for name in available() if name in allowed and name in statement}
