"""The target's own word on statements before anybody approves them: parsed by the server, and never run.

Parse (extended protocol) finds wrong tables, columns, types and argument counts of SELECT, INSERT, UPDATE, DELETE and
MERGE, with their places, and needs no right to write. What it does not tell, the names in other statements and in those
after a change of the schema, is looked up in the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from executors.base import Access, Asked, ExecutionError, Finding, FindingCode, Severity, StatementFailed, Target, Told
from executors.postgresql import catalogue, likeness
from executors.postgresql.dependencies import Dependencies, text_array
from executors.postgresql.errors import Place
from executors.postgresql.findings import MOST_STATEMENTS, TARGET, noticed
from executors.postgresql.findings.catalogue import Depth, ask
from executors.postgresql.findings.looked import Looked
from executors.postgresql.naming import PARTS, missing
from executors.postgresql.reading import dialects, settings, taking
from executors.postgresql.reading.analysis import read
from executors.postgresql.reading.bodies import body_of
from executors.postgresql.reading.facts import Facts, gather, together
from executors.postgresql.reading.named import Bound, bound
from executors.postgresql.reading.names import (
    BRINGS_CODE,
    CHANGES_WHAT_IT_NAMES,
    UNDERSTOOD,
    changes_schema,
    made,
    needed,
)
from executors.postgresql.reading.objects import Named, untold
from executors.postgresql.reading.parse import Statement, parse
from executors.postgresql.reading.scopes import Catalogue, Relation
from executors.postgresql.reading.settings import Setting
from executors.postgresql.wire import Wire
from executors.text import Characters, Places

# Sent before the first answer is read.
_AT_ONCE = 200
_MOST_FINDINGS = 20

# What is wrong with a statement, rather than with the server or the moment: SQLSTATE's classes, and those of names.
_OF_THE_STATEMENT = ("0A", "22", "2B", "42", "3F", "54")
_NAMES = frozenset({"42P01", "42703", "42883", "42704", "3F000", "42P10", "42846"})
_AMBIGUOUS = "42702"
_CODES = {**dict.fromkeys(_NAMES, FindingCode.UNKNOWN_NAME), _AMBIGUOUS: FindingCode.AMBIGUOUS_NAME}
_NO_RIGHT = "42501"
# What a login does not see, it does not find either: another one may.
_PERHAPS_HIDDEN = frozenset({"42P01", "42883", "42704"})

# Something of the name in a schema that this login may not look into.
_HIDDEN = b"""
SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace s WHERE (s.nspname = $2 OR $2 = '' AND s.nspname = ANY ($3::text[]))
  AND NOT pg_catalog.has_schema_privilege(s.oid, 'USAGE')
  AND (EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = s.oid AND c.relname = $1)
    OR EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.pronamespace = s.oid AND p.proname = $1)
    OR EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.typnamespace = s.oid AND t.typname = $1)))
"""
_UNREADABLE = b"""
SELECT c.oid::regclass::text
FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) w(schema, name)
JOIN pg_catalog.pg_class c ON c.relname = w.name JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
WHERE (s.nspname = w.schema OR w.schema = '' AND pg_catalog.pg_table_is_visible(c.oid))
  AND NOT pg_catalog.has_any_column_privilege(c.oid, 'SELECT') LIMIT 1
