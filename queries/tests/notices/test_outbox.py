"""The outbox beside real transactions: no act waits for Slack, no two senders say the same thing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from queries import services
from queries.models import Medium, Notice, QueryRequest
from queries.notices import outbox
from queries.notices import slack as sender
from queries.notices.sending import send_due
from queries.tests.notices import slack_server
from queries.tests.notices.slack_server import Handler, Slack
from queries.tests.world import World

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def server() -> Iterator[Slack]:
    with slack_server.running() as slack:
        yield slack


@pytest.fixture
def live(committed: World, server: Slack, settings: Any) -> World:
    """A pod that is announced, in a database where every transaction is real."""
    settings.PORTAL_SLACK_TOKEN, settings.PORTAL_SLACK_API_URL = Handler.token, server.url
    committed.pod.slack_channel = "#payments"
    committed.pod.save()
    Notice.objects.all().delete()
    server.calls.clear()
    server.messages.clear()
    return committed


def together(count: int, work: Callable[[], int]) -> list[int]:
    """What `work` answers in each of `count` threads that start in the same instant, each on its own connection."""
    barrier, answers = threading.Barrier(count), list[int]()

    def one() -> None:
        barrier.wait()
        try:
            answers.append(work())
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def send_and_close() -> None:
    send_due()
    connection.close()


def test_several_senders_at_once_send_each_message_once(live: World, server: Slack) -> None:
    server.remembers_ids = False
    queries = [live.submitted() for _ in range(12)]
    assert sum(together(4, send_due)) == 12
    assert server.methods() == ["chat.postMessage"] * 12
    assert all(sum(q.number in m["text"].split() for m in server.messages.values()) == 1 for q in queries)
    server.remembers_ids = True


def test_act_that_is_rolled_back_says_nothing(live: World, server: Slack) -> None:
    with transaction.atomic():
        live.submitted()
        transaction.set_rollback(True)
    assert send_due() == 0
    assert not Notice.objects.exists()


def test_notice_outside_of_a_transaction_is_refused(live: World) -> None:
    query = live.submitted()
    with pytest.raises(RuntimeError, match="inside the transaction"):
        outbox.announce_submission(query)


def test_approval_succeeds_at_once_while_slack_hangs(live: World, server: Slack) -> None:
    query = live.submitted()
    server.let_go.clear()
    server.hang()
    sending = threading.Thread(target=send_and_close)
    sending.start()
    while not server.calls:
        time.sleep(0.01)
    began = time.monotonic()
    assert live.approved(query).status == "EXECUTED"
    assert time.monotonic() - began < 5
    assert sending.is_alive()
    server.let_go.set()
    sending.join()
    Notice.objects.update(due_at="2000-01-01T00:00Z")
    send_due()
    assert "has finished" in server.last()["text"]
    assert len(server.messages) == 1


def test_slack_is_called_outside_of_any_transaction(
    live: World, server: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = []
    call = sender._call

    def watched(method: str, body: dict[str, object]) -> dict[str, Any]:
        states.append(connection.in_atomic_block)
        return call(method, body)

    monkeypatch.setattr(sender, "_call", watched)
    live.submitted()
    send_due()
    assert states == [False]


def test_act_during_the_post_is_sent_after_it(live: World, server: Slack) -> None:
    query = live.submitted()
    taken = outbox.claim(Medium.SLACK)
    assert taken is not None
    notice = outbox.opened(taken)
    services.withdraw(actor=live.author, query_id=query.pk)
    sender.deliver(notice, perhaps_posted=False)
    outbox.delivered(taken, notice)
    assert server.button()
    assert send_due() == 1
    assert server.methods() == ["chat.postMessage", "chat.update"]
    assert not server.button()


def test_leased_notice_is_not_claimed_again_before_the_lease_ends(live: World) -> None:
    live.submitted()
    assert outbox.claim(Medium.SLACK) is not None
    assert outbox.claim(Medium.SLACK) is None
    Notice.objects.update(leased_until="2000-01-01T00:00Z")
    again = outbox.claim(Medium.SLACK)
    assert again is not None
    assert again.perhaps_posted


def test_sender_that_lost_its_lease_changes_nothing_but_the_address(live: World) -> None:
    live.submitted()
    first = outbox.claim(Medium.SLACK)
    assert first is not None
    notice = outbox.opened(first)
    Notice.objects.update(leased_until="2000-01-01T00:00Z")
    second = outbox.claim(Medium.SLACK)
    assert second is not None
    outbox.posted(notice, "C0PAYMENTS1", "1.1")
    outbox.delivered(first, notice)
    stored = Notice.objects.get()
    assert (stored.sent_version, stored.lease, stored.message_ts) == (0, second.lease, "1.1")


@pytest.mark.slow
def test_process_killed_between_the_post_and_its_answer_leaves_one_message(live: World, server: Slack) -> None:
    query = live.submitted()
    server.let_go.clear()
    server.post_and_hang()
    process = subprocess.Popen([sys.executable, "manage.py", "send_notices"], cwd=ROOT, env=environment(server))
    while not server.messages and process.poll() is None:
        time.sleep(0.05)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    server.let_go.set()
    Notice.objects.update(leased_until="2000-01-01T00:00Z")
    services.withdraw(actor=live.author, query_id=query.pk)
    assert send_due() == 1
    assert len(server.messages) == 1


def environment(server: Slack) -> dict[str, str]:
    """What a process of the portal's needs to use this test's database and Slack."""
    url = "postgresql://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**connection.settings_dict)
    return {
        **os.environ,
        "PORTAL_DATABASE_URL": url,
        "PORTAL_SLACK_TOKEN": Handler.token,
        "PORTAL_SLACK_API_URL": server.url,
    }


def test_sender_killed_after_the_post_leaves_one_message(
    live: World, server: Slack, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    query = live.submitted()
    monkeypatch.setattr(outbox, "posted", lambda *_: sys.exit())
    with pytest.raises(SystemExit):
        send_due()
    monkeypatch.undo()
    services.withdraw(actor=live.author, query_id=query.pk)
    Notice.objects.update(leased_until="2000-01-01T00:00Z")
    send_due()
    send_due()
    assert len(server.messages) == 1
    assert server.methods()[:2] == ["chat.postMessage", "chat.postMessage"]


def test_database_holds_one_slack_notice_per_request(live: World) -> None:
    query: QueryRequest = live.submitted()
    with pytest.raises(DatabaseError, match="notice_once"), transaction.atomic():
        Notice.objects.create(query=query, medium=Medium.SLACK, channel="#other")


def test_claim_is_one_index_scan(live: World) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
    plan = Notice.objects.due(Medium.SLACK).order_by("due_at", "pk")[:1].explain()
    with connection.cursor() as cursor:
        cursor.execute("RESET enable_seqscan")
    assert "notice_unsent" in plan
