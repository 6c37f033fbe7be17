"""A result as a chart: opened from its tab, read with the keys, in both themes, and as a table without JavaScript."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import expect

from queries.tests.browser.conftest import PATIENCE_MS
from queries.tests.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

STATEMENT = (
    "SELECT date '2026-01-01' + n AS day, 'Shop ' || n AS shop, n * n AS visits, 1234567890123456789.25 + n AS amount,"
    " CASE WHEN n % 2 = 0 THEN 1e30 ELSE -1e-30 END AS far FROM generate_series(1, 12) AS n"
)
# Pixels of a canvas that are not empty.
INK = """() => { const canvas = document.querySelector("[data-chart-plot] canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, at) => at % 4 === 3 && value > 0).length; }"""
pytestmark = pytest.mark.browser


def context_of(portal: str, world: World, browser: Browser, *, with_scripts: bool = True) -> BrowserContext:
    """The author's window."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, java_script_enabled=with_scripts)
    context.set_default_timeout(PATIENCE_MS)
    client = Client()
    client.force_login(world.author)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": portal}])
    return context


def test_a_chart_is_drawn_and_read(portal: str, committed: World, browser: Browser) -> None:
    address = f"{portal}/queries/{committed.executed(STATEMENT).public_id}/result/"
    window = context_of(portal, committed, browser).new_page()
    faults: list[str] = []
    window.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    window.on("pageerror", lambda error: faults.append(str(error)))
    loaded: list[str] = []
    window.on("request", lambda request: loaded.append(request.url))
    window.goto(address)
    assert not [url for url in loaded if "vendor/chart" in url]
    window.get_by_role("link", name="Chart", exact=True).click()
    expect(window.locator("[data-chart-plot] canvas")).to_be_visible()
    assert window.evaluate(INK) > 1000
    reading = window.locator("[data-chart-reading]")
    window.locator("[data-chart-plot]").focus()
    window.keyboard.press("ArrowRight")
    expect(reading).to_have_text("day 2026-01-02: visits 1")
    window.keyboard.press("End")
    expect(reading).to_have_text("day 2026-01-13: visits 144")
    window.keyboard.press("Escape")
    expect(reading).to_have_text("")
    # Bars of names; numbers nobody can tell apart, and those at either end of what is drawn.
    for asked in ("?view=chart&x=2&y=3&y=4&y=5", "?view=chart&y=4", "?view=chart&y=5"):
        window.goto(address + asked)
        expect(window.locator("[data-chart-plot] canvas")).to_be_visible()
        assert window.evaluate(INK) > 1000
    window.goto(address + "?view=chart&x=2&y=3&y=4&y=5")
    for theme in ("light", "dark"):
        for width in (1440, 390):
            window.emulate_media(color_scheme=theme)
            window.set_viewport_size({"width": width, "height": 900})
            assert window.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert faults == []


def test_without_javascript_there_is_the_table(portal: str, committed: World, browser: Browser) -> None:
    address = f"{portal}/queries/{committed.executed(STATEMENT).public_id}/result/"
    window = context_of(portal, committed, browser, with_scripts=False).new_page()
    window.goto(address)
    expect(window.get_by_role("link", name="Chart", exact=True)).to_have_count(0)
    window.goto(f"{address}?view=chart")
    expect(window.locator("[data-chart-plot]")).to_be_hidden()
    expect(window.get_by_text("A line of 12 rows by day, from 2026-01-02 to 2026-01-13.")).to_be_visible()
    expect(window.locator("[data-grid] tbody tr")).to_have_count(12)
