"""INSERTs that go by the order of columns, writes that differ with the moment they run, and ones with nothing left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from executors.base import FindingCode
from executors.postgresql.findings.looked import Looked, Notice, Part, info, warning
from executors.postgresql.reading import rules
from executors.postgresql.reading.conditions.trees import walk
from executors.postgresql.reading.facts import dropped
from executors.postgresql.reading.names import made
from executors.postgresql.reading.parse import Node, Statement
from executors.postgresql.reading.scopes import Relation, relation_of, strings

# Another value for each row, or each call.
_VOLATILE = frozenset(
    {"random", "random_normal", "gen_random_uuid", "uuidv4", "uuidv7", "nextval", "clock_timestamp", "timeofday"}
)
# The moment of the transaction.
_NOW = frozenset({"now", "transaction_timestamp", "statement_timestamp", "age"})
_OF_A_TABLE = ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "AlterTableStmt", "IndexStmt", "CreateTrigStmt")
_FILLING = frozenset({"InsertStmt", "MergeStmt", "CopyStmt"})
# What they do is not to be seen.
_ANYTHING = frozenset({"CallStmt", "DoStmt", "ExecuteStmt"})
_CLOCKS = ("SVFOP_CURRENT_DATE", "SVFOP_CURRENT_TIME", "SVFOP_LOCALTIME")


def insert_by_place(looked: Looked) -> Iterator[Notice]:
    """INSERT without a list of columns."""
    for node, _ in looked.of("InsertStmt"):
        query = node.get("selectStmt", {}).get("SelectStmt", {})
        if query and "cols" not in node and not _star(query):
            table = relation_of(node["relation"])
            message = (
                f"The columns of {table} are not named: values go by their place, which a change of the table shifts."
            )
            hint = f"Name them: INSERT INTO {table} (…)."
            yield info(FindingCode.INSERT_BY_PLACE, message, hint, node["relation"].get("location"))


def insert_star(looked: Looked) -> Iterator[Notice]:
    """`INSERT … SELECT *`."""
    for node, _ in looked.of("InsertStmt"):
        star = _star(node.get("selectStmt", {}).get("SelectStmt", {}))
        if star is not None:
            table = relation_of(node["relation"])
            message = f"SELECT * fills {table} by the order of columns, which a change of either side shifts."
            yield warning(FindingCode.INSERT_STAR, message, "Name the columns on both sides.", star.get("location"))


def volatile_condition(looked: Looked) -> Iterator[Notice]:
    """A write whose condition is another one for each row."""
    for node in _calls(looked):
        name = strings(node.get("funcname", ()))[-1:]
        if name and name[0] in _VOLATILE:
            message = f"{name[0]}() decides which rows are changed: other ones each time it runs."
            hint = "A rehearsal shows other rows than those the run changes."
            yield warning(FindingCode.VOLATILE_CONDITION, message, hint, node.get("location"))


def time_condition(looked: Looked) -> Iterator[Notice]:
    """A write whose condition hangs on when it runs."""
    for node in _calls(looked):
        name = strings(node.get("funcname", ()))[-1:]
        clock = str(node.get("op", "")).startswith(_CLOCKS)
        if clock or (name and name[0] in _NOW and (name[0] != "age" or len(node.get("args", ())) == 1)):
            message = "Which rows are changed depends on the moment it runs, which is not that of its approval."
            hint = "Write the moment out where that matters."
            yield info(FindingCode.TIME_CONDITION, message, hint, node.get("location"))
            return


def after_removed(looked: Looked) -> Iterator[Notice]:
    """A statement on a table that an earlier one of its text dropped or emptied."""
    for relation, node, adds in _used(looked):
        fate = _fate(looked.before, relation)
        if fate == "dropped":
            message = f"{relation} was dropped by an earlier statement: this one fails, and the whole request with it."
            yield warning(FindingCode.AFTER_REMOVED, message, "Put it before the DROP.", node.get("location"))
        elif fate == "emptied" and not adds and looked.item.type in rules.ROWS:
            message = f"{relation} was emptied by an earlier statement: this one finds no rows in it."
            yield warning(FindingCode.AFTER_REMOVED, message, "Put it before that one.", node.get("location"))


def _star(query: Node) -> Node | None:
    """The `*` among the outputs of a query that reads a table."""
    for target in query.get("targetList", ()) if query.get("fromClause") else ():
        reference: Node = target["ResTarget"].get("val", {}).get("ColumnRef", {})
        if any("A_Star" in field for field in reference.get("fields", ())):
            return reference
    return None


def _calls(looked: Looked) -> Iterator[Node]:
    """Calls in the conditions of the writes themselves."""
    for node, _ in looked.of("UpdateStmt", "DeleteStmt", "MergeStmt"):
        for kind, inner in walk(node.get("whereClause", node.get("joinCondition", {}))):
            if kind in {"FuncCall", "SQLValueFunction"}:
                yield inner


def _used(looked: Looked) -> Iterator[tuple[Relation, Node, bool]]:
    """The relations that a statement uses, each once; whether it only adds rows to it."""
    targets = [Part(node["relation"], level) for node, level in looked.of(*_OF_A_TABLE)] if looked.before else []
    adds = {id(node["relation"]) for node, _ in looked.of("InsertStmt")}
    found: set[Relation] = set()
    for node, level in (*targets, *looked.of("RangeVar")) if looked.before else ():
        relation = relation_of(node)
        local = not relation.schema and level.tables.find(relation.name) is not None
        if not local and relation not in found:
            found.add(relation)
            yield relation, node, id(node) in adds


def _fate(before: Sequence[Statement], relation: Relation) -> str:
    """What the last statement that decides on it did to a table: "dropped", "emptied", or "" for neither."""
    for item in reversed(before):
        if relation.name in made(item) or item.type in _ANYTHING or relation in _filled(item):
            return ""
        if item.type == "DropStmt" and relation in dropped(item.node):
            return "dropped"
        if relation in _emptied(item):
            return "emptied"
    return ""


def _filled(item: Statement) -> set[Relation]:
    return {relation_of(node["relation"]) for kind, node in walk({item.type: item.node}) if kind in _FILLING}


def _emptied(item: Statement) -> set[Relation]:
    if item.type == "TruncateStmt":
        return {relation_of(part["RangeVar"]) for part in item.node.get("relations", ())}
    whole = item.type == "DeleteStmt" and not item.node.keys() & {"whereClause", "usingClause"}
    return {relation_of(item.node["relation"])} if whole else set()
