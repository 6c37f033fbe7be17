"""The page of the audit log."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client

from audit import log, views


@pytest.fixture
def reader(db: None) -> Client:
    user = get_user_model().objects.create(username="auditor", can_read_audit=True)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


class Somebody:
    """An actor that is nobody's account."""

    pk = None
    label = "Somebody <b>"


def record(action: log.Action, subject: log.Subject) -> None:
    with transaction.atomic():
        log.append(action, actor=Somebody(), subject=subject, data={"note": "<i>x</i>"})


def test_every_action_reads_as_a_sentence(reader: Client) -> None:
    for action in log.Action:
        record(action, log.Subject("pod", "payments", "Payments"))
    body = reader.get("/audit/").content.decode()
    assert [label for label in log.LABELS.values() if label.replace("'", "&#x27;") not in body] == []
    assert "Somebody &lt;b&gt;" in body
    assert "<i>x</i>" not in body


def test_actions_are_chosen_by_their_words(reader: Client) -> None:
    body = reader.get("/audit/?action=query.approve").content.decode()
    assert '<option value="query.approve" selected>Approved (query.approve)</option>' in body
    assert '<option value="query.endorse">Approved, more approvals needed (query.endorse)</option>' in body
    offered = re.findall(r'<option value="([^"]+)"[^>]*>([^<]+)</option>', body.partition('id="a-action"')[2])
    assert [value for value, _ in offered] == [action.value for action in log.Action]
    assert len({words for _, words in offered}) == len(offered)
    record(log.Action.QUERY_APPROVE, log.Subject("pod", "payments", "Payments"))
    assert "<dd>Approved (query.approve)</dd>" in reader.get("/audit/").content.decode()


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ("", "2 new"),
        ("?action=query.submit", ""),
        ("?subject=payments", "2 new"),
        ("?limit=1", "2 new"),
        ("?since=2000-01-01", "2 new"),
    ],
)
def test_open_log_is_told_what_came_since(filters: str, told: str, reader: Client) -> None:
    record(log.Action.MEMBERS_CHANGE, log.Subject("pod", "payments", "Payments"))
    asks = re.search(r'data-news="([^"]+)"', reader.get(f"/audit/{filters}").content.decode())
    assert asks
    address = unescape(asks[1])
    assert "new</strong>" not in reader.get(address).content.decode()
    for _ in range(2):
        record(log.Action.MEMBERS_CHANGE, log.Subject("pod", "payments", "Payments"))
    bar = reader.get(address).content.decode()
    assert ("new</strong>" in bar) is bool(told)
    assert told in bar


@pytest.mark.parametrize("newer", ["", "-1", "1.5", "\u0661", "9" * 30, "%00"])
def test_what_came_since_no_entry_is_none(newer: str, reader: Client) -> None:
    record(log.Action.MEMBERS_CHANGE, log.Subject("pod", "payments", "Payments"))
    answer = reader.get("/audit/news/", {"newer": newer})
    assert answer.status_code == 200
    assert "new</strong>" not in answer.content.decode()


def test_only_the_newest_entries_are_told_of(reader: Client) -> None:
    assert "data-news" not in reader.get("/audit/?cursor=").content.decode()
    assert "data-news" not in reader.get("/audit/?action=nothing").content.decode()


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("action=pod.members_change", True),
        ("action=query.submit", False),
        ("subject=payments", True),
        ("subject=Payments", True),
        ("actor=somebody+<b>", True),
        ("actor=nobody", False),
        ("since=2000-01-01", True),
        ("until=2000-01-01", False),
        ("until=9999-12-31", True),
        ("subject=pod:payments", True),
        ("subject=user:payments", False),
    ],
)
def test_log_is_filtered_by_its_address(filters: str, found: bool, reader: Client) -> None:
    record(log.Action.MEMBERS_CHANGE, log.Subject("pod", "payments", "Payments"))
    response = reader.get(f"/audit/?{filters}")
    assert response.status_code == 200
    assert ("changed the members of" in response.content.decode()) is found


@pytest.mark.parametrize(
    "filters", ["since=nonsense", "until=2026-02-30", "subject=%00", "cursor=nonsense", "action=query.eat", "acton=x"]
)
def test_a_filter_that_makes_no_sense_shows_no_entry_and_says_so(filters: str, reader: Client) -> None:
    record(log.Action.MEMBERS_CHANGE, log.Subject("pod", "payments", "Payments"))
    response = reader.get(f"/audit/?{filters}")
    body = response.content.decode()
    assert response.status_code == 400
    assert f"<span>{filters.partition('=')[0]}: " in body
    assert "changed the members of" not in body
    assert "No entry matches" not in body


def test_log_goes_on_where_the_page_ended(reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    for name in "abc":
        record(log.Action.ADMIN_ADD, log.Subject("pod", name, f"Pod {name}"))
    first = reader.get("/audit/").content.decode()
    assert ("Pod c" in first, "Pod a" in first, "Next page" in first) == (True, False, True)
    rest = re.search(r'href="([^"]+)" rel="next"', first)
    assert rest is not None
    last = reader.get(f"/audit/{rest[1]}").content.decode()
    assert ("Pod c" in last, "Pod a" in last, "Next page" in last) == (False, True, False)
