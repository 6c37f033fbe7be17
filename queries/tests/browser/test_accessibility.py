"""Every main page in axe-core: light and dark, on a desk and on a phone, without one violation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import User
from queries import services
from queries.tests.browser.conftest import PATIENCE_MS
from queries.tests.services.test_grants import granted
from queries.tests.services.test_templates import asked, kept
from queries.tests.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text()
# `evaluate` is the browser's own debugger: the page's policy, which refuses such a script, stays as it is.
RUN = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.map((found) =>
  `${found.id}: ${found.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(" | ")}`)"""
WIDE_SQL = "SELECT NULL AS nothing, '' AS empty, repeat('long ', 500) AS long, 1.50 AS number, " + ", ".join(
    f"{i} AS column_{i}" for i in range(50)
)
DESK, PHONE = (1440, 900), (390, 844)
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(committed: World) -> dict[str, tuple[User | None, str]]:
    """The pages to look at: who looks, and where."""
    world = committed
    risky = world.submitted("DELETE FROM effects", access="write", reason="Clean up\n\nAll of it is old.")
    ended = world.executed(WIDE_SQL, reason="Odd values")
    again = world.executed(WIDE_SQL, reason="Odd values, again")
    charted = world.executed("SELECT 'Shop ' || n AS shop, n AS visits, n * 2 AS sold FROM generate_series(1, 9) AS n")
    failed = world.executed("SELECT 1/0 AS never", reason="Fails")
    numbers = services.Typed("n", "list", ["1", "2"], of="integer")
    changes = world.submitted("SELECT :n", reason="First try", parameters=(numbers,))
    services.comment(actor=world.reviewer, query_id=changes.pk, text="Which one, @author?", line=1)
    services.reject(actor=world.reviewer, query_id=changes.pk, comment="Name the column.", ask_for_changes=True)
    nothing = services.Typed("m", "text", "")
    draft = world.draft("SELECT :n AS n, :m AS m", reason="Second try", parameters=(numbers, nothing))
    revised = services.submit(actor=world.author, draft=draft, revises=changes)
    seen = world.submitted("UPDATE items SET name = 'seen'", access="write", reason="Rehearsed", expects=1)
    services.rehearse(actor=world.reviewer, query_id=seen.pk, digest=seen.digest)
    broken = world.submitted("UPDATE items SET id = 1", access="write", reason="Cannot be rehearsed")
    services.rehearse(actor=world.reviewer, query_id=broken.pk, digest=broken.digest)
    changed = world.executed("INSERT INTO effects (tag) VALUES ('undone')", access="write", reason="To be taken back")
    undo = services.undo(actor=world.author, query_id=changed.pk)
    template = kept(world, description="One item, by its number.")
    granted(world, template)
    of_template = services.ask(actor=world.author, template_id=template.pk, asked=asked(template))
    author, reviewer, auditor, admin = world.author, world.reviewer, world.auditor, world.admin
    return {
        "sign in": (None, "/accounts/login/"),
        "home": (reviewer, "/"),
        "my requests": (author, "/queries/"),
        "no request": (world.outsider, "/queries/"),
        "new": (author, "/queries/new/"),
        "revise": (author, f"/queries/new/?revises={changes.public_id}"),
        "API": (author, "/api/docs/"),
        "out of office": (reviewer, "/accounts/absence/"),
        "queue": (reviewer, "/review/"),
        "queue, reject as stale": (reviewer, "/review/?choosing=yes"),
        "notices": (reviewer, "/notices/"),
        "queue, ended": (reviewer, "/review/?view=done"),
        "decide": (reviewer, f"/queries/{risky.public_id}/"),
        "rehearsed": (reviewer, f"/queries/{seen.public_id}/"),
        "rehearsal failed": (reviewer, f"/queries/{broken.public_id}/"),
        "undo": (reviewer, f"/queries/{undo.public_id}/"),
        "confirm": (reviewer, f"/queries/{seen.public_id}/#confirm"),
        "waiting": (author, f"/queries/{risky.public_id}/"),
        "ended": (author, f"/queries/{ended.public_id}/"),
        "failed": (author, f"/queries/{failed.public_id}/"),
        "changes asked for": (author, f"/queries/{changes.public_id}/"),
        "difference": (reviewer, f"/queries/{revised.public_id}/"),
        "result": (author, f"/queries/{ended.public_id}/result/"),
        "result, arranged": (
            author,
            f"/queries/{ended.public_id}/result/?q=long&on=4&is=gt&to=1&sort=-4&pin=4&col=1-8",
        ),
        "results compared": (author, f"/queries/{again.public_id}/result/difference/?with={ended.public_id}&key=4"),
        "chart": (author, f"/queries/{charted.public_id}/result/?view=chart"),
        "one row": (author, f"/queries/{ended.public_id}/result/?view=record"),
        "one value": (author, f"/queries/{ended.public_id}/result/cell/?row=1&column=3"),
        "templates": (author, "/templates/"),
        "template": (author, f"/templates/{template.public_id}/"),
        "template, for who approves in advance": (reviewer, f"/templates/{template.public_id}/"),
        "template, changed": (author, f"/templates/{template.public_id}/change/"),
        "template, new": (author, f"/templates/new/?query={ended.public_id}"),
        "approved in advance": (author, f"/queries/{of_template.public_id}/"),
        "pods": (author, "/pods/"),
        "pod": (author, f"/pods/{world.pod.slug}/"),
        "target": (author, f"/pods/{world.pod.slug}/{world.target.slug}/?q=items"),
        "target, of others": (auditor, f"/pods/{world.pod.slug}/{world.target.slug}/"),
        "not allowed": (author, "/audit/"),
        "audit log": (auditor, "/audit/"),
        "profile": (author, "/accounts/profile/"),
        "password": (author, "/accounts/password/"),
        "not found": (author, "/nowhere/"),
        "admin": (admin, "/admin/"),
        "admin, pod": (admin, f"/admin/pods/pod/{world.pod.pk}/change/"),
        "admin, target": (admin, "/admin/pods/target/add/"),
        "admin, user": (admin, "/admin/accounts/user/add/"),
    }


