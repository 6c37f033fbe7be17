"""A small server that speaks Slack's API: it posts, edits, reads history, and fails, hangs and limits when told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

CHANNELS = {"#payments": "C0PAYMENTS1", "C0PAYMENTS1": "C0PAYMENTS1"}

Message: TypeAlias = dict[str, Any]
# What to do with one call instead of answering it: a status, headers and a body.
Answer: TypeAlias = tuple[int, dict[str, str], str]


@dataclass
class Slack:
    """What the server was asked, what it holds, and how it misbehaves."""

    url: str = ""
    calls: list[tuple[str, Message]] = field(default_factory=list)
    messages: dict[str, Message] = field(default_factory=dict)
    # One entry per coming call: answered with this, in order, before the server behaves again.
    faults: list[Callable[[str], Answer | None]] = field(default_factory=list)
    # Whether the real service's memory of `client_msg_id` works.
    remembers_ids: bool = True
    lock: threading.Lock = field(default_factory=threading.Lock)
    let_go: threading.Event = field(default_factory=threading.Event)

    def methods(self) -> list[str]:
        """The methods that were called, in order."""
        return [method for method, _ in self.calls]

    def last(self) -> Message:
        """The newest message as it is now."""
        return self.messages[max(self.messages)]

    def button(self) -> str:
        """Where the newest message's button leads, "" without one."""
        buttons = [b["elements"][0] for b in self.last()["blocks"] if b["type"] == "actions"]
        return str(buttons[0]["url"]) if buttons else ""

    def refuse(self, code: str) -> None:
        """Answer the next call with an error of Slack's."""
        self.faults.append(lambda _: (200, {}, json.dumps({"ok": False, "error": code})))

    def limit(self, seconds: int) -> None:
        """Answer the next call with 429."""
        body = json.dumps({"ok": False, "error": "ratelimited"})
        self.faults.append(lambda _: (429, {"Retry-After": str(seconds)}, body))

    def break_down(self) -> None:
        """Answer the next call with a page instead of JSON."""
        self.faults.append(lambda _: (503, {}, "<html>upstream</html>"))

    def hang(self) -> None:
        """Let the next call wait until `let_go`, and answer nothing."""

        def wait(_: str) -> None:
            self.let_go.wait(20)

        self.faults.append(wait)

    def post_and_hang(self) -> None:
        """Take the next message, and never say so."""

        def take(method: str) -> None:
            self.answer(method, self.calls[-1][1])
            self.let_go.wait(20)

        self.faults.append(take)

    def answer(self, method: str, body: Message) -> Message:
        """What Slack would say."""
        channel = CHANNELS.get(str(body.get("channel")))
        if channel is None:
            return {"ok": False, "error": "channel_not_found"}
        with self.lock:
            return getattr(self, "_" + method.replace(".", "_"))(channel, body)  # type: ignore[no-any-return]

    def _chat_postMessage(self, channel: str, body: Message) -> Message:  # noqa: N802 -- Slack's name
        for ts, known in self.messages.items():
            if self.remembers_ids and known["client_msg_id"] == body["client_msg_id"]:
                return {"ok": True, "channel": channel, "ts": ts}
        ts = f"{1_700_000_000 + len(self.messages)}.000100"
        self.messages[ts] = {**body, "ts": ts}
        return {"ok": True, "channel": channel, "ts": ts}

    def _chat_update(self, channel: str, body: Message) -> Message:
        if body["ts"] not in self.messages:
            return {"ok": False, "error": "message_not_found"}
        self.messages[body["ts"]].update(body)
        return {"ok": True, "channel": channel, "ts": body["ts"]}

    def _conversations_history(self, channel: str, body: Message) -> Message:
        if str(body["channel"]) != channel:
            return {"ok": False, "error": "channel_not_found"}
        assert body["include_all_metadata"] in {"1", "true", "True"}
        return {"ok": True, "messages": list(self.messages.values()), "response_metadata": {"next_cursor": ""}}


class Handler(BaseHTTPRequestHandler):
    """HTTP around `Slack.answer`."""

    slack: Slack
    token = "xoxb-test"

    def do_POST(self) -> None:
        """One call of the API."""
        method = urlsplit(self.path).path.removeprefix("/api/")
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        is_json = "json" in self.headers.get("Content-Type", "")
        body = json.loads(raw) if is_json else dict(parse_qsl(raw) + parse_qsl(urlsplit(self.path).query))
        self.slack.calls.append((method, body))
        if self.slack.faults:
            fault = self.slack.faults.pop(0)(method)
            if fault is not None:
                self._send(*fault)
            return
        if self.headers["Authorization"] != f"Bearer {self.token}":
            self._send(200, {}, json.dumps({"ok": False, "error": "invalid_auth"}))
            return
        self._send(200, {}, json.dumps(self.slack.answer(method, body)))

    def _send(self, status: int, headers: dict[str, str], body: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        """Say nothing."""


@contextmanager
def running() -> Iterator[Slack]:
    """The server, on a free port of loopback."""
    slack = Slack()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OneHandler", (Handler,), {"slack": slack}))
    server.daemon_threads = True
    slack.url = f"http://127.0.0.1:{server.server_address[1]}/api/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield slack
    finally:
        slack.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join()
