"""What a statement really stands on: the functions, operators and views the server itself finds in it.

A name alone does not tell: overloads are chosen by the types of the arguments, views and rules bring functions of their
own, `x.f` is a column or a call. The catalogue tells cheaply whether anything doubtful could be meant (`_OF_ITS_OWN`,
`_SUSPECTS`). Only then is the server asked to print the statement as it understood it (`debug_print_parse`, which any
login may set), with the identity of every function in it. The server writes that print to its own log as well, one
entry a doubtful statement, so it is not asked for without need. Nothing is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from psycopg import pq
from psycopg.pq.abc import PGresult

from executors.base import Access, Finding, FindingCode, Refused, Severity
from executors.postgresql.errors import Place
from executors.postgresql.reading import rules
from executors.postgresql.reading.facts import Facts, Function
from executors.postgresql.reading.function_policy import WRITE_MAY_CALL
from executors.postgresql.reading.functions import REFUSED
from executors.postgresql.reading.inner import AROUND, inner
from executors.postgresql.reading.names import BRINGS_CODE
from executors.postgresql.reading.parse import Statement
from executors.postgresql.reading.scopes import Relation
from executors.postgresql.wire import Wire

# Above it the print (some 200 times the text of a long list) is not asked for; a doubt counts against the statement.
_PRINTED_BYTES = 100_000

# Statements that the server understands to their end when it parses them.
_PRINTED = rules.ROWS | {"CreateTableAsStmt"}
# Before this version the print of one that holds a query leaves the query out.
_PRINTS_INNER = 160000

# What the texts of parse trees call the functions of calls, operators, aggregates, window functions and sort orders.
_CALLED = re.compile(r":(?:funcid|opfuncid|aggfnoid|winfnoid|elemfuncid|resultfunc)\s+(\d+)")

# The beginning of a print, and the last part of the name of each function in a statement that is not looked up.
_KIND = re.compile(r"\{QUERY\s+:commandType\s+(\d)\s.*?:utilityStmt\s+(?:<>|\{(\w+))", re.DOTALL)
_RAW_CALL = re.compile(r'\{FUNCCALL\s+:funcname\s+\((?:"[^"]*"\s+)*"([^"]*)"\)')
_NUMBERS = {"SelectStmt": "1", "UpdateStmt": "2", "InsertStmt": "3", "DeleteStmt": "4", "MergeStmt": "5"}

# Objects of the database's own have numbers from here on.
_OWN = b"16384"

# Whether the database has anything of its own by a name that stands in a statement: one part for each kind of name.
# Apart, and put together as needed, because planning them costs more than running them.
_OF_ITS_OWN = (
    b"SELECT FROM pg_catalog.pg_class WHERE relname = ANY ($%(n)d::name[]) AND relhasrules AND oid >= %(own)s",
    (
        b"SELECT FROM pg_catalog.pg_proc WHERE proname = ANY ($%(n)d::name[]) AND oid >= %(own)s "
        b"AND (provolatile = 'v' OR prosecdef OR prokind = 'a')"
    ),
    b"SELECT FROM pg_catalog.pg_operator WHERE oprname = ANY ($%(n)d::name[]) AND oid >= %(own)s",
    (
        b"SELECT FROM pg_catalog.pg_cast WHERE oid >= %(own)s AND castfunc >= %(own)s "
        b"AND ($%(n)d::bool OR castcontext = 'i')"
    ),
)

# $1, $2 the relations named (schema or '', name), $3 the numbers of those that are changed; $4 functions, $5 operators;
# $6 whether types are converted. A row for each doubt: what raises it, then the columns of `Called`.
_SUSPECTS = rb"""
SELECT CASE WHEN n = ANY ($3::bigint[]) THEN 'changed' ELSE 'view' END, s.nspname, c.relname, true, true, 0, 0, true
FROM ROWS FROM (pg_catalog.unnest($1::name[]), pg_catalog.unnest($2::name[])) WITH ORDINALITY AS given (s, r, n)
JOIN pg_catalog.pg_class c ON c.relname = given.r JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
WHERE c.relhasrules AND c.oid >= %(own)s
  AND CASE WHEN given.s = '' THEN pg_catalog.pg_table_is_visible(c.oid) ELSE s.nspname = given.s END
UNION ALL
SELECT why, n.nspname, p.proname, p.provolatile = 'v' OR p.prokind = 'a', p.prosecdef, p.pronargs, p.pronargdefaults,
  n.nspname = ANY (pg_catalog.current_schemas(true))
