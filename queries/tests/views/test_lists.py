"""Lists and the queue: who sees what, filters, order, pages."""

from __future__ import annotations

from typing import Any

import pytest

from queries.tests.views.conftest import SignedIn
from queries.tests.world import World
from queries.views import listing


def test_home_shows_what_waits(world: World, client_of: SignedIn) -> None:
    world.submitted(reason="Look at me")
    assert "1 request waits for you" in client_of(world.reviewer).get("/").content.decode()
    assert "Look at me" in client_of(world.author).get("/").content.decode()


def test_queue_is_sorted_by_time_left(world: World, client_of: SignedIn) -> None:
    world.submitted(reason="Later one")
    world.change_target(pending_hours=1)
    world.submitted(reason="Urgent one")
    body = client_of(world.reviewer).get("/review/").content.decode()
    assert body.index("Urgent one") < body.index("Later one")


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


def test_waiting_page_goes_on_by_time_left(world: World, client_of: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 1)
    first, _second = world.submitted(reason="Number a"), world.submitted(reason="Number b")
    body = client_of(world.reviewer).get(f"/review/?after={first.pk}").content.decode()
    assert ("Number a" in body, "Number b" in body) == (False, True)


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
