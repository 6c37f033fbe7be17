"""What statements name besides relations and their columns: types, schemas, statistics, constraints, triggers, labels.

And what of their names nobody looks up, so that nothing is claimed of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from executors.postgresql.reading import builtin
from executors.postgresql.reading.parse import Node, Statement
from executors.postgresql.reading.scopes import strings


class Named(NamedTuple):
    """Something as written: its schema, its name, and, where it is one, the part of it that is meant.

    `kind` says what it is (a key of `executors.postgresql.naming.UNKNOWN`). `at` is a byte offset into the whole text,
    None when not known. `optional`: the statement says IF EXISTS.
    """

    schema: str
    relation: str
    at: int | None
    column: str = ""
    kind: str = "relation"
    optional: bool = False


_RELATIONS = {
    "OBJECT_TABLE": "table",
    "OBJECT_VIEW": "view",
    "OBJECT_MATVIEW": "materialized view",
    "OBJECT_INDEX": "index",
    "OBJECT_SEQUENCE": "sequence",
}
_NAMED = {"OBJECT_TYPE": "type", "OBJECT_DOMAIN": "domain", "OBJECT_STATISTIC_EXT": "statistics"}
# Functions and triggers are not looked up.
_CODE = frozenset({"OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE", "OBJECT_TRIGGER"})
_OF_TABLES = {
    "AT_DropConstraint": "constraint",
    "AT_ValidateConstraint": "constraint",
    "AT_EnableTrig": "trigger",
    "AT_DisableTrig": "trigger",
}
# What CREATE TABLE makes a column of its own from.
_SERIALS = frozenset({"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"})
_METHODS = frozenset({"", "btree", "hash", "gin", "gist", "spgist", "brin"})
_UNTOLD_KEYS = frozenset({"CollateClause", "collClause", "collation", "opclass", "tableSpace", "tablespacename"})


def objects(item: Statement) -> Iterator[Named]:
    """What a statement needs to find, relations and columns that are written as such aside."""
    find = _FINDERS.get(item.type)
    if find is not None:
        yield from find(item.node)
    if item.type not in {"DropStmt", "CommentStmt"}:
        yield from _types(item.node)


def untold(item: Statement, *, parsed: bool = False) -> bool:
    """Whether a statement has names that nobody looks up; `parsed`: of one that the server could parse, but later."""
    if {item.node.get(key) for key in ("removeType", "renameType", "objtype")} & _CODE:
        return True
    own = _own_columns(item.node) if item.type == "CreateStmt" else frozenset()
    known_table = item.type in {"IndexStmt", "AlterTableStmt"}
    for key, node in _walk(item.node):
        if not _UNTOLD_KEYS.isdisjoint(node) or node.get("accessMethod", "") not in _METHODS:
            return True
        if key == "ColumnRef" and not known_table and set(strings(node.get("fields", ()))) - own:
            return True
        if key == "Constraint" and item.type == "CreateStmt" and not own.issuperset(_keys(node)):
            return True
        if _is_untold(key, node) or (parsed and key == "ResTarget" and node.get("name") and _sets_columns(item)):
            return True
    return False


def _is_untold(key: str, node: Node) -> bool:
    if key == "FuncCall":
        return strings(node["funcname"])[-1] not in builtin.FUNCTIONS
    return key == "DefElem" and node.get("defname") == "owned_by" and len(_items(node.get("arg", {}))) > 1


def _sets_columns(item: Statement) -> bool:
    return item.type in {"InsertStmt", "UpdateStmt"}


def made_objects(kind: str, node: Node) -> Iterator[str]:
    """Names of what a statement makes that is no relation."""
    if kind == "CreateEnumStmt":
        yield from strings(node["typeName"])[-1:]
    elif kind == "CreateDomainStmt":
        yield from strings(node["domainname"])[-1:]
    elif kind == "CreateStatsStmt":
        yield from strings(node.get("defnames", ()))[-1:]
    elif kind == "CreateSchemaStmt":
        yield str(node.get("schemaname", ""))


def _keys(constraint: Node) -> set[str]:
    return {name for field in ("keys", "fk_attrs") for name in strings(constraint.get(field, ()))}


def _own_columns(node: Node) -> frozenset[str]:
    elements = [element.get("ColumnDef", {}) for element in node.get("tableElts", ())]
    return frozenset(element["colname"] for element in elements if "colname" in element)


# --- by statement ----------------------------------------------------------------------------------


def _dropped(node: Node) -> Iterator[Named]:
    for entry in node.get("objects", ()):
        yield from _object(node["removeType"], entry, optional=bool(node.get("missing_ok")))


def _commented(node: Node) -> Iterator[Named]:
    yield from _object(node["objtype"], node.get("object", {}), optional=False)


def _object(kind: str, entry: Node, *, optional: bool) -> Iterator[Named]:
    """One object as DROP and COMMENT write it."""
    names = strings(_items(entry)) or strings(entry.get("TypeName", {}).get("names", ()))
    if kind == "OBJECT_SCHEMA":
        name = entry.get("String", {}).get("sval", "")
        yield Named(name, name, None, kind="schema", optional=optional)
    elif kind == "OBJECT_DOMCONSTRAINT":
        domain, name = _items(entry)
        of = strings(domain["TypeName"]["names"])
        yield Named(*_qualified(of), None, name["String"]["sval"], "constraint of a domain")
    elif kind in {"OBJECT_COLUMN", "OBJECT_TABCONSTRAINT"} and len(names) > 1:
        part = "column" if kind == "OBJECT_COLUMN" else "constraint"
        yield Named(*_qualified(names[:-1]), None, names[-1], part)
    elif (found := _RELATIONS.get(kind) or _NAMED.get(kind)) and names:
        yield Named(*_qualified(names), None, kind=found, optional=optional)


def _renamed(node: Node) -> Iterator[Named]:
    kind, names = node["renameType"], strings(_items(node.get("object", {})))
    if kind == "OBJECT_SCHEMA":
        yield Named(node["subname"], node["subname"], None, kind="schema")
    elif kind == "OBJECT_DOMCONSTRAINT":
        yield Named(*_qualified(names), None, node["subname"], "constraint of a domain")
    elif kind in {"OBJECT_TABCONSTRAINT", "OBJECT_ATTRIBUTE"}:
        part = "constraint" if kind == "OBJECT_TABCONSTRAINT" else "column"
        yield _of(node["relation"], node["subname"], part)
    elif kind in _NAMED:
        yield Named(*_qualified(names), None, kind=_NAMED[kind])


def _table_altered(node: Node) -> Iterator[Named]:
    commands = [part.get("AlterTableCmd", {}) for part in node.get("cmds", ())]
    added = {c["def"]["ColumnDef"]["colname"] for c in commands if c.get("subtype") == "AT_AddColumn"}
    made = {c["def"]["Constraint"].get("conname") for c in commands if c.get("subtype") == "AT_AddConstraint"}
    for command in commands:
        kind, name = command.get("subtype", ""), command.get("name") or ""
        constraint = command.get("def", {}).get("Constraint", {})
        if kind in _OF_TABLES and name not in made:
            yield _of(node["relation"], name, _OF_TABLES[kind], optional=bool(command.get("missing_ok")))
        elif kind == "AT_ClusterOn":
            yield Named(node["relation"].get("schemaname", ""), name, None, kind="index")
        elif kind == "AT_AlterConstraint":
            yield _of(node["relation"], constraint.get("conname", ""), "constraint")
        for column in sorted((_keys(constraint) | _referred(command)) - added):
            yield _of(node["relation"], column, "column")
    yield from _foreign(node)


def _clustered(node: Node) -> Iterator[Named]:
    if node.get("indexname"):
        yield Named(node.get("relation", {}).get("schemaname", ""), node["indexname"], None, kind="index")


def _indexed(node: Node) -> Iterator[Named]:
    parts = [part for field in ("indexParams", "indexIncludingParams") for part in node.get(field, ())]
    named = {part["IndexElem"]["name"] for part in parts if "name" in part.get("IndexElem", {})}
    plain = [node.get("whereClause", {}), *(part.get("IndexElem", {}).get("expr", {}) for part in parts)]
    for column in sorted(set().union(*map(_referred, plain)) - named):
        yield _of(node["relation"], column, "column")


def _referred(node: Node) -> set[str]:
    """The columns that an expression over one table names."""
    return {name for key, inner in _walk(node) if key == "ColumnRef" for name in strings(inner.get("fields", ()))[-1:]}


def _foreign(node: Node) -> Iterator[Named]:
    for key, constraint in _walk(node):
        if key == "Constraint" and "pktable" in constraint:
            for column in strings(constraint.get("pk_attrs", ())):
                yield _of(constraint["pktable"], column, "column")


def _domain_altered(node: Node) -> Iterator[Named]:
    schema, name = _qualified(strings(node["typeName"]))
    yield Named(schema, name, None, kind="domain")
    if node.get("subtype") in {"X", "V"}:
        yield Named(
            schema, name, None, node.get("name", ""), "constraint of a domain", optional=bool(node.get("missing_ok"))
        )


def _enum_altered(node: Node) -> Iterator[Named]:
    schema, name = _qualified(strings(node["typeName"]))
    yield Named(schema, name, None, kind="type")
    for label in filter(None, (node.get("oldVal"), node.get("newValNeighbor"))):
        yield Named(schema, name, None, label, "value of an enum")


def _constraints_set(node: Node) -> Iterator[Named]:
    for entry in (part["RangeVar"] for part in node.get("constraints", ())):
        yield Named(entry.get("schemaname", ""), entry["relname"], entry.get("location"), kind="any constraint")


def _shown(node: Node) -> Iterator[Named]:
    if node.get("name") != "all":
        yield Named("pg_catalog", node.get("name", ""), None, kind="setting")


_FINDERS: dict[str, Callable[[Node], Iterator[Named]]] = {
    "AlterDomainStmt": _domain_altered,
    "AlterEnumStmt": _enum_altered,
    "AlterTableStmt": _table_altered,
    "ClusterStmt": _clustered,
    "CommentStmt": _commented,
    "ConstraintsSetStmt": _constraints_set,
    "CreateStmt": _foreign,
    "DropStmt": _dropped,
    "IndexStmt": _indexed,
    "RenameStmt": _renamed,
    "VariableShowStmt": _shown,
}


def _types(root: Node) -> Iterator[Named]:
    for _, node in _walk(root):
        kind = node.get("typeName") if isinstance(node.get("typeName"), dict) else node.get("TypeName")
        names = strings(kind.get("names", ())) if kind else []
        if not names or names[0] == "pg_catalog" or (len(names) == 1 and names[0] in builtin.TYPES | _SERIALS):
            continue
        yield Named(*_qualified(names), None, kind="type")


def _of(relation: Node, part: str, kind: str, *, optional: bool = False) -> Named:
    at = relation.get("location")
    return Named(relation.get("schemaname", ""), relation["relname"], at, part, kind, optional)


def _qualified(names: list[str]) -> tuple[str, str]:
    return ".".join(names[:-1]), names[-1] if names else ""


def _items(node: Node) -> list[Node]:
    found: list[Node] = node.get("List", {}).get("items", [])
    return found


def _walk(root: Any) -> Iterator[tuple[str, Node]]:
    """Every node with the key it stands under, without recursion."""
    stack: list[tuple[str, Any]] = [("", root)]
    while stack:
        key, node = stack.pop()
        inner: Iterable[tuple[str, Any]] = ()
        if isinstance(node, dict):
            yield key, node
            inner = node.items()
        elif isinstance(node, list):
            inner = ((key, part) for part in node)
        stack.extend(inner)