FROM (
  SELECT 'name', oid FROM pg_catalog.pg_proc WHERE proname = ANY ($4::name[]) AND oid >= %(own)s
  UNION ALL
  SELECT 'operator', oprcode FROM pg_catalog.pg_operator WHERE oprname = ANY ($5::name[]) AND oid >= %(own)s
  UNION ALL
  SELECT 'cast', castfunc FROM pg_catalog.pg_cast WHERE castfunc >= %(own)s AND ($6::bool OR castcontext = 'i')
) AS meant (why, oid) JOIN pg_catalog.pg_proc p USING (oid) JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.provolatile = 'v' OR p.prokind = 'a' OR p.prosecdef
""" % {b"own": _OWN}

# $1 (as $1, $2 above: qualified and quoted): functions of the server's own in the bodies of views, however deep.
_VIEWED = rb"""
WITH RECURSIVE views (oid, body) AS (
  SELECT ev_class, ev_action::text FROM pg_catalog.pg_rewrite
  WHERE ev_class = ANY ($1::pg_catalog.regclass[]) AND ev_type = '1'
  UNION
  SELECT w.ev_class, w.ev_action::text
  FROM views CROSS JOIN LATERAL pg_catalog.regexp_matches(views.body, ':relid (\d+)', 'g') AS found (m)
  JOIN pg_catalog.pg_rewrite w ON w.ev_class = m[1]::oid AND w.ev_type = '1' AND w.ev_class >= %(own)s)
SELECT DISTINCT 'view', n.nspname, p.proname, p.provolatile = 'v', p.prosecdef, p.pronargs, 0, true
FROM views CROSS JOIN LATERAL pg_catalog.regexp_matches(views.body,
  ':(?:funcid|opfuncid|aggfnoid|winfnoid|elemfuncid|resultfunc) (\d+)', 'g') AS found (m)
JOIN pg_catalog.pg_proc p ON p.oid = m[1]::oid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.oid < %(own)s
""" % {b"own": _OWN}

# The functions of a print, in the same columns.
_NAMES = b"""
SELECT '', n.nspname, p.proname, p.provolatile = 'v' AND p.prokind <> 'a' OR p.prokind = 'a' AND EXISTS (
    SELECT FROM pg_catalog.pg_aggregate a JOIN pg_catalog.pg_proc t ON t.oid IN (a.aggtransfn, a.aggfinalfn)
    WHERE a.aggfnoid = p.oid AND t.provolatile = 'v'), p.prosecdef, p.pronargs, 0, true
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.oid = ANY ($1::oid[]) ORDER BY n.nspname = 'pg_catalog', n.nspname, p.proname
"""

# Before the views and rules of a statement are put into it, and after.
_WRITTEN, _REWRITTEN = "debug_print_parse", "debug_print_rewritten"
_PRINT = """
SELECT pg_catalog.set_config('{}', 'on', true), pg_catalog.set_config('debug_pretty_print', 'off', true),
  pg_catalog.set_config('client_min_messages', 'log', true)
