"""Values between a script and a live PostgreSQL: each arrives as it left, or the script is told."""

# ruff: noqa: E501 - scripts as people write them stand on one line
from __future__ import annotations

import json
import re

import pytest
from psycopg.conninfo import make_conninfo

from executors.base import Access, ExecutionError, Refused, StatementFailed, TooLarge
from executors.tests.script.conftest import Recorder, RunSQL, values

pytestmark = pytest.mark.sandbox


# --- out ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param('{"id": 9007199254740993}', '{"id":9007199254740993}', id="out-04"),
        ('{"id": -12345678901234567890123}', '{"id":-12345678901234567890123}'),
        ('{"n": 0.12345678901234567890123}', '{"n":0.12345678901234567890123}'),
        ("[1e400, 1e-400, 1.5e3, 1e2]", None),
        ('{"a": 9007199254740991, "b": 0.1, "c": 1.10}', '{"a":9007199254740991,"b":0.1,"c":1.1}'),
        ('{"a": "9007199254740993", "b": "1e400"}', '{"a":"9007199254740993","b":"1e400"}'),
        ('{"a": [true, null, {"b": 123456789012345678}]}', '{"a":[true,null,{"b":123456789012345678}]}'),
        ("123456789012345678901234567890.5", "123456789012345678901234567890.5"),
    ],
)
@pytest.mark.parametrize("kind", ["json", "jsonb"])
def test_a_number_of_json_keeps_every_digit(run_sql: RunSQL, kind: str, value: str, expected: str | None) -> None:
    seen = run_sql(f"return (await db.query(`select '{value}'::{kind} as j`)).rows")
    (line,) = seen.lines
    if expected is None:
        numbers = re.findall(r"[\d.e+-]+", line.decode().replace("[[", "").replace("]]", ""))
        assert len(numbers[0]) > 300 or numbers[0] == "1e400"
        assert numbers[2:] == ["1500", "100"]
    else:
        assert line.decode().strip() == f"[{expected}]"


def test_a_document_read_and_written_back_is_the_same(run_sql: RunSQL) -> None:
    document = '{"big": 9007199254740993, "exact": 0.12345678901234567890123, "z": -0, "text": "é\\\\u0000"}'.replace(
        "\\\\u0000", ""
    )
    text = f"""
      const {{j}} = await db.one(`select '{document}'::jsonb as j`);
      return (await db.one('select $1::jsonb = $2::jsonb as same', [j, `{document}`])).same"""
    assert values(run_sql(text)) == [[True]]


def test_a_number_that_does_not_fit_says_so_when_it_is_counted_with(run_sql: RunSQL) -> None:
    text = "const {j} = await db.one(`select '{\"n\": 0.12345678901234567890123}'::jsonb as j`);"
    assert values(run_sql(f"{text} return String(j.n)")) == [["0.12345678901234567890123"]]
    with pytest.raises(StatementFailed, match="does not fit a JavaScript number"):
        run_sql(f"{text} return j.n + 1")


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        pytest.param("count(*), count(distinct id)", ["count", "count_2"], id="out-05"),
        ("1 as a, 2 as a, 3 as a", ["a", "a_2", "a_3"]),
        ("1 as a, 2 as a, 3 as a_2", ["a", "a_3", "a_2"]),
        ("1, 2", ["?column?", "?column?_2"]),
        ('1 as "__proto__", 2 as "__proto__"', ["__proto__", "__proto___2"]),
        ('1 as a, 2 as "A"', ["a", "A"]),
    ],
)
def test_two_columns_of_one_name_are_both_there(run_sql: RunSQL, columns: str, names: list[str]) -> None:
    seen = run_sql(
        f"return await db.query(`select {columns} from items`)"
        if "count" in columns
        else f"return await db.query(`select {columns}`)"
    )
    assert [column.name for column in seen.columns_seen] == names
    (row,) = values(seen)
    assert isinstance(row, list)
    assert len(set(map(str, row))) in {1, len(names)}
    again = run_sql(f"for await (const r of db.iterate(`select {columns} from items limit 1`)) return Object.keys(r)")
    assert values(again) == [[name] for name in names]


