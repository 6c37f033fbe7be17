"""What stands on a table, a column or a key that goes: views, foreign keys, indexes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from executors.base import FindingCode
from executors.postgresql.findings.altering import Command, altered, dropped
from executors.postgresql.findings.known import ForeignKey, Table
from executors.postgresql.findings.looked import Looked, Notice, info, warning
from executors.postgresql.reading.scopes import relation_of

_MOST_NAMED = 6
_RELATIONS = ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW")


def drops_dependents(looked: Looked) -> Iterator[Notice]:
    """DROP of a table or view that others stand on."""
    cascades = looked.item.node.get("behavior") == "DROP_CASCADE"
    going = [looked.tables[relation] for relation in dropped(looked, *_RELATIONS) if relation in looked.tables]
    names = {name for table in going for name in (table.name, str(table))}
    for table in going:
        views = [view.name for view in table.views if view.name not in names]
        keys = [f"{key.name} of {key.table}" for key in _keys_to(table) if key.table not in names]
        yield from _standing(table.name, _listed(views=views, keys=keys), cascades=cascades)


def drops_column(looked: Looked) -> Iterator[Notice]:
    """DROP COLUMN: a view stops it, an index of it goes with it."""
    for command, table in altered(looked):
        if command.kind != "AT_DropColumn" or command.name not in table.columns:
            continue
        name = command.name
        views = [view.name for view in table.views if name in view.columns]
        keys = [f"{key.name} of {key.table}" for key in _keys_to(table) if name in key.referenced_columns]
        yield from _standing(f"{table.name}.{name}", _listed(views=views, keys=keys), cascades=command.cascades)
        indexes = [index.name for index in table.indexes if name in {*index.columns, *index.included}]
        if indexes:
            message = f"With {name} goes what is built on it: {_named(indexes)}."
            yield info(FindingCode.HAS_DEPENDENTS, message, "Queries that use these indexes become slow.")


def changes_type_in_use(looked: Looked) -> Iterator[Notice]:
    """The server refuses another type for a column that a view, or the UPDATE OF of a trigger, names."""
    for command, table in altered(looked):
        views = [f"the view {view.name}" for view in table.views if command.name in view.columns]
        users = [*views, *(f"the trigger {one.name}" for one in table.triggers if command.name in one.columns)]
        if command.kind == "AT_AlterColumnType" and command.name in table.columns and users:
            message = f"It fails: {_named(users)} {_stand(users)} on {table.name}.{command.name}."
            hint = "What stands on it has to be dropped before, and made again after."
            yield warning(FindingCode.HAS_DEPENDENTS, message, hint, command.column.get("location"))


def drops_key(looked: Looked) -> Iterator[Notice]:
    """DROP CONSTRAINT of a key that foreign keys refer to."""
    for command, table in altered(looked):
        key = _unique(command, table)
        keys = [f"{one.name} of {one.table}" for one in _keys_to(table) if set(one.referenced_columns) == key]
        if keys:
            yield from _standing(command.name, _listed(keys=keys), cascades=command.cascades)


def _unique(command: Command, table: Table) -> set[str]:
    found = (index for index in table.indexes if command.kind == "AT_DropConstraint" and index.name == command.name)
    return set(next((index.columns for index in found), ()))


def truncates_others(looked: Looked) -> Iterator[Notice]:
    """TRUNCATE of a table that others refer to: with CASCADE they are emptied, too."""
    if looked.item.type != "TruncateStmt":
        return
    cascades = looked.item.node.get("behavior") == "DROP_CASCADE"
    named = [relation_of(part["RangeVar"]) for part in looked.item.node["relations"]]
    tables = [looked.tables[relation] for relation in named if relation in looked.tables]
    own = {name for table in tables for name in (table.name, str(table))}
    for table in tables:
        others = sorted({key.table for key in _keys_to(table)} - own)
        if others and cascades:
            message = f"TRUNCATE … CASCADE also empties {_named(others)}, which refer to {table.name}."
            yield warning(FindingCode.CASCADES, message, "And whatever refers to those in turn.")
        elif others:
            message = f"It fails: {_named(others)} {_refer(others)} to {table.name}."
            yield warning(
                FindingCode.HAS_DEPENDENTS, message, "Empty them in the same TRUNCATE, or delete rows instead."
            )


# --- words ---------------------------------------------------------------------------------------------------------


def _keys_to(table: Table) -> Iterator[ForeignKey]:
    """The foreign keys of other tables to this very one."""
    names = {table.name, str(table)}
    return (key for key in table.referenced_by if key.referenced in names and key.table not in names)


def _listed(*, views: Iterable[str] = (), keys: Iterable[str] = ()) -> str:
    parts = (("the view", list(views)), ("the foreign key", list(keys)))
    return " and ".join(f"{what}{'s' if len(names) > 1 else ''} {_named(names)}" for what, names in parts if names)


def _standing(what: str, dependents: str, *, cascades: bool) -> Iterator[Notice]:
    if dependents and cascades:
        message = f"CASCADE drops more than {what}: {dependents}."
        yield warning(FindingCode.HAS_DEPENDENTS, message, "And whatever stands on those in turn.")
    elif dependents:
        message = f"It fails, for there is what depends on {what}: {dependents}."
        yield warning(FindingCode.HAS_DEPENDENTS, message, "Drop those first, if they are not needed; CASCADE would.")


def _named(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _MOST_NAMED} more" if len(every) > _MOST_NAMED else ""
    return ", ".join(every[:_MOST_NAMED]) + more


def _stand(names: list[str]) -> str:
    return "stands" if len(names) == 1 else "stand"


def _refer(names: list[str]) -> str:
    return "refers" if len(names) == 1 else "refer"