"""


@dataclass(slots=True)
class _Text:
    """One text that is asked about, and what was found out so far."""

    text: str
    findings: list[Finding] = field(default_factory=list)
    complete: bool = True


class _Part(NamedTuple):
    """One statement of a text and what it holds."""

    item: Statement
    facts: Facts
    inside: Sequence[Statement] = ()

    @property
    def makes(self) -> frozenset[str]:
        """What there is after it, the statements of its body included."""
        return made(self.item).union(*map(made, self.inside)) - {""}

    @property
    def makes_anything(self) -> bool:
        """Whether it calls code that the text does not hold, which may make what later statements name."""
        return any(one.type == "CallStmt" for one in (self.item, *self.inside))


@dataclass(slots=True)
class Check:
    """What the target says of some texts, in the order in which they would run."""

    wire: Wire
    target: Target
    access: Access
    made: set[str] = field(default_factory=set)
    changed: bool = False
    anything: bool = False

    def answers(self, asked: Sequence[Asked]) -> list[Told]:
        """An answer for each text. Raises `ExecutionError` when the target gives none."""
        return [self._answer(item) for item in asked]

    def _answer(self, asked: Asked) -> Told:
        takes = bound(asked.text, asked.parameters)
        text = takes.text
        told = _Text(text)
        written, failure = parse(text)
        if failure:
            return Told(complete=False)
        found, statements = settings.apart(taking.run(written, self.access))
        self._judge(told, found)
        if told.findings or any(one.name == "search_path" for _, one in found):
            return Told(tuple(told.findings), complete=False)  # names mean something else then
        ahead: list[_Part] = []
        named: list[Named] = []
        parts = [_part(takes, item) for item in statements]
        as_found = list(self._as_found(parts))
        for part in parts:
            item = part.item
            if item.type in UNDERSTOOD and not self.changed:
                ahead.append(part)
            else:
                wanted = [(name, self._is_made(name.relation)) for name in needed(item, part.facts)]
                named += [name for name, is_made in wanted if not is_made]
                # Of what the text itself makes nobody can tell more than its name.
                of_made = any(is_made and name.column for name, is_made in wanted)
                told.complete &= not (of_made or untold(item, parsed=item.type in UNDERSTOOD))
                told.complete &= item.type not in BRINGS_CODE
            if changes_schema(item):
                self.changed = True
                self.made |= part.makes
                self.anything |= part.makes_anything
        for start in range(0, len(ahead), _AT_ONCE):
            self._parse(told, ahead[start : start + _AT_ONCE])
        # Of others the server tells whether it knows their words, and looks no name up.
        unread = [part for part in parts if part.item.unread and part.item.type not in UNDERSTOOD]
        self._refuse_unknown(told, unread)
        if not told.findings:
            self._look_through(told, [part for part in parts if part.item.type in BRINGS_CODE or part in unread])
        told.complete &= not any(part.item.unread for part in parts)
        self._look_up(told, named)
        noticed = () if told.findings else tuple(self._noticed(text, as_found))
        if told.findings or not told.complete or self.changed:
            return Told(tuple(told.findings), told.complete, noticed=noticed)
        return Told(tuple(self._told_apart(text, ahead)), settles=(FindingCode.OUTER_NAME,), noticed=noticed)

    def _judge(self, told: _Text, found: Sequence[tuple[Statement, Setting]]) -> None:
        """Settings against the target's limits."""
        limits = (self.target.seconds, self.target.lock_seconds, self.target.search_path)
        places = Places(told.text)
        for item, one in found:
            if refused := settings.beyond(one, *limits):
                place = places.at(item.begins)
                told.findings.append(
                    Finding(FindingCode.REFUSED_STATEMENT, Severity.ERROR, refused[0], *place, refused[1])
                )

    def _as_found(self, parts: Sequence[_Part]) -> Iterator[tuple[Statement, frozenset[Relation]]]:
        """The first statements, each with those of its relations that nothing before it may have changed."""
        changed, everything = set[str](), self.changed
        for item, facts, _ in parts[:MOST_STATEMENTS]:
            known = {relation for relation in facts.relations if relation.name not in changed}
            yield item, frozenset() if everything else frozenset(known)
            if changes_schema(item):
                changed |= made(item) | {relation.name for relation in facts.relations}
                everything = everything or item.type not in CHANGES_WHAT_IT_NAMES

    def _noticed(self, text: str, as_found: Sequence[tuple[Statement, frozenset[Relation]]]) -> list[Finding]:
        """What the catalogue adds to what reading noticed; nothing where it gave no answer."""
        items = [item for item, _ in as_found]
        named = frozenset[Relation]().union(*(relations for _, relations in as_found))
        try:
            tables = ask(self.wire, named, _depth(items, self.access))
        except ExecutionError:
            self.wire.drain()
            return []
        source = text.encode()
        looked = (
            Looked(item, source, {one: tables[one] for one in relations & tables.keys()}, self.target, items[:number])
            for number, (item, relations) in enumerate(as_found)
        )
        return noticed(text, looked, TARGET)

    def _told_apart(self, text: str, parts: Sequence[_Part]) -> list[Finding]:
        """Names in subqueries that mean a column outside, told with the columns that the tables have."""
        nested = {relation for part in parts if len(part.facts.levels) > 1 for relation in part.facts.relations}
        if not nested:
            return []
        found = read(text, (), self.access, catalogue.columns(self.wire, nested)).analysis.findings
        return [finding for finding in found if finding.code is FindingCode.OUTER_NAME]

    def _is_made(self, relation: str) -> bool:
        """Whether an earlier statement may have made a relation, or one that goes with it (`orders_pkey`)."""
        return self.anything or relation in self.made or any(relation.startswith(f"{name}_") for name in self.made)

    def _refuse_unknown(self, told: _Text, parts: Sequence[_Part]) -> None:
        """The server's own word on the grammar of statements."""
        sent = [(part.item.text.encode(), part.item.types, Place(told.text, part.item.offset)) for part in parts]
        for part, error in zip(parts, self.wire.parse_each(sent) if sent else (), strict=True):
            if error is not None:
                self._take(told, part, error)

    def _parse(self, told: _Text, parts: Sequence[_Part]) -> None:
        self._refuse_unknown(told, parts)
        if not told.findings and told.complete:
            self._look_through(told, parts)
        if self.access is Access.READ and not told.findings:
            self._check_rights(told, parts)

    def _look_through(self, told: _Text, parts: Sequence[_Part]) -> None:
        """What the run would refuse for what the statements stand on, refused before anybody approves it."""
        if not parts:
            return
        dependencies, places = Dependencies(self.wire, self.access), Places(told.text)
        self.wire.simple(b"BEGIN READ ONLY")
        try:
            for part in parts:
                finding = dependencies.find(part.item, part.facts, told.text)
                if finding is not None:
                    line, column = places.at(part.item.begins)
                    told.findings.append(replace(finding, line=line, column=column))
                    return
        except StatementFailed:
            told.complete = False
        finally:
            if not self.wire.broken:
                self.wire.simple(b"ROLLBACK")

    def _take(self, told: _Text, part: _Part, error: ExecutionError) -> None:
        state = error.detail.get("sqlstate", "")
        if not state.startswith(_OF_THE_STATEMENT):
            told.complete = False
            return
        name = likeness.written_at(told.text, int(error.detail.get("position", 0)) - 1)
        if self.access is not Access.READ and (state == _NO_RIGHT or (state in _PERHAPS_HIDDEN and self._hidden(name))):
            told.complete = False
            return
        if len(told.findings) < _MOST_FINDINGS:
            told.findings.append(self._finding(told, part, error, name))

    def _finding(self, told: _Text, part: _Part, error: ExecutionError, name: tuple[str, ...]) -> Finding:
        state, hint = error.detail["sqlstate"], error.detail.get("hint", "")
        meant = ""
        if state == _AMBIGUOUS and name:
            hint = _one_of(part, name[-1], catalogue.columns(self.wire, part.facts.relations))
        elif state == "42703":
            relations = sorted(relation.name for relation in part.facts.relations)
            meant = "" if hint or not name else likeness.meant_column(self.wire, relations, name[-1])
        else:
            meant = likeness.meant(self.wire, state, name)
        code = _CODES.get(state, FindingCode.TARGET_REFUSES)
        place = _place(error) or Places(told.text).at(part.item.begins)
        way_out = dialects.of_name(told.text, int(error.detail.get("position", 0)) - 1, state, (name or ("",))[-1])
        # A column that is like one of the table's is rather that; a function's likeness is of letters alone.
        known = (_did_you_mean(meant), hint)
        hint = next(filter(None, (*known, way_out) if state == "42703" else (way_out, *known)), "")
        return Finding(code, Severity.ERROR, _sentence(error.public_message), *place, hint)

    def _hidden(self, name: tuple[str, ...]) -> bool:
        if not name:
            return True
        *schema, own = name
        parameters = [own.encode(), ".".join(schema).encode(), text_array(self.target.search_path)]
        return self._first(_HIDDEN, parameters) == b"t"

    def _check_rights(self, told: _Text, parts: Sequence[_Part]) -> None:
        """A read is run with the very login that is asked: what it may not read is known already."""
        names = [relation for part in parts for relation in part.facts.relations]
        parameters = [text_array([relation.schema for relation in names]), text_array([one.name for one in names])]
        table = self._first(_UNREADABLE, parameters) if names else None
        if table is not None:
            message = f"The target's read login may not read {table.decode()}."
            hint = "Ask the target's administrator for the right to read it."
            told.findings.append(Finding(FindingCode.TARGET_REFUSES, Severity.ERROR, message, hint=hint))

    def _look_up(self, told: _Text, named: Sequence[Named]) -> None:
        characters, places = Characters(told.text.encode()), Places(told.text)
        for name in missing(self.wire, named, self.target.search_path)[:_MOST_FINDINGS]:
            place = (None, None) if name.at is None else places.at(characters.before(name.at))
            if name.kind == "setting":  # of some the server keeps silent
                told.complete = False
            else:
                told.findings.append(self._unknown_name(name, place))

    def _unknown_name(self, name: Named, place: tuple[int | None, int | None]) -> Finding:
        written = f"{name.schema}.{name.relation}" if name.schema not in {"", name.relation} else name.relation
        if name.kind in PARTS:
            kind = name.kind.partition(" ")[0]
            message = f'{kind.capitalize()} "{name.column}" of {PARTS[name.kind]} "{written}" does not exist.'
            meant = likeness.meant_column(self.wire, [name.relation], name.column) if kind == "column" else ""
        else:
            kind = name.kind.removeprefix("any ")
            message = f'{kind.capitalize()} "{written}" does not exist.'
            like = {"schema": "3F000", "type": "42704", "domain": "42704"}.get(kind, "42P01")
            meant = likeness.meant(self.wire, like, [*([name.schema] if name.schema else []), name.relation])
        if name.optional:
            message = f"{message.removesuffix('.')}: IF EXISTS passes over it."
        severity = Severity.INFO if name.optional else Severity.ERROR
        return Finding(FindingCode.UNKNOWN_NAME, severity, message, *place, _did_you_mean(meant))

    def _first(self, sql: bytes, parameters: Sequence[bytes]) -> bytes | None:
        result = self.wire.call(lambda: self.wire.pgconn.send_query_params(sql, parameters))
        return result.get_value(0, 0) if result.ntuples else None


def _part(takes: Bound, item: Statement) -> _Part:
    facts, inside = gather(item), tuple(body_of(item).statements)
    return _Part(takes.told(item, facts), together(facts, list(map(gather, inside))), inside)


def _depth(items: Sequence[Statement], access: Access) -> Depth:
    if access is Access.READ:
        return Depth.READ
    return Depth.WRITE if all(item.type in UNDERSTOOD for item in items) else Depth.SCHEMA


def _place(error: ExecutionError) -> tuple[int, int] | None:
    if "line" not in error.detail:
        return None
    return int(error.detail["line"]), int(error.detail["column"])


def _sentence(message: str) -> str:
    return f"{message[:1].upper()}{message[1:].removesuffix('.')}."


def _one_of(part: _Part, column: str, known: Catalogue) -> str:
    """The tables, as they are called in the statement, whose column an ambiguous name may mean."""
    items = (item for _, _, level in part.facts.levels for item in level.items)
    owners = {item.alias for item in items if item.relation and column in known.get(str(item.relation), ())}
    return f"Write {' or '.join(f'{alias}.{column}' for alias in sorted(owners))}." if owners else ""


def _did_you_mean(name: str) -> str:
    return f"Did you mean {name}?" if name else ""
