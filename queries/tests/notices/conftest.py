"""A Slack of our own, and the pod's channel in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from queries.notices import slack as sender
from queries.tests.notices import slack_server
from queries.tests.notices.slack_server import Handler, Slack
from queries.tests.world import World


@pytest.fixture
def slack(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slack]:
    """A running server that the settings point to; the sender waits for it half a second at most."""
    monkeypatch.setattr(sender, "TIMEOUT_SECONDS", 0.5)
    with slack_server.running() as server:
        settings.PORTAL_SLACK_TOKEN = Handler.token
        settings.PORTAL_SLACK_API_URL = server.url
        yield server


@pytest.fixture
def told(world: World, slack: Slack) -> World:
    """Everybody, in a pod whose requests are announced."""
    world.pod.slack_channel = "#payments"
    world.pod.save()
    return world