"""
_QUIET = """
SELECT pg_catalog.set_config('{}', 'off', true), pg_catalog.set_config('client_min_messages', 'error', true)
"""


@dataclass(frozen=True, slots=True)
class Called:
    """A function, or a relation that brings functions in, as the catalogue knows it, and `why` it may be meant."""

    why: str
    schema: str
    name: str
    volatile: bool
    as_owner: bool
    arguments: int
    defaults: int
    visible: bool

    def named_by(self, call: Function) -> bool:
        """Whether a call as written may be this one, whatever the types."""
        if call.name != self.name or (call.schema != self.schema if call.schema else not self.visible):
            return False
        return not call.as_column or self.arguments - self.defaults <= 1 <= self.arguments


class Dependencies:
    """Asks one connection; what a text names is asked about once, until a statement that may change what it means."""

    def __init__(self, wire: Wire, access: Access) -> None:
        self._wire = wire
        self._access = access
        self._clear: set[_Question] = set()

    def check(self, item: Statement, facts: Facts, text: str) -> None:
        """Raise `Refused` if the statement stands on something its access may not use; `text` is the whole it is of."""
        finding = self.find(item, facts, text)
        if finding is not None:
            raise Refused(finding.message, detail={"hint": finding.hint} if finding.hint else {})

    def find(self, item: Statement, facts: Facts, text: str) -> Finding | None:
        """What `check` refuses. Needs an open transaction; raises `StatementFailed` where the server cannot read it.

        To be asked when all that stands before it in its text has run: what that made is looked up as well.
        """
        if item.type not in rules.ROWS:
            self._clear.clear()
        if item.unread and (told := self._unlike(item, text)):
            return told
        question = _question(facts)
        if question in self._clear:
            return None
        doubts = self._doubts(question)
        if item.type in BRINGS_CODE and (changed := next((one for one in doubts if one.why == "changed"), None)):
            return _changed_inside(changed)
        refused = self._refused(item, facts, text, doubts)
        if refused is not None:
            return _finding(refused)
        if not any(doubt.why == "changed" for doubt in doubts):
            self._clear.add(question)
        return None

    def _unlike(self, item: Statement, text: str) -> Finding | None:
        """What speaks against a statement that was read in part, by what the server sees in the whole of it."""
        if len(item.text) > _PRINTED_BYTES:
            return _not_told("it is too long to be asked about")
        said, called = self._printed(item, text, _WRITTEN)
        if not _same_kind(said, item):
            return _not_told("the target sees another statement in it than the portal")
        if refused := self._first(called):
            return _finding(refused)
        named = next(filter(self._refuses_name, (match[1] for match in _RAW_CALL.finditer(said))), None)
        return _outside(named) if named else None

    def _refuses_name(self, name: str) -> bool:
        """Whether a function of that name may be one that is refused, whatever it is given."""
        return rules.refused_name(name, 0) and (self._access is Access.READ or name not in WRITE_MAY_CALL)

    def _doubts(self, question: _Question) -> list[Called]:
        given = [(part, value) for part, value in zip(_OF_ITS_OWN, question.names(), strict=True) if value != b"{}"]
        sql = b" UNION ALL ".join(part % {b"n": n, b"own": _OWN} for n, (part, _) in enumerate(given, 1))
        if not sql or not self._send(sql + b" LIMIT 1", [value for _, value in given]).ntuples:
            return []
        return self._ask(_SUSPECTS, question.parameters())

    def _refused(self, item: Statement, facts: Facts, text: str, doubts: Sequence[Called]) -> Called | None:
        """What of the doubtful the statement really stands on. Bodies of views need no closer look."""
        views = [doubt for doubt in doubts if doubt.why == "view"]
        if views and (brought := self._first(self._ask(_VIEWED, (text_array(list(map(_quoted, views))),)))):
            return brought
        named = [doubt for doubt in doubts if self._may_be_meant(doubt, facts)]
        printed = self._printable(item)
        if printed is None:
            return next((doubt for doubt in named if doubt.why == "name"), None)
        columns = any(function.as_column and function.name in REFUSED for function in facts.functions)
        if (named or columns) and (called := self._first(self._print(printed, text, _WRITTEN))):
            return called
        if any(doubt.why == "changed" for doubt in doubts):
            rewritten = self._print(printed, text, _REWRITTEN)
            return self._first(called for called in rewritten if called.schema == "pg_catalog")
        return None

    def _printable(self, item: Statement) -> Statement | None:
        """The statement whose print tells what this one stands on."""
        if item.type not in _PRINTED or len(item.text) > _PRINTED_BYTES:
            return None
        if item.type in AROUND and self._wire.pgconn.server_version < _PRINTS_INNER:
            return inner(item)
        return item

    def _may_be_meant(self, doubt: Called, facts: Facts) -> bool:
        if doubt.why in {"view", "changed"} or not self._refuses(doubt):
            return False
        return doubt.why != "name" or any(map(doubt.named_by, facts.functions))

    def _first(self, called: Iterable[Called]) -> Called | None:
        return next(filter(self._refuses, called), None)

    def _refuses(self, called: Called) -> bool:
        reads = self._access is Access.READ
        if called.schema == "pg_catalog":
            return rules.refused_name(called.name, called.arguments) and (reads or called.name not in WRITE_MAY_CALL)
        return reads and (called.volatile or called.as_owner)

    def _print(self, item: Statement, text: str, setting: str) -> list[Called]:
        """The functions in the statement as the server understood it. Overwrites the unnamed prepared statement."""
        return self._printed(item, text, setting)[1]

    def _printed(self, item: Statement, text: str, setting: str) -> tuple[str, list[Called]]:
        with _listening(self._wire) as said:
            self._wire.simple(_PRINT.format(setting).encode())
            self._wire.prepare(b"", item.text.encode(), Place(text, item.offset), item.types)
            oids = {oid for part in said for oid in _CALLED.findall(part)}
            self._wire.simple(_QUIET.format(setting).encode())
        return " ".join(said), self._ask(_NAMES, (f"{{{','.join(sorted(oids))}}}".encode(),))

    def _send(self, sql: bytes, parameters: Sequence[bytes]) -> PGresult:
        return self._wire.call(lambda: self._wire.pgconn.send_query_params(sql, parameters))

    def _ask(self, sql: bytes, parameters: Sequence[bytes]) -> list[Called]:
        result = self._send(sql, parameters)
        return [_called([result.get_value(row, column) or b"" for column in range(8)]) for row in range(result.ntuples)]


@contextmanager
def _listening(wire: Wire) -> Iterator[list[str]]:
    said: list[str] = []

    def take(result: PGresult) -> None:
        said.append((result.error_field(pq.DiagnosticField.MESSAGE_DETAIL) or b"").decode("utf-8", "replace"))

    before = wire.pgconn.notice_handler
    wire.pgconn.notice_handler = take
    try:
        yield said
    finally:
        wire.pgconn.notice_handler = before


class _Question(NamedTuple):
    """What a statement names that may be the database's own."""

    relations: tuple[Relation, ...]
    changed: frozenset[Relation]
    functions: tuple[str, ...]
    operators: tuple[str, ...]
    converts: bool

    def names(self) -> tuple[bytes, ...]:
        """For `_OF_ITS_OWN`; an empty array where there is nothing to ask."""
        relations = text_array([relation.name for relation in self.relations])
        asks = self.functions or self.operators or self.converts
        return relations, text_array(self.functions), text_array(self.operators), self._casts() if asks else b"{}"

    def parameters(self) -> tuple[bytes, ...]:
        """For `_SUSPECTS`."""
        changed = [str(number) for number, relation in enumerate(self.relations, 1) if relation in self.changed]
        schemas, names = [text_array([relation[part] for relation in self.relations]) for part in (0, 1)]
        lists = (text_array(self.functions), text_array(self.operators))
        return schemas, names, text_array(changed), *lists, self._casts()

    def _casts(self) -> bytes:
        return b"true" if self.converts else b"false"