def test_rows_are_exact_in_every_way_out(run_sql: RunSQL) -> None:
    text = "return (await db.query(\"select -0.0::float8 as z, 'NaN'::float8 as n, '2026-01-01'::date as d, 1.10 as p, 9007199254740993 as b\")).rows"
    assert run_sql(text).lines == [b'[-0,"NaN","2026-01-01","1.10","9007199254740993"]']


INSTANTS = [
    ("2026-01-02 03:04:05.123456+00", "2026-01-02T03:04:05.123Z"),
    ("2026-01-02 03:04:05+05:30", "2026-01-01T21:34:05.000Z"),
    ("0044-03-15 12:00:00+00", "0044-03-15T12:00:00.000Z"),
    ("infinity", None),
    ("0044-03-15 12:00:00+00 BC", None),
    ("280000-01-01 00:00:00+00", None),
]


@pytest.mark.parametrize(("written", "instant"), INSTANTS, ids=[written for written, _ in INSTANTS])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/St_Johns", "Africa/Monrovia"])
def test_an_instant_is_a_date_where_that_is_asked_for(
    run_sql: RunSQL,
    sql_urls: dict[Access, str],
    monkeypatch: pytest.MonkeyPatch,
    zone: str,
    written: str,
    instant: str | None,
) -> None:
    in_zone = make_conninfo(sql_urls[Access.READ], options=f"-c TimeZone={zone}")
    monkeypatch.setitem(sql_urls, Access.READ, in_zone)
    text = f"""
      const sql = "select $1::timestamptz as at, $1::timestamptz::text as text";
      const {{zone}} = await db.one("select current_setting('TimeZone') as zone");
      const row = await db.one(sql, ['{written}'], {{dates: true}});
      const same = await db.one('select $1::timestamptz = $2::timestamptz as it', [row.at, '{written}']);
      const date = row.at instanceof Date;
      if (zone !== '{zone}') throw new Error(zone);
      return [date ? row.at.toISOString() : null, (date ? row.at.text : row.at) === row.text, same.it, JSON.stringify([row.at]) === JSON.stringify([row.text])]"""
    assert values(run_sql(text)) == [[instant], [True], [True], [True]]


def test_dates_are_exact_in_every_way_out_and_new_when_they_are_set(run_sql: RunSQL) -> None:
    text = """
      const sql = "select '2026-01-02 03:04:05.123456+00'::timestamptz as at, now()::timestamp as local, now()::date as day";
      const {rows: [row]} = await db.query(sql, [], {dates: true});
      const texts = typeof row.local + typeof row.day;
      for await (const each of db.iterate(sql, [], {dates: true})) row.later = each.at;
      row.later.setUTCFullYear(2027);
      return [[row.at, {in: [row.at]}, row.later, texts, typeof (await db.one(sql)).at]]"""
    (line,) = run_sql(text).lines
    shown = "2026-01-02 03:04:05.123456+00"
    assert json.loads(line) == [[shown, {"in": [shown]}, "2027-01-02T03:04:05.123Z", "stringstring", "string"]]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("{date: true}", "there is no option date: db.query(text, [value, …], {dates: true})"),
        ("{dates: 1}", "the option dates must be true or false"),
        ("null", "the options must be an object"),
        ("new Map()", "the options must be an object"),
    ],
)
@pytest.mark.parametrize("method", ["query", "one"])
def test_an_option_that_does_not_exist_is_refused(run_sql: RunSQL, method: str, options: str, told: str) -> None:
    with pytest.raises(StatementFailed, match=re.escape(told)):
        run_sql(f"return await db.{method}('select 1', [], {options})")


@pytest.mark.parametrize(("width", "rows"), [(20_000, 900), (3_000_000, 7), (10, 2000)])
def test_an_iteration_takes_rows_of_any_width(run_sql: RunSQL, width: int, rows: int) -> None:
    text = (
        f"let n = 0, size = 0; for await (const r of db.iterate(`select i, repeat('x', {width}) as t from generate_series(1, {rows}) i`))"
        " { if (r.i !== n + 1) throw new Error('order'); n += 1; size += r.t.length } return [n, size]"
    )
    assert values(run_sql(text, seconds=60)) == [[rows], [width * rows]]


