"""Whatever a text is, reading it costs an answer in time, and nobody else anything."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from executors import processes
from executors.base import Access, Analysis, EngineKind, FindingCode, Language
from executors.processes.frames import Frame
from executors.processes.readers import Reader
from executors.text import MAX_BYTES

# The deadline is two seconds; the rest is for a machine that does other things as well.
SOON = 10.0

ENGINES = {
    Language.SQL: EngineKind.POSTGRESQL,
    Language.MONGO: EngineKind.MONGODB,
    Language.SCRIPT: EngineKind.POSTGRESQL,
}


def read(language: Language, text: str, access: Access = Access.READ) -> Analysis:
    return processes.read(language, ENGINES[language], text, (), access)


def codes(analysis: Analysis) -> set[FindingCode]:
    return {finding.code for finding in analysis.findings}


SLOW = {
    "guard-05 comments in comments": (Language.SQL, "/*" * 24_000 + "*/" * 24_000 + "select 1"),
    "guard-05 one operator": (Language.SQL, "select 1 " + "+" * 95_000 + " 1"),
    "two operators in turn": (Language.SQL, "select 1 " + "+-" * 47_000 + " 1"),
    "comments never closed": (Language.SQL, "select 1 " + "/*" * 47_000),
    "an operator in a call of a script": (Language.SCRIPT, f"await db.query('select 1 {'+' * 95_000} 1')"),
    "comments in a call of a script": (Language.SCRIPT, f"await db.query('{'/*' * 24_000}{'*/' * 24_000}select 1')"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_text_that_takes_too_long_is_told_so_in_time(name: str) -> None:
    language, text = SLOW[name]
    began = time.monotonic()
    analysis = read(language, text)
    assert time.monotonic() - began < SOON
    assert not analysis.valid
    assert codes(analysis) == {FindingCode.TOO_SLOW_TO_READ}
    assert analysis.verified == ()


@pytest.mark.slow
def test_nobody_waits_for_a_text_that_takes_too_long(patient: None) -> None:
    """guard-05: other statements are read meanwhile, one after the other."""
    ended: list[Analysis] = []
    hostile = [
        threading.Thread(target=lambda: ended.append(read(*SLOW["guard-05 comments in comments"]))) for _ in range(3)
    ]
    for thread in hostile:
        thread.start()
    others = [read(Language.SQL, "SELECT 1") for _ in range(20)]
    assert ended == []
    assert all(other.valid for other in others)
    for reader in list(processes._ours().readers._busy):
        reader.kill()
    for thread in hostile:
        thread.join()
    assert len(ended) == 3


def bomb(size: int, opening: str, middle: str, closing: str, head: str = "SELECT ", tail: str = "") -> str:
    """A text of about `size` bytes."""
    times = (size - len((head + middle + tail).encode()) - 10) // len((opening + closing).encode())
    return f"{head}{opening * times}{middle}{closing * times}{tail}"


SQL_BOMBS = {
    "parentheses": ("(", "1", ")"),
    "sum": ("1+", "1", ""),
    "signs": ("- ", "1", ""),
    "not": ("NOT ", "a", ""),
    "subqueries": ("(SELECT ", "1", ")"),
    "cases": ("CASE WHEN a THEN ", "1", " END"),
    "unions": ("1 UNION ALL SELECT ", "1", ""),
    "columns": ("1,", "1", ""),
    "subscripts": ("a[", "1", "]"),
    "calls": ("f(", "1", ")"),
    "arrays": ("ARRAY[", "1", "]"),
    "casts": ("", "1", "::int"),
    "concatenation": ("a||", "b", ""),
    "names": ("a.b,", "c", ""),
    "a text": ("x", "", "", "SELECT '", "'"),
    "quotes": ("''", "", "", "SELECT '", "'"),
    "dollars": ("$a", "$", ""),
    "name in quotes never closed": ('"', "", ""),
    "escapes": ("\\\\", "", "", "SELECT e'", "'"),
    "texts that go on": ("\n'a'", "", "", "SELECT e'a'"),
    "mixed scripts": ("'a\u0430',", "1", ""),
    "common table expressions": (" a AS (SELECT 1),", " b AS (SELECT 1) SELECT 1", "", "WITH"),
    "semicolons": (";", "", ""),
}
MONGO_BOMBS = {
    "arrays": ("[", "", "]", "db.c.find(", ")"),
    "open arrays": ("[", "", "", "db.c.find("),
    "documents": ("{a:", "1", "}", "db.c.find(", ")"),
    "parentheses": ("(", "1", ")", "db.c.find(", ")"),
    "signs": ("- ", "1", "", "db.c.find(", ")"),
    "numbers": ("1,", "1", "", "db.c.find({a: {$in: [", "]}})"),
    "texts": ("'é',", "1", "", "db.c.find({a: {$in: [", "]}})"),
    "names": (".a", "", "", "db"),
    "calls": (".sort({})", "", "", "db.c.find()"),
    "comments": ("/*", "", "", "db.c.find()"),
    "a regular expression": ("a", "", "", "db.c.find({a: /", "/})"),
}
SCRIPT_BOMBS = {
    "arrays": ("[", "", "]", ""),
    "blocks": ("{", "", "", ""),
    "templates": ("`${", "", "", ""),
    "arrows": ("a=>", "1", "", ""),
    "a chain": (".b()", "", "", "return db"),
    "tags": ("<a>", "", "", ""),
    "calls": ("await db.query('select 1');\n", "", "", ""),
    "comments": ("/*", "", "", ""),
    "modules": ("require('a');", "", "", ""),
}
BOMBS = [
    *((Language.SQL, name, parts) for name, parts in SQL_BOMBS.items()),
    *((Language.MONGO, name, parts) for name, parts in MONGO_BOMBS.items()),
    *((Language.SCRIPT, name, parts) for name, parts in SCRIPT_BOMBS.items()),
]


# One of each way in which a text of two megabytes ends the process that reads it, or nearly does.
LARGEST = ["sql parentheses", "sql casts", "sql names", "mongo arrays", "script blocks", "script calls"]
SIZED = [
    *((f"{language.value} {name}", language, parts, 100_000) for language, name, parts in BOMBS),
    *((f"{language.value} {name} 2 MB", language, parts, MAX_BYTES) for language, name, parts in BOMBS
      if f"{language.value} {name}" in LARGEST),
]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "parts", "size"), [given[1:] for given in SIZED], ids=[given[0] for given in SIZED]
)
def test_deep_or_long_text_up_to_the_cap_harms_nobody(language: Language, parts: tuple[str, ...], size: int) -> None:
    """Read or refused, with words; the process that died of it is no longer there, and the next reads as ever."""
    analysis = read(language, bomb(size, *parts))
    assert all(finding.message for finding in analysis.findings)
    assert len(analysis.findings) <= 201
    assert read(Language.SQL, "SELECT 1").valid


def test_reader_that_crashes_is_an_answer_and_is_replaced() -> None:
    read(Language.SQL, "SELECT 1")
    readers = processes._ours().readers
    found: list[Analysis] = []
    thread = threading.Thread(target=lambda: found.append(read(*SLOW["guard-05 comments in comments"])))
    thread.start()
    by = time.monotonic() + 5
    while not readers._busy and time.monotonic() < by:
        time.sleep(0.01)
    (busy,) = readers._busy
    os.kill(busy.pid, signal.SIGSEGV)
    thread.join()
    assert [codes(analysis) for analysis in found] == [{FindingCode.UNREADABLE}]
    assert read(Language.SQL, "SELECT 1").valid


def test_text_that_needs_more_memory_than_there_is_says_so(patient: None) -> None:
    analysis = read(Language.SQL, "SELECT " + ",".join(["a.b"] * 490_000))
    assert [finding.code for finding in analysis.findings] == [FindingCode.UNREADABLE]
    assert "memory" in analysis.findings[0].message


@pytest.mark.slow
def test_ten_thousand_statements_and_two_megabytes_are_read(patient: None) -> None:
    row = f"INSERT INTO t (id, name, note) VALUES (1, 'name', '{'x' * 140}')"
    text = ";\n".join([row] * 10_000)
    assert 1_900_000 < len(text) <= MAX_BYTES
    analysis = read(Language.SQL, text, Access.WRITE)
    assert analysis.valid
    assert len(analysis.kinds) == 10_000


def test_reader_whose_parent_is_gone_ends_by_itself() -> None:
    """Its own alarm, in the kernel: no parser can hold it up."""
    reader = Reader()
    reader.channel.receive()
    language, text = SLOW["guard-05 comments in comments"]
    order = {"language": language, "engine": ENGINES[language], "statement": text, "parameters": [], "access": "read"}
    reader.channel.send_json(Frame.READ, {**order, "seconds": 0.2})
    assert reader.process.wait(timeout=10) == -signal.SIGALRM
    reader.kill()
