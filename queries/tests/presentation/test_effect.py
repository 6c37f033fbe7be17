"""An effect in words: which tables, which rows, what is masked, what a rollback leaves."""

from __future__ import annotations

import pytest

from executors.base import Column, Effect, Masks, RowChange, TableEffect, Verified
from queries.presentation.effect import MASK, lasting, show
from queries.tests.world import World

COLUMNS = (Column("id", "integer"), Column("email", "text"), Column("name", "text"))


def table(name: str = "people", /, **fields: object) -> TableEffect:
    changes = (RowChange(("1", "a@example.org", "Ann"), ("1", "b@example.org", "Ann")),)
    values: dict[str, object] = {"inserted": 0, "updated": 1, "deleted": 0, "key": ("id",), "changes": changes}
    return TableEffect(name, columns=COLUMNS, **(values | fields))  # type: ignore[arg-type]


def test_a_changed_row_is_its_key_and_what_differs() -> None:
    row = show(Effect((table(),)), would=True).tables[0].rows[0]
    assert (row.kind, row.key) == ("changed", "id 1")
    assert [(cell.name, cell.before, cell.after) for cell in row.cells] == [("email", "a@example.org", "b@example.org")]
    assert [cell.name for cell in row.same] == ["id", "name"]


def test_an_added_row_repeats_no_key() -> None:
    added = table(inserted=1, updated=0, changes=(RowChange(None, ("1", None, "")),))
    row = show(Effect((added,)), would=True).tables[0].rows[0]
    assert (row.key, [cell.name for cell in row.cells]) == ("id 1", ["email", "name"])


@pytest.mark.parametrize(
    ("personal", "shown", "hidden"),
    [
        ("people.email", "people", True),
        ("PEOPLE.Email", "people", True),
        ("public.people.email", "people", True),
        ("people.email", "crm.people", True),
        ('people."email"', 'crm."people"', True),
        ("people.email.work", "people", True),
        ("people.email_sent", "people", False),
        ("other_people.email", "people", False),
    ],
)
def test_what_is_personal_is_masked_however_it_is_written(personal: str, shown: str, hidden: bool) -> None:
    assert Masks.of([personal]).hide(shown, "email") is hidden


def test_a_masked_key_shows_nothing() -> None:
    by_email = table(key=("email",))
    row = show(Effect((by_email,)), would=True, personal=["people.email"]).tables[0].rows[0]
    assert row.key == f"email {MASK}"
    assert "example.org" not in repr(row)


def test_what_the_statement_does_not_name_is_said_and_comes_last() -> None:
    effect = Effect((table("audit_log", inserted=9, updated=0), table("public.People")))
    told = show(effect, would=True, named=["people"]).tables
    assert [(part.name, part.unnamed) for part in told] == [("public.People", False), ("audit_log", True)]
    assert not any(part.unnamed for part in show(effect, would=True).tables)


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ({"updated": 1850}, "1,850 rows of people would be changed"),
        ({"inserted": 1, "updated": 0}, "1 row of people would be added"),
        ({"updated": 1, "deleted": 2}, "3 rows of people: 1 would be changed, 2 would be removed"),
    ],
)
def test_a_table_in_a_sentence(counts: dict[str, int], sentence: str) -> None:
    assert show(Effect((table("people", **counts),)), would=True).tables[0].sentence == sentence


def test_the_whole_in_a_sentence() -> None:
    effect = Effect((table(updated=2), table("log", updated=0, inserted=2)))
    assert show(effect, would=True).sentence == "4 rows in 2 tables would change."
    assert show(effect, would=False).sentence == "4 rows in 2 tables changed."


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("INSERT INTO effects (tag) VALUES ('a')", "Numbers it takes from sequences"),
        ("UPDATE items SET name = 'a'", "that a trigger or a function takes"),
    ],
)
def test_what_stays_after_a_rollback_is_told_from_the_statement(world: World, statement: str, said: str) -> None:
    assert said in " ".join(lasting(world.submitted(statement, access="write")))


def test_what_was_not_verified_may_reach_outside(world: World) -> None:
    query = world.submitted("UPDATE items SET name = upper(name)", access="write")
    assert "outside the database" not in " ".join(lasting(query))
    query.verified = [name for name in query.verified if name != Verified.NO_OUTSIDE_FUNCTIONS]
    assert "outside the database" in " ".join(lasting(query))