def test_rows_that_become_wide_on_the_way_are_still_read(run_sql: RunSQL) -> None:
    text = (
        "let size = 0; for await (const r of db.iterate(`select repeat('x', case when i < 600 then 1 else 50000 end) as t from generate_series(1, 900) i`))"
        " size += r.t.length; return size"
    )
    assert values(run_sql(text, seconds=60)) == [[599 + 301 * 50_000]]


def test_a_row_too_wide_for_a_script_is_told(run_sql: RunSQL) -> None:
    with pytest.raises(TooLarge, match="a row of more than 8 MiB"):
        run_sql("for await (const r of db.iterate(`select repeat('x', 9000000) as t`)) return 1")


# --- in -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "cast", "expected"),
    [
        ("'x'", "text", "x"),
        ("1.5", "numeric", "1.5"),
        ("-0", "float8", "-0"),
        ("-0", "int", "0"),
        ("9007199254740993n", "int8", "9007199254740993"),
        ("true", "bool", "true"),
        ("null", "text", None),
        ("new Date(0)", "timestamptz", "1970-01-01 00:00:00+00"),
        ("new Uint8Array([0, 255])", "bytea", "\\x00ff"),
        ("[1, 2, null]", "int[]", "{1,2,NULL}"),
        ("['a,b', 'c\"d', 'e\\\\f', '', 'NULL']", "text[]", '{"a,b","c\\"d","e\\\\f","","NULL"}'),
        ("[[1, 2], [3, 4]]", "int[]", "{{1,2},{3,4}}"),
        ("[new Uint8Array([1])]", "bytea[]", '{"\\\\x01"}'),
        ("[]", "int[]", "{}"),
        ("[]", "jsonb", "[]"),
        ("[1, 'a', null, {b: [2]}]", "jsonb", '[1, "a", null, {"b": [2]}]'),
        (
            "{a: 9007199254740993n, b: [new Date(0)], c: {}}",
            "jsonb",
            '{"a": 9007199254740993, "b": ["1970-01-01T00:00:00.000Z"], "c": {}}',
        ),
        ("[{a: 1}]", "jsonb[]", '{"{\\"a\\": 1}"}'),
        ("Object.create(null)", "jsonb", "{}"),
        ("require('decimal.js')('1.10')", "numeric", "1.1"),
        ("require('decimal.js')('1e30')", "numeric", "1000000000000000000000000000000"),
        ("{d: require('decimal.js')('12345678901234567890.12')}", "jsonb", '{"d": 12345678901234567890.12}'),
    ],
)
def test_a_parameter_arrives_as_it_is(run_sql: RunSQL, value: str, cast: str, expected: str | None) -> None:
    assert values(run_sql(f"return (await db.one('select $1::{cast}::text as v', [{value}])).v")) == [[expected]]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param("new Set(['AA'])", "a Set", id="guard-09"),
        ("new Map([['a', 1]])", "a Map"),
        ("() => 1", "a function"),
        ("Symbol('s')", "a symbol"),
        ("undefined", "undefined"),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("2 ** 53", "9007199254740992"),
        ("JSON.parse('9007199254740993')", "9007199254740992"),
        ("1e300", "1e+300"),
        ("new Date(NaN)", "an invalid Date"),
        ("new Int32Array([1])", "class Int32Array"),
        ("new ArrayBuffer(2)", "class ArrayBuffer"),
        ("new Number(1)", "class Number"),
        ("new String('a')", "class String"),
        ("/a/", "class RegExp"),
        ("new Error('e')", "class Error"),
        ("Promise.resolve(1)", "class Promise"),
        ("new (class Car { a = 1 })", "class Car"),
        ("new WeakMap()", "class WeakMap"),
        ("db", "class"),
        ("require('decimal.js')(NaN)", "NaN"),
        ("'\\ud83d'", "half a character"),
        ("'a\\0b'", "a NUL character"),
        ("[1, , 2]", "undefined"),
        ("[1, new Set()]", "a Set"),
        ("{a: new Set([1])}", "a Set"),
        ("{a: undefined}", "undefined"),
        ("{a: [{b: NaN}]}", "NaN"),
        ("{a: () => 1}", "a function"),
        ("{[Symbol('a')]: 1}", "a symbol as key"),
        ("{'\\ud83d': 1}", "half a character"),
        ("{toJSON() { return 1 }}", "class"),
        ("{a: -Infinity}", "-Infinity"),
    ],
)
def test_a_parameter_that_would_change_is_refused_before_anything_is_sent(
    run_sql: RunSQL, value: str, said: str
) -> None:
    seen = Recorder()
    with pytest.raises(StatementFailed, match=r"TypeError: .*parameter 2") as raised:
        run_sql(
            f"const a = 1;\nawait db.query('delete from items where id = $1 and not (doc::text = any($2))', [a, {value}])",
            Access.WRITE,
            seen=seen,
        )
    assert said in raised.value.public_message
    assert raised.value.detail["line"] == "2"
    assert seen.calls == []


