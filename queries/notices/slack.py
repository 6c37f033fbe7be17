"""Slack: one message per request, posted once and edited in place ever after.

Posting and storing the address of the post cannot be one act. Before the first post the outbox stores that one is
under way; a sender that finds this mark from an earlier attempt looks for the message in the channel's history, by the
notice's key in its metadata, and posts only if it is not there. Where the history may not be read (no scope
`channels:history`, or the channel is known by name only) the same key as `client_msg_id` lets Slack drop the repeat.
"""

import logging
import re
import socket
import ssl
from collections.abc import Mapping
from functools import cache
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from django.conf import settings
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from queries.models import Notice
from queries.notices import outbox
from queries.notices.blocks import blocks, fallback
from queries.notices.outbox import Failure, SlowDown
from queries.notices.wording import said

TIMEOUT_SECONDS = 10
SLOW_SECONDS = 15 * 60.0
EVENT = "query_portal_request"
CHANNEL_ID = re.compile(r"\A[CGD][A-Z0-9]{7,}\Z")
HISTORY_PAGES = 10
# Our clock and Slack's differ by less.
CLOCK_SLACK_SECONDS = 300

# Nothing gets through until somebody changes the token or the app.
ACCOUNT = frozenset({
    "account_inactive", "invalid_auth", "missing_scope", "no_permission", "not_allowed_token_type", "not_authed",
    "org_login_required", "team_access_not_granted", "token_expired", "token_revoked",
})  # fmt: skip
# Slack's own trouble; what was sent may have been taken.
TROUBLE = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})
# Somebody deleted the message: they do not want it back.
DELETED = frozenset({"message_not_found", "duplicate_message_not_found"})
NEVER_SPOKE = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)
RATE_LIMITED = "ratelimited"
TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500

# The client reports what it does, statements included, below this level; failures are reported by the sender.
quiet = logging.getLogger("queries.notices.slack.client")
quiet.setLevel(logging.CRITICAL)


class Deleted(Exception):
    """The message is gone from Slack."""


def deliver(notice: Notice, *, perhaps_posted: bool) -> str:
    """Make the message show the request as it is; a remark, or "". Raises Failure."""
    try:
        if not notice.message_ts and perhaps_posted:
            _find(notice)
        if notice.message_ts:
            _call("chat.update", {**_message(notice), "channel": notice.message_channel, "ts": notice.message_ts})
        else:
            _post(notice)
    except Deleted:
        return "The message was deleted in Slack."
    return ""


def _post(notice: Notice) -> None:
    address = {"channel": notice.channel, "client_msg_id": str(notice.key)}
    answer = _call("chat.postMessage", {**_message(notice), **address})
    _remember(notice, str(answer["channel"]), str(answer["ts"]))


def _message(notice: Notice) -> dict[str, object]:
    words = said(notice.query)
    return {
        "text": fallback(words),
        "blocks": blocks(notice.query, words),
        "metadata": {"event_type": EVENT, "event_payload": {"key": str(notice.key)}},
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _remember(notice: Notice, channel: str, ts: str) -> None:
    notice.message_channel, notice.message_ts = channel, ts
    outbox.posted(notice, channel, ts)


# --- finding what an earlier sender posted ---------------------------------------------------------


def _find(notice: Notice) -> None:
    """Set the address of the message if it is in the channel's history."""
    channel = _channel_id(notice)
    if not channel or notice.posting_at is None:
        return
    oldest = f"{notice.posting_at.timestamp() - CLOCK_SLACK_SECONDS:.6f}"
    query: dict[str, object] = {
        "channel": channel, "oldest": oldest, "limit": 200, "include_all_metadata": True,
    }  # fmt: skip
    for _ in range(HISTORY_PAGES):
        try:
            page = _call("conversations.history", query)
        except SlowDown:
            raise
        except Failure as failure:
            if failure.reached:
                raise
            # Not permitted to look: `client_msg_id` alone keeps the post from being repeated.
            return
        for message in page.get("messages", []):
            if _is_ours(message, notice):
                _remember(notice, channel, str(message["ts"]))
                return
        query["cursor"] = (page.get("response_metadata") or {}).get("next_cursor")
        if not query["cursor"]:
            return


def _is_ours(message: Mapping[str, object], notice: Notice) -> bool:
    metadata = message.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("event_type") != EVENT:
        return False
    payload = metadata.get("event_payload")
    return isinstance(payload, dict) and payload.get("key") == str(notice.key)


def _channel_id(notice: Notice) -> str:
    """The id of the channel, which its history needs: given as such, or learnt from an earlier message to it."""
    if CHANNEL_ID.match(notice.channel):
        return notice.channel
    earlier = Notice.objects.filter(channel=notice.channel).exclude(message_channel="").order_by("-pk")
    return earlier.values_list("message_channel", flat=True).first() or ""


# --- calling ---------------------------------------------------------------------------------------


@cache
def _client(token: str, url: str) -> WebClient:
    # No retries of its own: a request that was repeated after a lost answer is a second message.
    return WebClient(token=token, base_url=url, timeout=TIMEOUT_SECONDS, retry_handlers=[], logger=quiet)


def _call(method: str, body: Mapping[str, object]) -> dict[str, Any]:
    """One call; the answer. Raises Failure or Deleted."""
    client = _client(settings.PORTAL_SLACK_TOKEN, settings.PORTAL_SLACK_API_URL)
    form = method.startswith("conversations.")
    try:
        answer = client.api_call(method, params=dict(body)) if form else client.api_call(method, json=dict(body))
    except SlackApiError as error:
        raise _refused(method, error) from error
    except URLError as error:
        # Only what never came to speak with Slack cannot have posted.
        heard = not isinstance(error.reason, NEVER_SPOKE)
        raise Failure(f"Slack cannot be reached: {error.reason}", reached=heard, everybody=True) from error
    except (OSError, HTTPException, SlackClientError, ValueError) as error:
        raise Failure(f"Slack did not answer: {type(error).__name__}", reached=True, everybody=True) from error
    return dict(answer.data) if isinstance(answer.data, dict) else {}


def _refused(method: str, error: SlackApiError) -> Exception:
    response = error.response
    code = str(response.get("error", "")) if response is not None else ""
    # A code is a word; anything else is a page that something between us and Slack made up.
    code = code[:80] if code.isidentifier() else ""
    status = getattr(response, "status_code", 0)
    if status == TOO_MANY_REQUESTS or code == RATE_LIMITED:
        return SlowDown("Slack asks for a pause", after=_retry_after(response.headers))
    if status >= SERVER_ERROR or code in TROUBLE or not code:
        return Failure(f"Slack is in trouble: {status} {code}", reached=True, everybody=True)
    if code in DELETED:
        return Deleted()
    return Failure(f"Slack refused {method}: {code}", after=SLOW_SECONDS, everybody=code in ACCOUNT)


def _retry_after(headers: Mapping[str, object]) -> float:
    value = next((str(value) for name, value in headers.items() if name.lower() == "retry-after"), "")
    return float(value) if value.isascii() and value.isdigit() else 30.0
