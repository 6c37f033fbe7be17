"""Looking at parts of parse trees, without recursion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from executors.postgresql.reading import builtin
from executors.postgresql.reading.parse import Node
from executors.postgresql.reading.scopes import strings

# Long lists are looked through so far.
MOST_PARTS = 200

# Functions whose answer differs from row to row though their arguments do not.
_FICKLE = frozenset({"random", "random_normal", "gen_random_uuid", "uuidv4", "uuidv7", "nextval", "clock_timestamp"})

_AGGREGATES = frozenset("count sum min max avg bool_and bool_or every array_agg string_agg json_agg jsonb_agg".split())
_GROUPING = frozenset({"groupClause", "havingClause", "limitCount", "limitOffset"})


def kind_of(node: Node) -> tuple[str, Node]:
    """The type of a wrapped node, and the node itself."""
    (kind, inner), *_ = node.items() if node else [("", {})]
    return kind, inner


def walk(node: Any) -> Iterator[tuple[str, Node]]:
    """Every node of a tree with its type."""
    stack = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, list):
            stack.extend(part)
        elif isinstance(part, dict):
            for key, inner in part.items():
                if isinstance(inner, dict):
                    yield key, inner
                stack.append(inner)


def columns_of(node: Node) -> frozenset[str]:
    """The columns and parameters an expression names, as written."""
    found = set()
    for key, inner in walk(node):
        if key == "ColumnRef":
            found.add(".".join(strings(inner["fields"])))
        elif key == "ParamRef":
            found.add(f"${inner.get('number', 0)}")
    return frozenset(name for name in found if name)


def column(node: Node) -> list[str]:
    """The words of a plain column; none for anything else."""
    fields = node.get("ColumnRef", {}).get("fields", ())
    words = strings(fields)
    return words if len(words) == len(fields) else []


def fingerprint(node: Node) -> str | None:
    """The same text for the same expression wherever it stands; None for one too large to compare."""
    parts: list[str] = []
    stack: list[Any] = [node]
    while stack:
        part = stack.pop()
        if len(parts) > MOST_PARTS:
            return None
        if isinstance(part, dict):
            for key in sorted(part.keys() - {"location"}, reverse=True):
                stack += [part[key], key]
            parts.append("{")
        elif isinstance(part, list):
            stack.extend(reversed(part))
            parts.append(f"[{len(part)}")
        else:
            parts.append(repr(part))
    return " ".join(parts)


def fickle(node: Node) -> bool:
    """Whether an expression may differ between two looks at one row: a function of the database's own may."""
    return any(key == "SubLink" or (key == "FuncCall" and not steady(inner)) for key, inner in walk(node))


def steady(call: Node) -> bool:
    """Whether a function is the server's own and gives the same for the same arguments all through a statement."""
    *schema, name = strings(call["funcname"])
    return schema in ([], ["pg_catalog"]) and name in builtin.FUNCTIONS and name not in _FICKLE


def elements(node: Node) -> Sequence[Node]:
    """The elements of ARRAY[…]; none of anything else."""
    found = node.get("A_ArrayExpr", {}).get("elements", ())
    return found if isinstance(found, list) else ()


def conjuncts(node: Node) -> list[Node]:
    """The parts of an AND, or the one condition."""
    logic = node.get("BoolExpr", {})
    return list(logic["args"]) if logic.get("boolop") == "AND_EXPR" else [node]


def equal_columns(node: Node, aliases: set[str]) -> str | None:
    """The column of `a.c = b.c` for the two aliases."""
    inner = node.get("A_Expr", {})
    if inner.get("kind") != "AEXPR_OP" or strings(inner.get("name", ())) != ["="] or "lexpr" not in inner:
        return None
    left, right = column(inner["lexpr"]), column(inner["rexpr"])
    both = len(left) == len(right) == 2 and {left[0], right[0]} == aliases  # noqa: PLR2004 - alias and column
    return left[1] if both and left[1] == right[1] else None


def aggregates(query: Node) -> bool:
    """Whether a query gathers its rows into one."""
    for target in query.get("targetList", ()):
        call = target.get("ResTarget", {}).get("val", {}).get("FuncCall", {})
        if call and strings(call["funcname"])[-1] in _AGGREGATES and "over" not in call:
            return True
    return False


def one_row(query: Node) -> bool:
    """Whether a query is an aggregate over everything, which has one row even of nothing."""
    return aggregates(query) and not query.keys() & _GROUPING
