"""The console of a script, as Node.js has it: formats, tables, groups, counters and clocks."""

# ruff: noqa: E501 - scripts as people write them stand on one line
from __future__ import annotations

import re

import pytest

from executors.base import StatementFailed
from executors.tests.script.conftest import RunScript

pytestmark = pytest.mark.sandbox

LINES = [
    ("console.log('%s has %d of %i', 'a', 4.7, '12.9')", "a has 4 of 12"),
    ("console.log('%f %j', '1.50', {a: [1n, 2]})", '1.5 {"a":[1,2]}'),
    ("console.log('%o and %O', {a: 1}, [2])", "{ a: 1 } and [ 2 ]"),
    ("console.log('100% of %s', 'all', 'and', 3)", "100% of all and 3"),
    ("console.log('100%'); ", "100%"),
    ("console.log('%d%%', 5)", "5%"),
    ("console.log('%%')", "%%"),
    ("console.log('%s')", "%s"),
    ("console.log('%s %s', 'one')", "one %s"),
    ("console.log('%x %s', 'one')", "%x one"),
    ("console.log('%cred', 'color: red')", "red"),
    ("console.log('%d', 12345678901234567890n)", "12345678901234567890n"),
    ("console.log('%s|%d', Symbol('a'), Symbol('a'))", "Symbol(a)|NaN"),
    ("console.log(1, '%s', 2)", "1 %s 2"),
    ("console.assert(1 === 2, 'wrong %s', 'sum')", "Assertion failed: wrong sum"),
    ("console.assert(false)", "Assertion failed"),
    ("console.count(); ", "default: 1"),
    ("console.countReset('a'); console.count('a')", "a: 1"),
    ("console.timeEnd('none')", "none: no such timer"),
    ("console.dir({a: 1})", "{ a: 1 }"),
]


@pytest.mark.parametrize(("text", "line"), LINES)
def test_a_line_is_what_node_writes(text: str, line: str, run_script: RunScript) -> None:
    ((_, written),) = run_script(text).seen.log
    assert written == line


def test_a_table_has_a_line_for_each_row(run_script: RunScript) -> None:
    text = """
      console.table([{a: 1, b: 'x'}, {a: 22, c: null}]);
      console.table([1, 'two']); console.table({first: {n: 1}, second: {n: 2}}); console.table([{a: 1, b: 2}], ['b']);
      console.table(await db.query('rows')); console.table(new Map([['k', 1]])); console.table([[1, 2]]);
      console.table('plain'); console.table([]);"""
    written = [line for _, line in run_script(text).seen.log]
    assert [[cell.strip() for cell in line.split("│")] for line in written[0].splitlines() if "─" not in line] == [
        ["", "a", "b", "c"],
        ["0", "1", "x", ""],
        ["1", "22", "", "null"],
    ]
    tables = [[re.sub(r"\s+", "", line) for line in text.splitlines() if "─" not in line] for text in written[1:]]
    assert tables == [
        ["│value", "0│1", "1│two"],
        ["│n", "first│1", "second│2"],
        ["│b", "0│2"],
        ["│text", "0│rows"],
        ["│value", "k│1"],
        ["│0│1", "0│1│2"],
        ["plain"],
        [""],
    ]


def test_a_large_table_is_cut_and_says_so(run_script: RunScript) -> None:
    ((_, written),) = run_script("console.table(Array.from({length: 5000}, () => 'x'))").seen.log
    assert len(written) < 9000
    assert written.endswith(("…", "(and 4000 more)"))


def test_a_group_stands_in(run_script: RunScript) -> None:
    text = "console.group('outer'); console.log('one\\ntwo'); console.group(); console.warn('deep'); console.groupEnd(); console.groupEnd(); console.groupEnd(); console.log('out')"
    assert [line for _, line in run_script(text).seen.log] == ["outer", "  one\n  two", "    deep", "out"]


def test_a_clock_counts_whole_milliseconds(run_script: RunScript) -> None:
    text = """
      console.time('work'); console.timeLog('work', 'so far'); console.timeEnd('work');
      const before = performance.now(); const all = Array.from({length: 2000}, () => performance.now());
      return [Number.isInteger(before), all.every(Number.isInteger), Object.isFrozen(performance), Object.isFrozen(console), Object.keys(performance).join()]"""
    ran = run_script(text)
    first, second = (line for _, line in ran.seen.log)
    assert re.fullmatch(r"work: \d+ ms so far", first)
    assert re.fullmatch(r"work: \d+ ms", second)
    assert ran.seen.lines == [b"[true]", b"[true]", b"[true]", b"[true]", b'["now,timeOrigin"]']


def test_labels_without_end_are_refused(run_script: RunScript) -> None:
    text = "for (let i = 0; i < 2000; i += 1) console.time(String(i))"
    with pytest.raises(StatementFailed, match="at most 1000 timers"):
        run_script(text)
