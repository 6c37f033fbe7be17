"""Rehearse, approve at most so many rows, see what changed: with scripts and without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from queries.models import Decision, QueryRequest
from queries.tests.browser.conftest import PATIENCE_MS
from queries.tests.browser.test_main_job import PASSWORD, sign_in
from queries.tests.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture
def reviewer(committed: World) -> World:
    """Somebody who can sign in and decide."""
    committed.reviewer.set_password(PASSWORD)
    committed.reviewer.save()
    return committed


def window(browser: Browser, *, scripts: bool) -> Page:
    context = browser.new_context(java_script_enabled=scripts)
    context.set_default_timeout(PATIENCE_MS)
    return context.new_page()


def write(world: World) -> QueryRequest:
    return world.submitted("UPDATE items SET name = 'seen' WHERE id > 1", access="write", reason="Seen first")


def bound_of(query: QueryRequest) -> int | None:
    return Decision.objects.get(query=query).bound


def test_rehearse_then_approve_with_scripts(portal: str, reviewer: World, browser: Browser) -> None:
    query, page = write(reviewer), window(browser, scripts=True)
    faults = sign_in(page, portal, reviewer.reviewer)
    page.goto(f"{portal}/queries/{query.public_id}/")
    page.evaluate("window.stayed = true")
    page.get_by_label("Comment").fill("Typed before")
    assert page.get_by_label("Rows it may change at most").input_value() == "10,000"
    page.get_by_role("button", name="Rehearse").click()
    page.get_by_text("2 rows of items would be changed").wait_for()
    assert page.evaluate("window.stayed")
    assert page.get_by_label("Comment").input_value() == "Typed before"
    assert page.get_by_label("Rows it may change at most").input_value() == "3"
    assert "2 rows, as rehearsed" in page.locator("[data-would-change]").inner_text()
    page.get_by_label("Rows it may change at most").fill("2")
    page.get_by_role("button", name="Approve and run, at most 2 rows").click()
    dialog = page.get_by_role("dialog")
    text = dialog.inner_text()
    assert [word for word in ("Orders", "items", "2 rows, as rehearsed", "2 rows, else") if word not in text] == []
    dialog.get_by_role("button", name="Approve and run").click()
    page.get_by_text("2 rows of items changed").wait_for()
    assert (bound_of(query), faults) == (2, [])
    page.context.close()


def test_rehearse_then_approve_without_scripts(portal: str, reviewer: World, browser: Browser) -> None:
    query, page = write(reviewer), window(browser, scripts=False)
    sign_in(page, portal, reviewer.reviewer)
    page.goto(f"{portal}/queries/{query.public_id}/")
    page.get_by_label("Comment").fill("Typed before")
    page.get_by_role("button", name="Rehearse").click()
    assert "2 rows of items would be changed" in page.inner_text("main")
    assert page.get_by_label("Comment").input_value() == "Typed before"
    page.get_by_role("button", name="Approve and run, at most 3 rows").click()
    assert "Run this write in production?" in page.inner_text("main")
    page.get_by_role("button", name="Approve and run, at most 3 rows").click()
    assert "2 rows of items changed" in page.inner_text("main")
    assert bound_of(query) == 3
    page.context.close()


def test_bound_that_was_typed_outlives_a_rehearsal(portal: str, reviewer: World, browser: Browser) -> None:
    query, page = write(reviewer), window(browser, scripts=True)
    sign_in(page, portal, reviewer.reviewer)
    page.goto(f"{portal}/queries/{query.public_id}/")
    page.get_by_label("Rows it may change at most").fill("1,234")
    page.get_by_role("button", name="Approve and run, at most 1,234 rows").wait_for()
    page.get_by_role("button", name="Rehearse").click()
    page.get_by_text("2 rows of items would be changed").wait_for()
    assert page.get_by_label("Rows it may change at most").input_value() == "1,234"
    page.context.close()


def test_rows_are_asked_for_of_writes_alone(portal: str, reviewer: World, browser: Browser) -> None:
    page = window(browser, scripts=True)
    sign_in(page, portal, reviewer.reviewer)
    page.goto(f"{portal}/queries/new/")
    field = page.get_by_label("Rows it should change")
    assert not field.is_visible()
    page.locator("[name=access][value=write]").check(force=True)
    assert field.is_visible()
    page.context.close()
