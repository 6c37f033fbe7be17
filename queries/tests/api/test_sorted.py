"""Results by the API in the order asked for: as on the page, and what cannot be had is an error."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from accounts.models import User
from audit.models import AuditLog
from portal.tests.people import Client, Submit
from queries.tests.api.test_read import QUERIES, ran

pytestmark = pytest.mark.django_db

ROWS = "select id, total, note from orders where id <= 12 order by id"
Given = list[tuple[str, str]]
# What is asked for, and the first column of what comes.
ASKED: list[tuple[Given, list[str]]] = [
    ([("sort", "-1")], [str(n) for n in range(12, 0, -1)]),
    ([("sort", "3"), ("sort", "-1")], ["10", "7", "4", "1", "11", "8", "5", "2", "12", "9", "6", "3"]),
    ([("q", "X"), ("sort", "1")], ["2", "5", "8", "11"]),
    ([("on", "3"), ("is", "null"), ("to", "")], ["3", "6", "9", "12"]),
    ([("on", "2"), ("is", "ge"), ("to", "9.90"), ("on", "3"), ("is", "some"), ("to", "")], ["10", "11"]),
    ([("on", "1"), ("is", "eq"), ("to", "010")], ["10"]),
    ([("q", "nowhere")], []),
]
REFUSED: list[tuple[Given, set[str]]] = [
    ([("sort", "4")], {"sort"}),
    ([("sort", "0")], {"sort"}),
    ([("sort", "id")], {"sort"}),
    ([("sort", "1"), ("sort", "1")], {"sort"}),
    ([("sort", "1"), ("sort", "2"), ("sort", "3"), ("sort", "9")], {"sort"}),
    ([("on", "1")], {"on"}),
    ([("on", "1"), ("is", "like"), ("to", "x")], {"on"}),
    ([("on", "1"), ("is", "lt"), ("to", "many")], {"on"}),
    ([("on", "id"), ("is", "eq"), ("to", "1")], {"on"}),
    ([("on", "9"), ("is", "eq"), ("to", "1")], {"on"}),
    ([("on", "1"), ("is", "ne"), ("to", "1")] * 9, {"on"}),
    ([("q", "x" * 201)], {"q"}),
    ([("q", "\0")], {"q"}),
    ([("order", "1")], {"order"}),
    ([("by", "1")], {"by"}),
]


def test_rows_come_as_asked_page_by_page(api: Client, author: User, reviewer: User, submitted: Submit) -> None:
    path = f"{QUERIES}{ran(submitted(ROWS), reviewer).public_id}/result/"
    for given, expected in ASKED:
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = api(author).get(f"{path}?{urlencode([*given, ('limit', '5'), ('cursor', cursor)])}")
            assert page.status_code == 200, (given, page.json())
            found += [row[0] for row in page.json()["rows"]]
            assert page.json()["row_count"] == len(expected), given
            cursor = page.json()["next"]
        assert found == expected, given


def test_what_cannot_be_had_is_refused_by_its_parameter(
    api: Client, author: User, reviewer: User, submitted: Submit
) -> None:
    path = f"{QUERIES}{ran(submitted(ROWS), reviewer).public_id}/result/"
    for given, fields in REFUSED:
        answer = api(author).get(f"{path}?{urlencode(given)}")
        assert (answer.status_code, set(answer.json()["error"]["fields"])) == (400, fields), given


def test_order_is_recorded_and_what_was_looked_for_is_not(
    api: Client, author: User, reviewer: User, submitted: Submit
) -> None:
    query = ran(submitted(ROWS), reviewer)
    api(author).get(f"{QUERIES}{query.public_id}/result/?q=sesame&sort=-2&on=1&is=eq&to=7")
    entry = AuditLog.objects.filter(subject_id=str(query.public_id), action="result.view").get()
    told = json.loads(entry.data)
    assert (told["order"], told["filtered_by"], told["searched"]) == ([-2], [1], True)
    assert "sesame" not in entry.data


def test_who_may_not_see_rows_learns_nothing_of_their_columns(
    api: Client, auditor: User, outsider: User, reviewer: User, submitted: Submit
) -> None:
    path = f"{QUERIES}{ran(submitted(ROWS), reviewer).public_id}/result/?sort=99"
    assert [api(who).get(path).status_code for who in (auditor, outsider)] == [403, 404]


@pytest.mark.parametrize(
    ("statement", "access"),
    [("select 1 / (total - total) from orders", "read"), ("delete from orders where id = 0", "write")],
)
def test_a_run_without_rows_has_none_in_any_order(
    api: Client, author: User, reviewer: User, submitted: Submit, statement: str, access: str
) -> None:
    query = ran(submitted(statement, access=access), reviewer)
    answer = api(author).get(f"{QUERIES}{query.public_id}/result/?q=x&sort=1")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