def test_the_place_of_a_value_inside_is_named(run_sql: RunSQL) -> None:
    with pytest.raises(StatementFailed, match=r"parameter 1\.a\[1\]\.b is a Set"):
        run_sql("await db.query('select $1::jsonb', [{a: [0, {b: new Set()}]}])")
    with pytest.raises(StatementFailed, match="contains itself"):
        run_sql("const a = {}; a.a = a; await db.query('select $1::jsonb', [a])")


@pytest.mark.parametrize("cast", ["text", "int", "varchar"])
def test_an_array_where_none_is_taken_is_refused(run_sql: RunSQL, cast: str) -> None:
    with pytest.raises(Refused, match="Parameter 1 is an array"):
        run_sql(f"await db.query('select $1::{cast}', [[1]])")


def test_an_array_goes_into_a_json_column_as_json(run_sql: RunSQL) -> None:
    text = "await db.query('insert into items(id, doc) values ($1, $2)', [8001, []]); const {doc} = await db.one('select doc from items where id = 8001'); return Array.isArray(doc)"
    seen = run_sql(text, Access.WRITE)
    assert values(seen) == [[True]]
    assert json.loads(seen.calls[0].parameters) == ["8001", "{}"]


def test_arrays_are_bound_in_iterations_too(run_sql: RunSQL) -> None:
    text = "const ids = []; for await (const r of db.iterate('select id from items where id = any($1) order by id', [[3, 5]])) ids.push(r.id); return ids"
    assert values(run_sql(text)) == [[3], [5]]


def test_half_a_character_in_a_statement_is_refused(run_sql: RunSQL) -> None:
    with pytest.raises(ExecutionError, match="half a character"):
        run_sql("await db.query('select 1 -- \\ud83d')")


def test_ten_calls_nobody_waited_for_change_nothing(run_sql: RunSQL) -> None:
    """out-03"""
    text = "[1,2,3,4,5,6,7,8,9,10].forEach(async i => { await db.query('insert into items(id) values ($1)', [8100 + i]) }); return 'done'"
    seen = Recorder()
    with pytest.raises(StatementFailed, match="10 database calls were still open") as raised:
        run_sql(text, Access.WRITE, seen=seen)
    assert (raised.value.code, seen.commits) == ("ERROR", [])
    assert values(run_sql("return (await db.query('select id from items where id > 8100')).rowCount")) == [[0]]


def test_a_rejection_nobody_handles_forbids_the_commit(run_sql: RunSQL) -> None:
    seen = Recorder()
    with pytest.raises(ExecutionError):
        run_sql(
            "await db.query('insert into items(id) values (8200)'); (async () => { throw new Error('lost') })()",
            Access.WRITE,
            seen=seen,
        )
    assert seen.commits == []
