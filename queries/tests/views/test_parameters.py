"""Named parameters on the pages: a row of fields each, errors at the row, shown to the reviewer, kept by a revision."""

from __future__ import annotations

import re
from typing import Any

import pytest

from queries.models import QueryRequest
from queries.tests.views.conftest import SignedIn
from queries.tests.world import World

TYPED = {"target": "orders", "language": "sql", "access": "read", "reason": "Why"}
SINCE, KEY = "2026-01-31T09:30:00+02:00", "123e4567-e89b-12d3-a456-426614174000"
# type as chosen, what is typed, what is chosen to be bound → the value as stored
ROWS: dict[str, tuple[str, str, str, dict[str, Any] | None]] = {
    "words": ("text", " two\r\nlines ", "value", {"type": "text", "value": " two\nlines "}),
    "nothing": ("text", "", "empty", {"type": "text", "value": ""}),
    "n": ("integer", " +0042 ", "value", {"type": "integer", "value": "42"}),
    "big": ("integer", "123456789012345678901", "value", {"type": "integer", "value": "123456789012345678901"}),
    "price": ("decimal", "1.10", "value", {"type": "decimal", "value": "1.10"}),
    "yes": ("boolean", "TRUE", "value", {"type": "boolean", "value": "true"}),
    "day": ("date", "2024-02-29", "value", {"type": "date", "value": "2024-02-29"}),
    "at": ("timestamp", "2026-01-31 9:30", "value", None),
    "since": ("timestamp", "2026-01-31 09:30 +0200", "value", {"type": "timestamp", "value": SINCE}),
    "key": ("uuid", KEY.replace("-", "").upper(), "value", {"type": "uuid", "value": KEY}),
    "facts": ("json", '{"a": 1.10}', "value", {"type": "json", "value": '{"a": 1.10}'}),
    "none": ("date", "", "null", {"type": "date", "value": None}),
    "ids": ("list of integer", "1\r\n\r\n 2\r\n", "value", {"type": "list", "of": "integer", "value": ["1", "2"]}),
    "more": ("list of text", '["a", "b\\nc", ""]', "value", {"type": "list", "of": "text", "value": ["a", "b\nc", ""]}),
    "nobody": ("list of text", "", "empty", {"type": "list", "of": "text", "value": []}),
}  # fmt: skip
TAKEN = {name: stored for name, (_, _, _, stored) in ROWS.items() if stored}


def fields(*names: str) -> dict[str, str]:
    """The rows of these as a browser sends them."""
    sent: dict[str, str] = {}
    for number, name in enumerate(names):
        kind, value, given, _ = ROWS[name]
        row = {"name": name, "type": kind, "value": value, "given": given}
        sent |= {f"named-{number}-{part}": text for part, text in row.items()}
    return sent


def statement(*names: str) -> str:
    return "SELECT " + ", ".join(
        f":{name}{'::text' if name in {'words', 'nothing', 'facts'} else ''}" for name in names
    )


def test_every_type_is_bound_shown_and_kept_by_a_revision(world: World, client_of: SignedIn) -> None:
    client, names = client_of(world.author), [*TAKEN]
    text = statement(*names).replace(":more", ":more::text[]").replace(":nobody", ":nobody::text[]")
    client.post("/queries/new/", {**TYPED, "statement": text, **fields(*names)})
    query = QueryRequest.objects.get()
    assert query.parameters == [{"name": name, **stored} for name, stored in TAKEN.items()]
    page = client_of(world.reviewer).get(f"/queries/{query.public_id}/").content.decode()
    for shown in (":since", "timestamp", "2026-01-31T09:30:00+02:00", "list of integer, 2 values", "[1, 2]", "NULL"):
        assert shown in page
    form = client.get(f"/queries/new/?revises={query.public_id}").content.decode()
    sent = dict(re.findall(r'name="(named-\d+-name)" value="(\w+)"', form))
    kept = re.findall(
        r'<textarea class="textarea mono" name="(named-\d+-value)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL
    )
    again = {name: value.replace("&quot;", '"') for name, value in kept}
    chosen = re.findall(
        r'name="(named-\d+-(?:type|given))".*?<option(?: value="\w+")? selected>([^<]+)<', form, re.DOTALL
    )
    given = {"NULL": "null", "Empty text": "empty", "This value": "value"}
    picked = {name: given.get(word, word) for name, word in chosen}
    client.post(
        "/queries/new/", {**TYPED, "statement": text, **sent, **again, **picked, "revises": str(query.public_id)}
    )
    revised = QueryRequest.objects.get(revises=query)
    assert revised.parameters == query.parameters
    executed = world.approved(revised)
    assert executed.status == "EXECUTED", executed.code


@pytest.mark.parametrize(
    ("names", "text", "said"),
    [
        (["at"], "SELECT :at", "Write a time as"),
        (["n"], "SELECT :n, :other", "The parameter other has no value."),
        (["n", "day"], "SELECT :n", "The statement does not use :day."),
    ],
    ids=["mistyped", "missing", "surplus"],
)
def test_error_stands_at_the_row(names: list[str], text: str, said: str, world: World, client_of: SignedIn) -> None:
    response = client_of(world.author).post("/queries/new/", {**TYPED, "statement": text, **fields(*names)})
    body = response.content.decode()
    assert response.status_code == 400
    rows = re.findall(r"data-parameter>.*?</div>", body, re.DOTALL)
    assert [said in row for row in rows].count(True) == 1
    assert 'aria-describedby="named-' in body
    assert 'href="#id_named"' in body
    assert not QueryRequest.objects.exists()


@pytest.mark.parametrize("kind", ["text", "integer", "list of text", "json"])
def test_blank_is_no_value(kind: str, world: World, client_of: SignedIn) -> None:
    row = {"named-0-name": "n", "named-0-type": kind, "named-0-value": "", "named-0-given": "value"}
    body = client_of(world.author).post("/queries/new/", {**TYPED, "statement": "SELECT :n", **row}).content.decode()
    assert "n: Write a value, or choose NULL or an empty text." in body


def test_rows_for_the_names_of_the_statement_without_a_script(world: World, client_of: SignedIn) -> None:
    sent = {**TYPED, "statement": "SELECT :n, :later, ':no'", **fields("n"), "show": "1"}
    body = client_of(world.author).post("/queries/new/", sent).content.decode()
    assert re.findall(r'name="named-\d+-name" value="(\w*)"', body) == ["n", "later", ""]
    assert "SELECT :n, :later" in body
    assert "field__error" not in body


def test_difference_of_a_revision_names_the_parameter(world: World, client_of: SignedIn) -> None:
    client = client_of(world.author)
    for value, revises in (("1", ""), ("2", "first")):
        row = {"named-0-name": "n", "named-0-type": "integer", "named-0-value": value, "named-0-given": "value"}
        earlier = str(QueryRequest.objects.get().public_id) if revises else ""
        client.post("/queries/new/", {**TYPED, "statement": "SELECT :n", **row, "revises": earlier})
    last = QueryRequest.objects.first()
    assert last is not None
    page = client.get(f"/queries/{last.public_id}/").content.decode()
    assert "<strong>Parameter :n</strong> was <code>1 (integer)</code>" in page
