"""How findings come to be told: once each, of tables as they are when the statement runs, never of unknown ones."""

from __future__ import annotations

from dataclasses import replace

from executors import processes
from executors.base import Access, EngineKind, FindingCode, Language, Target, Verified
from executors.postgresql.findings import MOST_CHARACTERS, MOST_STATEMENTS
from executors.tests.postgresql.findings.conftest import Told

LARGE = "SELECT * FROM flights"
KEY = "UPDATE planes SET tailnum = 'N0' WHERE tailnum = 'N1'"


def codes(told: Told, text: str) -> list[FindingCode]:
    return [finding.code for finding in told(text)]


def test_same_notice_is_told_once_where_it_holds_first(told: Told) -> None:
    text = "UPDATE planes SET seats = 1 WHERE owner_email LIKE '%x';\n" * 3
    found = [finding for finding in told(text) if finding.code is FindingCode.LEADING_WILDCARD]
    assert [finding.line for finding in found] == [1]


def test_table_that_an_earlier_statement_changed_is_not_spoken_of(told: Told) -> None:
    assert FindingCode.CHANGES_KEY in codes(told, KEY)
    assert FindingCode.CHANGES_KEY not in codes(told, f"ALTER TABLE planes ADD x int; {KEY}")
    assert FindingCode.CHANGES_KEY in codes(told, f"ALTER TABLE airlines ADD x int; {KEY}")
    assert FindingCode.CHANGES_KEY not in codes(told, f"DROP INDEX flights_at; {KEY}")


def test_notice_takes_nothing_from_what_was_verified(air: Target) -> None:
    analysis = processes.read(Language.SQL, EngineKind.POSTGRESQL, LARGE, (), Access.READ)
    answer = processes.check(air, Language.SQL, LARGE, Access.READ, analysis)
    assert Verified.NAMES_KNOWN in answer.verified
    assert FindingCode.NO_LIMIT in {finding.code for finding in answer.findings}


def test_nothing_is_told_of_a_target_that_does_not_answer(air: Target) -> None:
    analysis = processes.read(Language.SQL, EngineKind.POSTGRESQL, LARGE, (), Access.READ)
    gone = replace(air, url=air.url + " port=1")
    answer = processes.check(gone, Language.SQL, LARGE, Access.READ, analysis)
    assert {finding.code for finding in answer.findings} == {FindingCode.NAMES_NOT_CHECKED}


def test_threshold_is_the_targets_own(air: Target) -> None:
    analysis = processes.read(Language.SQL, EngineKind.POSTGRESQL, LARGE, (), Access.READ)
    answer = processes.check(replace(air, large_rows=5000), Language.SQL, LARGE, Access.READ, analysis)
    assert answer.findings == ()


def test_long_text_is_looked_at_as_far_as_it_is_cheap(told: Told) -> None:
    many = ",".join(["'x'"] * (MOST_CHARACTERS // 4))
    assert FindingCode.CHANGES_KEY in codes(told, "SELECT 1;" * (MOST_STATEMENTS - 1) + KEY)
    assert FindingCode.CHANGES_KEY not in codes(told, "SELECT 1;" * MOST_STATEMENTS + KEY)
    assert FindingCode.CHANGES_KEY not in codes(told, KEY + f" AND model IN ({many})")


def test_ambiguous_column_is_told_with_what_it_may_be(air: Target) -> None:
    text = "SELECT carrier FROM flights f JOIN airlines USING (carrier) JOIN planes p ON tailnum = p.tailnum"
    analysis = processes.read(Language.SQL, EngineKind.POSTGRESQL, text, (), Access.READ)
    (finding,) = processes.check(air, Language.SQL, text, Access.READ, analysis).findings
    assert (finding.code, finding.column) == (FindingCode.AMBIGUOUS_NAME, 78)
    assert finding.hint == "Write f.tailnum or p.tailnum."
