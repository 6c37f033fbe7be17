"""Checkpoints in Slack: the newest, once a day, to a channel or to that of every pod."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import timezone

from audit import checkpoints
from audit.lines import checkpoint_line
from audit.models import Checkpoint, CheckpointDelivery
from audit.publishing import publish_due
from audit.tests.test_log import write
from queries.tests.notices import slack_server
from queries.tests.notices.slack_server import Handler

pytestmark = pytest.mark.django_db


def made(count: int) -> None:
    for number in range(count):
        checkpoints.make(up_to=write(n=number).seq)


def newest() -> str:
    return checkpoint_line(Checkpoint.objects.all()[0]).strip()


def wait_over() -> None:
    CheckpointDelivery.objects.update(due_at=timezone.now(), leased_until=None)


def test_slack_is_told_the_newest_once_a_day(settings: Any) -> None:
    settings.PORTAL_CHECKPOINT_TO = ["slack:#payments"]
    with slack_server.running() as slack:
        settings.PORTAL_SLACK_TOKEN, settings.PORTAL_SLACK_API_URL = Handler.token, slack.url
        made(3)
        assert publish_due() == 1
        assert newest() in json.dumps(slack.last(), ensure_ascii=False).replace('\\"', '"')
        made(1)
        assert publish_due() == 0
        wait_over()
        assert publish_due() == 1
        assert len(slack.messages) == 2
        slack.refuse("channel_not_found")
        wait_over()
        made(1)
        assert publish_due() == 0
        assert CheckpointDelivery.objects.get().problem == "Slack refused it: channel_not_found"


def test_the_pods_channels_are_told_each(settings: Any, pod: Any) -> None:
    settings.PORTAL_CHECKPOINT_TO = ["slack:pods"]
    assert publish_due() == 0
    pod.slack_channel = "#payments"
    pod.save()
    with slack_server.running() as slack:
        settings.PORTAL_SLACK_TOKEN, settings.PORTAL_SLACK_API_URL = Handler.token, slack.url
        made(1)
        assert publish_due() == 1
        assert CheckpointDelivery.objects.get().place == "slack:#payments"
