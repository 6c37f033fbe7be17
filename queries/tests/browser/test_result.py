"""A result worked with: cells chosen, copied and opened from the keyboard and with the mouse, columns held in sight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import expect

from queries.tests.browser.conftest import PATIENCE_MS
from queries.tests.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

STATEMENT = (
    "SELECT n, 'Value ' || n AS word, n * 1.50 AS amount, '{\"a\": [1.50]}'::jsonb AS document,"
    " repeat('wide ', 60) AS wide FROM generate_series(1, 20) AS n"
)
pytestmark = pytest.mark.browser


@pytest.fixture
def window(portal: str, committed: World, browser: Browser) -> Page:
    """The author's, before the result."""
    query = committed.executed(STATEMENT)
    context = browser.new_context(
        viewport={"width": 1000, "height": 900}, permissions=["clipboard-read", "clipboard-write"]
    )
    context.set_default_timeout(PATIENCE_MS)
    client = Client()
    client.force_login(committed.author)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": portal}])
    page = context.new_page()
    page.goto(f"{portal}/queries/{query.public_id}/result/?pin=1&pin=3&sort=-1")
    return page


def clipboard(window: Page, start: str) -> str:
    """What is in the clipboard, once that begins as it should; what was there before it does not."""
    text = ""
    for _ in range(PATIENCE_MS // 100):
        text = str(window.evaluate("navigator.clipboard.readText()"))
        if text.startswith(start):
            break
        window.wait_for_timeout(100)
    return text


def test_cells_are_chosen_copied_and_opened(window: Page) -> None:
    refused: list[str] = []
    window.on("console", lambda line: refused.append(line.text) if "Content Security" in line.text else None)
    # Pinned columns stand beside each other however far the table is scrolled.
    window.evaluate("document.querySelector('[data-grid]').scrollLeft = 300")
    heads = [window.locator(f'th[data-column="{column}"]').bounding_box() for column in (1, 3)]
    assert heads[0] is not None
    assert heads[1] is not None
    assert heads[1]["x"] == pytest.approx(heads[0]["x"] + heads[0]["width"], abs=1)
    window.evaluate("document.querySelector('[data-grid]').scrollLeft = 0")

    first = window.locator("[data-grid] tbody tr").nth(0).locator("td").nth(1)
    first.focus()
    window.keyboard.press("ArrowDown")
    window.keyboard.press("Shift+ArrowDown")
    window.keyboard.press("Shift+ArrowRight")
    expect(window.locator("td.is-chosen")).to_have_count(4)
    window.keyboard.press("Control+c")
    expect(window.get_by_text("Copied")).to_be_visible()
    assert clipboard(window, "n") == "n\tamount\n19\t28.50\n18\t27.00\n"

    window.locator("summary", has_text="Cop").click()
    expect(window.get_by_text("The chosen cells: 2 × 2.")).to_be_visible()
    window.get_by_role("button", name="IN list").click()
    assert clipboard(window, "(") == "((19, 28.50), (18, 27.00))\n"
    window.keyboard.press("Escape")

    document = window.locator("[data-grid] tbody tr").nth(2).locator("td").nth(4)
    document.dblclick()
    dialog = window.get_by_role("dialog", name="Value")
    expect(dialog.locator(".json__number")).to_have_text("1.50")
    dialog.get_by_role("button", name="Copy").click()
    assert clipboard(window, "{") == '{"a": [1.50]}'
    window.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(document).to_be_focused()
    assert refused == []