@pytest.fixture(params=[(scheme, size) for scheme in ("light", "dark") for size in (DESK, PHONE)], ids=str)
def window(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A window in a colour scheme and a size, and an errand for whoever sits before it."""
    scheme, (width, height) = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def test_no_page_has_a_violation(portal: str, pages: dict[str, tuple[User | None, str]], window: Page) -> None:
    refused: list[str] = []
    window.on("console", lambda line: _note_refusal(line, refused))
    found = {name: _look(window, portal, *page) for name, page in pages.items()}
    assert {name: faults for name, faults in found.items() if faults} == {}
    assert refused == []


def _note_refusal(line: ConsoleMessage, refused: list[str]) -> None:
    """What the page's policy refused of the page itself; what axe tries has no address."""
    if "Content Security Policy" in line.text and line.location["url"]:
        refused.append(f"{line.location['url']}: {line.text}")


def _look(window: Page, portal: str, user: User | None, path: str) -> list[str]:
    window.context.clear_cookies()
    if user is not None:
        client = Client()
        client.force_login(user)
        window.context.add_cookies(
            [
                {
                    "name": settings.SESSION_COOKIE_NAME,
                    "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
                    "url": portal,
                }
            ]
        )
    window.goto(portal + path)
    if path.endswith("#confirm"):
        window.get_by_role("button", name="Approve and run").first.click()
    window.evaluate(AXE)
    faults: list[Any] = window.evaluate(RUN)
    if window.evaluate("document.documentElement.scrollWidth > innerWidth"):
        faults.append("the page scrolls sideways")
    return [str(fault) for fault in faults]
