"""`make bench`: a table of figures, goals, and whether each is met. `python -m bench approve trail` measures a part."""

import sys
from importlib import import_module

from bench.stage import staged

# The last two fill the portal's own tables.
PARTS = ("approve", "results", "script", "mongo", "trail", "check", "plan", "effect", "crowd", "queue", "history")


def main(wanted: list[str]) -> int:
    """Measure the wanted parts, or all; 1 when a goal is missed."""
    figures = []
    parts = wanted or PARTS
    with staged(mongodb="mongo" in parts) as stage:
        for part in parts:
            for figure in import_module(f"bench.{part}").measure(stage):
                figures.append(figure)
                print(figure.line(), flush=True)
    return any(figure.met == "MISSED" for figure in figures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
