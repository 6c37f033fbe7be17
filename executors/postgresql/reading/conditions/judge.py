"""Whether a condition is true for every row, or for none: what can be told from its text alone.

Literals are folded; an expression compared with itself, a pattern that matches all, a subquery that always or never has
a row are known. What is not known stays `UNKNOWN`, and is never taken for a condition that holds something back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from executors.postgresql.reading.conditions import literals, subqueries, values
from executors.postgresql.reading.conditions.identity import never_null, simplest, vanishes
from executors.postgresql.reading.conditions.literals import COMPARED, UNREAD, of_literal
from executors.postgresql.reading.conditions.trees import (
    MOST_PARTS,
    column,
    columns_of,
    elements,
    fickle,
    fingerprint,
    kind_of,
    walk,
)
from executors.postgresql.reading.conditions.truth import (
    FALSE,
    NEVER,
    NULL,
    OF_ITSELF,
    TRUE,
    UNKNOWN,
    Truth,
    every,
    first_known,
    holds_unless_null,
    negated,
    some,
)
from executors.postgresql.reading.parse import Node
from executors.postgresql.reading.scopes import SYSTEM_COLUMNS, Catalogue, Level, Relation, enter, strings

# Parts of conditions are looked at this deep; below it they are not known.
_DEPTH = 60

_WITH_ITSELF = {"=": True, "<=": True, ">=": True, "<>": False, "!=": False, "<": False, ">": False}
_TURNED = {"=": "=", "<>": "<>", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_NOT_NEGATIVE = frozenset(
    {"length", "char_length", "character_length", "octet_length", "bit_length", "abs", "cardinality"}
)
_TESTS = {"IS_TRUE": "true", "IS_FALSE": "false", "IS_UNKNOWN": "null"}


class Conditions:
    """Looks at the conditions of one query. `target` is the relation that the statement changes, if any."""

    def __init__(self, level: Level, catalogue: Catalogue, target: Relation | None = None) -> None:
        self._level = level
        self._catalogue = catalogue
        self.target = target

    @property
    def target_alias(self) -> str | None:
        """What the changed table is called here."""
        items = (item for level in self._level.outwards() for item in level.items)
        return next((item.alias for item in items if item.relation == self.target), None) if self.target else None

    def inside(self, query: Node) -> Conditions:
        """The same for a query inside this one."""
        return Conditions(enter(query, self._level, self._catalogue), self._catalogue, self.target)

    def truth(self, node: Node, depth: int = 0) -> Truth:
        """What is known of a condition."""
        if depth > _DEPTH or not node:
            return UNKNOWN
        kind, inner = kind_of(node)
        if kind == "SubLink":
            return subqueries.judged(self, inner, depth + 1)
        looks = _LOOKS.get(kind)
        return of_literal(self.literal(node, depth)) if looks is None else looks(self, inner, depth + 1)

    def compare(self, name: str, left: Node, right: Node, depth: int) -> Truth:
        """What is known of `left name right`."""
        one, other = self.literal(left, depth), self.literal(right, depth)
        if one is None or other is None:
            return NULL if name in COMPARED else UNKNOWN
        if one is not UNREAD and other is not UNREAD:
            return literals.compared(name, one, other)
        if one is not UNREAD and name in _TURNED:
            return self._compare_with(_TURNED[name], right, one, depth)
        if other is not UNREAD:
            return self._compare_with(name, left, other, depth)
        if self._same(left, right):
            return self._with_itself(name, columns_of(simplest(_through(left))))
        return OF_ITSELF if self._of_the_same([left, right]) else UNKNOWN

    def _compare_with(self, name: str, left: Node, value: Any, depth: int) -> Truth:
        """What is known of the comparison of an expression with a literal."""
        if isinstance(value, bool) and name in {"=", "<>", "!="}:
            found = self.truth(left, depth + 1)
            return found if value == (name == "=") else negated(found)
        columns = columns_of(left)
        if vanishes(simplest(left)):
            found = literals.compared(name, Decimal(0), value)
            known = {"true": holds_unless_null(columns), "false": Truth(false_unless_null=columns)}
            return known.get(found.value, UNKNOWN)
        holds = _against(name, left, value)
        if holds is None:
            return UNKNOWN
        return holds_unless_null(columns) if holds else Truth(false_unless_null=columns)

    def literal(self, node: Node, depth: int) -> Any:  # noqa: PLR0911 - one for each kind
        """The value of an expression of literals, `UNREAD` where it is none."""
        if depth > _DEPTH or not node:
            return UNREAD
        kind, inner = kind_of(_through(node))
        if kind == "CaseExpr":
            kind, inner = kind_of(simplest({kind: inner}))
        if kind == "A_Const":
            return literals.constant(inner)
        if kind == "TypeCast":
            return literals.cast(self.literal(inner["arg"], depth + 1), strings(inner["typeName"].get("names", ())))
        if kind == "A_Expr" and inner["kind"] == "AEXPR_OP":
            left = self.literal(inner["lexpr"], depth + 1) if "lexpr" in inner else Decimal(0)
            return literals.calculated(_operator(inner), left, self.literal(inner["rexpr"], depth + 1))
        if kind == "A_Expr" and inner["kind"] == "AEXPR_NULLIF" and self._same(inner["lexpr"], inner["rexpr"]):
            return None
        if kind in _LOOKS or kind == "SubLink":
            found = self.truth({kind: inner}, depth + 1).value
            return {"true": True, "false": False, "null": None}.get(found, UNREAD)
        return UNREAD

    # --- logic ---

    def _logic(self, node: Node, depth: int) -> Truth:
        args = node["args"]
        parts = [self.truth(part, depth) for part in args[:MOST_PARTS]]
        if node["boolop"] == "NOT_EXPR":
            return negated(parts[0])
        cut = [UNKNOWN] if len(args) > len(parts) else []
        found = (every if node["boolop"] == "AND_EXPR" else some)([*parts, *cut])
        if found.value or found.nearly_always or found.never:
            return found
        ranged = values.together(node["boolop"], args)
        if node["boolop"] == "AND_EXPR":
            return found if ranged == UNKNOWN else ranged
        return some([*parts, *cut, ranged, _complement(args[:MOST_PARTS])])

    def _boolean_test(self, node: Node, depth: int) -> Truth:
        truth, kind = self.truth(node["arg"], depth), node["booltesttype"]
        tested = _tested(truth, kind.replace("NOT_", ""))
        return negated(tested) if "NOT" in kind else tested

    def _null_test(self, node: Node, depth: int) -> Truth:
        value, empty = self.literal(node["arg"], depth), node["nulltesttype"] == "IS_NULL"
        if value is not UNREAD:
            return TRUE if (value is None) == empty else FALSE
        if never_null(node["arg"]):
            return FALSE if empty else TRUE
        names = column(node["arg"])
        if not names:
            return UNKNOWN
        if names[-1] in SYSTEM_COLUMNS:
            return FALSE if empty else TRUE
        name = ".".join(names)
        return Truth(null_test=name) if empty else Truth(unless_null=frozenset({name}), plain=True)

    def _coalesce(self, node: Node, depth: int) -> Truth:
        return first_known([self.truth(part, depth) for part in node.get("args", ())[:MOST_PARTS]])

    def _case(self, node: Node, depth: int) -> Truth:
        results = []
        for part in node.get("args", ()):
            when = part["CaseWhen"]
            test = UNKNOWN if "arg" in node else self.truth(when["expr"], depth)
            if not test.never:
                results.append(self.truth(when["result"], depth))
            if test.always:
                break
        else:
            results.append(self.truth(node["defresult"], depth) if "defresult" in node else NULL)
        if all(result.always for result in results):
            return TRUE
        if all(result.never for result in results):
            return NEVER
        return Truth(itself=any(result.itself for result in results))

    def _cast(self, node: Node, depth: int) -> Truth:
        value = self.literal({"TypeCast": node}, depth)
        boolean = strings(node["typeName"].get("names", ()))[-1:] == ["bool"]
        return self.truth(node["arg"], depth) if value is UNREAD and boolean else of_literal(value)

    def _called(self, node: Node, _depth: int) -> Truth:
        """`starts_with(x, x)`: what it makes of one column and itself is not known."""
        return OF_ITSELF if self._of_the_same(node.get("args", ())) else UNKNOWN

    # --- comparisons ---

    def _expression(self, node: Node, depth: int) -> Truth:
        kind, name = node["kind"], _operator(node)
        if kind in {"AEXPR_OP", "AEXPR_LIKE", "AEXPR_ILIKE"} and "lexpr" in node:
            return self.compare(name, node["lexpr"], node["rexpr"], depth)
        if kind == "AEXPR_SIMILAR":
            pattern = (node["rexpr"].get("FuncCall", {}).get("args") or [node["rexpr"]])[0]
            return self.compare(name.replace("~", "~~"), node["lexpr"], pattern, depth)
        if "DISTINCT" in kind:
            return self._distinct(node, depth)
        if items := _listed(kind, name, node.get("rexpr", {})):
            return self._in(name, node["lexpr"], items, depth)
        if "BETWEEN" in kind:
            return self._between(kind, node, depth)
        listed = kind in {"AEXPR_OP_ANY", "AEXPR_OP_ALL"} and self._of_the_same([node["lexpr"], node["rexpr"]])
        return OF_ITSELF if listed else UNKNOWN

    def _distinct(self, node: Node, depth: int) -> Truth:
        one, other = self.literal(node["lexpr"], depth), self.literal(node["rexpr"], depth)
        same = node["kind"] == "AEXPR_NOT_DISTINCT"
        if one is UNREAD or other is UNREAD:
            if self._same(node["lexpr"], node["rexpr"]):
                return TRUE if same else FALSE
            return OF_ITSELF if self._of_the_same([node["lexpr"], node["rexpr"]]) else UNKNOWN
        if one is None or other is None:
            return TRUE if (one is other) == same else FALSE
        equal = literals.compared("=", one, other)
        return equal if same else negated(equal)

    def _in(self, name: str, left: Node, items: Sequence[Node], depth: int) -> Truth:
        parts = [self.compare(name, left, item, depth) for item in items[:MOST_PARTS]]
        cut = [UNKNOWN] if len(items) > len(parts) else []
        return every([*parts, *cut]) if name == "<>" else some([*parts, *cut])

    def _between(self, kind: str, node: Node, depth: int) -> Truth:
        low, high = node["rexpr"]["List"]["items"]
        found = self._inside_bounds(node["lexpr"], low, high, depth)
        if kind.endswith("SYM"):
            found = some([found, self._inside_bounds(node["lexpr"], high, low, depth)])
        if found == UNKNOWN:
            found = values.together("AND_EXPR", [{"A_Expr": {**node, "kind": "AEXPR_BETWEEN"}}])
            found = UNKNOWN if kind.endswith("SYM") else found
        return negated(found) if "NOT" in kind else found

    def _inside_bounds(self, value: Node, low: Node, high: Node, depth: int) -> Truth:
        return every([self.compare(">=", value, low, depth), self.compare("<=", value, high, depth)])

    # --- the same ---

    def _same(self, left: Node, right: Node) -> bool:
        """Whether two expressions are one and the same, and the same for the row each time they are looked at."""
        left, right = simplest(_through(left)), simplest(_through(right))
        identity = self._identity(left)
        if identity is not None and identity == self._identity(right):
            return True
        mark = fingerprint(left)
        return mark is not None and mark == fingerprint(right) and not fickle(left)

    def _of_the_same(self, parts: Sequence[Node]) -> bool:
        """Whether several expressions are made of the very same columns, and of nothing that differs by itself."""
        columns = [self._columns(part) for part in parts[:MOST_PARTS]]
        several = len(columns) > 1 and bool(columns[0]) and all(found == columns[0] for found in columns)
        return several and not any(map(fickle, parts))

    def _columns(self, node: Node) -> frozenset[tuple[str, ...]]:
        found = ({"ColumnRef": inner} for key, inner in walk(node) if key == "ColumnRef")
        return frozenset(self._identity(one) or tuple(column(one)) for one in found)

    def _identity(self, node: Node) -> tuple[str, str] | None:
        """A column as (alias, name), whether or not its alias stands before it."""
        names = column(node)
        if len(names) == 1 and (owner := self._level.owner(names[0])) is not None:
            return owner[1].alias, names[0]
        if len(names) == 1 and (alone := self._level.only_item) is not None:
            return alone.alias, names[0]
        return (names[0], names[1]) if len(names) == 2 else None  # noqa: PLR2004 - alias and column

    def _with_itself(self, name: str, columns: frozenset[str]) -> Truth:
        holds = _WITH_ITSELF.get(name)
        if holds is None or not columns:
            return Truth(itself=bool(columns))
        nullable = frozenset(column for column in columns if column.rpartition(".")[2] not in SYSTEM_COLUMNS)
        if not nullable:
            return TRUE if holds else FALSE
        return holds_unless_null(nullable) if holds else Truth(false_unless_null=nullable)


_LOOKS: dict[str, Callable[[Conditions, Node, int], Truth]] = {
    "TypeCast": Conditions._cast,  # noqa: SLF001
    "FuncCall": Conditions._called,  # noqa: SLF001
    "BoolExpr": Conditions._logic,  # noqa: SLF001 - the table of this class's own methods
    "BooleanTest": Conditions._boolean_test,  # noqa: SLF001
    "NullTest": Conditions._null_test,  # noqa: SLF001
    "CoalesceExpr": Conditions._coalesce,  # noqa: SLF001
    "CaseExpr": Conditions._case,  # noqa: SLF001
    "A_Expr": Conditions._expression,  # noqa: SLF001
}


def _listed(kind: str, name: str, right: Node) -> Sequence[Node]:
    """The values of IN (…), and of = ANY (ARRAY[…])."""
    if kind == "AEXPR_IN":
        items: Sequence[Node] = right["List"]["items"]
        return items
    return elements(right) if kind == "AEXPR_OP_ANY" and name == "=" else ()


def _operator(node: Node) -> str:
    return strings(node.get("name", ()))[-1:][0] if node.get("name") else ""


def _through(node: Node) -> Node:
    """The value of `(SELECT value)`, which is `value`."""
    select = node.get("SubLink", {})
    if select.get("subLinkType") != "EXPR_SUBLINK":
        return node
    value = subqueries.bare_value(select["subselect"].get("SelectStmt", {}))
    return node if value is None else value


def _complement(args: Sequence[Node]) -> Truth:
    """`p OR NOT p`: true wherever p is not NULL."""
    seen = {mark for part in args if (mark := fingerprint(part)) is not None}
    for part in args:
        negation = part.get("BoolExpr", {})
        if negation.get("boolop") == "NOT_EXPR" and fingerprint(negation["args"][0]) in seen:
            names = columns_of(negation["args"][0])
            return holds_unless_null(names) if names and not fickle(part) else UNKNOWN
    return UNKNOWN


def _tested(truth: Truth, kind: str) -> Truth:
    """IS TRUE, IS FALSE, IS UNKNOWN."""
    if truth.value in {"true", "false", "null"}:
        return TRUE if truth.value == _TESTS[kind] else FALSE
    if (kind == "IS_TRUE" and truth.never) or (kind == "IS_FALSE" and truth.never_false):
        return FALSE
    if kind == "IS_TRUE" and truth.unless_null:
        return Truth(unless_null=truth.unless_null, plain=truth.plain)
    return Truth(itself=truth.itself)


def _against(name: str, left: Node, value: Any) -> bool | None:
    """Whether a comparison with a literal lets everything through, or nothing."""
    call = strings(left.get("FuncCall", {}).get("funcname", ()))[-1:]
    if call and call[0] in _NOT_NEGATIVE and isinstance(value, Decimal):
        if (name == ">=" and value <= 0) or (name == ">" and value < 0):
            return True
        return False if (name == "<" and value <= 0) or (name == "<=" and value < 0) else None
    return literals.matches(name, value)
