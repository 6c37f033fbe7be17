"""One message per request, true to its state, that nothing a person writes can bend."""

from __future__ import annotations

import json

import pytest

from queries import services
from queries.models import Notice, QueryRequest
from queries.notices import outbox
from queries.notices.sending import send_due
from queries.tests.notices.slack_server import Slack
from queries.tests.world import World


def due_now() -> None:
    """Let every pause be over."""
    Notice.objects.update(due_at="2000-01-01T00:00Z", leased_until=None)


def rejected(world: World, query: QueryRequest, *, ask_for_changes: bool = False) -> QueryRequest:
    return services.reject(actor=world.reviewer, query_id=query.pk, comment="no", ask_for_changes=ask_for_changes)


def test_submission_posts_a_message_with_a_link_to_the_request(told: World, slack: Slack) -> None:
    query = told.submitted()
    assert send_due() == 1
    assert slack.methods() == ["chat.postMessage"]
    assert slack.button().endswith(f"/queries/{query.public_id}/")
    assert f"{query.number} waits for approval" in slack.last()["text"]


def test_nothing_is_sent_by_the_act_itself(told: World, slack: Slack) -> None:
    told.submitted()
    assert slack.calls == []


def test_decision_edits_the_message_and_takes_its_button_away(told: World, slack: Slack) -> None:
    query = told.submitted()
    send_due()
    rejected(told, query)
    assert send_due() == 1
    assert slack.methods() == ["chat.postMessage", "chat.update"]
    assert len(slack.messages) == 1
    assert slack.button() == ""
    assert "is rejected" in slack.last()["text"]


@pytest.mark.parametrize(("ask_for_changes", "words"), [(True, "needs changes"), (False, "is rejected")])
def test_words_tell_a_rejection_from_a_request_for_changes(
    told: World, slack: Slack, ask_for_changes: bool, words: str
) -> None:
    rejected(told, told.submitted(), ask_for_changes=ask_for_changes)
    send_due()
    assert words in slack.last()["text"]


def test_withdrawal_before_sending_posts_once_and_without_a_button(told: World, slack: Slack) -> None:
    query = told.submitted()
    services.withdraw(actor=told.author, query_id=query.pk)
    send_due()
    assert slack.methods() == ["chat.postMessage"]
    assert slack.button() == ""


def test_partial_approval_updates_the_count(told: World, slack: Slack) -> None:
    told.change_target(approvals_required=2)
    query = told.submitted()
    send_due()
    assert "(0 of 2)" in slack.last()["text"]
    told.approved(query)
    send_due()
    assert "(1 of 2)" in slack.last()["text"]
    assert slack.button()


def test_whole_run_is_one_message_that_ends_without_a_button(told: World, slack: Slack) -> None:
    told.executed("SELECT 7 AS seven")
    send_due()
    assert slack.methods() == ["chat.postMessage"]
    assert "has finished" in slack.last()["text"]
    assert "1 row" in json.dumps(slack.last()["blocks"])
    assert slack.button() == ""


def test_statement_stays_out_unless_the_pod_shows_it(told: World, slack: Slack) -> None:
    told.submitted("SELECT 'sesame'")
    send_due()
    assert "sesame" not in json.dumps(slack.last())
    told.pod.slack_shows_statement = True
    told.pod.save()
    told.submitted("SELECT 'sesame'")
    send_due()
    assert "sesame" in json.dumps(slack.last()["blocks"])


def test_long_statement_is_cut(told: World, slack: Slack) -> None:
    told.pod.slack_shows_statement = True
    told.pod.save()
    told.submitted("SELECT '" + "x" * 9000 + "'")
    send_due()
    assert "more characters in the portal" in json.dumps(slack.last()["blocks"])
    assert len(json.dumps(slack.last()["blocks"])) < 4000


@pytest.mark.parametrize("bait", ["<!channel>", "<@U012AB3CD>", "<https://evil.example|Review>", "a & <b>"])
def test_reason_cannot_forge_links_or_mentions(told: World, slack: Slack, bait: str) -> None:
    told.submitted(reason=bait)
    send_due()
    text = slack.last()["text"] + json.dumps(slack.last()["blocks"])
    assert bait not in text
    assert bait.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in text
    assert slack.last()["parse"] == "none"


def test_name_cannot_forge_a_mention(told: World, slack: Slack) -> None:
    told.author.first_name = "<!here>"
    told.author.save()
    told.submitted()
    send_due()
    assert "<!here>" not in json.dumps(slack.last())


def test_pod_without_channel_says_nothing(world: World, slack: Slack) -> None:
    world.submitted()
    assert not Notice.objects.exists()
    assert send_due() == 0


def test_without_a_token_nothing_is_written(told: World, settings: object) -> None:
    settings.PORTAL_SLACK_TOKEN = ""  # type: ignore[attr-defined]
    told.submitted()
    assert not Notice.objects.exists()


def test_channel_taken_from_the_pod_leaves_no_live_button(told: World, slack: Slack) -> None:
    query = told.submitted()
    send_due()
    told.pod.slack_channel = ""
    told.pod.save()
    rejected(told, query)
    send_due()
    assert slack.button() == ""


def test_message_deleted_in_slack_is_let_be(told: World, slack: Slack) -> None:
    query = told.submitted()
    send_due()
    slack.messages.clear()
    rejected(told, query)
    send_due()
    assert slack.methods() == ["chat.postMessage", "chat.update"]
    assert not Notice.objects.unsent().exists()


