"""The page of a request fetches its plan by itself, and shows the same without scripts by a link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache

from queries.tests.browser.test_main_job import everybody, pages, sign_in
from queries.tests.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
__all__ = ["everybody", "pages"]


def test_plan_comes_by_itself_and_its_rows_stand_beside_the_rest(
    portal: str, everybody: World, pages: dict[str, Page]
) -> None:
    cache.clear()
    page = pages["reviewer"]
    faults = sign_in(page, portal, everybody.reviewer)
    query = everybody.submitted("UPDATE items SET name = 'x' WHERE id = 1", access="write", expects=1)
    page.goto(f"{portal}/queries/{query.public_id}/")
    page.locator("#plan table").wait_for()
    assert page.locator("#plan meter").first.is_visible()
    estimate = page.locator("#effect [data-estimate] dd")
    estimate.wait_for()
    assert estimate.text_content() == "about 1 row"
    assert faults == []
