"""What a browser has to fetch for a page it never saw: everything, compressed as it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import brotli
import pytest

from queries.tests.browser.test_chart import context_of
from queries.tests.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Response

# Fonts are compressed already.
AS_THEY_ARE = (".woff2",)
pytestmark = pytest.mark.browser


def sent(response: Response) -> int:
    body = response.body()
    return len(body) if response.url.endswith(AS_THEY_ARE) else len(brotli.compress(body))


@pytest.mark.parametrize(("path", "most"), [("/", 120_000), ("/queries/new/", 290_000)])
def test_a_page_fetches_no_more_than_its_budget(
    portal: str, committed: World, browser: Browser, path: str, most: int
) -> None:
    responses: list[Response] = []
    window = context_of(portal, committed, browser).new_page()
    window.on("response", lambda response: responses.append(response))  # noqa: PLW0108 -- of a method it cannot keep
    window.goto(portal + path, wait_until="networkidle")
    sizes = {response.url.removeprefix(portal): sent(response) for response in responses if response.ok}
    assert sizes.keys() > {path}
    assert sum(sizes.values()) <= most, sorted(sizes.items(), key=lambda item: -item[1])[:8]
