"""What a reviewer should know of an SQL statement that may run: each warning says exactly what holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from executors.base import Access, Finding, FindingCode, Severity
from executors.postgresql.reading import builtin, rules
from executors.postgresql.reading.conditions import Conditions, Truth
from executors.postgresql.reading.conditions.subqueries import finds_itself
from executors.postgresql.reading.conditions.trees import steady
from executors.postgresql.reading.facts import Facts
from executors.postgresql.reading.outer import outer_names
from executors.postgresql.reading.parse import Node, Statement
from executors.postgresql.reading.scopes import Catalogue, Item, Level, enter, is_query, relation_of, strings

_CHANGES = {"UpdateStmt": ("UPDATE", "changed"), "DeleteStmt": ("DELETE", "deleted"), "MergeStmt": ("MERGE", "changed")}
_MOST_NAMED = 5
# By their numbers, from 1.
_LOCK_MODES = (
    "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)  # fmt: skip

_DROPPED_PARTS = {
    "AT_DropColumn": "The column {name} and all that is in it is dropped.",
    "AT_DropConstraint": "The constraint {name} is dropped: nothing holds the rows to it any more.",
    "AT_DetachPartition": "The rows of a partition are taken out of the table.",
    "AT_DetachPartitionFinalize": "The rows of a partition are taken out of the table.",
    "AT_AlterColumnType": "The type of the column {name} is changed: its values are converted, and may lose something.",
    "AT_DropIdentity": "The column {name} loses what numbers its rows.",
    "AT_DropExpression": "The column {name} is computed no more.",
    "AT_DropInherit": "The table is taken out of the one it belongs to.",
}


@dataclass(frozen=True, slots=True)
class _Changing:
    """An UPDATE, DELETE or MERGE somewhere in a statement."""

    kind: str
    node: Node
    level: Level
    judge: Conditions

    @property
    def what(self) -> str:
        return _CHANGES[self.kind][0]

    @property
    def done(self) -> str:
        return _CHANGES[self.kind][1]

    @property
    def target(self) -> Item:
        return self.level.items[0]

    @property
    def condition(self) -> Node | None:
        found: Node | None = self.node.get("joinCondition" if self.kind == "MergeStmt" else "whereClause")
        return found


def remarks(
    item: Statement, facts: Facts, access: Access, catalogue: Catalogue, where: tuple[int, int]
) -> Iterator[Finding]:
    """Everything worth saying of one statement; `where` is its line and column."""
    for code, severity, message, hint in (
        *_conditions(facts, catalogue),
        *outer_names(facts, catalogue),
        *_destructive(item),
        *_acts(item),
        *_code(item),
        *_own_code(item, facts, access),
    ):
        yield Finding(code, severity, message, *where, hint)


_Remark = tuple[FindingCode, Severity, str, str]


def _warning(code: FindingCode, message: str, hint: str = "") -> _Remark:
    return code, Severity.WARNING, message, hint


# --- conditions ------------------------------------------------------------------------------------


def _conditions(facts: Facts, catalogue: Catalogue) -> Iterator[_Remark]:
    for kind, node, level in facts.levels:
        if kind not in {*_CHANGES, "InsertStmt"}:
            continue
        judge = Conditions(level, catalogue, relation_of(node["relation"]))
        if kind in _CHANGES:
            yield from _judged(_Changing(kind, node, level, judge), catalogue, nested=len(facts.levels) > 1)
        else:
            yield from _overwrites(node, judge)


def _judged(changing: _Changing, catalogue: Catalogue, *, nested: bool) -> Iterator[_Remark]:
    condition = changing.condition
    if changing.kind == "MergeStmt":
        yield from _merge(changing)
    elif condition is None:
        message = f"This {changing.what} has no WHERE clause: it changes every row of the table."
        yield _warning(FindingCode.NO_WHERE, message, "Add a WHERE clause unless every row is meant.")
    if condition is not None:
        yield from _held_back_by_nothing(changing, condition, catalogue)
        if nested:
            yield from _inner_conditions(changing, condition)


def _held_back_by_nothing(changing: _Changing, condition: Node, catalogue: Catalogue) -> Iterator[_Remark]:
    truth = changing.judge.truth(condition)
    itself = _joined_with_itself(changing, condition)
    if (said := _always(truth if truth.always or truth.nearly_always else itself)) is not None:
        message = f"The condition of this {changing.what} is true for every row{said}: it holds nothing back."
        yield _warning(FindingCode.ALWAYS_TRUE, message, "Compare a column with the values that are meant.")
    elif truth.never:
        message = f"The condition of this {changing.what} is true for no row: none is {changing.done} by it."
        yield _warning(FindingCode.NEVER_TRUE, message, "Compare with IS NULL, or correct the condition.")
    elif truth.itself:
        message = f"The condition of this {changing.what} compares columns with themselves only: what it holds back"
        hint = "Compare a column with the values that are meant."
        yield FindingCode.SELF_COMPARISON, Severity.INFO, f"{message} the text does not tell.", hint
    else:
        yield from _untied(changing, condition, catalogue)


def _always(truth: Truth) -> str | None:
    """What follows on "true for every row", or None where that does not hold."""
    if truth.always:
        return ""
    columns = sorted(truth.nearly_always)
    if not columns:
        return None
    names = " and ".join(columns[:_MOST_NAMED])
    return f" in which {names} {'is' if len(columns) == 1 else 'are'} not NULL"


def _joined_with_itself(changing: _Changing, condition: Node) -> Truth:
    """`DELETE FROM t USING t AS o WHERE t.id = o.id`: every row meets itself."""
    others = changing.level.items[1:]
    if changing.kind == "MergeStmt" or len(others) != 1 or others[0].relation != changing.target.relation:
        return Truth()
    return finds_itself(condition, changing.target.alias, others[0].alias)


def _inner_conditions(changing: _Changing, condition: Node) -> Iterator[_Remark]:
    for query, judge in _queries_in(condition, changing.judge):
        if "whereClause" not in query or not query.get("fromClause"):
            continue
        truth = judge.truth(query["whereClause"])
        if (said := _always(truth)) is not None:
            message = f"A condition in a subquery of this {changing.what} is true for every row there{said}."
            yield _warning(FindingCode.ALWAYS_TRUE, message, "Name the tables before the columns.")


def _queries_in(condition: Node, judge: Conditions) -> Iterator[tuple[Node, Conditions]]:
    """The subqueries of a condition, each with who judges the conditions in it."""
    stack: list[tuple[object, Conditions]] = [(condition, judge)]
    while stack:
        part, inside = stack.pop()
        if isinstance(part, list):
            stack.extend((inner, inside) for inner in part)
        elif isinstance(part, dict):
            if is_query("", part):
                inside = inside.inside(part)
                yield part, inside
            stack.extend((inner, inside) for inner in part.values())


def _untied(changing: _Changing, condition: Node, catalogue: Catalogue) -> Iterator[_Remark]:
    """A condition that does not look at the row that is changed, or leaves a table of FROM loose."""
    named = _items_named(condition, changing.level, catalogue)
    if named is None:
        return
    target, *others = changing.level.items
    if target not in named:
        message = (
            f"The condition of this {changing.what} names no column of {target.alias}: it is the same for every row."
        )
        yield _warning(FindingCode.ALWAYS_TRUE, message, f"Either every row is {changing.done}, or none.")
    elif changing.kind == "UpdateStmt":
        joined = {item.alias for item in others} - {item.alias for item in named}
        for alias in sorted(joined & _loose(changing.node)):
            message = f"No condition ties {alias} to {target.alias}: which of its rows is taken is left to chance."
            yield _warning(FindingCode.NOT_TIED, message, "Compare a column of both.")


def _loose(node: Node) -> set[str]:
    """The tables of FROM that stand there by themselves, in no JOIN."""
    tables = [item["RangeVar"] for item in node.get("fromClause", ()) if "RangeVar" in item]
    return {table.get("alias", {}).get("aliasname", table["relname"]) for table in tables}


def _items_named(condition: Node, level: Level, catalogue: Catalogue) -> set[Item] | None:
    """The items of FROM whose columns a condition names; None where that cannot be told, or it may differ by row."""
    named: set[Item] = set()
    stack: list[tuple[str, object, Level]] = [("", condition, level)]
    while stack and not named.issuperset(level.items):
        key, part, at = stack.pop()
        if isinstance(part, list):
            stack.extend((key, inner, at) for inner in part)
        elif isinstance(part, dict):
            inside = enter(part, at, catalogue) if is_query("", part) else at
            if key == "FuncCall" and not steady(part):
                return None
            if key == "CurrentOfExpr":
                return None
            if key == "ColumnRef":
                item = _meant(strings(part.get("fields", ())), inside)
                if item is None:
                    return None
                named.add(item)
            stack.extend((inner_key, inner, inside) for inner_key, inner in part.items())
    return named


def _meant(names: Sequence[str], level: Level) -> Item | None:
    if len(names) > 1:
        return level.find(names[-2])
    if not names:
        return level.only_item
    owner = level.owner(names[0])
    return level.only_item if owner is None else owner[1]


def _merge(changing: _Changing) -> Iterator[_Remark]:
    for clause in (item["MergeWhenClause"] for item in changing.node.get("mergeWhenClauses", ())):
        said = _always(changing.judge.truth(clause["condition"])) if "condition" in clause else ""
        if said is None:
            continue
        by_source = clause["matchKind"] == "MERGE_WHEN_NOT_MATCHED_BY_SOURCE"
        which = f"{'that no row of the source matches' if by_source else 'that ON matches'}{said}"
        if clause["commandType"] == "CMD_DELETE":
            message = f"MERGE deletes every row {which}."
            yield _warning(FindingCode.NO_WHERE, message, "Add AND … to WHEN unless every such row is meant.")
        elif clause["commandType"] == "CMD_UPDATE" and by_source:
            yield _warning(FindingCode.NO_WHERE, f"MERGE changes every row {which}.", "Add AND … to WHEN.")


def _overwrites(node: Node, judge: Conditions) -> Iterator[_Remark]:
    clause = node.get("onConflictClause", {})
    if clause.get("action") != "ONCONFLICT_UPDATE":
        return
    truth = judge.truth(clause["whereClause"]) if "whereClause" in clause else None
    if truth is None or truth.always or truth.nearly_always:
        without = "without WHERE" if truth is None else "with a WHERE that holds nothing back"
        message = f"Rows that are there already are changed (ON CONFLICT DO UPDATE {without})."
        yield FindingCode.OVERWRITES, Severity.INFO, message, ""


# --- acts ------------------------------------------------------------------------------------------


def _destructive(item: Statement) -> Iterator[_Remark]:
    hint = "Make sure there is a backup."
    for message in _lost(item):
        yield _warning(FindingCode.DESTRUCTIVE, message, hint)


def _lost(item: Statement) -> Iterator[str]:
    node = item.node
    if item.type in {"TruncateStmt", "DropStmt"}:
        yield f"{rules.kind(item)} removes everything at once{_cascade(node)}."
    elif item.type == "AlterTableStmt":
        for command in (entry["AlterTableCmd"] for entry in node.get("cmds", ())):
            if sentence := _DROPPED_PARTS.get(command.get("subtype", "")):
                yield sentence.format(name=command.get("name", ""))
                if cascade := _cascade(command):
                    yield f"What depends on it is dropped with it{cascade}."
    elif item.type == "AlterDomainStmt" and node.get("subtype") == "X":
        yield f"The constraint {node.get('name', '')} is dropped: nothing holds the values to it any more."
    elif item.type == "RefreshMatViewStmt" and node.get("skipData"):
        yield "The materialized view is emptied."


def _cascade(node: Node) -> str:
    return ", with all that depends on it (CASCADE)" if node.get("behavior") == "DROP_CASCADE" else ""


def _acts(item: Statement) -> Iterator[_Remark]:
    if item.type == "ExplainStmt" and _analyzes(item):
        yield _warning(FindingCode.EXPLAIN_ANALYZE, "EXPLAIN ANALYZE really runs the statement.")
    if item.type == "LockStmt":
        tables = ", ".join(str(relation_of(part["RangeVar"])) for part in item.node.get("relations", ()))
        mode = _LOCK_MODES[int(item.node.get("mode", 8)) - 1]
        yield _warning(FindingCode.LOCKS_TABLE, f"It locks {tables} ({mode}) until the request ends.")


def _code(item: Statement) -> Iterator[_Remark]:
    if item.type in rules.RUNS_CODE:
        message = f"{rules.kind(item)} runs code: which of its statements run, and how often, it decides itself."
        yield FindingCode.RUNS_CODE, Severity.WARNING, message, "Rehearse it: what it changes is counted."
    elif item.type in rules.LEAVES_CODE:
        message = f"{rules.kind(item)} leaves code behind: it runs later, with the rights of whoever sets it off."
        yield FindingCode.LEAVES_CODE, Severity.WARNING, message, "No request is needed to run it then."


def _analyzes(item: Statement) -> bool:
    """Whether the last ANALYZE among the options is on, as the server reads it."""
    told = False
    for option in (entry.get("DefElem", {}) for entry in item.node.get("options", ())):
        if option.get("defname") == "analyze":
            argument = option.get("arg", {})
            text = argument.get("String", {}).get("sval", "").lower()
            number = argument.get("Integer", {}).get("ival", 0) if "Integer" in argument else 1
            truth = argument.get("Boolean", {}).get("boolval", False) if "Boolean" in argument else True
            told = text not in {"false", "off"} and number != 0 and truth
    return told


def _own_code(item: Statement, facts: Facts, access: Access) -> Iterator[_Remark]:
    own = own_functions(facts)
    if not own or access is Access.READ:
        return
    names = ", ".join(own[:_MOST_NAMED]) + (" …" if len(own) > _MOST_NAMED else "")
    many = len(own) > 1
    message = f"{names} {'are functions' if many else 'is a function'} of the database's own, and may write as well."
    severity = Severity.INFO if rules.needs_write(item, facts) else Severity.WARNING
    yield (
        FindingCode.OWN_FUNCTION,
        severity,
        message,
        f"What {'they do' if many else 'it does'} is not to be seen here.",
    )


def own_functions(facts: Facts) -> list[str]:
    """The functions a statement names that are not the server's: nobody can tell from a text what they do."""
    found = {
        f"{call.schema}.{call.name}" if call.schema else call.name
        for call in facts.functions
        if not call.as_column
        and (call.schema not in {"", *rules.OWN_SCHEMAS} or (not call.schema and call.name not in builtin.FUNCTIONS))
    }
    return sorted(found)


def own_types(facts: Facts) -> bool:
    """Whether values are converted to types that are not the server's, whose casts may be functions of their own."""
    return any(
        kind.schema not in {"", "pg_catalog"} or (not kind.schema and kind.name not in builtin.TYPES)
        for kind in facts.types
    )
