"""The places that `PORTAL_CHECKPOINT_TO` names, and how a checkpoint gets to each."""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from http.client import HTTPException
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings
from django.utils.module_loading import import_string
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from audit.lines import checkpoint_line
from audit.models import Checkpoint
from audit.publishing import bucket
from audit.publishing.sending import TIMEOUT_SECONDS, Unsent, send

# The client reports what it does below this level; failures are reported by the outbox.
quiet = logging.getLogger("audit.publishing.slack")
quiet.setLevel(logging.CRITICAL)

FILE, SLACK, BUCKET = "file:", "slack:", "s3://"
WEBHOOKS = ("http://", "https://")
# Instead of a channel: the channel of every pod that has one.
PODS = "pods"
EVERY_ONE = dt.timedelta()
DAILY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where checkpoints are kept. `name` is shown and stored: an address may hold a secret, so it is no part of it.

    `take` raises Unsent. `newest_alone`: one holds the hashes of all before it, and people need not read every one.
    """

    name: str
    take: Callable[[Checkpoint], None]
    newest_alone: bool = False
    pause: dt.timedelta = EVERY_ONE


def places() -> Iterator[Place]:
    """Those of the settings."""
    for written in settings.PORTAL_CHECKPOINT_TO:
        yield from _places_of(written)


def unknown() -> list[str]:
    """The kinds of those that nothing can be sent to, for the system check."""
    kinds = (FILE, SLACK, BUCKET, *WEBHOOKS)
    return [written.partition(":")[0] for written in settings.PORTAL_CHECKPOINT_TO if not written.startswith(kinds)]


def _places_of(written: str) -> Sequence[Place]:
    if written.startswith(FILE):
        return [Place(written, partial(_append, written.removeprefix(FILE)))]
    if written.startswith(BUCKET):
        name, _, prefix = written.removeprefix(BUCKET).partition("/")
        return [Place(written, partial(bucket.put, name, prefix))]
    if written.startswith(WEBHOOKS):
        return [Place(_veiled(written), partial(_post, written))]
    if written.startswith(SLACK):
        channel = written.removeprefix(SLACK)
        channels = import_string(settings.CHECKPOINT_CHANNELS)() if channel == PODS else [channel]
        return [Place(f"{SLACK}{name}", partial(_tell, name), newest_alone=True, pause=DAILY) for name in channels]
    return []


def _veiled(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.hostname}/… ({sha256(address.encode()).hexdigest()[:8]})"


def _append(path: str, checkpoint: Checkpoint) -> None:
    """One more line, on the disk before we go on."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            os.write(file, checkpoint_line(checkpoint).encode())
            os.fsync(file)
        finally:
            os.close(file)
    except OSError as error:
        raise Unsent(f"The file cannot be written: {error.strerror}") from error


def _post(address: str, checkpoint: Checkpoint) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": checkpoint.hash}
    send("POST", address, checkpoint_line(checkpoint).encode(), headers)


def _tell(channel: str, checkpoint: Checkpoint) -> None:
    """A message that people can keep: the line itself stands in it."""
    text = f"Checkpoint {checkpoint.number} of the audit log covers {checkpoint.seq:,} entries."
    line = {"type": "text", "text": checkpoint_line(checkpoint).rstrip("\n")}
    blocks = [
        {"type": "section", "text": {"type": "plain_text", "text": text}},
        {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [line]}]},
    ]
    if not settings.PORTAL_SLACK_TOKEN:
        raise Unsent("PORTAL_SLACK_TOKEN is not set")
    # By its id Slack drops a repeat.
    key = str(uuid5(NAMESPACE_URL, f"{channel}#{checkpoint.hash}"))
    message = {"channel": channel, "text": text, "blocks": blocks, "client_msg_id": key}
    try:
        _client().api_call("chat.postMessage", json=message)
    except SlackApiError as error:
        said = str(error.response.get("error", "")) if error.response is not None else ""
        raise Unsent(f"Slack refused it: {said[:80] if said.isidentifier() else 'without a word'}") from error
    except (OSError, HTTPException, SlackClientError, ValueError) as error:
        raise Unsent(f"Slack did not answer: {type(error).__name__}") from error


def _client() -> WebClient:
    # No retries of its own: the outbox has them.
    return WebClient(
        token=settings.PORTAL_SLACK_TOKEN,
        base_url=settings.PORTAL_SLACK_API_URL,
        timeout=TIMEOUT_SECONDS,
        retry_handlers=[],
        logger=quiet,
    )
