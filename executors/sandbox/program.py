"""The confined program: Deno with the hardened flags, and the files it needs to start."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import deno

_SCRIPT = Path(__file__).resolve().parent.parent / "script"
LOADER = _SCRIPT / "loader.mjs"
BOOTSTRAP = _SCRIPT / "bootstrap.js"
# What makes `db` for the scripts of an engine stands in its folder under this name.
_PRELUDES = "*/prelude.js"
IMPORT_MAP = _SCRIPT / "imports.json"

# Without a just-in-time compiler there are no writable and executable pages, and RLIMIT_DATA bounds the process:
# a heap limit alone leaves strings, buffers and code unbounded.
_V8_FLAGS = "--jitless,--max-old-space-size=128,--max-semi-space-size=8,--stack-size=900"
_FLAGS = (
    "--no-prompt",
    "--no-remote",
    "--no-npm",
    "--no-config",
    "--no-lock",
    "--cached-only",
    "--no-code-cache",
)
# DENO_DIR must not exist: localStorage and the cache API would keep data from one run to the next.
ENVIRONMENT: Mapping[str, str] = {"DENO_DIR": "/nonexistent", "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"}
_LIBRARY = re.compile(r"(/\S+) \(0x")
_LOADER_CACHE = Path("/etc/ld.so.cache")


@dataclass(frozen=True, slots=True)
class Program:
    """A command with absolute paths, and the only files its process may open."""

    command: tuple[str, ...]
    executable: tuple[Path, ...]
    readable: tuple[Path, ...]


def script_program(*, jit: bool = False) -> Program:
    """Deno, which takes its `greeting` first. `jit` is for measuring what `--jitless` costs. Raises `OSError`."""
    binary = Path(deno.find_deno_bin()).resolve(strict=True)
    v8_flags = _V8_FLAGS.replace("--jitless,", "") if jit else _V8_FLAGS
    command = (
        str(binary),
        "run",
        *_FLAGS,
        f"--import-map={IMPORT_MAP}",
        f"--v8-flags={v8_flags}",
        str(LOADER),
    )
    readable = (LOADER, IMPORT_MAP, *([_LOADER_CACHE] if _LOADER_CACHE.exists() else []))
    return Program(command, (binary, *_shared_libraries(binary)), readable)


def greeting(*, ahead: bool) -> bytes:
    """What a child is told first: its program, and whether its script, of any engine, is still to come (`ahead`)."""
    preludes = [path.read_text("utf-8") for path in sorted(_SCRIPT.parent.glob(_PRELUDES))] if ahead else []
    told = json.dumps({"ahead": ahead, "preludes": preludes}, ensure_ascii=False)
    return _frame(BOOTSTRAP.read_bytes()) + _frame(told.encode())


def _frame(body: bytes) -> bytes:
    """As the child reads it: its length in 4 bytes, big-endian, and itself."""
    return len(body).to_bytes(4, "big") + body


def _shared_libraries(binary: Path) -> tuple[Path, ...]:
    """The libraries the dynamic loader would map, the loader itself included."""
    listing = subprocess.run(
        [binary],
        env={**os.environ, "LD_TRACE_LOADED_OBJECTS": "1"},
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    ).stdout
    return tuple(Path(path) for path in dict.fromkeys(_LIBRARY.findall(listing)))
