"""`python -m devtools.configure` writes docs/configure.md: what the settings read, and what the README says of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "configure.md"
ROW = re.compile(r"^\| `(PORTAL_[A-Z_]+)` \| (.*?) \| (.*) \|$", re.MULTILINE)
KINDS = {
    "text": "text",
    "flag": "`true` or `false`",
    "integer": "a whole number",
    "words": "a list, separated by commas",
    "choice": "one of",
    "keys": "named keys",
    "signing_key": "a private key",
    "public_keys": "public keys",
    "database": "a `postgresql://` URL",
    "database_if_set": "a `postgresql://` URL",
}
HEAD = """# Configure

Written by `python -m devtools.configure` from the settings and the README; a test holds it current.

Everything comes from the environment, read once at the start. Each variable may be given as `NAME_FILE` instead: the
path of a file that holds the value. A missing or wrong one stops the start with a sentence that names it.
`manage.py check --deploy` says what does not fit together. Start from [`.env.example`](../.env.example).

Every process of the portal (web server, `maintain`, commands) is given the same environment, the targets' credentials
among it. `PORTAL_MIGRATION_DATABASE_URL` is the exception: only who migrates needs it.

| variable | takes | default | meaning |
| --- | --- | --- | --- |
"""
TAIL = """
Beside these: `PORTAL_BIND` (`0.0.0.0:8000`) and `WEB_CONCURRENCY` (worker processes, `2`), read by
`gunicorn.conf.py`; and two variables for each target, of names that an admin enters with the target, such as
`ORDERS_READ_URL` and `ORDERS_WRITE_URL`.
"""


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable that the settings read. `bounds` are those of a number, `choices` what else is taken."""

    name: str
    kind: str
    bounds: tuple[int, int] | None
    choices: tuple[str, ...]

    @property
    def takes(self) -> str:
        """In words."""
        if self.bounds:
            return f"{KINDS[self.kind]} from {self.bounds[0]:,} to {self.bounds[1]:,}"
        return " ".join([KINDS[self.kind], *([", ".join(f"`{c}`" for c in self.choices)] if self.choices else [])])


def variables() -> Iterator[Variable]:
    """Those that `portal/settings.py` reads, in its order."""
    tree = ast.parse((ROOT / "portal" / "settings.py").read_text(encoding="utf-8"))
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and _is_env(call.func.value):
            yield _variable(call.func.attr, call)


def _is_env(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "env"


def _variable(kind: str, call: ast.Call) -> Variable:
    name = str(ast.literal_eval(call.args[0]))
    named = {word.arg: word.value for word in call.keywords}
    bounds = (ast.literal_eval(named["minimum"]), ast.literal_eval(named["maximum"])) if "minimum" in named else None
    last = call.args[-1]
    choices = ast.literal_eval(last) if kind == "choice" and isinstance(last, ast.Tuple) else ()
    return Variable(name, kind, bounds, tuple(choices))


def page() -> str:
    """The page as it should be. Raises KeyError for a variable that the README does not describe."""
    told = {name: (default, meaning) for name, default, meaning in ROW.findall((ROOT / "README.md").read_text("utf-8"))}
    by_name = {variable.name: variable for variable in variables()}
    order = [*(name for name in told if name in by_name), *(name for name in by_name if name not in told)]
    rows = (f"| `{name}` | {by_name[name].takes} | {told[name][0]} | {told[name][1]} |\n" for name in order)
    return HEAD + "".join(rows) + TAIL


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
