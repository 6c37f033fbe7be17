"""A chain that works on its results, as the script that does the same."""

from __future__ import annotations

import re
from typing import Final

_MOST: Final = 300
_PRINTER: Final = re.compile(r"\(\s*(?:print|printjson|console\.log)\s*\)")
_PRINTED: Final = re.compile(r"\b(?:print|printjson)\(")


def scripted(head: str, method: str, arguments: str) -> str:
    """`head.map(…)` or `head.forEach(…)` as a script of one line; "" where it is too long to be shown."""
    cursor = head.strip().removesuffix(".toArray()")
    if method == "map":
        script = f"return await {cursor}.map{arguments}.toArray();"
    else:
        each = _PRINTER.sub("((d) => console.log(d))", arguments, count=1)
        script = f"await {cursor}.forEach{_PRINTED.sub('console.log(', each)};"
    return script if len(script) <= _MOST else ""
