"""SET in front of a statement: the settings that are harmless, within which bounds, and why every other is refused.

What is set holds until the end of the transaction, whether it says LOCAL or not: nothing of a session outlives a run.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from executors.postgresql.reading.parse import Node, Statement

_SWITCHES = frozenset(
    """
    enable_bitmapscan enable_gathermerge enable_hashagg enable_hashjoin enable_incremental_sort enable_indexonlyscan
    enable_indexscan enable_material enable_memoize enable_mergejoin enable_nestloop enable_parallel_append
    enable_parallel_hash enable_partition_pruning enable_partitionwise_aggregate enable_partitionwise_join
    enable_seqscan enable_sort enable_tidscan jit
    """.split()
)
_ON_OR_OFF = frozenset({"on", "off", "true", "false", "1", "0"})
TIMEOUTS = frozenset({"statement_timeout", "lock_timeout"})
# What an undo reads back must say the same under the database's own settings.
_DATE_STYLES = frozenset({"iso", "iso, mdy", "iso, dmy", "iso, ymd"})
_INTERVAL_STYLES = frozenset({"postgres", "postgres_verbose", "iso_8601"})
# The server's least, and the most that is let through.
_MEMORY_KB = {"work_mem": (64, 256 * 1024), "maintenance_work_mem": (1024, 1024 * 1024)}
_ZONE = re.compile(r"[A-Za-z0-9_+/:-]{1,60}")
_AMOUNT = re.compile(r"\s*(\d{1,9})\s*([A-Za-z]*)\s*")
_MILLISECONDS = {"": 1, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000}
_KILOBYTES = {"": 1, "kB": 1, "MB": 1024, "GB": 1024 * 1024}
_OWN_SCHEMAS = frozenset({"pg_catalog", "pg_temp"})


class Setting(NamedTuple):
    """A setting and its value, as `set_config` takes them: timeouts in milliseconds; of a search path its schemas."""

    name: str
    value: str
    schemas: tuple[str, ...] = ()


def apart(statements: Sequence[Statement]) -> tuple[tuple[tuple[Statement, Setting], ...], tuple[Statement, ...]]:
    """What is set in front of the other statements, as far as it is harmless, and those statements."""
    found: list[tuple[Statement, Setting]] = []
    for item in statements:
        one = setting(item.node) if item.type == "VariableSetStmt" else None
        if one is None:
            break
        found.append((item, one))
    return tuple(found), tuple(statements[len(found) :])


def setting(node: Node) -> Setting | None:
    """What a SET sets, if it is harmless whatever the target's limits are; None where it is not."""
    name, value = str(node.get("name", "")).lower(), _value(node)
    if node.get("kind") != "VAR_SET_VALUE" or value is None:
        return None
    if name == "search_path":
        schemas = tuple(_texts(node))
        return Setting(name, "", schemas) if schemas and all(schemas) else None
    if name in TIMEOUTS:
        amount = _amount(value, _MILLISECONDS)
        return Setting(name, str(amount)) if amount else None
    return Setting(name, value) if _harmless(name, value) else None


def beyond(found: Setting, seconds: float, lock_seconds: float, schemas: Sequence[str]) -> tuple[str, str] | None:
    """Why a setting is not within a target's limits (0: not known), and what would be."""
    if found.name == "search_path":
        others = [name for name in found.schemas if name not in {*(schemas or ("public",)), *_OWN_SCHEMAS}]
        allowed = ", ".join(schemas or ("public",))
        message = f"The search path of this target holds {allowed}, not {', '.join(others)}."
        return (message, "Name the schema in front of the table.") if others else None
    most = {"statement_timeout": seconds, "lock_timeout": lock_seconds}.get(found.name, 0)
    if most and int(found.value) > most * 1000:
        return f"The target's limit for {found.name} is {most:g} s.", f"Set at most '{most:g}s', or leave it out."
    return None


def refused(node: Node) -> tuple[str, str]:
    """Why a SET is refused, and what to write instead."""
    name, value = str(node.get("name", "")).lower(), _value(node)
    if setting(node) is not None:
        return "Settings stand in front of the statements.", "Write SET first."
    hint = _BOUNDS.get(name)
    if hint and value is not None:
        return f"{name} cannot be set to that.", hint
    return "Session settings cannot be changed.", "Leave it out: the limits and the search path come from the target."


_BOUNDS = {
    "statement_timeout": "Set a time above 0, such as '5s'; 0 would lift the limit.",
    "lock_timeout": "Set a time above 0, such as '1s'; 0 would lift the limit.",
    "maintenance_work_mem": "Set at most '1GB'.",
    "work_mem": "Set at most '256MB'.",
    "extra_float_digits": "Set 1, 2 or 3: with less a number would lose digits.",
    "datestyle": "Set 'ISO', or 'ISO, DMY' for how dates are read.",
    "intervalstyle": "Set postgres, postgres_verbose or iso_8601.",
    "timezone": "Set the name of a zone, such as 'Europe/Rome'.",
    "search_path": "Name the schemas one by one.",
    **dict.fromkeys(_SWITCHES, "Set on or off."),
}


def _harmless(name: str, value: str) -> bool:
    if name in _SWITCHES:
        return value.lower() in _ON_OR_OFF
    if name in _MEMORY_KB:
        least, most = _MEMORY_KB[name]
        return least <= (_amount(value, _KILOBYTES) or 0) <= most
    if name == "extra_float_digits":
        return value in {"1", "2", "3"}
    if name == "datestyle":
        return re.sub(r"\s*,\s*", ", ", value.strip().lower()) in _DATE_STYLES
    if name == "intervalstyle":
        return value.lower() in _INTERVAL_STYLES
    return name == "timezone" and _ZONE.fullmatch(value) is not None


def _amount(value: str, units: dict[str, int]) -> int | None:
    found = _AMOUNT.fullmatch(value)
    return int(found[1]) * units[found[2]] if found and found[2] in units else None


def _value(node: Node) -> str | None:
    texts = _texts(node)
    return ", ".join(texts) if texts else None


def _texts(node: Node) -> list[str]:
    found = []
    for constant in (entry.get("A_Const", {}) for entry in node.get("args", ())):
        if "ival" in constant:
            found.append(str(constant["ival"].get("ival", 0)))
        else:
            found.append(str(constant.get("sval", {}).get("sval", "")))
    return found