def _question(facts: Facts) -> _Question:
    relations = tuple(sorted(relation for relation in facts.relations if relation.schema not in rules.OWN_SCHEMAS))
    functions = sorted({call.name for call in facts.functions if call.schema != "pg_catalog"})
    operators = tuple(sorted(facts.operators))
    return _Question(relations, frozenset(facts.changed), tuple(functions), operators, facts.converts)


def _called(values: Sequence[bytes]) -> Called:
    why, schema, name, volatile, as_owner, arguments, defaults, visible = (value.decode() for value in values)
    return Called(why, schema, name, volatile == "t", as_owner == "t", int(arguments), int(defaults), visible == "t")


def _quoted(relation: Called) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in (relation.schema, relation.name))


def _same_kind(said: str, item: Statement) -> bool:
    """Whether a print is of a statement of the kind that was read."""
    found = _KIND.search(said)
    if found is None:
        return False
    number = _NUMBERS.get(item.type)
    return found[2] is None and found[1] == number if number else found[2] == item.type.upper()


def _not_told(why: str) -> Finding:
    message = f"The portal reads this statement in part only, and {why}."
    return Finding(FindingCode.REFUSED_STATEMENT, Severity.ERROR, message, hint="Write it without the newer words.")


def _changed_inside(view: Called) -> Finding:
    """The server cannot be asked what a statement stands on that has a body's variables in it."""
    message = f"A body may not change {view.schema}.{view.name}: rules of the database's own say what happens then."
    return Finding(FindingCode.REFUSED_STATEMENT, Severity.ERROR, message, hint="Change the table that it shows.")


def _finding(called: Called) -> Finding:
    if called.schema == "pg_catalog":
        return _outside(called.name)
    why = "runs with its owner's rights" if called.as_owner else "may change data (it is VOLATILE)"
    message = f"The function {called.schema}.{called.name} {why}, so a read may not call it."
    return Finding(FindingCode.REFUSED_FUNCTION, Severity.ERROR, message, hint="Ask for write access.")


def _outside(name: str) -> Finding:
    message = f"The function {name} is not allowed, and what this statement stands on calls it."
    hint = "A view, a rule or a column that is none brings it in; ask the owner of the database."
    return Finding(FindingCode.REFUSED_FUNCTION, Severity.ERROR, message, hint=hint)


def text_array(names: Sequence[str]) -> bytes:
    """The text of a PostgreSQL array of text."""
    quoted = ['"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"' for name in names]
    return ("{" + ",".join(quoted) + "}").encode()