# --- a post whose answer was lost ------------------------------------------------------------------


def lose_the_answer(world: World, slack: Slack) -> None:
    """A message is in the channel, and nobody stored where."""
    world.submitted()
    send_due()
    stored = Notice.objects.get()
    Notice.objects.update(sent_version=0, message_ts="", message_channel="", posting_at=stored.changed_at)
    due_now()


def test_lost_answer_posts_no_second_message(told: World, slack: Slack) -> None:
    lose_the_answer(told, slack)
    send_due()
    assert len(slack.messages) == 1
    assert Notice.objects.get().message_ts == slack.last()["ts"]


def test_lost_answer_is_found_in_the_history_where_slack_forgot_the_id(told: World, slack: Slack) -> None:
    told.pod.slack_channel = "C0PAYMENTS1"
    told.pod.save()
    slack.remembers_ids = False
    lose_the_answer(told, slack)
    send_due()
    assert slack.methods()[-2:] == ["conversations.history", "chat.update"]
    assert len(slack.messages) == 1


def test_channel_id_for_the_history_is_learnt_from_an_earlier_message(told: World, slack: Slack) -> None:
    told.submitted()
    send_due()
    slack.remembers_ids = False
    second = told.submitted()
    send_due()
    mine = Notice.objects.filter(query=second)
    mine.update(sent_version=0, message_ts="", message_channel="", posting_at=mine.get().changed_at)
    send_due()
    assert "conversations.history" in slack.methods()
    assert len(slack.messages) == 2


def test_history_that_does_not_answer_posts_nothing(told: World, slack: Slack) -> None:
    told.pod.slack_channel = "C0PAYMENTS1"
    told.pod.save()
    lose_the_answer(told, slack)
    slack.break_down()
    send_due()
    assert slack.methods() == ["chat.postMessage", "conversations.history"]
    assert Notice.objects.unsent().exists()


# --- a Slack that misbehaves -----------------------------------------------------------------------


def test_hanging_slack_is_left_after_the_timeout_and_tried_again(told: World, slack: Slack) -> None:
    told.submitted()
    slack.hang()
    assert send_due() == 0
    notice = Notice.objects.get()
    assert notice.attempts == 1
    assert notice.posting_at is not None
    due_now()
    assert send_due() == 1
    assert len(slack.messages) == 1


def test_hanging_slack_holds_up_one_message_a_round(told: World, slack: Slack) -> None:
    told.submitted()
    told.submitted()
    slack.hang()
    send_due()
    assert slack.methods() == ["chat.postMessage"]


def test_retry_after_is_honoured_for_every_message(told: World, slack: Slack) -> None:
    told.submitted()
    told.submitted()
    slack.limit(77)
    assert send_due() == 0
    assert send_due() == 0
    assert slack.methods() == ["chat.postMessage"]
    waits = [(n.due_at - n.changed_at).total_seconds() for n in Notice.objects.all()]
    assert min(waits) >= 77
    assert {n.attempts for n in Notice.objects.all()} == {0}


@pytest.mark.parametrize("code", ["invalid_auth", "channel_not_found", "is_archived"])
def test_permanent_error_is_retried_slowly_and_said_loudly(
    told: World, slack: Slack, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    told.submitted()
    slack.refuse(code)
    send_due()
    notice = Notice.objects.get()
    assert (notice.due_at - notice.changed_at).total_seconds() >= 15 * 60
    assert notice.posting_at is None
    assert [r.levelname for r in caplog.records] == ["ERROR"]
    assert code in caplog.text


def test_wrong_channel_does_not_hold_up_other_messages(told: World, slack: Slack) -> None:
    told.submitted()
    told.submitted()
    slack.refuse("channel_not_found")
    assert send_due() == 1


def test_token_never_reaches_the_log(told: World, slack: Slack, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    told.submitted("SELECT 'sesame'")
    slack.break_down()
    send_due()
    assert "xoxb-test" not in caplog.text
    assert "sesame" not in caplog.text
    assert "upstream" not in Notice.objects.get().problem


def test_slack_that_is_down_is_given_up_loudly_in_the_end(
    told: World, slack: Slack, caplog: pytest.LogCaptureFixture
) -> None:
    told.submitted()
    for _ in range(outbox.TRIES):
        slack.break_down()
        due_now()
        send_due()
    assert outbox.given_up().count() == 1
    assert caplog.records[-1].levelname == "ERROR"
    assert "given up" in caplog.text
    due_now()
    assert send_due() == 0


def test_given_up_message_is_tried_again_with_the_next_act(told: World, slack: Slack) -> None:
    query = told.submitted()
    Notice.objects.update(gave_up_at="2026-01-01T00:00Z", attempts=outbox.TRIES)
    rejected(told, query)
    assert send_due() == 1
    assert "is rejected" in slack.last()["text"]


def test_given_up_message_is_tried_again_on_request(told: World, slack: Slack) -> None:
    told.submitted()
    Notice.objects.update(gave_up_at="2026-01-01T00:00Z", attempts=outbox.TRIES)
    assert outbox.try_again() == 1
    assert send_due() == 1


def test_pauses_grow_and_stay_bounded() -> None:
    pauses = [outbox.pause(attempt, None) for attempt in range(1, outbox.TRIES + 1)]
    assert 5 <= pauses[0] <= 7.5
    assert 10 <= pauses[1] <= 15
    assert all(1800 <= pause <= 2700 for pause in pauses[10:])
