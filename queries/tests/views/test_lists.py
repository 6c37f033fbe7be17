"""Lists and the queue: who sees what, filters, order, pages."""

from __future__ import annotations

import re
from typing import Any

import pytest

from queries import services
from queries.tests.views.conftest import SignedIn
from queries.tests.world import World
from queries.views import listing


def test_home_shows_what_waits(world: World, client_of: SignedIn) -> None:
    world.submitted(reason="Look at me")
    assert "1 request waits for you" in client_of(world.reviewer).get("/").content.decode()
    assert "Look at me" in client_of(world.author).get("/").content.decode()


def waiting_of_all_risks(world: World) -> list[str]:
    """Requests of every kind of risk, asked for in another order; their reasons as a queue should have them."""
    plain = "UPDATE items SET name = 'x' WHERE id = 1"
    world.change_target(environment="staging")
    world.submitted(reason="1 read")
    world.submitted(plain, reason="2 staging write", access="write")
    world.submitted("UPDATE items SET name = 'x'", reason="3 staging whole table", access="write")
    world.change_target(environment="production")
    world.submitted(reason="4 production read")
    world.submitted(plain, reason="5 unseen", access="write")
    seen = world.submitted(plain, reason="6 seen", access="write")
    world.submitted(plain, reason="7 many rows", access="write", expects=world.target.default_bound + 1)
    world.submitted("DELETE FROM items", reason="8 whole table", access="write")
    world.submitted("TRUNCATE items", reason="9 empties", access="write")
    services.rehearse(actor=world.reviewer, query_id=seen.pk, digest=seen.digest)
    return [
        line.strip()
        for line in """9 empties, 8 whole table, 7 many rows, 5 unseen, 6 seen, 3 staging whole table,
        2 staging write, 1 read, 4 production read""".split(",")
    ]


def test_queue_is_sorted_by_risk_then_by_age(
    world: World, client_of: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 2)
    expected, found, after = waiting_of_all_risks(world), [], ""
    for _ in range(5):
        body = client_of(world.reviewer).get(f"/review/?after={after}").content.decode()
        found += re.findall(r'item__title" href="[^"]+">([^<]+)<', body)
        after = "".join(re.findall(r'href="[?]after=([-0-9_]+)"', body))
    assert (found, after) == (expected, "")


@pytest.mark.parametrize("after", ["nonsense", "17", "_", "-5_", "_5", "-x_1", "1" * 40 + "_1", "-1023_" + "9" * 18])
def test_a_place_that_is_none_is_the_beginning(world: World, client_of: SignedIn, after: str) -> None:
    world.submitted(reason="Here I am")
    assert "Here I am" in client_of(world.reviewer).get(f"/review/?after={after}").content.decode()


def test_queue_never_offers_ones_own_request(world: World, client_of: SignedIn) -> None:
    world.submitted(reason="Not for its author")
    assert "Not for its author" not in client_of(world.author).get("/review/").content.decode()


def test_queue_is_empty_in_words(world: World, client_of: SignedIn) -> None:
    assert "Nothing is waiting for you" in client_of(world.reviewer).get("/review/").content.decode()


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("q=payroll", True),
        ("q=nothing-like-it", False),
        ("q=QR-", False),
        ("status=PENDING", True),
        ("status=EXECUTED", False),
        ("status=nonsense", True),
        ("pod=payments", True),
        ("pod=research", False),
        ("target=orders", True),
        ("access=write", False),
        ("environment=production", True),
        ("environment=staging", False),
        ("author=anyone", True),
        ("author=colleague", False),
        ("q=%00", True),
        ("after=nonsense", True),
        ("after=1" + "0" * 40, True),
    ],
)
def test_list_is_filtered_by_its_address(filters: str, found: bool, world: World, client_of: SignedIn) -> None:
    world.submitted(reason="About payroll")
    response = client_of(world.author).get(f"/queries/?{filters}")
    assert response.status_code == 200
    assert ("About payroll" in response.content.decode()) is found


def test_list_goes_on_where_the_page_ended(world: World, client_of: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 2)
    _first, second, _third = (world.submitted(reason=f"Number {n}") for n in "abc")
    client = client_of(world.author)
    assert f"?after={second.pk}" in client.get("/queries/").content.decode()
    body = client.get(f"/queries/?after={second.pk}").content.decode()
    assert ("Number a" in body, "Number c" in body) == (True, False)


def test_colleague_sees_requests_of_the_pod_and_outsiders_do_not(world: World, client_of: SignedIn) -> None:
    world.submitted(reason="Within the pod")
    assert "Within the pod" in client_of(world.colleague).get("/queries/?author=anyone").content.decode()
    assert "Within the pod" not in client_of(world.outsider).get("/queries/?author=anyone").content.decode()


@pytest.mark.parametrize("path", ["/review/", "/review/?view=pods", "/review/?view=done", "/queries/?author=anyone"])
def test_a_list_is_four_statements(
    path: str, world: World, client_of: SignedIn, django_assert_num_queries: Any
) -> None:
    world.submitted()
    world.submitted()
    client = client_of(world.reviewer)
    with django_assert_num_queries(4):  # the session, the person, the frame with its counts, the page
        assert client.get(path).status_code == 200


def test_tabs_are_counted(world: World, client_of: SignedIn) -> None:
    for _ in range(2):
        world.submitted()
    assert (
        'Waiting for you <span class="count count--hot">2</span>'
        in client_of(world.reviewer).get("/review/").content.decode()
    )
    assert 'Waiting for you <span class="count">0</span>' in client_of(world.author).get("/review/").content.decode()


def test_a_row_says_how_many_approved(world: World, client_of: SignedIn) -> None:
    world.change_target(approvals_required=2)
    query = world.submitted()
    world.approved(query)
    assert "Waiting for approval, 1 of 2" in client_of(world.author).get("/queries/").content.decode()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("flights_archive", True),
        ("FLIGHTS_Archive select", True),
        ("{id}", True),
        ("{ID}", True),
        ("other_table", False),
    ],
)
def test_search_looks_in_statements_and_finds_an_id(words: str, found: bool, world: World, client_of: SignedIn) -> None:
    query = world.submitted("SELECT 'flights_archive' AS name", reason="Look at me")
    words = words.format(id=query.public_id, ID=str(query.public_id).upper())
    for path in ("/queries/?author=anyone", "/review/?view=waiting"):
        body = client_of(world.reviewer).get(f"{path}&q={words}").content.decode()
        assert ("Look at me" in body) is found
    assert "Look at me" not in client_of(world.outsider).get("/queries/", {"q": words}).content.decode()


def test_search_looks_in_the_beginning_of_a_long_statement(world: World) -> None:
    query = world.submitted("SELECT 'begins'" + " " * 9000 + "AS ends")
    assert "begins" in query.search
    assert " as ends" not in query.search
